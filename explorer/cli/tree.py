"""`explorer tree`: the lineage as text, or as JSON for other tools."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from explorer.cli.door import print_json, store_json, workspace_of
from explorer.wording import count

if TYPE_CHECKING:
    from explorer.lineage.address import Node
    from explorer.lineage.state import State
    from explorer.lineage.values import Bucket, Snapshot


def register(verbs: Any) -> None:
    parser = verbs.add_parser("tree", help="the lineage: buckets, snapshots, forks")
    parser.set_defaults(func=_tree)


def _tree(args: argparse.Namespace) -> int:
    with workspace_of(args) as workspace:
        workspace.read_overrides()
        state = workspace.state
    if args.json:
        print_json(tree_json(state))
    else:
        print_tree(state)
    return 0


def tree_json(state: State) -> dict[str, Any]:
    """What `explorer tree --json` prints: buckets oldest first, each with its snapshots oldest first."""
    buckets = sorted(state.buckets.values(), key=lambda b: (b.created_ns, b.name))
    return {"store": store_json(state.store), "buckets": [_bucket_json(state, b) for b in buckets]}


def _bucket_json(state: State, bucket: Bucket) -> dict[str, Any]:
    parent = bucket.parent
    return {
        "bucket": bucket.name,
        "parent": {"bucket": parent.bucket, "version": parent.version} if parent else None,
        "overrides": dict(state.overrides.get(bucket.name, ())),
        "snapshots_on": bucket.snapshots_on,
        "created_at": when(bucket.created_ns),
        "snapshots": [snapshot_json(state, s) for s in bucket.snapshots],
        "runs": [
            {
                "run": run.id,
                "state": run.state,
                "source": run.source.address if run.source else None,
                "overrides": dict(run.overrides),
                "started_at": when(run.started_ns),
                "ended_at": when(run.ended_ns) if run.ended_ns else None,
                "exit_code": run.exit_code,
            }
            for run in state.runs_in(bucket.name)
        ],
    }


def snapshot_json(state: State, snapshot: Snapshot) -> dict[str, Any]:
    return {
        "version": snapshot.version,
        "name": snapshot.name,
        "created_at": when(snapshot.created_ns),
        "step": state.step(snapshot.node),
    }


def print_tree(state: State) -> None:
    """The same rows as the screen's, without colour."""
    from explorer.checkpoints import printable
    from explorer.lineage.rows import ASCII, Rows

    info = state.store
    forks = sum(b.parent is not None for b in state.buckets.values())
    snapshots = sum(len(b.snapshots) for b in state.buckets.values())
    counts = (count(len(state.buckets), "bucket"), count(forks, "fork"), count(snapshots, "snapshot"))
    print("  ".join((info.label, info.endpoint, *counts)))
    if not info.snapshots:
        print("this endpoint keeps no snapshots: buckets can be browsed, there is nothing to fork")
    if not state.buckets:
        print("nothing is here yet: `explorer demo` trains something, `explorer buckets create NAME` begins")
    rows = Rows(state.buckets)
    plain = "utf" not in (sys.stdout.encoding or "").lower()
    width = 2 * rows.columns + 1
    for row in range(len(rows)):
        graph = rows.graph(row).translate(ASCII) if plain else rows.graph(row)
        label = printable(state.label(rows.node(row)))
        notes = printable("  ".join(note for note in _notes(state, rows.node(row)) if note))
        print(f"{graph:<{width}}{label:<32} {notes}".rstrip())


def _notes(state: State, node: Node) -> list[str]:
    from explorer.lineage.values import show_overrides

    bucket = state.buckets[node.bucket]
    if not node.is_head:
        return [node.version or ""]
    return [
        f"fork of {state.label(bucket.parent)}" if bucket.parent else "",
        show_overrides(state.overrides.get(bucket.name, ())),
        *(f"{run.state} {run.id}" for run in state.runs_in(bucket.name)[:1]),
        "" if bucket.snapshots_on else "snapshots off",
    ]


def when(ns: int) -> str:
    """RFC 3339 in UTC, to the microsecond."""
    return datetime.fromtimestamp(ns / 1e9, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
