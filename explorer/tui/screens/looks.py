"""The pages that open from the lineage: details, log, diff, compare; and what each of them is about."""

from __future__ import annotations

from explorer.lineage.address import Node
from explorer.tui import walk
from explorer.tui.detail import Known
from explorer.tui.lineage import LineageView
from explorer.tui.readings import newest_run, parent_node
from explorer.tui.screens.page import Page


class Looks(Page):
    """Pages are imported when they are first opened: the first paint does not wait for them."""

    view: LineageView

    def known(self) -> Known:
        """What reading the node under the cursor told so far."""
        raise NotImplementedError

    def do_details(self) -> None:
        from explorer.tui.screens.details import Details

        if self.view.node is not None:
            self.app.push_screen(Details(self.session, self.view.rows, self.view.node, self.known()))

    def do_log(self) -> None:
        from explorer.tui.screens.log import RunLog

        node = self.view.node
        run = newest_run(self.session.state, node.bucket) if node is not None else None
        if run is not None:
            self.app.push_screen(RunLog(self.session, run.id))

    def do_diff(self) -> None:
        from explorer.tui.screens.diff import DiffScreen

        node, marked = self.view.node, tuple(self.view.marked)
        if node is None:
            return
        if len(marked) == 2:
            pair: tuple[Node, Node | None] = (marked[0], marked[1])
        elif marked and marked[0] != node:
            pair = (marked[0], node)
        else:
            pair = (node, parent_node(self.view.rows, node))
        a, b = self._older_first(*pair)
        self.app.push_screen(DiffScreen(self.session, a, b))

    def do_three_way(self) -> None:
        from explorer.tui.screens.diff import DiffScreen

        node = self.view.node
        bucket = self.session.state.buckets.get(node.bucket) if node is not None else None
        if node is not None and bucket is not None and bucket.parent is not None:
            self.app.push_screen(DiffScreen(self.session, bucket.parent, node, three_way=True))

    def _older_first(self, a: Node, b: Node | None) -> tuple[Node, Node]:
        if b is None:
            return a, a
        rows = self.view.rows
        return (b, a) if (rows.index(a) or 0) < (rows.index(b) or 0) else (a, b)

    def do_compare(self) -> None:
        from explorer.tui.screens.compare import CompareScreen

        row = self.view.cursor_row
        if row is None:
            return
        marked, node = tuple(self.view.marked), self.view.rows.node(row)
        if len(marked) == 1 and marked[0] != node:
            marked = (*marked, node)
        nodes = marked if len(marked) > 1 else tuple(walk.related(self.view.rows, row))
        self.app.push_screen(CompareScreen(self.session, nodes))
