"""The long-lived plotly figure of one comparison: numbers move in batches, the widget is made once."""

from __future__ import annotations

import math
import threading
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import anywidget

from explorer.notebook.traces import MOST_POINTS, Trace, traces, value_range, window

if TYPE_CHECKING:
    from plotly.graph_objects import FigureWidget

    from explorer.metrics import Comparison

# 4.5:1 on white and 4.2:1 on Jupyter's dark page: plotly cannot follow a theme by itself
_INK = "#767b84"
_GRID = "rgba(128,128,128,0.22)"


_importing = threading.Lock()


def figure_widget() -> type[FigureWidget]:
    """plotly's class. The first call takes seconds: it is made in a worker as soon as it can be foreseen.

    plotly's renderers import nbformat, and that, beside JupyterLab, a grammar that takes 5 s of CPU to build
    (jsonschema -> rfc3987_syntax, measured with plotly 7.1). One thread at a time: two that import a package
    which imports itself lazily can see it half made.
    """
    with _importing:
        from plotly.graph_objects import FigureWidget

        found: type[FigureWidget] = FigureWidget
        return found


class Fit(anywidget.AnyWidget):
    """Invisible: stands beside a figure and lets it have the width of the page."""

    _esm = files("explorer.notebook").joinpath("fit.js").read_text()


class ComparisonFigure:
    """Owns a FigureWidget. All calls belong on the kernel's loop. Making one sends about 5 MB to the page."""

    def __init__(self, comparison: Comparison) -> None:
        self._comparison = comparison
        self._traces = traces(comparison)
        self._after_fork = window(comparison) is not None
        self._aimed: tuple[float, float] | None = None
        # all at once: what is added later, while the page still loads plotly, is lost there (its widget
        # applies traces in a handler that it registers when it has loaded)
        layout = _merged(_layout(comparison), self._axes())
        lines = [_line(trace) for trace in self._traces]
        self.widget: FigureWidget = figure_widget()({"data": lines, "layout": layout})
        self.widget._config = {**self.widget._config, "responsive": True, "displaylogo": False}
        self.widget.layout.on_change(self._zoomed, "xaxis.range")

    @property
    def after_fork(self) -> bool:
        """Whether the window starts at the first fork, where curves begin to differ."""
        return self._after_fork

    @after_fork.setter
    def after_fork(self, wanted: bool) -> None:
        self._after_fork = wanted
        with self.widget.batch_update():
            self._aim()

    def log_y(self, wanted: bool) -> None:
        """A logarithmic y axis, or a plain one."""
        with self.widget.batch_update():
            self.widget.layout.yaxis.type = "log" if wanted else "linear"
            self._aim()

    def show(self, comparison: Comparison) -> None:
        """Paint newer numbers: lines that are there already move, none blinks."""
        same_metric = comparison.metric == self._comparison.metric
        self._comparison = comparison
        before = [trace.key for trace in self._traces]
        self._traces = traces(comparison)
        if same_metric and before == [trace.key for trace in self._traces]:
            with self.widget.batch_update():
                span = self.widget.layout.xaxis.range if self._zoomed_in() else None
                self._fill(*(span or (-math.inf, math.inf)))
                if span is None:
                    self._aim()
            return
        with self.widget.batch_update():
            self.widget.data = ()
            self.widget.layout.yaxis.title.text = comparison.metric
            self.widget.layout.xaxis.title.text = comparison.x
        self.widget.add_traces([_line(trace) for trace in self._traces])
        with self.widget.batch_update():
            self._aim()

    def _zoomed_in(self) -> bool:
        """Whether the reader chose the window: newer numbers must not take it away."""
        axis = self.widget.layout.xaxis
        if self._aimed is None:
            return axis.autorange is False
        return axis.range is not None and tuple(axis.range) != self._aimed

    def _aim(self) -> None:
        """Put the axes where the curves differ."""
        self.widget.update_layout(self._axes(self.widget.layout.yaxis.type))

    def _axes(self, y_type: str | None = None) -> dict[str, dict[str, Any]]:
        """Where the axes look: after the first fork, or at everything."""
        aim = self._aimed = window(self._comparison) if self._after_fork else None
        if aim is None:
            return {"xaxis": {"autorange": True}, "yaxis": {"autorange": True}}
        seen = value_range(self._traces, *aim)
        y: dict[str, Any] = {"autorange": True}
        if seen is not None and y_type == "log" and seen[0] > 0:
            y = {"autorange": False, "range": [math.log10(v) for v in seen]}
        elif seen is not None and y_type != "log":
            y = {"autorange": False, "range": list(seen)}
        return {"xaxis": {"autorange": False, "range": list(aim)}, "yaxis": y}

    def _fill(self, low: float, high: float) -> None:
        for line, trace in zip(self.widget.data, self._traces, strict=True):
            line.x, line.y = _numbers(trace, low, high)

    def _zoomed(self, _layout: Any, span: Any) -> None:
        """Sample again for the part in view; only curves that are longer than what is drawn."""
        if not span or all(len(trace.x) <= MOST_POINTS for trace in self._traces):
            return
        with self.widget.batch_update():
            self._fill(float(span[0]), float(span[1]))


def _merged(layout: dict[str, Any], axes: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {**layout, **{name: {**layout[name], **axis} for name, axis in axes.items()}}


def _numbers(trace: Trace, low: float, high: float) -> tuple[Any, Any]:
    """As numpy arrays, which travel as binary; NaN breaks a line."""
    import numpy as np

    x, y = trace.thinned(low, high)
    return np.asarray(x, dtype=float), np.asarray([math.nan if v is None else v for v in y], dtype=float)


def _line(trace: Trace) -> dict[str, Any]:
    x, y = _numbers(trace, -math.inf, math.inf)
    return {"type": "scatter", "mode": "lines", "connectgaps": False, "x": x, "y": y, **trace.look}


def _layout(comparison: Comparison) -> dict[str, Any]:
    axis = {
        "gridcolor": _GRID, "zerolinecolor": _GRID, "linecolor": _GRID, "tickcolor": _GRID,
        "ticks": "outside", "automargin": True, "title": {"standoff": 8},
    }  # fmt: skip
    return {
        "template": "none",
        "height": 380,
        "autosize": True,
        "margin": {"l": 56, "r": 16, "t": 30, "b": 44},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": _INK, "size": 12},
        "hovermode": "x unified",
        "hoverlabel": {"bgcolor": "rgba(40,44,52,0.94)", "font": {"color": "#f2f3f5"}, "bordercolor": _GRID},
        "legend": {"bgcolor": "rgba(0,0,0,0)", "groupclick": "togglegroup", "tracegroupgap": 2},
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": _INK, "activecolor": "#3584e4"},
        "uirevision": "stay",
        "xaxis": {**axis, "title": {"text": comparison.x, "standoff": 8}, "showspikes": False},
        "yaxis": {**axis, "title": {"text": comparison.metric, "standoff": 8}},
    }
