"""Made-up lineages that look like training: for pictures and timings."""

import math
import random
from array import array

from explorer.lineage.address import Node
from explorer.metrics import Subject, compare
from explorer.metrics.series import Attempt, Series
from explorer.metrics.stitch import Branch


def falling(first, last, *, every=1, floor=1.8, height=3.0, speed=800.0, noise=0.03, seed=0, wall=1.7e9):
    rng = random.Random(seed)
    steps = array("d", range(first, last + 1, every))
    values = array("d", (floor + height * math.exp(-s / speed) + rng.gauss(0, noise) for s in steps))
    return Series(steps, values, array("d", (wall + s for s in steps)))


def lineage(forks=5, length=2000, *, every=10, noise=0.02, blow_up=False):
    """A root and forks of it at different steps with different learning rates."""
    rng = random.Random(1)
    root = Branch(
        Node("main"),
        (Attempt("r0", "main", {"loss": falling(0, length, every=every, noise=noise)}, started_s=1.0),),
    )
    subjects = [Subject(Node("main"), "main", (), (root,))]
    for i in range(forks):
        at = length // 2 + (i % 3) * length // 10
        lr = round(10 ** rng.uniform(-5, -3), 6)
        tail = falling(
            at + every,
            length + (i % 4) * length // 20,
            every=every,
            floor=1.55 + 0.1 * (i % 6) + 0.02 * i,
            height=3.0,
            speed=max(800 - 60 * i, 250),
            noise=noise,
            seed=i + 7,
        )
        # forks leave the parent smoothly, as training does
        start = 1.8 + 3.0 * math.exp(-at / 800)
        gap = start - tail.values[0] if len(tail) else 0.0
        values = array(
            "d",
            (
                v + gap * math.exp(-(s - at) / (length / 10))
                for s, v in zip(tail.steps, tail.values, strict=False)
            ),
        )
        if blow_up and i == 1:
            values = array(
                "d",
                (
                    v + math.exp((s - at) / (length / 12)) * 0.01
                    for s, v in zip(tail.steps, values, strict=False)
                ),
            )
            for k in range(len(values) * 2 // 3, len(values)):
                values[k] = math.nan
        name = f"main-lr-{lr:.0e}-{i}"
        own = Attempt(
            f"r{i + 1}", name, {"loss": Series(tail.steps, values, tail.walls)}, restored_step=float(at)
        )
        branch = Branch(Node(name), (own,))
        subjects.append(Subject(Node(name), name, (("lr", lr),), (root, branch), (root,)))
    return subjects


def comparison(**told):
    return compare(lineage(**told), "loss")
