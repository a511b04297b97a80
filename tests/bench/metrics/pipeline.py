"""Twenty forks of a million points each: stitched, smoothed, thinned to pixels, compared.

`python -m tests.bench.metrics.pipeline`. CPU and wall time, the best of a few; everything is parsed and in memory.
"""

import time
from array import array

import numpy as np

from explorer.lineage.address import Node
from explorer.metrics import Subject, compare
from explorer.metrics.axes import Axis
from explorer.metrics.comparison import Comparison, NodeCurve
from explorer.metrics.pixels import Pixels
from explorer.metrics.series import EMPTY, Attempt, Series
from explorer.metrics.stitch import Branch, chains, stitch

COUNT, POINTS, PIXELS = 20, 1_000_000, 2000


def series(first, last, seed):
    steps = np.arange(first, last, dtype=np.float64)
    values = 2 + 3 * np.exp(-steps / 2e5) + np.random.default_rng(seed).normal(0, 0.03, len(steps))
    return Series(*(array("d", column.tobytes()) for column in (steps, values, steps + 1.7e9)))


def forks():
    root = Branch(Node("root"), (Attempt("r", "root", {"loss": series(0, POINTS, 0)}, started_s=1.0),))
    subjects = []
    for i in range(COUNT):
        at = POINTS // 2 + i * 10_000
        own = Attempt(f"f{i}", f"fork-{i}", {"loss": series(at + 1, POINTS, i + 1)}, restored_step=float(at))
        node = Node(f"fork-{i}")
        subjects.append(Subject(node, node.bucket, (), (root, Branch(node, (own,))), (root,)))
    return subjects


def best(name, call, times=5):
    walls, cpus = [], []
    for _ in range(times):
        wall, cpu = time.perf_counter(), time.process_time()
        made = call()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    print(f"{name:<52} {1000 * min(walls):8.1f} ms wall {1000 * min(cpus):8.1f} ms CPU", flush=True)
    return made


def stitched(subjects):
    """The lines alone, as curves to draw."""
    curves = []
    for subject in subjects:
        line = stitch(chains(subject.lineage)[0], "loss")
        none = EMPTY.steps
        curves.append(
            NodeCurve(
                subject.node, subject.label, (), none, none, none, line.own_at, line=line, on_steps=True
            )
        )
    return Comparison(Axis("loss").name, "step", tuple(curves))


def drawn(comparison, weight, low=0.0, high=float(POINTS)):
    pixels = Pixels(comparison)
    return [pixels.points(i, low, high, PIXELS, weight=weight) for i in range(COUNT)]


if __name__ == "__main__":
    subjects = forks()
    best("stitch", lambda: stitched(subjects))
    lines = stitched(subjects)
    best(f"thin to {PIXELS} pixels", lambda: drawn(lines, 0.0))
    for weight in (0.6, 0.9, 0.98):
        best(f"stitch, smooth {weight}, thin", lambda w=weight: drawn(stitched(subjects), w))
    kept = Pixels(lines)
    for i in range(COUNT):
        kept.points(i, 0.0, float(POINTS), PIXELS, weight=0.9)
    zoomed = lambda: [kept.points(i, 7e5, 8e5, PIXELS, weight=0.9) for i in range(COUNT)]  # noqa: E731
    best("zoomed to a tenth, smoothed before", zoomed)
    best("compare: deltas, best, parting", lambda: compare(subjects, "loss"), 3)
    best("compare, smoothed differences", lambda: compare(subjects, "loss", smoothing=0.9), 3)
    comparison = compare(subjects, "loss")
    best("all rows joined (frames, exports)", lambda: [c.values for c in comparison.nodes], 1)
