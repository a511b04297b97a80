"""Made-up lineages that look like training: for pictures and timings."""

import math
import random
from array import array
from dataclasses import replace

from explorer.lineage.address import Node
from explorer.metrics import Subject, compare
from explorer.metrics.series import Attempt, Series
from explorer.metrics.stitch import Branch

_NOW_NS = 1_764_000_000_000_000_000


def falling(first, last, *, every=1, floor=1.8, height=3.0, speed=800.0, noise=0.03, seed=0, wall=1.7e9):
    rng = random.Random(seed)
    steps = array("d", range(first, last + 1, every))
    values = array("d", (floor + height * math.exp(-s / speed) + rng.gauss(0, noise) for s in steps))
    return Series(steps, values, array("d", (wall + s for s in steps)))


def lineage(forks=5, length=2000, *, every=10, noise=0.02, blow_up=False, lost=False):
    """A root and forks of it at different steps with different learning rates, seeds and checkpoints."""
    rng = random.Random(1)
    saved = max(length // 10, 1)
    taken = [(float(s), Node("main", str(_NOW_NS + s))) for s in range(saved, length + 1, saved)]
    loss = falling(0, length, every=every, noise=noise)
    root = Branch(Node("main"), (Attempt("r0", "main", _metrics(loss, 3e-4), started_s=1.0),))
    told = (("lr", 3e-4), ("seed", 0))
    subjects = [Subject(Node("main"), "main", (), (root,), None, tuple(taken), told, "done")]
    for i in range(forks):
        at = length // 2 + (i % 3) * length // 10
        lr = round(10 ** rng.uniform(-5, -3), 6) if forks < 9 else (1e-5, 1e-4, 1e-3)[i % 3]
        values = _fork(loss, at, length, every, noise, i)
        if blow_up and i == 1:
            values = _blown_up(values, at, length)
        name = f"main-lr-{lr:.0e}-{i}"
        own = Attempt(f"r{i + 1}", name, _metrics(values, lr), restored_step=float(at))
        marks = [mark for mark in taken if mark[0] <= at]
        marks += [(float(s), Node(name, str(_NOW_NS + s))) for s in range(at + saved, length + 1, saved)]
        told = (("lr", lr), ("seed", i % 4), ("warmup", 100))
        changed = (("lr", lr), ("seed", i % 4)) if i % 4 else (("lr", lr),)
        lineage = (root, Branch(Node(name), _crashed(own, length) if lost and i < 2 else (own,)))
        state = "failed" if blow_up and i == 1 else "done"
        subjects.append(Subject(Node(name), name, changed, lineage, (root,), tuple(marks), told, state))
    return subjects


def _fork(parent, at, length, every, noise, i):
    """Leaves the parent smoothly, as training does."""
    tail = falling(
        at + every,
        length + (i % 4) * length // 20,
        every=every,
        floor=1.55 + 0.1 * (i % 6) + 0.02 * i,
        speed=max(800 - 60 * i, 250),
        noise=noise,
        seed=i + 7,
    )
    start = 1.8 + 3.0 * math.exp(-at / 800)
    gap = start - tail.values[0] if len(tail) else 0.0
    eased = (
        v + gap * math.exp(-(s - at) / (length / 10)) for s, v in zip(tail.steps, tail.values, strict=False)
    )
    return Series(tail.steps, array("d", eased), tail.walls)


def _blown_up(series, at, length):
    values = array(
        "d",
        (
            v + math.exp((s - at) / (length / 40)) * 0.01
            for s, v in zip(series.steps, series.values, strict=True)
        ),
    )
    for k in range(len(values) * 2 // 3, len(values)):
        values[k] = math.nan
    return Series(series.steps, values, series.walls)


def _crashed(own, length):
    """The same run in two attempts: the first went on for a while after the checkpoint, a little worse."""
    at, until = length * 0.7, length * 0.82
    first, second = {}, {}
    for name, series in own.series.items():
        k, end = (sum(step <= edge for step in series.steps) for edge in (at, until))
        worse = array("d", (v + 0.04 * (n >= k) for n, v in enumerate(series.values[:end])))
        first[name] = Series(series.steps[:end], worse, series.walls[:end])
        rest = series.cut(k, len(series))
        second[name] = Series(rest.steps, rest.values, array("d", (wall + 1e5 for wall in rest.walls)))
    later = replace(own, id=f"{own.id}-2", series=second, restored_step=at)
    return replace(own, series=first), later


def _metrics(loss, lr):
    """The loss, and what is logged beside it: a validation loss a little above, the learning rate, tokens."""
    rng = random.Random(lr)
    every = loss.steps[1] - loss.steps[0]
    coarse = [k for k, step in enumerate(loss.steps) if step % (5 * every) == 0]
    picked = [array("d", (column[k] for k in coarse)) for column in (loss.steps, loss.values, loss.walls)]
    val = Series(picked[0], array("d", (v + 0.08 + rng.gauss(0, 0.005) for v in picked[1])), picked[2])
    rates = array("d", (lr * min(1.0, (s + 1) / 200) for s in loss.steps))
    tokens = array("d", (s * 65_536 for s in loss.steps))
    return {
        "loss": loss,
        "val_loss": val,
        "lr": Series(loss.steps, rates, loss.walls),
        "tokens": Series(loss.steps, tokens, loss.walls),
    }


def comparison(**told):
    return compare(lineage(**told), "loss")
