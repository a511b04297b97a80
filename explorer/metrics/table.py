"""A comparison as rows to sort and filter: values for both screens and the CLI."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from explorer.errors import BadInput, nearest
from explorer.lineage.values import Scalar, show_overrides
from explorer.metrics.comparison import Comparison, NodeCurve
from explorer.metrics.filters import Filter, parse_filter
from explorer.metrics.hyperparameters import differing_names


@dataclass(frozen=True, slots=True)
class Row:
    """One curve in numbers: `cells` holds its metric by name, what the fork changed, and `COLUMNS`."""

    index: int
    """Which curve of the comparison."""
    label: str
    cells: Mapping[str, Scalar] = field(default_factory=dict)


LAST_WEIGHT = 0.6
"""How much the last value is smoothed where nobody asked for smoothing: one noisy point says little."""

COLUMNS = (
    "changed",
    "state",
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


def table(
    comparison: Comparison, *, weight: float | None = None, target: float | None = None
) -> tuple[Row, ...]:
    """A row a curve; `last` is an EMA, `to_target` the x at which the EMA reached `target`.

    The EMA's weight is the comparison's, or 0.6 where nothing is smoothed, unless one is told.
    """
    told = weight if weight is not None else comparison.smoothing or LAST_WEIGHT
    return tuple(
        Row(i, curve.label, _cells(comparison, curve, told, target))
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
        **dict(curve.hyperparameters or curve.overrides),
        "changed": show_overrides(curve.overrides) or None,
        "state": curve.state or None,
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
    curves = [comparison.nodes[row.index] for row in rows]
    return differing_names([curve.hyperparameters or curve.overrides for curve in curves])


def where(rows: Sequence[Row], text: str | Filter) -> tuple[Row, ...]:
    """Rows that match every clause: `val_loss<2.05 lr>1e-4 spiral`; a bare word is looked for in the label.

    Raises:
        BadInput: no row has a column of that name, or the text is no filter.
    """
    wanted = text if isinstance(text, Filter) else parse_filter(text)
    if wanted.trouble and not isinstance(text, Filter):
        raise BadInput(wanted.trouble + ".", hint="a filter looks like: val_loss<2.05 lr>1e-4 name !other")
    unknown = wanted.unknown({name for row in rows for name in row.cells}) if rows else None
    if unknown is not None:
        raise unknown
    return tuple(row for row in rows if wanted.holds(row.label, row.cells))


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
