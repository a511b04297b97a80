"""The table under a chart, as values: which columns fit, what stands in them, in which order the rows are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from rich.cells import cell_len

from explorer.lineage.values import Scalar, show_scalar
from explorer.metrics import Comparison, NodeCurve, Row, differing, sort_rows, table
from explorer.metrics.smooth import smooth
from explorer.metrics.table import LAST_WEIGHT
from explorer.metrics.ticks import delta_label, value_label
from explorer.tui.charts.signs import Signs
from explorer.tui.fitting import fit, fit_end
from explorer.tui.names import shown

_NAME_LEAST, _NAME_MOST = 12, 40
_PARAMETER_MOST = 14
_GAP = 2
_MANY = 300_000
"""Points that are counted while one waits."""
_LAST_OF = "last of "
"""Before the name of a metric: one may have the name of a hyperparameter."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `key` names the cell that it shows and is sorted by."""

    key: str
    head: str
    width: int
    rank: int
    """Which columns go first where the screen is narrow: the highest."""
    left: bool = False


@dataclass(frozen=True, slots=True)
class Sorting:
    """By which column, and which way; None leaves the rows as they were asked for."""

    key: str | None = None
    descending: bool = False


class Counter:
    """Counts the numbers of curves, of each one again only when it has grown."""

    def __init__(self) -> None:
        self._known: dict[object, Row] = {}

    def rows(self, comparisons: Sequence[Comparison]) -> tuple[Row, ...]:
        """The numbers of each curve, of the first metric; of the others the last value.

        Cost: about 1 us a point that was not counted before. To be called in a thread.
        """
        first = comparisons[0]
        known = {self._key(first, curve): curve for curve in first.nodes}
        self._known = {
            key: self._known.get(key) or table(replace(first, nodes=(curve,)))[0]
            for key, curve in known.items()
        }
        counted = [replace(row, index=i) for i, row in enumerate(self._known.values())]
        last = {other.metric: [_smoothed_last(curve) for curve in other.nodes] for other in comparisons[1:]}
        return _completed(counted, comparisons, last)

    def is_quick(self, comparisons: Sequence[Comparison]) -> bool:
        """Whether there is so little to count that nobody waits for it."""
        first = comparisons[0]
        return sum(c.points for c in first.nodes if self._key(first, c) not in self._known) < _MANY

    @staticmethod
    def _key(comparison: Comparison, curve: NodeCurve) -> object:
        return (
            (comparison.metric, comparison.x, comparison.baseline, curve.label, curve.state),
            (curve.points, curve.last_x, curve.last, curve.fork_step, curve.delta_to_parent),
            (curve.discarded_points, curve.hyperparameters, curve.overrides),
        )


def first_rows(comparisons: Sequence[Comparison]) -> tuple[Row, ...]:
    """What is known of the curves without a look at every point: shown until all is counted."""
    rows = [
        Row(
            i,
            curve.label,
            {
                **dict(curve.hyperparameters or curve.overrides),
                "state": curve.state or None,
                "last": curve.last,
                "best": curve.best.value if curve.best else None,
                "best_x": curve.best.x if curve.best else None,
                "best_inherited": curve.best.inherited if curve.best else None,
                "delta": curve.delta_to_parent,
                "mean_delta": curve.mean_delta,
                "nan": curve.non_finite,
                "redone": curve.discarded_points,
                "fork": curve.fork_step,
            },
        )
        for i, curve in enumerate(comparisons[0].nodes)
    ]
    last = {other.metric: [curve.last for curve in other.nodes] for other in comparisons[1:]}
    return _completed(rows, comparisons, last)


def _smoothed_last(curve: NodeCurve) -> float | None:
    """The last value as that of the first metric is told."""
    import numpy as np

    values = smooth(np.frombuffer(curve.values), LAST_WEIGHT)
    finite = values[np.isfinite(values)]
    return float(finite[-1]) if len(finite) else None


def _completed(
    rows: Sequence[Row], comparisons: Sequence[Comparison], last: Mapping[str, Sequence[float | None]]
) -> tuple[Row, ...]:
    """With where the curves parted, and the last values of the other metrics."""
    first, made = comparisons[0], []
    for row in rows:
        parted = first.nodes[row.index].parted
        cells = {
            "same_until": parted.identical_until if parted else None,
            "parted": parted.visible if parted else None,
            **{f"{_LAST_OF}{metric}": values[row.index] for metric, values in last.items()},
        }
        made.append(replace(row, cells={**row.cells, **cells}))
    return tuple(made)


def smoothed(
    rows: Sequence[Row], metrics: Sequence[str], last: Sequence[Callable[[int], float | None]]
) -> tuple[Row, ...]:
    """The rows with other last values: `last` tells, for each metric, that of a curve."""
    made = []
    for row in rows:
        value = last[0](row.index)
        others = {f"{_LAST_OF}{name}": of(row.index) for name, of in zip(metrics[1:], last[1:], strict=True)}
        made.append(replace(row, cells={**row.cells, "last": value, metrics[0]: value, **others}))
    return tuple(made)


def in_order(rows: Sequence[Row], sorting: Sorting) -> tuple[Row, ...]:
    """The rows as the table shows them."""
    if sorting.key is None or not rows:
        return tuple(rows)
    known = sorting.key == "label" or any(sorting.key in row.cells for row in rows)
    return sort_rows(rows, sorting.key, descending=sorting.descending) if known else tuple(rows)


def columns(
    comparisons: Sequence[Comparison], rows: Sequence[Row], width: int, signs: Signs, *, here: bool
) -> tuple[Column, ...]:
    """What fits into `width` cells, in the order in which it stands; the name takes what is left."""
    known = _every_column(comparisons, rows, signs, here=here)
    name = known[0]
    longest = max((cell_len(row.label) for row in rows), default=0)
    least = min(max(longest, _NAME_LEAST), max(width // 5, _NAME_LEAST))
    room = width - least
    chosen: list[Column] = []
    for column in sorted(known[1:], key=lambda c: c.rank):
        if column.width + _GAP > room:
            break  # what is less important never stands where something more important does not
        chosen.append(column)
        room -= column.width + _GAP
    name = replace(name, width=min(least + max(room, 0), max(longest, _NAME_LEAST), _NAME_MOST))
    return (name, *(column for column in known[1:] if column in chosen))


def _every_column(
    comparisons: Sequence[Comparison], rows: Sequence[Row], signs: Signs, *, here: bool
) -> list[Column]:
    first, *others = comparisons
    base = "PARENT" if first.baseline == "parent" else "BASE"
    change = "d" if signs.ascii else signs.difference
    found = [Column("label", "NODE", _NAME_LEAST, 0, left=True)]
    if _any(rows, "state"):
        found.append(Column("state", "RUN", 9, 6, left=True))
    for n, name in enumerate(differing(rows, first) if rows else ()):
        written = [_written(row.cells.get(name), name, signs) for row in rows]
        width = min(max(cell_len(shown(name)) + 1, *map(cell_len, written)), _PARAMETER_MOST)
        found.append(Column(name, shown(name), width, 3 if n == 0 else 11 + n, left=True))
    if here:
        found.append(Column("here", "HERE", 8, 2))
    found.append(Column("last", "LAST", 8, 1))
    for other in others:
        width = min(max(len(other.metric), 8), _PARAMETER_MOST)
        found.append(Column(f"{_LAST_OF}{other.metric}", shown(other.metric), width, 2))
    found += [Column("best", "BEST", 8, 5), Column("best_x", "AT", 7, 7, left=True)]
    sometimes = [
        Column("delta", f"{change} {base}", 9, 4),
        Column("mean_delta", f"MEAN {change}", 8, 8),
        Column("fork", "FORKED", 7, 20),
        Column("same_until", "SAME TO", 8, 22),
        Column("parted", "PARTED", 7, 21),
        Column("spikes", "SPIKES", 7, 24),
        Column("nan", "NaN/INF", 8, 9),
        Column("redone", "LOST", 5, 10),
    ]
    return [*found, *(column for column in sometimes if _any(rows, column.key))]


def _any(rows: Sequence[Row], key: str) -> bool:
    return any(row.cells.get(key) for row in rows)


def heading(chosen: Sequence[Column], sorting: Sorting, signs: Signs) -> list[tuple[int, int, str, Column]]:
    """Start, width and text of each head; the sorted column's says which way."""
    placed, at = [], 0
    for column in chosen:
        sign = ""
        if column.key == sorting.key:
            sign = signs.below if sorting.descending else signs.above
        text = fit(column.head, column.width - len(sign), signs.more) + sign
        placed.append((at, column.width, _aligned(text, column), column))
        at += column.width + _GAP
    return placed


def cell(column: Column, row: Row, signs: Signs, here: float | None) -> str:
    """What stands in a cell, exactly as wide as the column."""
    if column.key == "label":
        return _aligned(fit_end(row.label, column.width, signs.more), column)
    text = _written(here if column.key == "here" else row.cells.get(column.key), column.key, signs)
    if column.key == "best_x" and row.cells.get("best_inherited"):
        text = f"{text}*"
    return _aligned(fit(text, column.width, signs.more), column)


def _aligned(text: str, column: Column) -> str:
    room = " " * (column.width - cell_len(text))
    return text + room if column.left else room + text


def _step(value: Scalar) -> str:
    return f"{value:.7g}" if isinstance(value, (int, float)) else str(value)


_WRITERS: dict[str, Callable[[Scalar], str]] = {
    "delta": lambda v: delta_label(float(v or 0)),
    "mean_delta": lambda v: delta_label(float(v or 0)),
    **dict.fromkeys(("last", "best", "here"), lambda v: value_label(float(v or 0))),
    **dict.fromkeys(("best_x", "fork", "same_until", "parted"), _step),
    **dict.fromkeys(("spikes", "nan", "redone"), lambda v: str(v) if v else ""),
}


def _written(value: Scalar, key: str, signs: Signs) -> str:
    if value is None:
        return ""
    write = _WRITERS.get("last" if key.startswith(_LAST_OF) else key, show_scalar)
    return signs.said(shown(write(value)))
