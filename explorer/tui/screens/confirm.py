"""Asks before something is taken away; what cannot come back must be named."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from explorer.tui.screens.dialog import keys_line


class Confirm(ModalScreen[bool]):
    """y or enter says yes; with `typed` only that text does."""

    BINDINGS = [  # noqa: RUF012
        Binding("escape,n,q", "answer(False)", show=False),
        Binding("y,enter", "answer(True)", show=False),
    ]

    def __init__(self, question: str, consequence: str, verb: str, *, typed: str | None = None) -> None:
        super().__init__()
        self._question = question
        self._consequence = consequence
        self._verb = verb
        self._typed = typed

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = self._verb
            yield Static(Content(self._question), classes="question")
            yield Static(Content(self._consequence), classes="consequence")
            if self._typed is None:
                yield keys_line(("y", self._verb), ("n", "keep"))
            else:
                yield Input(compact=True, placeholder=f"type {self._typed} to {self._verb} it", id="typed")
                yield keys_line(("enter", self._verb), ("esc", "keep"))

    def action_answer(self, yes: bool) -> None:
        """Enter in the dialog itself; in the input it arrives as Submitted."""
        if yes and self._typed is not None:
            return
        self.dismiss(yes)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        if event.value.strip() == self._typed:
            self.dismiss(True)
        else:
            self.query_one(".consequence", Static).update(
                Content.from_markup(
                    "[$error]That is another name.[/] " + self._consequence.replace("[", r"\[")
                )
            )
