"""What differs between two nodes: a summary, then sections that open and close."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal

from explorer.lineage.address import Node
from explorer.tui import wording
from explorer.tui.actions import Action, bindings
from explorer.tui.columns import Piece
from explorer.tui.footer import Footer
from explorer.tui.names import shown
from explorer.tui.paint import LineView
from explorer.tui.screens.reader import MOVES, Reader
from explorer.tui.session import Session
from explorer.tui.status import Said

if TYPE_CHECKING:
    from explorer.checkpoints import Diff

ACTIONS = (
    *MOVES,
    Action("swap", "w", "swap sides", "From the other side.", "Look", footer=3),
    Action("copy", "y", "copy", "Copy the command that prints this diff.", "Act", footer=4),
    Action("help", "question_mark,f1", "keys", "These keys.", "Screen", footer=5),
    Action("back", "escape,q,d", "back", "Back to the lineage.", "Screen", footer=6),
)


class DiffScreen(Reader):
    """Reads headers only, in a thread; a and b are shown older first."""

    ACTIONS: ClassVar[tuple[Action, ...]] = ACTIONS
    BINDINGS = bindings(ACTIONS)
    TITLE_OF_KEYS = "Diff"

    def __init__(self, session: Session, a: Node, b: Node) -> None:
        super().__init__(session)
        self._a, self._b = a, b
        self._diff: Diff | None = None

    def compose(self) -> ComposeResult:
        yield LineView(id="header")
        yield self.view
        with Horizontal(id="bottom"):
            yield LineView(id="status")
        yield Footer(id="footer")

    def on_mount(self) -> None:
        self.paint()
        self._read()

    def paint(self) -> None:
        palette, state = self.session.palette, self.session.state
        left: list[Piece] = [
            (" diff  ", palette.dim),
            (shown(state.label(self._a)), palette.strong),
            (f" {self.session.glyphs.arrow} ", palette.faint),
            (shown(state.label(self._b)), palette.strong),
        ]
        self.query_one("#header", LineView).write(left)

    def idle_status(self) -> tuple[list[Piece], list[Piece]]:
        if self._diff is None:
            return [], []
        palette, cost = self.session.palette, self._diff.cost
        said = "they differ" if self._diff.any else "no difference"
        read = f"read {wording.count(cost.requests, 'range')}, {wording.size(cost.read_bytes)} "
        return [(f" {said}", palette.dim)], [(read if cost.requests else "from memory ", palette.dim)]

    def _read(self) -> None:
        workspace = self.session.workspace
        if workspace is None:
            return
        self.say(Said("reading headers …", "busy"))
        a, b = self._a, self._b
        self.session.run(
            self, lambda: workspace.diff(a, b), self._took, self.complain, group="diff", exclusive=True
        )

    def _took(self, diff: Diff) -> None:
        self._diff = diff
        sections = diff.sections()
        self.hush()
        self.view.show(sections)
        if not sections:
            self.say(Said("The two do not differ.", "good"))

    def do_swap(self) -> None:
        self._a, self._b = self._b, self._a
        self.paint()
        self._read()

    def do_copy(self) -> None:
        command = f"explorer diff {self._a.address} {self._b.address}"
        self.app.copy_to_clipboard(command)
        self.say(Said(f"{command} copied", "good"))
