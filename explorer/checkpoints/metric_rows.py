"""The metrics of a diff as rows: the values at both checkpoints, where they differ."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from explorer.checkpoints.folding import Row
from explorer.checkpoints.printable import NAME_WIDTH, printable
from explorer.lineage.values import show_scalar

if TYPE_CHECKING:
    from explorer.checkpoints.diffs import Diff, Side
    from explorer.checkpoints.metric_points import MetricPair, Point


def metric_rows(diff: Diff) -> tuple[Row, ...]:
    """One row for each metric whose values differ; a value's own step where it is not the checkpoint's."""
    return tuple(_rows(diff))


def _rows(diff: Diff) -> Iterable[Row]:
    steps = [_step_of(side) for side in (diff.a, diff.b)]
    for pair in diff.metrics:
        if pair.differs:
            a, b = (_point(point, step) for point, step in zip((pair.a, pair.b), steps, strict=True))
            mark = "+" if pair.a is None else "-" if pair.b is None else "~"
            yield Row(mark, printable(pair.name, NAME_WIDTH), a, b)


def _point(point: Point | None, step: int | None) -> str:
    """A value, and its row's step where that is not the checkpoint's own."""
    if point is None:
        return ""
    told = show_scalar(point.value)
    return told if point.step == step else f"{told} (step {show_scalar(point.step)})"


def metric_in_words(pair: MetricPair) -> str:
    a, b = ("none" if point is None else show_scalar(point.value) for point in (pair.a, pair.b))
    return f"{printable(pair.name, 60)} {a} → {b}"


def points_in_words(diff: Diff) -> str:
    a, b = ("the end" if (step := _step_of(side)) is None else f"step {step}" for side in (diff.a, diff.b))
    count = sum(pair.differs for pair in diff.metrics)
    told = "1 value differs" if count == 1 else f"{count} values differ"
    return f"{told}, at {a}" if a == b else f"{told}, at {a} and at {b}"


def _step_of(side: Side) -> int | None:
    if side.manifest is not None:
        return side.manifest.step
    return side.checkpoint.step if side.checkpoint is not None else None
