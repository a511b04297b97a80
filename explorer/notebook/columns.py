"""The lineage as columns of text: what travels to the widget, and what its fallbacks are written from."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_right
from dataclasses import dataclass
from operator import is_

from explorer.checkpoints.printable import printable
from explorer.lineage.address import Node
from explorer.lineage.rows import Rows
from explorer.lineage.state import State
from explorer.lineage.values import Curve, RunView, show_overrides
from explorer.wording import loss, size

LANES = 40
"""As many fit into the widget's graph column; further lanes are drawn as one."""
_LABEL = 60
_POINTS = 64  # a sparkline is 62 pixels wide


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the tree, in words."""

    node: Node
    label: str
    """The snapshot's name, or its version where it has none; empty at a head."""
    step: int | None
    loss: str
    changed: str
    created_ns: int
    size: str
    cached: float | None
    """The part of the checkpoint that is on this disk, 0 to 1; None where there is nothing to fetch."""
    run: str
    failure: str


def line(state: State, node: Node) -> Line:
    """What the row of a node says."""
    snapshot = state.snapshot(node)
    facts = state.facts.get(node)
    progress = state.prefetched.get(node)
    failure = state.failures.get(node)
    runs = state.runs_in(node.bucket) if node.is_head and state.runs else ()
    cached = None
    if progress is not None and progress.total_bytes:
        cached = 1.0 if progress.complete else min(0.99, progress.done_bytes / progress.total_bytes)
    elif not node.is_head or (facts is not None and facts.checkpoint is not None):
        cached = 0.0
    born = snapshot.created_ns if snapshot else 0
    if node.is_head:
        born = (facts.modified_ns if facts else None) or state.buckets[node.bucket].created_ns
    return Line(
        node=node,
        label=label_of(state, node),
        step=step_of(state, node),
        loss=loss(loss_at(state, node)),
        changed=printable(show_overrides(state.overrides.get(node.bucket, ())), 80),
        created_ns=born,
        size=size(facts.size_bytes) if facts else "",
        cached=cached,
        run=runs[0].state if runs else "",
        failure=printable(f"{failure.message} {failure.hint}", 300) if failure else "",
    )


def step_of(state: State, node: Node) -> int | None:
    """The step of a node; of a head that nobody has read yet, the last one on its curve."""
    step = state.step(node)
    if step is None and node.is_head:
        curve = state.curves.get(node.bucket)
        return curve.steps[-1] if curve is not None and curve.steps else None
    return step


def loss_at(state: State, node: Node) -> float | None:
    """The loss of a node: the last point of its bucket's curve up to its step."""
    curve = state.curves.get(node.bucket)
    if curve is None or not curve.values:
        return None
    if node.is_head:
        return curve.values[-1]
    step = state.step(node)
    at = bisect_right(curve.steps, step) - 1 if step is not None else -1
    return curve.values[at] if at >= 0 else None


def label_of(state: State, node: Node) -> str:
    """A snapshot's name, or its version where it has none; empty at a head."""
    if node.version is None:
        return ""
    snapshot = state.snapshot(node)
    return printable((snapshot.name if snapshot else None) or node.version, _LABEL)


def pack_rows(state: State, rows: Rows) -> str:
    """`graph, address, bucket, label` by tabs, a row a line: what changes only with the tree."""
    names = {s.node: s.name or s.version for b in state.buckets.values() for s in b.snapshots}
    return "\n".join(
        "\t".join(
            (rows.graph(row, 0, LANES), node.address, node.bucket, printable(names.get(node, ""), _LABEL))
        )
        for row, node in enumerate(rows)
    )


class PackedFacts:
    """What rows say, as text for the page. Rows of which nothing changed are not written again."""

    def __init__(self) -> None:
        self._known: dict[Node, tuple[tuple[object, ...], str]] = {}

    def pack(self, state: State, rows: Rows) -> str:
        """`step, loss, changed, created (ms), size, cached, run, failure` by tabs, a row a line."""
        known, now = self._known, {}
        newest: dict[str, RunView] = {}
        for run in state.runs.values():
            if run.bucket not in newest or run.started_ns > newest[run.bucket].started_ns:
                newest[run.bucket] = run
        for node in rows:
            told = (
                state.facts.get(node),
                state.prefetched.get(node),
                state.failures.get(node),
                state.overrides.get(node.bucket),
                state.curves.get(node.bucket),
                newest.get(node.bucket) if node.is_head else None,
            )
            before = known.get(node)
            if before is not None and all(map(is_, before[0], told)):
                now[node] = before
            else:
                now[node] = (told, _facts_text(line(state, node)))
        self._known = now
        return "\n".join(text for _, text in now.values())


def _facts_text(x: Line) -> str:
    return (
        f"{'' if x.step is None else x.step}\t{x.loss}\t{x.changed}\t{x.created_ns // 1_000_000}\t{x.size}\t"
        f"{'' if x.cached is None else format(x.cached, '.2f')}\t{x.run}\t{x.failure}"
    )


def pack_links(rows: Rows) -> bytes:
    """Three int32 a row: its lane's column, the row it grew from, the row of its fork point (-1: none)."""
    links = array("i")
    for row in range(len(rows)):
        parent, origin = rows.parent(row), rows.origin(row)
        links.extend((rows.column(row), -1 if parent is None else parent, -1 if origin is None else origin))
    return links.tobytes()


def pack_curve(curve: Curve) -> list[object]:
    """`[steps, values, own_from]`, thinned for a sparkline; what is not finite is null."""
    every = max(1, math.ceil(len(curve.steps) / _POINTS))
    keep = list(range(0, len(curve.steps), every))
    if keep and keep[-1] != len(curve.steps) - 1:
        keep.append(len(curve.steps) - 1)
    values = [curve.values[i] if math.isfinite(curve.values[i]) else None for i in keep]
    return [[curve.steps[i] for i in keep], values, curve.own_from]
