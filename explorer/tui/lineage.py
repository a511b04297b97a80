"""The lineage on screen: rows rendered one line at a time, so that 100,000 nodes cost what 100 do."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip

from explorer.lineage.address import Node
from explorer.lineage.rows import Rows
from explorer.lineage.state import State
from explorer.tui.columns import GUTTER, Layout, Piece, Row, heading, lay_out
from explorer.tui.glyphs import UNICODE, Glyphs
from explorer.tui.paint import strip_of
from explorer.tui.rolling import Rolling
from explorer.tui.theme import Palette

_STRIPS = 512


class LineageView(Rolling, can_focus=True, inherit_bindings=False):
    """Paints rows of a State. The cursor belongs to a node, and stays on it when rows come and go."""

    class Opened(Message):
        """A row was double-clicked."""

    def __init__(
        self,
        state: State,
        palette: Palette,
        glyphs: Glyphs = UNICODE,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        super().__init__(id="lineage")
        self.state = state
        self.rows = Rows(state.buckets)
        self.shown_rows: Sequence[int] = range(len(self.rows))
        """The rows that pass the filter, in order."""
        self.cursor = 0
        """An index into `shown_rows`."""
        self.marked: dict[Node, None] = {}
        """Marked nodes in the order they were marked."""
        self.first_lane = 0
        self._glyphs = glyphs
        self._palette = palette
        self._clock = clock
        self.moved: Callable[[], None] = lambda: None
        """Called when the cursor is on another node: what it paints is painted in the same frame."""
        self.fitted: Callable[[], None] = lambda: None
        """Called when the columns stand elsewhere."""
        self._strips: dict[tuple[int, bool], Strip] = {}
        self._row: Row | None = None
        self._layout = Layout(0, 1, ())

    # -- what the rest of the screen asks

    @property
    def node(self) -> Node | None:
        """The node under the cursor; None where nothing is shown."""
        row = self.cursor_row
        return self.rows.node(row) if row is not None else None

    @property
    def cursor_row(self) -> int | None:
        return self.shown_rows[self.cursor] if 0 <= self.cursor < len(self.shown_rows) else None

    @property
    def visible_nodes(self) -> list[Node]:
        """The nodes on screen, the one under the cursor first."""
        top = self.scroll_offset.y
        rows = self.shown_rows[top : top + max(1, self.size.height)]
        nodes = [self.rows.node(row) for row in rows]
        if self.node is not None:
            nodes.insert(0, self.node)
        return nodes

    # -- what changes it

    def show(self, state: State) -> None:
        """Paint another state of the same tree."""
        self.state = state
        self._repaint()

    def show_rows(self, rows: Rows, shown_rows: Sequence[int]) -> None:
        """Show these rows; keep the cursor on its node, and the node where it is on the screen."""
        node, old_cursor, top = self.node, self.cursor, self.scroll_offset.y
        self.rows, self.shown_rows = rows, shown_rows
        self.cursor = self._place_of(node, old_cursor)
        self._fit()
        moved = self.cursor - old_cursor
        if moved and (top > 0 or self.cursor >= max(1, self.size.height)):
            self._scroll_top(top + moved)
        self._keep_in_sight()
        self._repaint()
        self.moved()

    def go(self, node: Node) -> bool:
        """Put the cursor on a node; False where it is not shown."""
        row = self.rows.index(node)
        at = self._index_of(row) if row is not None else None
        if at is None:
            return False
        self.move_to(at)
        return True

    def move_to(self, cursor: int) -> None:
        """Move the cursor, clamped; paints two lines, or one screenful where it has to scroll."""
        cursor = max(0, min(len(self.shown_rows) - 1, cursor))
        if cursor == self.cursor or not self.shown_rows:
            return
        old, self.cursor = self.cursor, cursor
        self.refresh_line(old)
        self.refresh_line(cursor)
        self._keep_in_sight()
        self.moved()

    def move_by(self, rows: int) -> None:
        self.move_to(self.cursor + rows)

    def move_page(self, pages: float) -> None:
        self.move_by(round(pages * max(1, self.size.height - 1)))

    def mark(self, nodes: Iterable[Node], on: bool | None = None) -> None:
        """Mark nodes, unmark them, or (None) turn each one's mark over."""
        for node in tuple(nodes):
            if node in self.marked and on is not True:
                del self.marked[node]
            elif node not in self.marked and on is not False:
                self.marked[node] = None
            else:
                continue
            row = self.rows.index(node)
            at = self._index_of(row) if row is not None else None
            if row is not None and at is not None:
                self._strips.pop((row, True), None)
                self._strips.pop((row, False), None)
                self.refresh_line(at)

    def repaint_in(self, palette: Palette, glyphs: Glyphs) -> None:
        """The theme changed."""
        self._palette, self._glyphs = palette, glyphs
        self._repaint()

    def tick(self) -> None:
        """Ages moved on: paint again where one of them reads differently by now."""
        if self._row is None:
            return
        top = self.scroll_offset.y
        now = self._clock()
        for at in range(top, min(len(self.shown_rows), top + self.size.height)):
            row = self.shown_rows[at]
            if self._row.is_older(self.rows.node(row), now):
                self._repaint()
                return

    # -- painting

    def heading_strip(self, width: int, ground: Style) -> Strip:
        """The titles over the columns, aligned with the rows."""
        return strip_of(heading(self._layout, self._palette), width, ground)

    def render_line(self, y: int) -> Strip:
        at = y + self.scroll_offset.y
        width = self.size.width
        if at >= len(self.shown_rows):
            return self.blank
        row, here = self.shown_rows[at], at == self.cursor
        strip = self._strips.get((row, here))
        if strip is None:
            if len(self._strips) >= _STRIPS:
                self._strips.clear()
            ground = self.ground + self._palette.cursor if here else self.ground
            strip = self._strips[row, here] = strip_of(self._line(row, here), width, ground)
        return strip

    def _line(self, row: int, here: bool) -> list[Piece]:
        if self._row is None:
            self._row = Row(self.state, self.rows, self._layout, self._palette, self._glyphs, self._clock())
        palette, glyphs = self._palette, self._glyphs
        marked = self.rows.node(row) in self.marked
        return [
            (glyphs.cursor if here else " ", palette.primary),
            (glyphs.mark if marked else " ", palette.accent),
            *self._row.pieces(row, self.first_lane),
        ]

    def _repaint(self) -> None:
        self._strips.clear()
        self._row = None
        self.refresh()

    def _fit(self) -> None:
        width, before = self.size.width, self._layout
        if width:  # it has none while it is hidden because nothing matches: lanes would be scrolled to one
            self._layout = lay_out(width, self.rows.columns)
        if self._layout != before:
            self.fitted()
        self.hold(len(self.shown_rows))

    def _keep_in_sight(self) -> None:
        top, height = self.scroll_offset.y, max(1, self.size.height)
        if self.cursor < top:
            self._scroll_top(self.cursor)
        elif self.cursor >= top + height:
            self._scroll_top(self.cursor - height + 1)
        row = self.cursor_row
        if row is not None:
            column, lanes = self.rows.column(row), self._layout.lanes
            first = min(column, max(self.first_lane, column - lanes + 1))
            if first != self.first_lane:
                self.first_lane = first
                self._repaint()

    def _scroll_top(self, top: int) -> None:
        self.scroll_to(y=max(0, top), animate=False, immediate=True, force=True)

    def _place_of(self, node: Node | None, otherwise: int) -> int:
        """Where a node is now; where it is gone, the row that took its place."""
        row = self.rows.index(node) if node is not None else None
        at = self._index_of(row) if row is not None else None
        return at if at is not None else max(0, min(otherwise, len(self.shown_rows) - 1))

    def _index_of(self, row: int) -> int | None:
        if isinstance(self.shown_rows, range):
            return row if row in self.shown_rows else None
        from bisect import bisect_left

        at = bisect_left(self.shown_rows, row)
        return at if at < len(self.shown_rows) and self.shown_rows[at] == row else None

    # -- what Textual tells us

    def on_resize(self) -> None:
        self._fit()
        self._keep_in_sight()
        self._repaint()

    def on_click(self, event: events.Click) -> None:
        at = event.y + self.scroll_offset.y
        if at >= len(self.shown_rows):
            return
        if event.x < GUTTER:
            self.mark((self.rows.node(self.shown_rows[at]),))
        self.move_to(at)
        if event.chain == 2:
            self.post_message(self.Opened())
