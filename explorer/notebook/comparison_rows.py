"""The table of a comparison: a row per curve, the columns that tell something, sorted and filtered."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from explorer.lineage.values import Scalar, show_scalar
from explorer.metrics import Row, differing, sort_rows, table, where
from explorer.metrics.ticks import duration_label, moment_label
from explorer.wording import loss

if TYPE_CHECKING:
    import pandas as pd

    from explorer.metrics import Comparison
    from explorer.notebook.look import Look


_CLOCKS = {"time": moment_label, "active": duration_label}


@dataclass(frozen=True, slots=True)
class Column:
    """`name` is how a filter, `sort` and the DataFrame call it."""

    name: str
    head: str
    told: str
    number: bool = True
    hyperparameter: bool = False
    axis: str = ""
    """The x axis that its numbers are places on."""


def rows_of(comparisons: Sequence[Comparison]) -> tuple[Row, ...]:
    """A row per curve of the first metric, with the last values of the others. Cost: see `metrics.table`."""
    first, *others = comparisons
    lasts = {c.metric: {row.label: row.cells.get("last") for row in table(c)} for c in others}
    found = []
    for row in table(first):
        parted = first.nodes[row.index].parted
        more: dict[str, Scalar] = {
            "same_until": None if parted is None else parted.identical_until,
            "parts_at": None if parted is None else parted.visible,
            **{metric: values.get(row.label) for metric, values in lasts.items()},
        }
        found.append(replace(row, cells={**row.cells, **more}))
    return tuple(found)


def chosen(rows: Sequence[Row], look: Look) -> tuple[Row, ...]:
    """The rows that the look's filter lets through, in its order.

    Raises:
        BadInput: a column that there is not.
    """
    found = where(rows, look.filter) if look.filter.strip() else tuple(rows)
    if not look.sort:
        return found
    down = look.sort.startswith("-")
    return sort_rows(found, look.sort[1:] if down else look.sort, descending=down)


def columns_of(rows: Sequence[Row], comparisons: Sequence[Comparison]) -> tuple[Column, ...]:
    """Hyperparameters that differ, then what was measured; columns without any value are left out."""
    first, *others = comparisons
    better = "highest" if first.rises else "lowest"
    against = "its parent" if first.baseline == "parent" else first.baseline
    fixed = (
        Column("state", "run", "what its newest run is doing", number=False),
        Column("last", "last", f"the last {first.metric}, smoothed"),
        *(Column(c.metric, c.metric, f"the last {c.metric}, smoothed") for c in others),
        Column("best", "best", f"the {better} {first.metric}; * its parent reached it, before the fork"),
        Column("best_x", "at", f"the {first.x} of the best", axis=first.x),
        Column("delta", "Δ", f"its {first.metric} minus that of {against}, at the last step that both have"),
        Column("mean_delta", "mean Δ", f"the mean difference to {against} behind the fork"),
        Column("to_target", "to target", f"the {first.x} at which it reached the target", axis=first.x),
        Column("spikes", "spikes", "sudden jumps for the worse"),
        Column("slope", "slope", "change per step over the last tenth"),
        Column("nan", "nan", "values that are not finite"),
        Column("redone", "redone", "points that were lost and trained again"),
        Column("fork", "forked at", "the step that its fork was made from"),
        Column("same_until", "same until", "the last step up to which it equals its parent bit for bit"),
        Column("parts_at", "parts at", "the first step from which the gap stands out of the noise"),
    )
    changed = tuple(
        Column(name, name, f"the hyperparameter {name}", hyperparameter=True)
        for name in differing(rows, first)
    )
    # a column of zeros says as little as an empty one
    return tuple(
        column
        for column in (*changed, *fixed)
        if any(row.cells.get(column.name) not in (None, 0) for row in rows)
    )


def text_of(row: Row, column: Column) -> str:
    """A cell as people read it."""
    value = row.cells.get(column.name)
    if value is None:
        return ""
    if isinstance(value, bool | str):
        return str(value)
    if column.axis in _CLOCKS:
        return _CLOCKS[column.axis](float(value))
    match column.name:
        case "delta" | "mean_delta" | "slope":
            return signed(float(value))
        case "best":
            return loss(float(value)) + ("*" if row.cells.get("best_inherited") else "")
        case "best_x" | "fork" | "same_until" | "parts_at" | "to_target":
            return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.4g}"
        case "spikes" | "nan" | "redone":
            return f"{value:,}" if value else ""
    return (
        loss(float(value)) if isinstance(value, float) and not column.hyperparameter else show_scalar(value)
    )


def signed(value: float) -> str:
    """A difference with its sign, a true minus."""
    if not math.isfinite(value) or not value:
        return loss(value)
    size = f"{abs(value):.4f}" if 5e-5 <= abs(value) < 10 else loss(abs(value))
    return f"{'+' if value > 0 else '−'}{size}"


def frame_of(rows: Sequence[Row], columns: Sequence[Column]) -> pd.DataFrame:
    """The same as a DataFrame, values exact, indexed by node."""
    import pandas as pd

    names = [column.name for column in columns]
    if "best" in names:
        names.insert(names.index("best") + 1, "best_inherited")
    found = pd.DataFrame([[row.cells.get(name) for name in names] for row in rows], columns=names)
    found.index = pd.Index([row.label for row in rows], name="node")
    return found
