"""Curves of several nodes as a notebook shows them: one figure, one table, and frames to go on with."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any

from explorer.errors import ExplorerError
from explorer.lineage.address import Node
from explorer.lineage.values import show_overrides
from explorer.notebook.live import Live
from explorer.notebook.page import dim, heading, page, table, warnings
from explorer.notebook.words import count, loss

if TYPE_CHECKING:
    import ipywidgets
    import pandas as pd
    from plotly.graph_objects import FigureWidget

    from explorer.metrics import Comparison
    from explorer.notebook.explorer import Explorer
    from explorer.notebook.figure import ComparisonFigure


class ComparisonView:
    """What `ex.compare` found; `comparison` is the plain value, newer while runs go on."""

    def __init__(
        self, explorer: Explorer, nodes: Sequence[Node], metric: str | None, found: Comparison
    ) -> None:
        self._explorer = explorer
        self._nodes = tuple(nodes)
        self._wanted = metric
        self._reading = threading.Lock()
        self._curves: tuple[object, ...] = ()
        self._table: ipywidgets.HTML | None = None
        self.comparison = found

    @property
    def metric(self) -> str:
        return self.comparison.metric

    @property
    def metrics(self) -> tuple[str, ...]:
        """Every metric that at least one of the nodes has."""
        return self.comparison.metrics

    @property
    def title(self) -> str:
        return f"{self.metric} of {count(len(self.comparison.nodes), 'node')}"

    @property
    def figure(self) -> FigureWidget:
        """The plotly FigureWidget: one for the life of this view, at most 2,000 points a curve."""
        return self._drawn.widget

    def to_frame(self) -> pd.DataFrame:
        """A row per point: node, step, x, value, inherited. All points, nothing thinned."""
        return self.comparison.to_frame()

    def summary(self) -> pd.DataFrame:
        """A row per node: what it changed, last, best and where, difference to its parent."""
        return self.comparison.summary()

    def to_json(self) -> dict[str, Any]:
        """The document that `explorer compare --json` prints."""
        return self.comparison.to_json()

    def refresh(self, metric: str | None = None) -> None:
        """Read the curves again, or those of another metric, and move the figure's lines."""
        self._wanted = metric or self._wanted
        self._apply(self._explorer.workspace.compare(self._nodes, self._wanted))

    def widget(self) -> ipywidgets.Widget:
        """The figure under its controls, and the table: follows runs while they go on."""
        return self._whole

    @cached_property
    def _drawn(self) -> ComparisonFigure:
        from explorer.notebook.figure import ComparisonFigure

        return ComparisonFigure(self.comparison)

    @cached_property
    def _whole(self) -> ipywidgets.Widget:
        import ipywidgets

        from explorer.notebook.figure import Fit

        drawn = self._drawn
        metric = ipywidgets.Dropdown(options=self.metrics, value=self.metric, layout={"width": "200px"})
        metric.observe(lambda change: self._switch(change["new"]), "value")
        view = ipywidgets.ToggleButtons(
            options=[("after the fork", True), ("everything", False)], value=drawn.after_fork
        )
        view.style.button_width = "120px"
        view.observe(lambda change: setattr(drawn, "after_fork", change["new"]), "value")
        log = ipywidgets.ToggleButton(description="log y", layout={"width": "70px"})
        log.observe(lambda change: drawn.log_y(change["new"]), "value")
        controls = ipywidgets.HBox([metric, *([view] if drawn.after_fork else []), log])
        controls.layout.flex_flow = "row wrap"
        controls.layout.grid_gap = "4px 8px"
        self._table = ipywidgets.HTML(self._repr_html_())
        live = Live(self._look)
        self._explorer.backstage.follow(live)
        self._explorer.workspace.subscribe(live.mark)
        return ipywidgets.VBox([controls, self.figure, self._table, Fit()])

    def _look(self) -> None:
        """Read again when a curve of ours has moved: the tree's curves tell, which cost us nothing."""
        state = self._explorer.state
        curves = tuple(state.curves.get(node.bucket) for node in self._nodes)
        if curves != self._curves:
            first = not self._curves
            self._curves = curves
            if not first:
                self._explorer.backstage.submit(self._read_again)

    def _switch(self, metric: str) -> None:
        if metric != self.metric:
            self._wanted = metric
            self._explorer.backstage.submit(self._read_again)

    def _read_again(self) -> None:
        if not self._reading.acquire(blocking=False):
            return
        try:
            found = self._explorer.workspace.compare(self._nodes, self._wanted)
        except ExplorerError:
            return  # the next movement tries again; the tree paints what is wrong with the store
        finally:
            self._reading.release()
        self._explorer.backstage.later(lambda: self._apply(found))

    def _apply(self, found: Comparison) -> None:
        self.comparison = found
        if "_drawn" in self.__dict__:
            self._drawn.show(found)
        if self._table is not None:
            self._table.value = self._repr_html_()

    def __repr__(self) -> str:
        lines = [self.title]
        for curve in self.comparison.nodes:
            best = (
                f"best {loss(curve.best.value)} at {curve.best.x:g}"
                if curve.best is not None
                else "no values"
            )
            lines.append(f"  {curve.label:<32} last {loss(curve.last) or '-'}  {best}")
        return "\n".join([*lines, *(f"  warning: {text}" for text in self.comparison.warnings)])

    def _repr_html_(self) -> str:
        nodes = self.comparison.nodes
        inherited = any(curve.best is not None and curve.best.inherited for curve in nodes)
        rows = [
            (
                curve.label,
                show_overrides(curve.overrides),
                "" if curve.fork_step is None else f"{curve.fork_step:g}",
                loss(curve.last),
                "" if curve.best is None else loss(curve.best.value) + ("*" if curve.best.inherited else ""),
                "" if curve.best is None else f"{curve.best.x:g}",
                _signed(curve.delta_to_parent),
                _signed(curve.mean_delta),
                curve.non_finite or "",
                curve.discarded_points or "",
            )
            for curve in nodes
        ]
        x = self.comparison.x
        head = (
            "node", "changed", f"fork {x}", "last", "best", f"best {x}",
            "Δ parent", "mean Δ", "not finite", "lost points",
        )  # fmt: skip
        kept = [at for at in range(len(head)) if at == 0 or any(str(row[at]) for row in rows)]
        body = table(
            [head[at] for at in kept],
            [[row[at] for at in kept] for row in rows],
            numbers=[place for place, at in enumerate(kept) if at > 1],
        )
        note = dim("* reached before the fork, by the parent") if inherited else ""
        return page(heading(self.title), body, note, warnings(self.comparison.warnings))

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        from explorer.notebook.run_widget import view_of

        return {**view_of(self.widget()), "text/html": self._repr_html_(), "text/plain": repr(self)}


def preload(explorer: Explorer) -> None:
    """Begin to import plotly, in a worker, where a comparison is likely."""
    explorer.backstage.submit(lambda: import_module("explorer.notebook.figure").figure_widget())


def _signed(value: float | None) -> str:
    if value is None:
        return ""
    digits = f"{abs(value):.4f}" if 5e-5 <= abs(value) < 10 else loss(abs(value))
    return f"{'+' if value > 0 else '−' if value < 0 else ''}{digits}"
