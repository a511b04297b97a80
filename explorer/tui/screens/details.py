"""Everything known of one node, on the whole screen: the pane's facts, then what its manifest says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult

from explorer.lineage.address import Node
from explorer.lineage.rows import Rows
from explorer.tui.actions import Action, bindings
from explorer.tui.columns import Piece
from explorer.tui.detail import Detail, Known
from explorer.tui.names import shown
from explorer.tui.paint import LinesView, LineView
from explorer.tui.screens.reader import MOVES, Reader
from explorer.tui.session import Session
from explorer.tui.status import Said
from explorer.tui.verbs import Verbs

if TYPE_CHECKING:
    from explorer.checkpoints import Section

ACTIONS = (
    *MOVES,
    Action("copy", "y", "copy", "Copy the address.", "Act", footer=3),
    Action("help", "question_mark,f1", "keys", "These keys.", "Screen", footer=4),
    Action("leave", "escape", "back", "Take the filter away, then back to the lineage.", "Screen"),
    Action("back", "q", "back", "Back to the lineage.", "Screen", footer=5),
)


class Details(Reader):
    """Goes on living while it is open: losses and progress move on it."""

    ACTIONS: ClassVar[tuple[Action, ...]] = ACTIONS
    BINDINGS = bindings(ACTIONS)
    TITLE_OF_KEYS = "Details"

    def __init__(self, session: Session, rows: Rows, node: Node, known: Known) -> None:
        super().__init__(session)
        self._rows = rows
        self._node = node
        self._known = known

    def compose(self) -> ComposeResult:
        yield LineView(id="header")
        yield LinesView(id="facts")
        yield self.view
        yield from self.bottom()

    def on_mount(self) -> None:
        workspace, node = self.session.workspace, self._node
        if workspace is not None:
            self.say(Said("reading the manifest …", "busy"))
            self.session.run(
                self, lambda: _read(workspace, node), self._took, self.complain, group="manifest"
            )

    def paint(self) -> None:
        session = self.session
        if self._node.bucket not in session.state.buckets:
            return
        palette, facts = session.palette, self.query_one("#facts", LinesView)
        rows = self._rows if self._rows.index(self._node) is not None else Rows(session.state.buckets)
        detail = Detail(
            session.state, rows, self._node, self._known, palette, session.glyphs, session.clock()
        )
        self.query_one("#header", LineView).write(
            [(" details  ", palette.dim), (detail.title, palette.strong)],
            [(f"{shown(self._node.address)} ", palette.dim)],
        )
        width = max(20, min(96, facts.size.width - 2))
        tall = self.size.height >= 30
        lines = detail.full(width, chart=4, log=3) if tall else detail.compact(width)
        facts.write([[("  ", palette.text), *line] for line in lines] if tall else lines)
        facts.styles.height = len(lines) + 1

    def idle_status(self) -> tuple[list[Piece], list[Piece]]:
        return self.filter_status(), []

    def _took(self, sections: Sequence[Section]) -> None:
        self.hush()
        self.fill(sections, self.measured(sections))
        self.state_changed()

    def do_copy(self) -> None:
        self.app.copy_to_clipboard(self._node.address)
        self.say(f"{shown(self._node.address)} copied")


def _read(workspace: Verbs, node: Node) -> Sequence[Section]:
    """The sections of a manifest, layers that are alike folded into one row."""
    from explorer.checkpoints import manifest_sections
    from explorer.checkpoints.folding import fold

    told = manifest_sections(workspace.manifest(node))
    return [
        replace(section, rows=fold(section.rows)) if section.title == "tensors" else section
        for section in told
    ]
