"""A comparison as rows to sort and filter: values for both screens and the CLI."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from explorer.errors import BadInput, nearest
from explorer.lineage.values import Scalar, parse_scalar
from explorer.metrics.comparison import Comparison, NodeCurve

_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "=": operator.eq,
}
_CLAUSE = re.compile(r"([^<>=!\s]+)\s*(<=|>=|!=|<|>|=)\s*(\S+)")


@dataclass(frozen=True, slots=True)
class Row:
    """One curve in numbers: `cells` holds its metric by name, what the fork changed, and `COLUMNS`."""

    index: int
    """Which curve of the comparison."""
    label: str
    cells: Mapping[str, Scalar] = field(default_factory=dict)


COLUMNS = (
    "last",
    "best",
    "best_x",
    "delta",
    "mean_delta",
    "to_target",
    "spikes",
    "slope",
    "nan",
    "redone",
    "fork",
)


def table(comparison: Comparison, *, weight: float = 0.6, target: float | None = None) -> tuple[Row, ...]:
    """A row a curve; `last` is smoothed with `weight`, `to_target` the x at which it reached `target`."""
    return tuple(
        Row(i, curve.label, _cells(comparison, curve, weight, target))
        for i, curve in enumerate(comparison.nodes)
    )


def _cells(
    comparison: Comparison, curve: NodeCurve, weight: float, target: float | None
) -> dict[str, Scalar]:
    import numpy as np

    from explorer.metrics.smooth import smooth
    from explorer.metrics.stats import reached, slope, spikes

    x, y, steps = (np.frombuffer(column) for column in (curve.x, curve.values, curve.steps))
    smoothed = smooth(y, weight)
    finite = smoothed[np.isfinite(smoothed)]
    last = float(finite[-1]) if len(finite) else None
    own = slice(curve.own_at, None)
    return {
        **dict(curve.overrides),
        comparison.metric: last,
        "last": last,
        "best": curve.best.value if curve.best else None,
        "best_x": curve.best.x if curve.best else None,
        "best_inherited": curve.best.inherited if curve.best else None,
        "delta": curve.delta_to_parent,
        "mean_delta": curve.mean_delta,
        "to_target": None if target is None else reached(x, y, target, up=comparison.rises, weight=weight),
        "spikes": len(spikes(steps[own], y[own], up=comparison.rises)),
        "slope": slope(steps[own], y[own]),
        "nan": curve.non_finite,
        "redone": curve.discarded_points,
        "fork": curve.fork_step,
    }


def differing(rows: Sequence[Row], comparison: Comparison) -> tuple[str, ...]:
    """Hyperparameters that are not the same in all rows, in the order in which they first appear."""
    names = dict.fromkeys(name for curve in comparison.nodes for name, _ in curve.overrides)
    return tuple(n for n in names if len({repr(row.cells.get(n)) for row in rows}) > 1)


def where(rows: Sequence[Row], text: str) -> tuple[Row, ...]:
    """Rows that match every clause: `val_loss<2.05 lr>1e-4 spiral`; a bare word is looked for in the label.

    Raises:
        BadInput: no row has a column of that name.
    """
    clauses = _CLAUSE.findall(text)
    words = _CLAUSE.sub(" ", text).split()
    known = {name for row in rows for name in row.cells}
    for name, _, _ in clauses:
        if rows and name not in known:
            raise BadInput(
                f"There is no column `{name}`.", hint=nearest(name, known, ", ".join(sorted(known)))
            )
    return tuple(
        row
        for row in rows
        if all(word.lower() in row.label.lower() for word in words)
        and all(_holds(row.cells.get(name), sign, parse_scalar(value)) for name, sign, value in clauses)
    )


def sort_rows(rows: Sequence[Row], column: str, *, descending: bool = False) -> tuple[Row, ...]:
    """Rows by a column; those that have no value in it come last either way.

    Raises:
        BadInput: no row has a column of that name.
    """
    known = {name for row in rows for name in row.cells} | {"label"}
    if column not in known:
        raise BadInput(
            f"There is no column `{column}`.", hint=nearest(column, known, ", ".join(sorted(known)))
        )
    have = [row for row in rows if _present(_cell(row, column))]
    lack = [row for row in rows if not _present(_cell(row, column))]
    return (*sorted(have, key=lambda row: _rank(_cell(row, column)), reverse=descending), *lack)


def _cell(row: Row, column: str) -> Scalar:
    return row.label if column == "label" else row.cells.get(column)


def _present(value: Scalar) -> bool:
    return value is not None and value == value


def _rank(value: Scalar) -> tuple[int, float, str]:
    """Numbers before text."""
    number = isinstance(value, (int, float)) and math.isfinite(value)
    return (0, float(value), "") if number and value is not None else (1, 0.0, str(value))


def _holds(cell: Scalar, sign: str, wanted: Scalar) -> bool:
    if cell is None or isinstance(cell, str) != isinstance(wanted, str):
        return sign == "!="
    return _OPERATORS[sign](cell, wanted)
