"""The keys of the table: which curve is selected, which are on, in which order, and which are left out."""

from __future__ import annotations

from dataclasses import replace

from textual import on

from explorer.errors import ExplorerError
from explorer.metrics import Row, where
from explorer.metrics.filters import parse_filter
from explorer.tui.charts.curve_table import CurveTable
from explorer.tui.charts.numbers import Sorting, in_order
from explorer.tui.prompt import Prompt
from explorer.tui.screens.compare.looking import Looking


class Choosing(Looking):
    """`rows` are the numbers of all curves; `in_sight` those that the filter leaves, as they are sorted."""

    rows: tuple[Row, ...] = ()
    sorting = Sorting()
    filter_text = ""
    _trouble = ""

    @property
    def in_sight(self) -> tuple[Row, ...]:
        return in_order([row for row in self.rows if row.label not in self.view.left_out], self.sorting)

    def paint(self) -> None:
        """The table, and what is said of the selected curve."""
        raise NotImplementedError

    # -- selecting

    def do_down(self) -> None:
        self._select(1)

    def do_up(self) -> None:
        self._select(-1)

    def _select(self, by: int) -> None:
        curves = [row.index for row in self.in_sight]
        if not curves:
            return
        at = curves.index(self.view.selected) + by if self.view.selected in curves else 0
        self.chart.look(replace(self.view, selected=curves[at % len(curves)]))

    def do_toggle(self) -> None:
        if self.chart.curve is not None:
            self.chart.look(self.view.toggled(self.chart.curve.label))

    def do_only(self) -> None:
        curve = self.chart.curve
        if curve is not None:
            others = frozenset(c.label for c in self.chart.curves) - {curve.label}
            alone = self.view.hidden == others
            self.chart.look(replace(self.view, hidden=frozenset() if alone else others))

    @on(CurveTable.Chosen)
    def _chosen(self, event: CurveTable.Chosen) -> None:
        view = replace(self.view, selected=event.curve)
        label = self.chart.curves[event.curve].label
        self.chart.look(view.toggled(label) if event.on_dot else view)

    # -- sorting

    def do_sort_right(self) -> None:
        self._sort_next(1)

    def do_sort_left(self) -> None:
        self._sort_next(-1)

    def _sort_next(self, by: int) -> None:
        keys = [None, *(c.key for c in self.query_one(CurveTable).columns if c.key != "here")]
        at = keys.index(self.sorting.key) if self.sorting.key in keys else 0
        self._sort(keys[(at + by) % len(keys)])

    def do_invert(self) -> None:
        self.sorting = replace(self.sorting, descending=not self.sorting.descending)
        self.paint()

    @on(CurveTable.Headed)
    def _headed(self, event: CurveTable.Headed) -> None:
        if event.key == self.sorting.key:
            self.do_invert()
        else:
            self._sort(event.key)

    def _sort(self, key: str | None) -> None:
        """The best first: the highest where higher is better."""
        rises = bool(self.chart.comparisons) and self.chart.comparisons[0].rises
        values = ("last", "best", "here", "delta", "mean_delta")
        self.sorting = Sorting(key, descending=rises and key in values)
        self.paint()

    # -- filtering

    def do_filter(self) -> None:
        self.query_one(Prompt).open()

    def typed(self, text: str) -> None:
        """Each letter filters: there are few curves."""
        self.filter_text = text.strip()
        self.apply_filter()

    def leave_filter(self, keep: bool) -> None:
        self.query_one(Prompt).close(self.chart)
        if not keep:
            self.clear_filter()

    def clear_filter(self) -> None:
        self.query_one(Prompt).text = ""
        self.typed("")

    def apply_filter(self) -> None:
        """Leave out what does not match; a filter that cannot be meant leaves out nothing, and says why."""
        wanted = parse_filter(self.filter_text)
        self._trouble = wanted.trouble or ""
        try:
            kept = {row.label for row in where(self.rows, wanted)}
        except ExplorerError as error:
            kept, self._trouble = {row.label for row in self.rows}, f"{error}  {error.hint}"
        left_out = frozenset(row.label for row in self.rows) - kept
        view = replace(self.view, left_out=left_out)
        if left_out and self.chart.curve is not None and self.chart.curve.label in left_out and kept:
            view = replace(view, selected=next(r.index for r in self.rows if r.label in kept))
        self.chart.look(view)
        found = f"{len(kept)} of {len(self.rows)}" if self.filter_text else ""
        self.query_one(Prompt).say(found, self._trouble)
        self.paint()
