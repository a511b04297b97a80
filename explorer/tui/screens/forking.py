"""Fork, resume and undo, the same on every screen that has a node to do it from."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, TypeVar

from explorer.errors import ExplorerError
from explorer.lineage.address import Node
from explorer.lineage.values import RunView, show_overrides
from explorer.tui.names import shown
from explorer.tui.screens.forms import Answer, Form
from explorer.tui.screens.page import Page
from explorer.tui.status import Said
from explorer.tui.verbs import Verbs

T = TypeVar("T")


class Forking(Page):
    """Verbs that change something wait for each other, in the order of the keys."""

    AFTER_RESUME: ClassVar[str] = ""
    """What to do next, said once a run has started."""

    @property
    def source(self) -> Node | None:
        """The node that is forked or resumed from."""
        raise NotImplementedError

    def made(self, node: Node) -> None:
        """A verb made this node: show it once the state has it."""

    def _do(
        self,
        what: str,
        call: Callable[[Verbs], T],
        then: Callable[[T], None],
        trouble: Callable[[ExplorerError], None] | None = None,
    ) -> None:
        workspace = self.session.workspace
        if workspace is None:
            return
        self.say(Said(f"{what} …", "busy"))
        self.session.run(
            self, lambda: call(workspace), then, trouble or self.complain, group="verbs", in_turn=True
        )

    def _label(self, node: Node) -> str:
        return shown(self.session.state.label(node))

    def _made(self, node: Node, said: str) -> None:
        self.pull()
        self.made(node)
        self.say(Said(said, "good", "z undoes it"))

    def pull(self) -> None:
        """Paint what the verb did now, not at the next beat."""
        if self.session.pull():
            self.state_changed()

    # -- fork, resume

    def do_fork(self) -> None:
        node = self.source
        if node is not None:
            self._fork(node, None)

    def do_fork_form(self) -> None:
        node = self.source
        if node is None:
            return

        def answered(answer: Answer | None) -> None:
            if answer is not None:
                self._fork(node, answer)

        self.app.push_screen(Form("Fork", node, self.session), answered)

    def _fork(self, node: Node, answer: Answer | None) -> None:
        name, overrides = (answer.name, answer.overrides) if answer else (None, ())
        changed = f" with {shown(show_overrides(overrides))}" if overrides else ""
        self._do(
            f"forking {self._label(node)}",
            lambda w: w.fork(node, name, overrides),
            lambda made: self._made(made, f"{shown(made.bucket)} forked from {self._label(node)}{changed}"),
        )

    def do_resume(self) -> None:
        node = self.source
        if node is not None:
            self._resume(node, Answer())

    def do_resume_form(self) -> None:
        node = self.source
        if node is None:
            return

        def answered(answer: Answer | None) -> None:
            if answer is not None:
                self._resume(node, answer)

        self.app.push_screen(Form("Resume", node, self.session), answered)

    def _resume(self, node: Node, answer: Answer) -> None:
        def started(run: RunView) -> None:
            said = f"{shown(run.bucket)} trains on from {self._label(node)}"
            self._made(Node(run.bucket), said)
            self.say(Said(said, "good", self.AFTER_RESUME))

        self._do(
            f"resuming from {self._label(node)}",
            lambda w: w.resume(node, answer.template, answer.overrides),
            started,
        )

    def do_undo(self) -> None:
        def done(said: str) -> None:
            self.pull()
            self.say(Said(f"undone: {shown(said)}", "good"))

        self._do("undoing", lambda w: w.undo(), done)
