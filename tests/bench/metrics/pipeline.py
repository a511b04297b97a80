"""Twenty forks of a million points each: stitched, smoothed, thinned to pixels, compared."""

import time
from array import array

import numpy as np

from explorer.lineage.address import Node
from explorer.metrics import Subject, compare
from explorer.metrics.series import Attempt, Series
from explorer.metrics.stitch import Branch, chains, stitch
from explorer.tui.charts.frame import frame
from explorer.tui.charts.lines import Lines, thinned
from explorer.tui.charts.view import View


def series(first, last, seed):
    steps = np.arange(first, last, dtype=np.float64)
    values = 2 + 3 * np.exp(-steps / 2e5) + np.random.default_rng(seed).normal(0, 0.03, len(steps))
    return Series(*(array("d", column.tobytes()) for column in (steps, values, steps + 1.7e9)))


def cpu(name, call):
    wall, start = time.perf_counter(), time.process_time()
    made = call()
    print(
        f"{name:<46} {1000 * (time.perf_counter() - wall):8.0f} ms wall {1000 * (time.process_time() - start):8.0f} ms CPU"
    )
    return made


if __name__ == "__main__":
    count, points = 20, 1_000_000
    root = Branch(Node("root"), (Attempt("r", "root", {"loss": series(0, points, 0)}, started_s=1.0),))
    subjects = []
    for i in range(count):
        at = points // 2 + i * 10_000
        own = Attempt(f"f{i}", f"fork-{i}", {"loss": series(at + 1, points, i + 1)}, restored_step=float(at))
        node = Node(f"fork-{i}")
        subjects.append(Subject(node, node.bucket, (), (root, Branch(node, (own,))), (root,)))
    cpu("stitch 20", lambda: [stitch(chains(s.lineage)[0], "loss") for s in subjects])
    comparison = cpu("compare 20 (deltas, best, parting)", lambda: compare(subjects, "loss"))
    lines = cpu("prepare 20", lambda: Lines(comparison))
    view = View(weight=0.9, full=True)
    cpu("smooth 20, the first time", lambda: [lines.points(i, view) for i in range(count)])
    cpu("thin 20 to 2000 pixels", lambda: [thinned(*lines.points(i, view)[:2], 2000) for i in range(count)])
    cpu("frame 120x40 smoothed, the first time", lambda: frame(lines, view, 120, 40))
    cpu("frame 120x40 smoothed, again", lambda: frame(lines, view, 120, 40))
    cpu("frame 120x40 zoomed to a tenth", lambda: frame(lines, View(weight=0.9, window=(7e5, 8e5)), 120, 40))
