"""Two plain painters: one line with a left and a right part, and a scrolling list of styled lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.reactive import Reactive
from textual.strip import Strip
from textual.widget import Widget

from explorer.tui.columns import Piece
from explorer.tui.rolling import Rolling

Pieces = Sequence[Piece]


def width_of(pieces: Pieces) -> int:
    return sum(cell_len(text) for text, _ in pieces)


def strip_of(pieces: Pieces, width: int, ground: Style) -> Strip:
    """Pieces as one strip of exactly `width` cells.

    Neighbours of one style become one segment, and blanks belong to whoever stands before them (no style
    of ours has a ground of its own): half as many segments is half of what a key costs.
    """
    segments: list[Segment] = []
    text, style = "", Style.null()
    for more, its_style in pieces:
        if its_style is style or not more or (text and more.isspace()):
            text += more
            continue
        if text:
            segments.append(Segment(text, ground + style))
        text, style = more, its_style
    if text:
        segments.append(Segment(text, ground + style))
    return Strip(segments).adjust_cell_length(width, ground)


class LineView(Widget):
    """One line. What does not fit is dropped from the right part first, then cut on the left."""

    DEFAULT_CSS = "LineView { height: 1; width: 1fr; }"
    virtual_size = Reactive(Size(0, 0))
    """Textual's lays out the screen once more when the line is first shown."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._left: Pieces = ()
        self._right: Pieces = ()
        self.spots: list[tuple[int, int, Callable[[], None]]] = []
        """Stretches of cells that do something when clicked."""

    def write(self, left: Pieces, right: Pieces = ()) -> None:
        """Paint this; the same again costs nothing."""
        if (left, right) != (self._left, self._right):
            self._left, self._right = left, right
            self.refresh()

    def render_line(self, y: int) -> Strip:
        width, ground = self.size.width, self.rich_style
        left, right = list(self._left), list(self._right)
        room = width - width_of(left) - 1
        while right and width_of(right) > room:
            right.pop(0)
        if not right:
            return strip_of(left, width, ground)
        gap = (" " * (width - width_of(left) - width_of(right)), Style.null())
        return strip_of([*left, gap, *right], width, ground)

    def on_click(self, event: events.Click) -> None:
        for start, stop, deed in self.spots:
            if start <= event.x < stop:
                deed()


class LinesView(Rolling, can_focus=False):
    """Styled lines, as many as there are; scrolls when they do not fit."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.lines: Sequence[Pieces] = ()

    def write(self, lines: Sequence[Pieces]) -> None:
        """Paint these lines; the same again costs nothing."""
        old, self.lines = self.lines, lines
        if len(old) != len(lines):
            self.hold(len(lines))
        for y, line in enumerate(zip_longest(old, lines)):
            if line[0] != line[1]:
                self.refresh_line(y)

    def on_resize(self) -> None:
        self.hold(len(self.lines))

    def render_line(self, y: int) -> Strip:
        at = y + self.scroll_offset.y
        return strip_of(self.lines[at], self.size.width, self.ground) if at < len(self.lines) else self.blank
