"""Which lines a page of sections has: titles, rows, and the members of rows that were expanded. Pure.

Opening a section of 100,000 rows is one splice of a list; nothing is made for a row until it is painted.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explorer.checkpoints import Row, Section

OPEN_ROWS = 40
"""Longer sections start closed: a page must show what there is before how much of it."""
TITLE, ROW, MEMBER = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Line:
    """What stands on one line: a section's title (`row` is None), one of its rows, or a row's member."""

    section: int
    row: Row | None
    depth: int


class SectionLines:
    """Lines are counted from 0. What the reader opened or closed stays so when sections are shown anew."""

    def __init__(self) -> None:
        self.sections: Sequence[Section] = ()
        self._closed: set[str] = set()
        self._known: set[str] = set()
        self._expanded: set[tuple[str, str]] = set()
        """Rows that show their members, by section and name."""
        self._rows: list[Row | None] = []
        self._depths = bytearray()
        self._titles: list[int] = []
        """The lines of the titles, one a section."""

    def __len__(self) -> int:
        return len(self._rows)

    def show(self, sections: Sequence[Section], *, opened: bool = False) -> None:
        """Take these sections; `opened` opens all of them: what was searched for must be in sight."""
        for section in sections:
            if section.title not in self._known:
                self._known.add(section.title)
                if len(section.rows) > OPEN_ROWS:
                    self._closed.add(section.title)
        self.sections = sections
        self._lay_out(opened=opened)

    def _lay_out(self, *, opened: bool = False) -> None:
        self._rows, self._depths, self._titles = [], bytearray(), []
        for section in self.sections:
            self._titles.append(len(self._rows))
            self._rows.append(None)
            self._depths.append(TITLE)
            if opened or section.title not in self._closed:
                self._put(len(self._rows), self._opened(section))

    def _opened(self, section: Section) -> tuple[Sequence[Row], bytes]:
        """The rows of an open section, members where they are expanded."""
        if not any(title == section.title for title, _ in self._expanded):
            return section.rows, bytes([ROW]) * len(section.rows)
        rows: list[Row] = []
        depths = bytearray()
        for row in section.rows:
            rows.append(row)
            depths.append(ROW)
            if row.rows and (section.title, row.name) in self._expanded:
                rows += row.rows
                depths += bytes([MEMBER]) * len(row.rows)
        return rows, bytes(depths)

    def _put(self, at: int, what: tuple[Sequence[Row], bytes]) -> None:
        rows, depths = what
        self._rows[at:at] = rows
        self._depths[at:at] = depths

    # -- asking

    def line(self, at: int) -> Line:
        return Line(bisect_right(self._titles, at) - 1, self._rows[at], self._depths[at])

    def is_open(self, section: int) -> bool:
        at = self._titles[section]
        after = self._titles[section + 1] if section + 1 < len(self._titles) else len(self._rows)
        return after - at > 1 or not self.sections[section].rows

    def is_expanded(self, line: Line) -> bool:
        """Whether a row shows its members below it."""
        return line.row is not None and (self.sections[line.section].title, line.row.name) in self._expanded

    def title_at(self, at: int, step: int) -> int | None:
        """The line of the next title below `at`, or (`step` -1) above it."""
        titles = [t for t in self._titles if (t > at if step > 0 else t < at)]
        return None if not titles else titles[0] if step > 0 else titles[-1]

    def place_of(self, row: Row) -> int | None:
        """The line that a row stands on; None where it is folded away."""
        return next((at for at, found in enumerate(self._rows) if found is row), None)

    def title_of(self, section: int) -> int:
        """The line of a section's title."""
        return self._titles[min(section, len(self._titles) - 1)]

    def group_of(self, at: int) -> int:
        """The line of the row that a member belongs to, or of the title that a row belongs to."""
        depth = self._depths[at]
        while at > 0 and self._depths[at] >= depth > TITLE:
            at -= 1
        return at

    # -- opening and closing

    def reveal(self, title: str) -> int | None:
        """Open a section; its line, None where there is none of this title."""
        found = next((index for index, section in enumerate(self.sections) if section.title == title), None)
        if found is None:
            return None
        if not self.is_open(found):
            self._set_open(found, is_open=True)
        return self._titles[found]

    def toggle(self, at: int) -> int:
        """Open or close what stands on a line, or what it belongs to; the line to go on from."""
        line = self.line(at)
        if line.row is not None and (not line.row.rows or line.depth == MEMBER):
            at = self.group_of(at)
            line = self.line(at)
        title = self.sections[line.section].title
        if line.row is None:
            self._set_open(line.section, is_open=not self.is_open(line.section))
        elif self.is_expanded(line):
            self._expanded.discard((title, line.row.name))
            self._cut(at + 1, at + 1 + len(line.row.rows), line.section)
        else:
            self._expanded.add((title, line.row.name))
            self._put(at + 1, (line.row.rows, bytes([MEMBER]) * len(line.row.rows)))
            self._shift(line.section, len(line.row.rows))
        return at

    def toggle_all(self) -> None:
        """Close every section; open them all where none is open."""
        titles = {section.title for section in self.sections}
        anything = any(self.is_open(index) and section.rows for index, section in enumerate(self.sections))
        self._closed = self._closed | titles if anything else self._closed - titles
        self._lay_out()

    def _set_open(self, section: int, *, is_open: bool) -> None:
        title, at = self.sections[section].title, self._titles[section]
        if is_open:
            self._closed.discard(title)
            what = self._opened(self.sections[section])
            self._put(at + 1, what)
            self._shift(section, len(what[0]))
        else:
            self._closed.add(title)
            until = self._titles[section + 1] if section + 1 < len(self._titles) else len(self._rows)
            self._cut(at + 1, until, section)

    def _cut(self, first: int, until: int, section: int) -> None:
        del self._rows[first:until]
        del self._depths[first:until]
        self._shift(section, first - until)

    def _shift(self, section: int, by: int) -> None:
        for index in range(section + 1, len(self._titles)):
            self._titles[index] += by
