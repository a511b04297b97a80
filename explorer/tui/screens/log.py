"""What a run prints, followed while it lives."""

from __future__ import annotations

import codecs
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Log

from explorer import wording
from explorer.tui.actions import Action, bindings
from explorer.tui.columns import Piece
from explorer.tui.detail import run_title
from explorer.tui.footer import Footer
from explorer.tui.names import shown
from explorer.tui.paint import LineView
from explorer.tui.screens.page import Page
from explorer.tui.session import Session
from explorer.tui.situation import Situation, nowhere

_EVERY_S = 0.4
_LINES = 20_000

ACTIONS = (
    Action("down", "j,down", "down", "A line down.", "Move"),
    Action("up", "k,up", "up", "A line up; stops following.", "Move"),
    Action("page_down", "pagedown,ctrl+d", "page down", "A page down.", "Move"),
    Action("page_up", "pageup,ctrl+u", "page up", "A page up; stops following.", "Move"),
    Action("top", "g,home", "top", "To the first line.", "Move"),
    Action("bottom", "G,end", "follow", "To the last line, and follow again.", "Move", footer=1),
    Action("help", "question_mark,f1", "keys", "These keys.", "Screen", footer=2),
    Action("back", "escape,q,x", "back", "Back; the run goes on.", "Screen", footer=3),
)


class _Lines(Log, inherit_bindings=False):
    """A log whose keys are the page's."""


class RunLog(Page):
    """Reads on from where it was every 0.4 s, in a thread, until the run has ended and all was read."""

    ACTIONS: ClassVar[tuple[Action, ...]] = ACTIONS
    BINDINGS = bindings(ACTIONS)

    def __init__(self, session: Session, run_id: str) -> None:
        super().__init__(session)
        self._run_id = run_id
        self._offset = 0
        self._rest = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def compose(self) -> ComposeResult:
        yield LineView(id="header")
        yield _Lines(max_lines=_LINES, id="page")
        with Horizontal(id="bottom"):
            yield LineView(id="status")
        yield Footer(id="footer")

    def situation(self) -> Situation:
        return nowhere(self.session.state)

    def on_mount(self) -> None:
        self.state_changed()
        self._read()

    def on_resize(self) -> None:
        self.call_after_refresh(self.state_changed)

    def state_changed(self) -> None:
        run = self.session.state.runs.get(self._run_id)
        palette, glyphs = self.session.palette, self.session.glyphs
        right: list[Piece] = []
        if run is not None:
            right = [(f"{glyphs.run(run.state)} {run.state} ", palette.run(run.state))]
            self.query_one("#header", LineView).write([(f" {run_title(run)}", palette.strong)], right)
        self.paint_status()
        self.paint_footer()

    def idle_status(self) -> tuple[list[Piece], list[Piece]]:
        log, palette = self.query_one(Log), self.session.palette
        run = self.session.state.runs.get(self._run_id)
        count: list[Piece] = [(f" {wording.count(log.line_count, 'line')}", palette.dim)]
        if run is not None and run.reason and not run.is_live:
            return [*count, (f"  {shown(run.reason)}", palette.bad)], []
        return count, [("following " if log.auto_scroll else "not following: G follows ", palette.dim)]

    def _read(self) -> None:
        workspace = self.session.workspace
        if workspace is None:
            return
        self.session.run(
            self,
            lambda: workspace.log(self._run_id, self._offset),
            self._took,
            self.complain,
            group="log",
        )

    def _took(self, answer: tuple[bytes, int]) -> None:
        said, self._offset = answer
        # a lone \r redraws a progress bar: keep what it ended with
        text = self._rest + self._decoder.decode(said).replace("\r\n", "\n")
        *lines, self._rest = text.split("\n")
        if lines:
            self.query_one(Log).write_lines([shown(line.rpartition("\r")[2]) for line in lines])
        run = self.session.state.runs.get(self._run_id)
        if said or (run is not None and run.is_live):
            self.set_timer(_EVERY_S if run is not None and run.is_live else 0.01, self._read)
        elif self._rest:
            self.query_one(Log).write_lines([shown(self._rest)])
            self._rest = ""
        self.paint_status()

    # -- moving: going up stops following, the end takes it up again

    def _scroll(self, lines: int) -> None:
        log = self.query_one(Log)
        log.auto_scroll = lines > 0 and log.scroll_offset.y + lines >= log.max_scroll_y
        log.scroll_relative(y=lines, animate=False)
        self.paint_status()

    def do_down(self) -> None:
        self._scroll(1)

    def do_up(self) -> None:
        self._scroll(-1)

    def do_page_down(self) -> None:
        self._scroll(self.query_one(Log).size.height - 1)

    def do_page_up(self) -> None:
        self._scroll(1 - self.query_one(Log).size.height)

    def do_top(self) -> None:
        log = self.query_one(Log)
        log.auto_scroll = False
        log.scroll_home(animate=False)
        self.paint_status()

    def do_bottom(self) -> None:
        log = self.query_one(Log)
        log.auto_scroll = True
        log.scroll_end(animate=False)
        self.paint_status()
