"""Moving and marking on the lineage screen."""

from __future__ import annotations

from explorer.lineage.address import Node
from explorer.tui import walk
from explorer.tui.names import shown
from explorer.tui.screens.deeds import Deeds
from explorer.tui.session import Session
from explorer.tui.status import Said


class Moves(Deeds):
    """The cursor and the marks belong to the view; these are their keys."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._visited: dict[Node, Node] = {}
        """The fork that was last gone to, or come from, at each fork point."""

    def paint_header(self) -> None:
        raise NotImplementedError

    def do_down(self) -> None:
        self.view.move_by(1)

    def do_up(self) -> None:
        self.view.move_by(-1)

    def do_top(self) -> None:
        self.view.move_to(0)

    def do_bottom(self) -> None:
        self.view.move_to(len(self.view.shown_rows) - 1)

    def do_half_down(self) -> None:
        self.view.move_page(0.5)

    def do_half_up(self) -> None:
        self.view.move_page(-0.5)

    def do_page_down(self) -> None:
        self.view.move_page(1)

    def do_page_up(self) -> None:
        self.view.move_page(-1)

    def do_parent(self) -> None:
        row = self.view.cursor_row
        origin = walk.origin(self.view.rows, row) if row is not None else None
        if origin is not None and self.view.node is not None:
            self._visited[origin] = Node(self.view.node.bucket)
            self.go(origin)

    def do_child(self) -> None:
        row, node = self.view.cursor_row, self.view.node
        if row is None or node is None:
            return
        fork = walk.child(self.view.rows, row, self._visited.get(node))
        if fork is not None:
            self._visited[node] = fork
            self.go(fork)

    def do_fork_point_up(self) -> None:
        self._to_fork_point(-1)

    def do_fork_point_down(self) -> None:
        self._to_fork_point(1)

    def _to_fork_point(self, step: int) -> None:
        at = walk.fork_point(self.view.rows, self.view.shown_rows, self.view.cursor, step)
        if at is None:
            self.say(Said(f"No fork point {'below' if step > 0 else 'above'}.", "why"))
        else:
            self.view.move_to(at)

    def do_next(self) -> None:
        self.view.move_to((self.view.cursor + 1) % max(1, len(self.view.shown_rows)))

    def do_previous(self) -> None:
        self.view.move_to((self.view.cursor - 1) % max(1, len(self.view.shown_rows)))

    def do_mark(self) -> None:
        if self.view.node is not None:
            self.view.mark((self.view.node,))
        self.paint_header()
        self.paint_footer()

    def do_mark_range(self) -> None:
        """From the newest mark to the cursor; rows in between that the filter hides stay as they are."""
        last = next(reversed(self.view.marked))
        row = self.view.rows.index(last)
        shown_rows = self.view.shown_rows
        if row is None or row not in shown_rows:
            self.say(Said(f"The last mark, {shown(self.session.state.label(last))}, is not shown.", "why"))
            return
        start, stop = sorted((shown_rows.index(row), self.view.cursor))
        self.view.mark((self.view.rows.node(shown_rows[at]) for at in range(start, stop + 1)), on=True)
        self.paint_header()
