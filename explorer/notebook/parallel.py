"""Parallel coordinates: which hyperparameters the good runs have in common."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from explorer.errors import BadInput
from explorer.lineage.values import Scalar, show_scalar
from explorer.notebook.colours import SCALE
from explorer.notebook.pen import plain
from explorer.wording import loss

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from explorer.metrics import Comparison, Row
    from explorer.notebook.comparison_rows import Column

_INK = "#767b84"
_MOST_TICKS = 12
_WIDE = 20.0
"""Positive numbers that span more than this factor stand on a logarithmic axis."""


def parallel(rows: Sequence[Row], columns: Sequence[Column], comparison: Comparison) -> Figure:
    """A line per node through the hyperparameters that differ, coloured by the last value of the metric.

    Raises:
        BadInput: no node has a value of the metric.
    """
    from plotly.graph_objects import Figure

    return Figure(**parts(rows, columns, comparison))


def parts(rows: Sequence[Row], columns: Sequence[Column], comparison: Comparison) -> dict[str, Any]:
    """The same as what plotly's figures are made of."""
    told = [row for row in rows if isinstance(row.cells.get("last"), float)]
    if not told:
        raise BadInput(
            f"None of these nodes has a value of {comparison.metric}.", hint="choose another metric or filter"
        )
    names = [c.name for c in columns if c.hyperparameter]
    last = [float(row.cells["last"] or 0.0) for row in told]
    dimensions = [_axis(name, [row.cells.get(name) for row in told]) for name in names]
    dimensions.append(_number(f"last {comparison.metric}", last))
    scale = [[i / (len(SCALE) - 1), colour] for i, colour in enumerate(SCALE)]
    line = {"color": last, "colorscale": scale, "reversescale": comparison.rises, "showscale": False}
    style = {"color": _INK, "size": 12}
    trace = {
        "type": "parcoords", "dimensions": dimensions, "line": line, "labelfont": style, "tickfont": style,
        "rangefont": {"color": "rgba(0,0,0,0)", "size": 1}, "labelside": "top",
        "unselected": {"line": {"color": "#888888", "opacity": 0.15}},
    }  # fmt: skip
    layout = {
        "template": "none", "height": 320, "margin": {"l": 70, "r": 70, "t": 50, "b": 20}, "autosize": True,
        "paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)", "font": style,
    }  # fmt: skip
    return {"data": [trace], "layout": layout}


def _axis(name: str, values: Sequence[Scalar]) -> dict[str, Any]:
    if all(isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v) for v in values):
        return _number(name, [float(v) for v in values if v is not None])
    return _named(name, values)


def _number(name: str, values: Sequence[float]) -> dict[str, Any]:
    """Few values are their own ticks; wide positive ones stand on a logarithmic axis."""
    distinct = sorted(set(values))
    wide = distinct[0] > 0 and distinct[-1] > _WIDE * distinct[0]
    places = [math.log10(v) if wide else v for v in values]
    axis: dict[str, Any] = {"label": plain(name), "values": places}
    low, high = min(places), max(places)
    axis["range"] = [low, high] if high > low else [low - 1, high + 1]
    ticks = (
        distinct
        if len(distinct) <= _MOST_TICKS
        else [distinct[0], distinct[len(distinct) // 2], distinct[-1]]
    )
    axis["tickvals"] = [math.log10(v) if wide else v for v in ticks]
    axis["ticktext"] = [show_scalar(v) if name[:5] != "last " else loss(v) for v in ticks]
    return axis


def _named(name: str, values: Sequence[Scalar]) -> dict[str, Any]:
    """Texts, truth values and what is missing, each at a place of its own."""
    words = ["none" if v is None else show_scalar(v) for v in values]
    distinct = sorted(set(words))
    return {
        "label": plain(name),
        "values": [distinct.index(word) for word in words],
        "tickvals": list(range(len(distinct))),
        "ticktext": [plain(word) for word in distinct],
        "range": [0, max(len(distinct) - 1, 1)],
    }
