"""States made up for the screens: small ones that look like a real week of work, and ones with n nodes."""

from __future__ import annotations

import math
import random

from immutables import Map

from explorer.lineage.address import Node
from explorer.lineage.state import State
from explorer.lineage.values import Bucket, Curve, Facts, Failure, Progress, RunView, Snapshot, StoreInfo

NOW_NS = 1_764_000_000_000_000_000
"""The frozen clock of all these tests."""
MINUTE_NS = 60 * 10**9
STORE = StoreInfo("local store", "http://127.0.0.1:9300", is_local=True)


def version(minutes_ago: float) -> str:
    return str(NOW_NS - int(minutes_ago * MINUTE_NS))


def curve(last: int, *, floor: float, start: float = 4.2, every: int = 10, own_from: int | None = 0) -> Curve:
    """A loss that falls like a real one, with a little noise that is always the same."""
    noise = random.Random(f"{last}{floor}")
    steps = tuple(range(every, last + 1, every))
    values = tuple(floor + (start - floor) * math.exp(-step / 140) + 0.02 * noise.random() for step in steps)
    return Curve("loss", steps, values, own_from)


def snapshots(
    bucket: str, steps: range, newest_minutes_ago: float, apart: float = 12
) -> tuple[Snapshot, ...]:
    found = [
        Snapshot(bucket, version(newest_minutes_ago + apart * index), f"step-{step}")
        for index, step in enumerate(reversed(steps))
    ]
    return tuple(reversed(found))


def week() -> State:
    """Six buckets: a base run, forks with other learning rates, one that diverged, one that runs."""
    base = snapshots("llama-base", range(100, 901, 100), 130)
    warm = snapshots("llama-lr-3e-5", range(500, 801, 100), 20)
    fast = snapshots("llama-lr-1e-3", range(500, 601, 100), 60)
    decay = snapshots("llama-wd-0.1", range(900, 1001, 100), 3)
    origin = next(s.node for s in base if s.name == "step-400")
    late = next(s.node for s in base if s.name == "step-800")
    from_warm = next(s.node for s in warm if s.name == "step-700")
    buckets = [
        Bucket("llama-base", int(version(300)), None, True, base),
        Bucket("llama-lr-3e-5", int(version(95)), origin, True, warm),
        Bucket("llama-lr-1e-3", int(version(94)), origin, True, fast),
        Bucket("llama-wd-0.1", int(version(40)), late, True, decay),
        Bucket("llama-lr-3e-5-f1", int(version(2)), from_warm, True, ()),
        Bucket("tokenizer", int(version(60 * 24 * 9)), None, False, ()),
    ]
    nan = curve(650, floor=2.3)
    broken = Curve("loss", nan.steps, (*nan.values[:-4], 5.1, math.nan, math.nan, math.nan), 400)
    facts = {
        s.node: Facts(s.step, 2_254_857_830, 4, f"checkpoints/{s.name}/")
        for b in buckets
        for s in b.snapshots
    }
    run = {
        "r1": RunView("r-20251124-1a2b", "llama-wd-0.1", late, "running", int(version(38))),
        "r2": RunView("r-20251124-77aa", "llama-lr-1e-3", origin, "failed", int(version(93)), int(version(59)),
                      1, reason="loss is nan at step 620"),
        "r3": RunView("r-20251124-9c0d", "llama-lr-3e-5", origin, "done", int(version(94)), int(version(18)), 0),
        "r4": RunView("r-20251123-0001", "llama-base", None, "done", int(version(260)), int(version(128)), 0),
    }  # fmt: skip
    return State(
        STORE,
        revision=12,
        tree_revision=3,
        stale=False,
        buckets=Map({b.name: b for b in buckets}),
        overrides=Map(
            {
                "llama-lr-3e-5": (("lr", 3e-5),),
                "llama-lr-1e-3": (("lr", 1e-3),),
                "llama-wd-0.1": (("weight_decay", 0.1),),
                "llama-lr-3e-5-f1": (),
            }
        ),
        facts=Map(facts),
        curves=Map(
            {
                "llama-base": curve(900, floor=2.05),
                "llama-lr-3e-5": curve(800, floor=1.98, own_from=410),
                "llama-lr-1e-3": broken,
                "llama-wd-0.1": curve(1030, floor=1.91, own_from=810),
            }
        ),
        prefetched=Map(
            {
                origin: Progress(2_254_857_830, 2_254_857_830),
                late: Progress(2_254_857_830, 2_254_857_830),
                warm[-1].node: Progress(924_491_710, 2_254_857_830, active=True),
            }
        ),
        runs=Map({r.id: r for r in run.values()}),
        failures=Map(
            {Node("tokenizer"): Failure("`tokenizer` keeps no snapshots.", "turn them on first", NOW_NS)}
        ),
    )


def many(nodes: int, forks: int = 24, seed: int = 7) -> State:
    """A lineage of about `nodes` rows: a long base run and forks of forks, each with a curve."""
    dice = random.Random(seed)
    each = max(2, nodes // (forks + 1))
    tick = 60 * 24 * 30 / nodes
    buckets: dict[str, Bucket] = {}
    curves: dict[str, Curve] = {}
    for index in range(forks + 1):
        name = f"run-{index:03d}"
        parent = None
        if index:
            family = buckets[f"run-{dice.randrange(index):03d}"]
            parent = dice.choice(family.snapshots).node
        oldest = nodes * tick - index * tick * each * 0.9
        if parent is not None:
            oldest = min(oldest, (NOW_NS - int(parent.version or 0)) / MINUTE_NS - tick)
        taken = tuple(
            Snapshot(name, version(max(0.001, oldest - at * tick * 0.05)), f"step-{at * 10}")
            for at in range(each - 1)
        )
        buckets[name] = Bucket(name, int(version(oldest + tick)), parent, True, taken)
        curves[name] = curve(each * 10, floor=1.8 + dice.random(), every=max(10, each // 40 * 10))
    return State(STORE, 1, 1, False, Map(buckets), curves=Map(curves),
                 overrides=Map(dict.fromkeys(buckets, (("lr", 0.0001),))))  # fmt: skip


def empty(*, stale: bool = False) -> State:
    return State(STORE, stale=stale)
