"""The lineage as last seen, on disk, so that the first paint needs no network.

One JSON file per store. It is a cache: unreadable or of another shape, it is as if it were not there.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from immutables import Map

from explorer.lineage.address import Node
from explorer.lineage.state import State
from explorer.lineage.values import Bucket, Curve, Facts, Snapshot, StoreInfo
from explorer.settings import Settings

_SHAPE = 1


def store_label(settings: Settings) -> str:
    return "local store" if settings.endpoint is None else settings.endpoint.split("://", 1)[1]


def path_for(settings: Settings) -> Path:
    """The file of this store; the local store is named by its folder, for its port changes."""
    name = hashlib.sha256((settings.endpoint or "local").encode()).hexdigest()[:16]
    return settings.data / "seen" / f"{name}.json"


def read_seen(settings: Settings) -> State:
    """The last seen lineage of the store that these settings name, marked stale; empty if never seen."""
    info = StoreInfo(store_label(settings), settings.endpoint or "", settings.endpoint is None)
    empty = State(info)
    try:
        told = json.loads(path_for(settings).read_bytes())
        if told["shape"] != _SHAPE:
            return empty
        buckets = {b["name"]: _bucket(b) for b in told["buckets"]}
        return State(
            info,
            tree_revision=1,
            buckets=Map(buckets),
            overrides=Map({n: tuple((k, v) for k, v in o) for n, o in told["overrides"].items()}),
            facts=Map({Node(b, v): Facts(*f) for b, v, f in told["facts"]}),
            curves=Map({n: _curve(c) for n, c in told["curves"].items()}),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return empty


def write_seen(settings: Settings, state: State) -> None:
    """Keep this state for the next first paint. Written aside, then renamed; failing to is no error."""
    path = path_for(settings)
    told = {
        "shape": _SHAPE,
        "buckets": [
            {
                "name": b.name,
                "created_ns": b.created_ns,
                "parent": [b.parent.bucket, b.parent.version] if b.parent else None,
                "on": b.snapshots_on,
                "snapshots": [[s.version, s.name] for s in b.snapshots],
            }
            for b in state.buckets.values()
        ],
        "overrides": dict(state.overrides.items()),
        "facts": [[n.bucket, n.version, _facts(f)] for n, f in state.facts.items()],
        "curves": {n: [c.metric, c.steps, c.values, c.own_from] for n, c in state.curves.items()},
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_suffix(f".{os.getpid()}.tmp")
        aside.write_text(json.dumps(told, separators=(",", ":")), encoding="utf-8")
        aside.replace(path)
    except OSError:
        return


def _bucket(told: dict[str, Any]) -> Bucket:
    snapshots = tuple(Snapshot(told["name"], version, name) for version, name in told["snapshots"])
    parent = Node(*told["parent"]) if told["parent"] else None
    return Bucket(told["name"], told["created_ns"], parent, told["on"], snapshots)


def _facts(facts: Facts) -> list[Any]:
    return [facts.step, facts.size_bytes, facts.objects, facts.checkpoint, facts.modified_ns]


def _curve(told: list[Any]) -> Curve:
    metric, steps, values, own_from = told
    return Curve(metric, tuple(steps), tuple(float(v) for v in values), own_from)
