"""What surrounds the curves of a figure: axes, panels, legend, colours for white and for dark pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from explorer.notebook.look import MOST_METRICS
from explorer.notebook.pen import plain

if TYPE_CHECKING:
    from explorer.metrics import Comparison
    from explorer.notebook.look import Look
    from explorer.notebook.scale import Scale

# 4.5:1 on white and 4.2:1 on Jupyter's dark page: plotly cannot follow a theme by itself
_INK = "#767b84"
_GRID = "rgba(128,128,128,0.22)"
_LEGEND = 12
"""More curves than this are told apart by the table under the figure."""
_PANEL, _MORE = 380, 240
"""Pixels of the first panel and of each further one."""


def layout_of(comparisons: Sequence[Comparison], look: Look, scale: Scale) -> dict[str, Any]:
    """The layout without any range: those are the reader's."""
    panels = len(comparisons)
    curves = len(comparisons[0].nodes) if comparisons else 0
    layout = {
        "template": "none",
        "height": _PANEL + _MORE * (panels - 1),
        "autosize": True,
        "margin": {"l": 60, "r": 12, "t": 36, "b": 44},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": _INK, "size": 12},
        "hovermode": "closest",
        "hoverlabel": {
            "bgcolor": "rgba(40,44,52,0.94)", "font": {"color": "#f2f3f5"}, "bordercolor": _GRID,
            "align": "left",
        },
        "showlegend": curves <= _LEGEND or bool(look.group_by),
        "legend": {
            "orientation": "h", "x": 0, "xanchor": "left", "y": 1.0, "yanchor": "bottom",
            "bgcolor": "rgba(0,0,0,0)", "groupclick": "togglegroup", "font": {"size": 11},
            "itemwidth": 30,
        },
        "modebar": {
            "bgcolor": "rgba(0,0,0,0)", "color": _INK, "activecolor": "#3584e4", "orientation": "v",
            "remove": ["lasso2d", "select2d", "autoScale2d"], "add": ["hovercompare", "hoverclosest"],
        },
        "uirevision": "stay",
        "xaxis": {
            **_axis(), "title": {"text": scale.title, "standoff": 8}, "type": scale.kind,
            "anchor": "free", "position": 0, "domain": [0, 1],
        },
    }  # fmt: skip
    height = 1.0 / panels
    gap = 0.04 if panels > 1 else 0.0
    for panel, comparison in enumerate(comparisons):
        top = 1.0 - panel * height
        layout["yaxis" if not panel else f"yaxis{panel + 1}"] = {
            **_axis(),
            "title": {"text": _y_title(comparison, look), "standoff": 8},
            "type": "log" if look.log_y and not look.delta else "linear",
            "domain": [max(top - height + (gap if panel < panels - 1 else 0.0), 0.0), top],
            "visible": True,
            "zeroline": look.delta,
            "zerolinecolor": _INK,
        }
    for panel in range(panels, MOST_METRICS):
        # plotly cannot take an axis in later that it has not known from the beginning
        layout["yaxis" if not panel else f"yaxis{panel + 1}"] = {
            **_axis(),
            "visible": False,
            "domain": [0, 0.002],
        }
    return layout


def note_of(text: str, number: str) -> dict[str, Any]:
    """Words in the upper right corner of a panel, by the number of its axis."""
    return {
        "text": plain(text), "xref": "paper", "x": 1, "xanchor": "right",
        "yref": f"y{number} domain", "y": 1, "yanchor": "top", "showarrow": False,
        "font": {"size": 11, "color": _INK},
    }  # fmt: skip


def _axis() -> dict[str, Any]:
    return {
        "gridcolor": _GRID, "zerolinecolor": _GRID, "linecolor": _GRID, "tickcolor": _GRID,
        "ticks": "outside", "automargin": True, "showspikes": False,
    }  # fmt: skip


def _y_title(comparison: Comparison, look: Look) -> str:
    name = plain(comparison.metric)
    return f"{name} − {plain(comparison.baseline)}" if look.delta else name
