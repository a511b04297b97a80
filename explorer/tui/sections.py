"""Titled groups of rows that open and close: how diffs and manifests are read. Made as they come in sight"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from textual import events
from textual.strip import Strip

from explorer.tui.columns import Piece
from explorer.tui.glyphs import Glyphs
from explorer.tui.paint import strip_of
from explorer.tui.rolling import Rolling
from explorer.tui.section_lines import Line, SectionLines
from explorer.tui.section_rows import SectionRows, Widths
from explorer.tui.theme import Palette

if TYPE_CHECKING:
    from explorer.checkpoints import Row, Section
    from explorer.checkpoints.statistics import Statistics

_STRIPS = 512


class SectionsView(Rolling, can_focus=True, inherit_bindings=False):
    """Paints sections whose texts are printable already; one line is under the cursor."""

    def __init__(self, palette: Palette, glyphs: Glyphs) -> None:
        super().__init__(id="page")
        self.lines = SectionLines()
        self.cursor = 0
        self.results: Mapping[tuple[str, str], Statistics] = {}
        """What comparing tensors by value told, by (part, name)."""
        self._palette = palette
        self._glyphs = glyphs
        self._rows = SectionRows(0, palette, glyphs)
        self._widths: dict[str, Widths] = {}
        self._told: dict[int, Statistics | None] = {}
        """By the identity of rows, which `lines` keeps alive."""
        self._strips: dict[tuple[int, bool], Strip] = {}

    @property
    def here(self) -> Line | None:
        """What is under the cursor; None on an empty page."""
        return self.lines.line(self.cursor) if self.cursor < len(self.lines) else None

    def show(
        self, sections: Sequence[Section], widths: Mapping[str, Widths] | None = None, *, opened: bool = False
    ) -> None:
        """Paint these; the cursor stays on its row. `widths` by title, where they were measured elsewhere."""
        row = here.row if (here := self.here) is not None else None
        self.lines.show(sections, opened=opened)
        self._widths = dict(widths or {})
        for section in sections:
            if section.title not in self._widths:
                self._widths[section.title] = Widths.of(section.rows)
        self._told.clear()
        self._changed()
        at = self.lines.place_of(row) if row is not None else None
        self._move_to(at if at is not None else self.cursor)

    def show_results(self, results: Mapping[tuple[str, str], Statistics]) -> None:
        """Paint what is known of values by now."""
        self.results = results
        self._told.clear()
        self._repaint()

    def repaint_in(self, palette: Palette) -> None:
        """The theme may have changed."""
        if palette is not self._palette:
            self._palette = palette
            self._rows = SectionRows(self.size.width, palette, self._glyphs)
            self._repaint()

    # -- moving

    def move_by(self, lines: int) -> None:
        self._move_to(self.cursor + lines)

    def move_page(self, pages: float) -> None:
        self.move_by(round(pages * max(1, self.size.height - 1)))

    def move_to_end(self, last: bool) -> None:
        self._move_to(len(self.lines) if last else 0)

    def move_section(self, step: int) -> None:
        """To the next or previous title."""
        at = self.lines.title_at(self.cursor, step)
        if at is not None:
            self._move_to(at)

    def move_to_title(self, title: str) -> None:
        """To a section, opened, with as much of it in sight as there is room for."""
        at = self.lines.reveal(title)
        if at is not None:
            self._changed()
            self._move_to(at)
            self.scroll_to(y=at, animate=False, immediate=True, force=True)

    def toggle(self) -> None:
        """Open or close what the cursor is on or in."""
        if self.here is not None:
            self.cursor = self.lines.toggle(self.cursor)
            self._changed()
            self._move_to(self.cursor)

    def toggle_all(self) -> None:
        """Close all sections, or open them all where none is open."""
        title = here.section if (here := self.here) is not None else 0
        self.lines.toggle_all()
        self._changed()
        self._move_to(self.lines.title_of(title) if len(self.lines) else 0)

    def _changed(self) -> None:
        """There are more lines, or fewer."""
        self.hold(len(self.lines))
        self._repaint()

    def _move_to(self, at: int) -> None:
        old, self.cursor = self.cursor, max(0, min(at, len(self.lines) - 1))
        self.refresh_line(old)
        self.refresh_line(self.cursor)
        top, height = self.scroll_offset.y, max(1, self.size.height)
        if not top <= self.cursor < top + height:
            to = self.cursor if self.cursor < top else self.cursor - height + 1
            self.scroll_to(y=to, animate=False, immediate=True, force=True)

    def on_resize(self) -> None:
        self._rows = SectionRows(self.size.width, self._palette, self._glyphs)
        self._changed()
        self._move_to(self.cursor)

    def on_click(self, event: events.Click) -> None:
        at = event.y + self.scroll_offset.y
        if at >= len(self.lines):
            return
        self._move_to(at)
        line = self.lines.line(at)
        if line.row is None or line.row.rows:
            self.toggle()

    # -- painting

    def _repaint(self) -> None:
        self._strips.clear()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        at, width = y + self.scroll_offset.y, self.size.width
        if at >= len(self.lines):
            return self.blank
        here = at == self.cursor
        strip = self._strips.get((at, here))
        if strip is None:
            if len(self._strips) >= _STRIPS:
                self._strips.clear()
            bar = (self._glyphs.cursor if here else " ", self._palette.primary)
            ground = self.ground + self._palette.cursor if here else self.ground
            strip = self._strips[at, here] = strip_of([bar, *self._pieces(at)], width, ground)
        return strip

    def _pieces(self, at: int) -> list[Piece]:
        line = self.lines.line(at)
        section = self.lines.sections[line.section]
        widths, has_values = self._widths[section.title], bool(self.results) and section.title == "tensors"
        if line.row is None:
            is_open = self.lines.is_open(line.section)
            return self._rows.title(section, is_open=is_open, columns=widths if has_values else None)
        expanded = self.lines.is_expanded(line) if line.row.rows else None
        if has_values:
            told = self._result(line.row)
            return self._rows.compared(line.row, told, widths, expanded=expanded, depth=line.depth)
        return self._rows.row(line.row, widths, expanded=expanded, depth=line.depth)

    def _result(self, row: Row) -> Statistics | None:
        from explorer.checkpoints.narrowing import result_of

        if id(row) not in self._told:
            self._told[id(row)] = result_of(row, self.results)
        return self._told[id(row)]
