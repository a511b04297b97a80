"""States for tests of what needs no store: a base run, a fork of it that changed lr, and a hostile name."""

from __future__ import annotations

from explorer.lineage.events import (
    CurveRead,
    FactsRead,
    Failed,
    Listed,
    OverridesRead,
    PrefetchMoved,
    RunChanged,
)
from explorer.lineage.state import State, fold
from explorer.lineage.values import Curve, Facts, Failure, Progress, RunView, StoreInfo
from tests.lineage.forest import T0, bucket

STORE = StoreInfo("local store", "http://127.0.0.1:1", True)


def forked() -> State:
    base = bucket("base", 100, 200, 300, born=1)
    fork = bucket("base-lr-3e-5", 400, parent=("base", 200), born=250)
    return fold(
        State(STORE),
        (
            Listed((base, fork)),
            OverridesRead(fork.name, fork.created_ns, (("lr", 3e-5),)),
            CurveRead("base", Curve("loss", (100, 200, 300), (2.0, 1.0, 0.5), 100)),
            CurveRead(fork.name, Curve("loss", (100, 200, 400), (2.0, 1.0, float("nan")), 400)),
            FactsRead(base.snapshots[1].node, Facts(200, 8_400_000, 4, "checkpoints/step-000200/")),
            PrefetchMoved(base.snapshots[1].node, Progress(5, 10, True)),
            RunChanged(RunView("r1", fork.name, base.snapshots[1].node, "running", T0 + 260)),
            Failed(base.snapshots[0].node, Failure("A file is cut short.", "take it again", 0)),
        ),
    )


def hostile() -> State:
    """A snapshot whose name brings markup, a tab, an escape sequence and a bidi override."""
    from dataclasses import replace

    one = bucket("base", 100, born=1)
    bad = replace(one.snapshots[0], name="<img src=x onerror=alert(1)>\t\x1b[31m\u202eevil")
    return fold(State(STORE), (Listed((replace(one, snapshots=(bad,)),)),))


def empty() -> State:
    return fold(State(STORE), (Listed(()),))
