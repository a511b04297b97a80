"""What a screen says about a node, read from the state: its step, its loss, its run, what led to it."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace

from explorer.lineage.address import Node
from explorer.lineage.rows import Rows
from explorer.lineage.state import State
from explorer.lineage.values import Curve, Overrides, RunView, Scalar


def curve_of(state: State, node: Node) -> tuple[Curve | None, int | None]:
    """The curve that a node lies on, and the step to stop at (None: its end)."""
    return curve_until(state, node, None if node.is_head else state.step(node))


def curve_until(state: State, node: Node, until: int | None) -> tuple[Curve | None, int | None]:
    """The same where the node's step is known already.

    A fork that has not been read yet lies on its parent's curve, up to the fork point.
    """
    bucket = state.buckets.get(node.bucket)
    curve = state.curves.get(node.bucket)
    for _ in range(1000):  # a hostile store could answer a circle
        if curve is not None or bucket is None or bucket.parent is None:
            break
        parent = bucket.parent
        until = state.step(parent) if until is None else until
        bucket, curve = state.buckets.get(parent.bucket), state.curves.get(parent.bucket)
        if curve is not None:
            return replace(curve, own_from=None), until
    if curve is not None and until is None and not node.is_head:
        return None, None  # a snapshot whose step nobody knows stands nowhere on the curve
    return curve, until


def loss_at(state: State, node: Node) -> float | None:
    """The loss of a node: the last point of its curve up to its step."""
    return loss_on(*curve_of(state, node))


def loss_on(curve: Curve | None, until: int | None) -> float | None:
    """The last point of a curve up to a step (None: its end)."""
    if curve is None or not curve.values:
        return None
    if until is None:
        return curve.values[-1]
    at = bisect_right(curve.steps, until) - 1
    return curve.values[at] if at >= 0 else None


def effective_overrides(state: State, bucket: str) -> Overrides:
    """What a bucket's forks changed, all the way from the root, the nearest fork winning."""
    told: dict[str, Scalar] = {}
    name: str | None = bucket
    for _ in range(1000):  # a hostile store could answer a circle
        known = state.buckets.get(name) if name else None
        if known is None:
            break
        for key, value in state.overrides.get(known.name, ()):
            told.setdefault(key, value)
        name = known.parent.bucket if known.parent else None
    return tuple(told.items())


def step_of(state: State, node: Node) -> int | None:
    """The step of a node; of a head that nobody has read yet, the last one on its curve or its origin's."""
    step = state.step(node)
    if step is not None or not node.is_head:
        return step
    curve = state.curves.get(node.bucket)
    if curve is not None and curve.steps:
        return curve.steps[-1]
    bucket = state.buckets.get(node.bucket)
    return state.step(bucket.parent) if bucket is not None and bucket.parent is not None else None


def time_of(state: State, node: Node) -> int:
    """When a snapshot was taken, or a head last changed, in ns; 0 where nobody knows.

    What a fork inherits is older than the fork: its head is as old as the fork at most.
    """
    if node.version is not None:
        return int(node.version) if node.version.isdigit() else 0
    bucket, facts = state.buckets.get(node.bucket), state.facts.get(node)
    times = [facts.modified_ns or 0] if facts is not None else []
    if bucket is not None:
        times += [bucket.created_ns, *(s.created_ns for s in bucket.snapshots[-1:])]
    return max(times, default=0)


def newest_run(state: State, bucket: str) -> RunView | None:
    """The run that a bucket's row speaks of."""
    found = [run for run in state.runs.values() if run.bucket == bucket]
    return max(found, key=lambda run: run.started_ns) if found else None


def parent_node(rows: Rows, node: Node) -> Node | None:
    """What a node grew from: the next older snapshot, or the fork point."""
    row = rows.index(node)
    parent = rows.parent(row) if row is not None else None
    return rows.node(parent) if parent is not None else None


def thinned(curve: Curve, until: int | None, cells: int) -> tuple[list[float], int]:
    """One value a cell over the curve's whole span, stopped at step `until`; and how many are inherited.

    The last value in a cell stands for it: a mean would hide where a run stands now. A cell between two
    points lies on the line that joins them.
    """
    if not curve.steps or cells <= 0:
        return [], 0
    first, last = curve.steps[0], curve.steps[-1]
    span = max(1, last - first)
    stop = len(curve.steps) if until is None else bisect_right(curve.steps, until)
    values: list[float] = []
    inherited = 0
    for cell in range(cells):
        edge = first + span * (cell + 1) / cells
        if stop == 0 or first + span * cell / cells > curve.steps[stop - 1]:
            break
        at = min(stop, bisect_right(curve.steps, edge))
        seen = at > 0 and curve.steps[at - 1] >= first + span * cell / cells
        values.append(curve.values[at - 1] if seen or at == stop else _between(curve, at, edge))
        inherited += curve.own_from is None or edge < curve.own_from
    return values, inherited


def _between(curve: Curve, at: int, step: float) -> float:
    """The line from point `at - 1` to point `at`, at `step`."""
    before, after = curve.steps[at - 1], curve.steps[at]
    share = (step - before) / (after - before)
    return curve.values[at - 1] + share * (curve.values[at] - curve.values[at - 1])


def extent(values: Sequence[float]) -> tuple[float, float]:
    """The range that a sparkline spans: the lowest finite value, and nearly the highest.

    The first tenth of a run falls so far that all the rest would lie flat; it may stick out at the top.
    """
    finite = sorted(value for value in values if math.isfinite(value))
    return (finite[0], finite[int(len(finite) * 0.85)]) if finite else (0.0, 1.0)
