"""The main screen: the lineage, the detail of the node under the cursor, and every verb."""

from __future__ import annotations

import time
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Container, Horizontal, Vertical
from textual.widgets import Static

from explorer.lineage.address import Node
from explorer.lineage.rows import Rows
from explorer.tui.actions import Action, bindings
from explorer.tui.columns import Piece
from explorer.tui.detail import Detail, Known
from explorer.tui.empty import empty_text
from explorer.tui.filtering import Filtering
from explorer.tui.fitting import fit
from explorer.tui.footer import Footer
from explorer.tui.header import header
from explorer.tui.heading import Heading
from explorer.tui.keys import LINEAGE
from explorer.tui.lineage import LineageView
from explorer.tui.names import shown
from explorer.tui.paint import LinesView, LineView
from explorer.tui.prompt import Prompt
from explorer.tui.reading import DWELL_S, Reading
from explorer.tui.screens.moves import Moves
from explorer.tui.session import Session
from explorer.tui.situation import Situation
from explorer.tui.status import activity

_MANY = 5_000
"""Trees larger than this are laid out in a thread: it would take longer than a frame."""
_PLACEHOLDER = "text  ~fuzzy  !not  loss<2.05  lr>1e-4  bucket:x"
_ZOOMS = ("", "-only-list", "-only-detail")


class LineageScreen(Moves):
    """Paints from the session's state; the cursor and the marks are its own."""

    ACTIONS: ClassVar[tuple[Action, ...]] = LINEAGE
    BINDINGS = bindings(LINEAGE)
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-low"), (16, "-tall")]  # noqa: RUF012
    AUTO_FOCUS = "#lineage"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.view = LineageView(session.state, session.palette, session.glyphs, session.clock)
        self.reading = Reading(self)
        self.filtering = Filtering(self)
        self._tree = session.state.tree_revision
        self._zoom = 0
        self._moved_s: float | None = None
        """When the cursor last moved; None once it has rested."""
        self._pane_due = False

    def compose(self) -> ComposeResult:
        yield LineView(id="header")
        with Container(id="body"):
            with Vertical(id="list") as list_:
                list_.border_title = "lineage"
                yield Heading(self.view)
                yield self.view
                yield Static(id="empty")
            yield LinesView(id="detail")
        with Horizontal(id="bottom"):
            yield LineView(id="status")
            yield Prompt(self.filtering.typed, self.filtering.leave, placeholder=_PLACEHOLDER)
        yield Footer(id="footer")

    def on_mount(self) -> None:
        self.view.moved = self._cursor_moved
        self.view.fitted = self._fitted
        self._moved_s = time.monotonic()
        self.set_interval(1.0, self._tick)
        self.paint_all()

    def on_resize(self) -> None:
        self.call_after_refresh(self.paint_all)

    def situation(self) -> Situation:
        return Situation(
            self.session.state,
            self.view.rows,
            self.view.node,
            tuple(self.view.marked),
            self.session.workspace is not None,
            bool(self.filtering.query),
        )

    # -- painting

    def state_changed(self) -> None:
        """Paint a newer state; where the tree changed its rows are laid out first."""
        state = self.session.state
        if state.tree_revision == self._tree:
            self.view.show(state)
            self.filtering.state_changed()
            self.paint_all()
            return
        self._tree = state.tree_revision
        older = self.view.rows
        count = sum(len(bucket.snapshots) + 1 for bucket in state.buckets.values())
        if count <= _MANY:
            self._laid_out(Rows(state.buckets, older))
        else:
            self.session.run(
                self,
                lambda: Rows(state.buckets, older),
                self._laid_out,
                self.complain,
                group="rows",
                exclusive=True,
            )

    def _laid_out(self, rows: Rows) -> None:
        self.view.state = self.session.state
        gone = [node for node in self.view.marked if rows.index(node) is None]
        self.view.mark(gone, on=False)
        self.filtering.rows_changed(rows)
        self.arrive()
        self.paint_all()

    def paint_all(self) -> None:
        self.paint_header()
        self.paint_detail()
        self.paint_status()
        self.paint_footer()
        self.query_one(Heading).refresh()
        state, session = self.session.state, self.session
        empty = not self.view.shown_rows
        self.set_class(empty, "-empty")
        if empty:
            said = empty_text(state, session.trouble, session.workspace is not None, self.filtering.query)
            self.query_one("#empty", Static).update(said)
        if session.workspace is not None:
            session.workspace.want(self.view.visible_nodes)

    def paint_header(self) -> None:
        line, session = self.query_one("#header", LineView), self.session
        line.write(
            *header(
                session.state,
                len(self.view.marked),
                session.fresh,
                session.palette,
                session.glyphs,
                session.clock(),
                self.size.width,
            )
        )

    def paint_detail(self) -> None:
        pane, node = self.query_one("#detail", LinesView), self.view.node
        session = self.session
        if node is None or node.bucket not in session.state.buckets:
            pane.border_title = ""
            pane.write([])
            return
        known = self.reading.known(node)
        detail = Detail(
            session.state, self.view.rows, node, known, session.palette, session.glyphs, session.clock()
        )
        width, height = pane.size.width, pane.size.height
        if self.has_class("-wide") or self.has_class("-only-detail"):
            # a border's title would repaint the whole pane for every row that the cursor passes
            title = "node"
            lines = detail.full(width, chart=max(3, min(10, height - 24)), log=max(3, height - 30))
            pane.write([[(fit(detail.title, width), session.palette.head(detail.lane))], [], *lines])
        else:
            title = detail.title.replace("[", r"\[")
            pane.write(detail.compact(width))
        if pane.border_title != title:
            pane.border_title = title

    def idle_status(self) -> tuple[list[Piece], list[Piece]]:
        palette, state = self.session.palette, self.session.state
        count = len(self.view.shown_rows)
        left: list[Piece] = []
        if count:
            left.append((f" {self.view.cursor + 1:,} of {count:,}", palette.dim))
        left += self.filtering.status(palette)
        failure = state.failures.get(None)
        if self.session.trouble is not None:
            left = [(f" {self.session.glyphs.failed} {shown(str(self.session.trouble))}", palette.bad),
                    (f"  {shown(self.session.trouble.hint)}", palette.dim)]  # fmt: skip
        elif failure is not None:
            left = [(f" {self.session.glyphs.failed} {shown(failure.message)}", palette.bad),
                    (f"  {shown(failure.hint)}", palette.dim)]  # fmt: skip
        return left, activity(state, palette, self.session.glyphs)

    def _tick(self) -> None:
        """Ages move on even when nothing else does."""
        self.view.tick()
        self.paint_header()
        self.paint_detail()

    def _fitted(self) -> None:
        self.query_one(Heading).refresh()

    # -- the cursor

    def _cursor_moved(self) -> None:
        """The row is painted with the key; pane and footer follow with the next beat, once for many keys."""
        self._moved_s = time.monotonic()
        self._pane_due = True
        self.paint_status()

    def beat(self) -> None:
        if self._pane_due:
            self._pane_due = False
            self.paint_detail()
            self.paint_footer()
            if self.session.workspace is not None:
                self.session.workspace.want(self.view.visible_nodes)
        if self._moved_s is not None and time.monotonic() - self._moved_s >= DWELL_S:
            self._moved_s = None
            self.reading.rested()

    @on(LineageView.Opened)
    def _opened(self) -> None:
        self.action_act("details")

    def go(self, node: Node) -> None:
        """Put the cursor on a node; a filter that hides it is taken away."""
        if not self.view.go(node) and self.view.rows.index(node) is not None:
            self.filtering.clear()
            self.view.go(node)

    def known(self) -> Known:
        return self.reading.known(self.view.node) if self.view.node is not None else Known()

    # -- marks, filter, layout

    def do_filter(self) -> None:
        self.filtering.open()

    def do_clear(self) -> None:
        if self._said is not None:
            self.hush()
        if self.filtering.query:
            self.filtering.clear()
        elif self.view.marked:
            self.view.mark(tuple(self.view.marked), on=False)
            self.paint_header()
            self.paint_footer()

    def do_zoom(self) -> None:
        self._zoom = (self._zoom + 1) % len(_ZOOMS)
        for name in _ZOOMS[1:]:
            self.set_class(name == _ZOOMS[self._zoom], name)
        self.call_after_refresh(self.paint_all)
