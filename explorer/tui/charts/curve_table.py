"""`CurveTable`: a row of numbers for each curve under a chart, to choose curves and to switch them off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from rich.style import Style
from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from explorer.metrics import Comparison, NodeCurve, Row
from explorer.tui.charts import numbers
from explorer.tui.charts.inks import BOLD, FAINT, HUE, inks, letter
from explorer.tui.charts.lines import Lines
from explorer.tui.charts.loss_chart import styles_of
from explorer.tui.charts.numbers import Column, Sorting
from explorer.tui.charts.signs import Signs
from explorer.tui.charts.view import View
from explorer.tui.columns import Piece
from explorer.tui.glyphs import Glyphs
from explorer.tui.paint import LinesView, LineView
from explorer.tui.theme import Palette

_BEFORE = 6
"""Cells before the name: a bar, the letter, the dot."""
_DOT_UNTIL = 5


@dataclass(frozen=True, slots=True)
class Shown:
    """All that the table paints from."""

    comparisons: tuple[Comparison, ...]
    lines: tuple[Lines, ...]
    rows: tuple[Row, ...]
    """Those that are not left out, in the order of the table."""
    view: View
    sorting: Sorting


class CurveTable(Vertical):
    """The head stays in place while the rows scroll. Keys belong to the screen."""

    DEFAULT_CSS = "CurveTable { height: auto; } CurveTable LinesView { height: 1fr; }"

    class Chosen(Message):
        """A row was clicked: its curve, and whether it was on the dot that switches it."""

        def __init__(self, curve: int, on_dot: bool) -> None:
            super().__init__()
            self.curve, self.on_dot = curve, on_dot

    class Headed(Message):
        """The head of a column was clicked."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(self, signs: Signs, *, id: str) -> None:
        super().__init__(id=id)
        self.signs = signs
        self.columns: tuple[Column, ...] = ()
        self._head = LineView(id="curve-head")
        self._body = LinesView(id="curve-rows")
        self._curves: list[int] = []
        self._styles: Mapping[int, Style] = {}
        self._texts: dict[int, tuple[Row, list[str]]] = {}
        """What stands in the rows, by where they are in memory: the crosshair's column alone moves often."""

    def compose(self) -> ComposeResult:
        yield self._head
        yield self._body

    def restyle(self) -> None:
        """The theme is another one."""
        self._styles = styles_of(self)

    def show(self, shown: Shown, palette: Palette, glyphs: Glyphs) -> None:
        """Paint it; lines that are the same cost nothing."""
        self._styles = self._styles or styles_of(self)
        width = self.app.size.width
        here = shown.view.cursor is not None
        chosen = numbers.columns(shown.comparisons, shown.rows, width - _BEFORE - 2, self.signs, here=here)
        if chosen != self.columns:
            self.columns, self._texts = chosen, {}
        self._paint_head(shown.sorting, palette)
        colours = inks(shown.lines[0], shown.view) if shown.lines else []
        self._curves = [row.index for row in shown.rows]
        self._body.write([self._line(row, shown, colours, palette, glyphs) for row in shown.rows])
        if shown.view.selected in self._curves:
            at = self._curves.index(shown.view.selected)
            top, rows = self._body.scroll_offset.y, self._body.size.height
            if rows and not top <= at < top + rows:
                self._body.scroll_to(y=at if at < top else at - rows + 1, animate=False)

    def _paint_head(self, sorting: Sorting, palette: Palette) -> None:
        pieces: list[Piece] = [(" " * _BEFORE, palette.dim)]
        self._head.spots = []
        for start, width, text, column in numbers.heading(self.columns, sorting, self.signs):
            style = palette.accent if column.key == sorting.key else palette.dim
            pieces += [(text, style), ("  ", palette.dim)]
            at = _BEFORE + start
            self._head.spots.append((at, at + width, partial(self._sort, column.key)))
        self._head.write(pieces)

    def _sort(self, key: str) -> None:
        self.post_message(self.Headed(key))

    def _line(
        self, row: Row, shown: Shown, colours: Sequence[int], palette: Palette, glyphs: Glyphs
    ) -> list[Piece]:
        curve = shown.comparisons[0].nodes[row.index]
        off, chosen = curve.label in shown.view.hidden, row.index == shown.view.selected
        ink = FAINT if off else colours[row.index]
        style = self._styles.get(ink, palette.dim)
        calm = self._styles.get(ink - BOLD if ink >= HUE + BOLD else ink, palette.dim)
        here = None
        if shown.view.cursor is not None and shown.lines:
            here = shown.lines[0].value_at(row.index, shown.view, shown.view.cursor)
        pieces: list[Piece] = [
            (glyphs.cursor if chosen else " ", palette.primary),
            (f" {letter(row.index)} ", style),
            (f"{glyphs.remote if off else glyphs.cached} ", calm),
        ]
        for column, text in zip(self.columns, self._cells(row), strict=True):
            if column.key == "here":
                text = numbers.cell(column, row, self.signs, here)
            told = palette.faint if off else _style(column, row, curve, shown, palette, chosen=chosen)
            pieces += [(text, told), ("  ", palette.dim)]
        return pieces

    def _cells(self, row: Row) -> list[str]:
        known = self._texts.get(id(row))
        if known is None or known[0] is not row:
            texts = [numbers.cell(column, row, self.signs, None) for column in self.columns]
            known = self._texts[id(row)] = row, texts
        return known[1]

    def on_click(self, event: events.Click) -> None:
        at = event.screen_offset.y - self._body.region.y + self._body.scroll_offset.y
        if self._body.region.contains(*event.screen_offset) and 0 <= at < len(self._curves):
            x = event.screen_offset.x - self._body.region.x
            self.post_message(self.Chosen(self._curves[at], x < _DOT_UNTIL))


def _style(
    column: Column, row: Row, curve: NodeCurve, shown: Shown, palette: Palette, *, chosen: bool
) -> Style:
    value = row.cells.get(column.key)
    match column.key:
        case "label":
            return palette.strong if chosen else palette.text
        case "state":
            return palette.run(str(value))
        case "last" | "here":
            return palette.strong if chosen else palette.text
        case "delta" | "mean_delta":
            if not isinstance(value, (int, float)) or not value:
                return palette.dim
            return palette.good if (value > 0) == shown.comparisons[0].rises else palette.bad
        case "spikes" | "nan" | "redone":
            return palette.bad
        case "best" | "best_x":
            return palette.dim if row.cells.get("best_inherited") else palette.text
        case key if key in dict(curve.overrides):
            return palette.accent
    return palette.dim
