"""Curves of several nodes as a notebook shows them: a figure, a table, and what both are set by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.lineage.address import Node
from explorer.metrics import group_by
from explorer.notebook import comparison_page
from explorer.notebook.comparison_rows import chosen, columns_of, frame_of, rows_of
from explorer.notebook.followed import movement
from explorer.notebook.look import READ_ANEW, Look, arguments, changed
from explorer.notebook.setting import Setting
from explorer.wording import count

if TYPE_CHECKING:
    import ipywidgets
    import pandas as pd
    from plotly.graph_objects import Figure, FigureWidget

    from explorer.metrics import Comparison, Row
    from explorer.notebook.comparison_widget import ComparisonWidget
    from explorer.notebook.explorer import Explorer
    from explorer.notebook.figure import ComparisonFigure
    from explorer.notebook.node import BoundNode


@dataclass(frozen=True, slots=True)
class Found:
    """What one reading brought: a comparison a metric, and a row of the table a curve."""

    nodes: tuple[Node, ...]
    comparisons: tuple[Comparison, ...]
    rows: tuple[Row, ...]


class ComparisonView:
    """What `ex.compare` found; `comparison` is the plain value, newer while runs go on.

    Everything that its controls do can be set here: `view.smoothing = 0.9`, `view.x = "tokens"`.
    """

    x = Setting[str]()
    smoothing = Setting[float]()
    after_fork = Setting[bool]()
    log_x = Setting[bool]()
    log_y = Setting[bool]()
    delta = Setting[bool]()
    colour_by = Setting[str]()
    group_by = Setting[str]()
    lost = Setting[bool]()
    filter = Setting[str]()
    sort = Setting[str]()
    hidden = Setting[Iterable[str]]()

    def __init__(self, explorer: Explorer, nodes: Sequence[Node], settings: dict[str, object]) -> None:
        self._explorer = explorer
        self._nodes = tuple(nodes)
        self._widget: ComparisonWidget | None = None
        self._selected: Node | None = None
        self.look = self._asked(Look(), settings)
        self.read_at = movement(explorer.state, [node.bucket for node in self._nodes])
        """How the runs stood when this was read: what has moved since is read again."""
        found = self.read(self.look)
        self.comparisons, self.rows = found.comparisons, found.rows
        self._check_hyperparameters(self.look)
        self.chosen: tuple[Row, ...] = chosen(self.rows, self.look)

    @property
    def comparison(self) -> Comparison:
        """That of the first metric."""
        return self.comparisons[0]

    @property
    def metric(self) -> str | tuple[str, ...]:
        """The metric shown, or all of them where there are several; may be set to either."""
        found = tuple(c.metric for c in self.comparisons)
        return found[0] if len(found) == 1 else found

    @metric.setter
    def metric(self, wanted: str | Iterable[str]) -> None:
        self.set(metric=wanted)

    @property
    def baseline(self) -> str:
        """`parent`, or the address of the node that all are compared with; may be set to any place."""
        return self.look.baseline

    @baseline.setter
    def baseline(self, place: object) -> None:
        self.set(baseline=place)

    @property
    def metrics(self) -> tuple[str, ...]:
        """Every metric that at least one of the nodes has."""
        return self.comparison.metrics

    @property
    def axes(self) -> tuple[str, ...]:
        """What `x` may be: the axes that all of the nodes have."""
        return self.comparison.axes

    @property
    def hyperparameters(self) -> tuple[str, ...]:
        """Those that differ between the nodes: what `colour_by` and `group_by` are for."""
        return tuple(c.name for c in columns_of(self.rows, self.comparisons) if c.hyperparameter)

    @property
    def nodes(self) -> tuple[BoundNode, ...]:
        return tuple(self._explorer.node(node) for node in self._nodes)

    @property
    def title(self) -> str:
        return f"{', '.join(c.metric for c in self.comparisons)} of {count(len(self.rows), 'node')}"

    @property
    def figure(self) -> FigureWidget:
        """The plotly FigureWidget: one for the life of this view, 20,000 points at most."""
        return self.drawn.widget

    @property
    def table(self) -> pd.DataFrame:
        """The table under the figure, exact, filtered and sorted as it is: a row per node."""
        return frame_of(self.chosen, columns_of(self.rows, self.comparisons))

    @property
    def selected(self) -> BoundNode | None:
        """The checkpoint that was clicked, with `.fork()` and `.resume()`; may be set to any place."""
        return None if self._selected is None else self._explorer.node(self._selected)

    @selected.setter
    def selected(self, place: object) -> None:
        self._selected = None if place is None else self._explorer.node(place).node
        if "drawn" in self.__dict__:
            self.drawn.select(self._selected)
        if self._widget is not None:
            self._widget.paint()

    @property
    def snippet(self) -> str:
        """This comparison, as it looks now, as an expression that runs anywhere."""
        places = ", ".join(repr(self._explorer.address(node)) for node in self._nodes)
        told = arguments(self.look)
        return f"{self._explorer.opened_by}.compare([{places}]{', ' + told if told else ''})"

    def snippet_of(self, node: BoundNode) -> str:
        """A place of it, as an expression that runs anywhere."""
        return self._explorer.snippet(node.node)

    def set(self, **settings: object) -> ComparisonView:
        """Several settings at once: `view.set(x="tokens", smoothing=0.9)`.

        Raises:
            BadInput: no such setting, value, metric, axis, hyperparameter or column; nothing has changed.
        """
        look = self.with_settings(settings)
        self.apply(look, self.read(look) if READ_ANEW & settings.keys() else None)
        return self

    def with_settings(self, settings: dict[str, object]) -> Look:
        """The look with these settings, checked as far as that needs no reading."""
        look = self._asked(self.look, settings)
        self._check_hyperparameters(look)
        return look

    def _asked(self, look: Look, settings: dict[str, object]) -> Look:
        if settings.get("baseline") not in (None, "parent"):
            settings = {**settings, "baseline": self._explorer.node(settings["baseline"]).address}
        return changed(look, settings)

    def _check_hyperparameters(self, look: Look) -> None:
        for name in {look.colour_by, look.group_by} - {""}:
            group_by(self.comparison, name)

    def read(self, look: Look, nodes: Iterable[Node] | None = None) -> Found:
        """The curves anew, and what the table says of them. Blocks: see `Workspace.compare`."""
        workspace, places = self._explorer.workspace, self._nodes if nodes is None else tuple(nodes)
        told: dict[str, Any] = {"smoothing": look.smoothing, "baseline": look.baseline}
        if look.metric:
            comparisons = workspace.compare(places, list(look.metric), look.x, **told)
        else:
            comparisons = (workspace.compare(places, None, look.x, **told),)
        return Found(places, comparisons, rows_of(comparisons))

    def apply(self, look: Look, found: Found | None = None) -> None:
        """Show another look, or newer numbers. On the kernel's loop; all of it or, with an error, nothing."""
        self.chosen = chosen(self.rows if found is None else found.rows, look)
        self.look = look
        if found is not None:
            self._nodes, self.comparisons, self.rows = found.nodes, found.comparisons, found.rows
        if "drawn" in self.__dict__:
            self.drawn.show(self.comparisons, look, self.shown)
        if self._widget is not None:
            self._widget.paint()

    def refresh(self) -> ComparisonView:
        """Read the curves again now; a widget on the page does so by itself while runs go on."""
        self.apply(self.look, self.read(self.look))
        return self

    def add(self, *places: object) -> ComparisonView:
        """Compare further nodes as well, in the same figure."""
        nodes = tuple(dict.fromkeys((*self._nodes, *(self._explorer.node(place).node for place in places))))
        self.apply(self.look, self.read(self.look, nodes))
        return self

    @property
    def shown(self) -> frozenset[str]:
        """The labels of the curves that are drawn."""
        return frozenset(row.label for row in self.chosen) - self.look.hidden

    def parallel(self) -> Figure:
        """Parallel coordinates: the hyperparameters that differ and the last value, a line per node."""
        from explorer.notebook.parallel import parallel

        return parallel(self.chosen, columns_of(self.rows, self.comparisons), self.comparison)

    def save(self, path: str | Path) -> Path:
        """Write the curves shown: all points as .csv or .parquet, a picture as .png or .svg, a page as .html.

        Raises:
            BadInput: another ending, or a package that it needs is missing.
        """
        return comparison_page.save(self, Path(path))

    def to_frame(self) -> pd.DataFrame:
        """A row per point, nothing thinned: node, step, x, value, inherited; of several metrics, which."""
        return comparison_page.to_frame(self)

    def summary(self) -> pd.DataFrame:
        """A row per node: what it changed, last, best and where, difference to its parent."""
        return self.comparison.summary()

    def to_json(self) -> dict[str, Any]:
        """The document that `explorer compare --json` prints."""
        return self.comparison.to_json()

    def widget(self) -> ipywidgets.Widget:
        """The figure between its controls and its table: follows runs while they go on."""
        if self._widget is None:
            from explorer.notebook.comparison_widget import ComparisonWidget

            self._widget = ComparisonWidget(self._explorer, self)
        self._widget.follow()
        return self._widget.box

    def rest(self) -> None:
        """Follow the runs no more; what was seen last stays on the page."""
        if self._widget is not None:
            self._widget.rest()
        if "drawn" in self.__dict__:
            self.drawn.rest()

    def close(self) -> None:
        """Take it off its page and out of the kernel's memory."""
        self.rest()
        if self._widget is not None:
            self._widget.close()

    @cached_property
    def drawn(self) -> ComparisonFigure:
        """What owns the figure."""
        from explorer.notebook.figure import ComparisonFigure

        made = ComparisonFigure(
            self.comparisons, self.look, self.shown, lambda node: setattr(self, "selected", node)
        )
        if self._selected is not None:
            made.select(self._selected)
        return made

    def __repr__(self) -> str:
        return comparison_page.as_text(self)

    def _repr_html_(self) -> str:
        return comparison_page.as_html(self)

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        from explorer.notebook.run_widget import view_of

        return {**view_of(self.widget()), "text/html": self._repr_html_(), "text/plain": repr(self)}


def preload(explorer: Explorer) -> None:
    """Begin to import plotly, in a worker, where a comparison is likely."""
    explorer.backstage.submit(lambda: import_module("explorer.notebook.plotly_widget").figure_widget())
