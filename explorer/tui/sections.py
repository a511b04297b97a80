"""Titled groups of rows that open and close: how diffs and manifests are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from explorer.tui import wording
from explorer.tui.columns import Piece
from explorer.tui.glyphs import Glyphs
from explorer.tui.paint import strip_of
from explorer.tui.theme import Palette

if TYPE_CHECKING:
    from explorer.checkpoints import Row, Section

_OPEN_ROWS = 40
"""Longer sections start closed: the screen must show what there is before how much of it."""


@dataclass(frozen=True, slots=True)
class _Line:
    section: int
    row: int | None = None
    """None is the section's title."""


class SectionsView(ScrollView, can_focus=True, inherit_bindings=False):
    """Paints sections whose texts are printable already; one line is under the cursor."""

    def __init__(self, palette: Palette, glyphs: Glyphs) -> None:
        super().__init__(id="page")
        self.cursor = 0
        self._palette = palette
        self._glyphs = glyphs
        self._sections: Sequence[Section] = ()
        self._folded: set[str] = set()
        self._lines: list[_Line] = []

    def show(self, sections: Sequence[Section]) -> None:
        """Paint these; what the reader closed or opened before stays so."""
        known = {section.title for section in self._sections}
        self._folded |= {s.title for s in sections if s.title not in known and len(s.rows) > _OPEN_ROWS}
        self._sections = sections
        self._lay_out()

    def repaint_in(self, palette: Palette) -> None:
        """The theme may have changed."""
        if palette is not self._palette:
            self._palette = palette
            self.refresh()

    def move_by(self, lines: int) -> None:
        self._move_to(self.cursor + lines)

    def move_page(self, pages: float) -> None:
        self.move_by(round(pages * max(1, self.size.height - 1)))

    def move_to_end(self, last: bool) -> None:
        self._move_to(len(self._lines) if last else 0)

    def move_section(self, step: int) -> None:
        """To the next or previous title."""
        titles = [at for at, line in enumerate(self._lines) if line.row is None]
        ahead = [at for at in titles if (at > self.cursor if step > 0 else at < self.cursor)]
        if ahead:
            self._move_to(ahead[0] if step > 0 else ahead[-1])

    def toggle(self) -> None:
        """Close or open the section under the cursor, which goes to its title."""
        if not self._lines:
            return
        section = self._lines[self.cursor].section
        self._folded ^= {self._sections[section].title}
        self._lay_out()
        self._move_to(self._lines.index(_Line(section)))

    def toggle_all(self) -> None:
        """Close all, or open all where all are closed."""
        titles = {section.title for section in self._sections}
        self._folded = set() if titles <= self._folded else titles
        self._lay_out()

    def _lay_out(self) -> None:
        self._lines = []
        for index, section in enumerate(self._sections):
            self._lines.append(_Line(index))
            if section.title not in self._folded:
                self._lines += [_Line(index, row) for row in range(len(section.rows))]
        self.cursor = max(0, min(self.cursor, len(self._lines) - 1))
        self.virtual_size = Size(self.size.width, len(self._lines))
        self.refresh()

    def _move_to(self, at: int) -> None:
        self.cursor = max(0, min(at, len(self._lines) - 1))
        top, height = self.scroll_offset.y, max(1, self.size.height)
        if not top <= self.cursor < top + height:
            to = self.cursor if self.cursor < top else self.cursor - height + 1
            self.scroll_to(y=to, animate=False, immediate=True, force=True)
        self.refresh()

    def on_resize(self) -> None:
        self._lay_out()

    def on_click(self, event: events.Click) -> None:
        at = event.y + self.scroll_offset.y
        if at < len(self._lines):
            self._move_to(at)
            if self._lines[at].row is None:
                self.toggle()

    def render_line(self, y: int) -> Strip:
        at = y + self.scroll_offset.y
        width, ground = self.size.width, self.rich_style
        if at >= len(self._lines):
            return Strip.blank(width, ground)
        line, here = self._lines[at], at == self.cursor
        section = self._sections[line.section]
        pieces = (
            self._title(section) if line.row is None else self._row(section, section.rows[line.row], width)
        )
        bar = (self._glyphs.cursor if here else " ", self._palette.primary)
        return strip_of([bar, *pieces], width, ground + self._palette.cursor if here else ground)

    def _title(self, section: Section) -> list[Piece]:
        sign = self._glyphs.closed if section.title in self._folded else self._glyphs.opened
        style = self._palette.bad if section.title == "warnings" else self._palette.strong
        return [
            (f"{sign} ", self._palette.primary),
            (section.title, style),
            (f"  {section.note}", self._palette.dim),
        ]

    def _row(self, section: Section, row: Row, width: int) -> list[Piece]:
        palette, more = self._palette, self._glyphs.more
        style = {"+": palette.good, "-": palette.bad, "~": palette.accent, "!": palette.bad}.get(
            row.mark, palette.dim
        )
        if not (row.a or row.b):
            return [(f"   {self._mark(row)} ", style), (wording.fit(row.name, width - 7, more), palette.text)]
        longest = max(cell_len(r.name) for r in section.rows)
        values = max(cell_len(r.a) + cell_len(r.b) for r in section.rows) + 5
        name_width = max(12, min(longest, max(width - 9 - values, width // 2 - 6)))
        # the last part of a key or a tensor's name tells it apart
        name = wording.fit_end(row.name, name_width, more)
        pieces: list[Piece] = [
            (f"   {self._mark(row)} ", style),
            (name + " " * (name_width - cell_len(name) + 2), palette.text),
        ]
        room = width - name_width - 9
        both = row.a and row.b
        arrow = f" {self._glyphs.arrow} " if both else ""
        half = (room - len(arrow)) // 2 if both else room
        a = wording.fit(row.a, max(half, room - len(arrow) - cell_len(row.b)), more)
        b = wording.fit(row.b, room - len(arrow) - cell_len(a), more)
        plain = Style.null() if both else style
        return [
            *pieces,
            (a, palette.dim + plain if a else plain),
            (arrow, palette.faint),
            (b, palette.text + plain),
        ]

    def _mark(self, row: Row) -> str:
        return self._glyphs.arrow[-1] if row.mark == "→" else row.mark or " "
