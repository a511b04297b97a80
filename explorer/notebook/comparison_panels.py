"""The panels above and under a figure: what they show of a view, as values that travel to the page."""

from __future__ import annotations

from dataclasses import asdict
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from explorer.checkpoints.printable import printable
from explorer.notebook.colours import inks
from explorer.notebook.comparison_rows import columns_of, text_of
from explorer.notebook.look import MOST_METRICS

if TYPE_CHECKING:
    from explorer.notebook.comparison import ComparisonView

_HERE = files("explorer.notebook")
_CSS = _HERE.joinpath("tree.css").read_text() + _HERE.joinpath("comparison.css").read_text()
_SHARED = _HERE.joinpath("panel.js").read_text()
_AXES = {"since_fork": "steps since the fork", "time": "time of day", "active": "time spent training"}


class Controls(anywidget.AnyWidget):
    """The row above the figure. `state` is what it shows; what is chosen comes as a message."""

    _esm = _SHARED + _HERE.joinpath("controls.js").read_text()
    _css = _CSS
    state = traitlets.Dict().tag(sync=True)


class CurveTable(anywidget.AnyWidget):
    """What stands under the figure: the chosen checkpoint, the table, what was said."""

    _esm = _SHARED + _HERE.joinpath("curve_table.js").read_text()
    _css = _CSS
    state = traitlets.Dict().tag(sync=True)


def controls_state(view: ComparisonView) -> dict[str, Any]:
    """The look, and what else could be chosen."""
    look, curves = view.look, [curve for c in view.comparisons for curve in c.nodes]
    forked = any(curve.fork_step is not None for curve in curves)
    others = [(node.address, f"Δ to {printable(node.address, 40)}") for node in view.nodes]
    return {
        **asdict(look),
        "hidden": sorted(look.hidden),
        "metric": [c.metric for c in view.comparisons],
        "metrics": list(view.metrics),
        "most": MOST_METRICS,
        "axes": [(name, _AXES.get(name, name)) for name in view.axes],
        "forked": forked,
        "shows": [("values", "values"), *([("parent", "Δ to the parent")] if forked else []), *others],
        "show": look.baseline if look.delta else "values",
        "hyperparameters": list(view.hyperparameters),
        "has_lost": any(curve.discarded for curve in curves),
        "snippet": view.snippet,
        "busy": "",
    }


def table_state(view: ComparisonView) -> dict[str, Any]:
    """The rows in words, with the colours of their curves, and the checkpoint that is chosen."""
    columns = columns_of(view.rows, view.comparisons)
    ink = inks(view.comparison, view.look.colour_by or view.look.group_by)
    selected = view.selected
    return {
        "columns": [asdict(column) for column in columns],
        "rows": [
            {
                "index": row.index,
                "label": printable(row.label, 80),
                "colour": ink[row.index].colour,
                "dash": ink[row.index].dash,
                "hidden": row.label in view.look.hidden,
                "cells": [printable(text_of(row, column), 60) for column in columns],
            }
            for row in view.chosen
        ],
        "busy": "",
        "notice": {},
        "total": len(view.rows),
        "sort": view.look.sort,
        "filter": view.look.filter,
        "selected": None
        if selected is None
        else {"label": printable(selected.address, 80), "snippet": view.snippet_of(selected)},
        "warnings": [
            printable(text, 400) for text in dict.fromkeys(t for c in view.comparisons for t in c.warnings)
        ],
    }
