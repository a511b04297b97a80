"""Asks which tensors to compare by value, and says what each choice would read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from explorer.checkpoints.value_plan import in_words, left_out
from explorer.tui.screens.dialog import keys_line
from explorer.tui.session import Session

if TYPE_CHECKING:
    from explorer.checkpoints.value_plan import Plan


@dataclass(frozen=True, slots=True)
class Scope:
    """One choice: what it is called, and what it would take."""

    title: str
    plan: Plan


class ChooseValues(ModalScreen["Plan | None"]):
    """Answers with a plan; nothing is read before."""

    BINDINGS = [  # noqa: RUF012
        Binding("escape,q,v", "leave", show=False, priority=True),
        Binding("enter,space", "take", show=False, priority=True),
        Binding("down,j,tab", "move(1)", show=False, priority=True),
        Binding("up,k,shift+tab", "move(-1)", show=False, priority=True),
        *(Binding(str(at), f"choose({at - 1})", show=False, priority=True) for at in range(1, 4)),
    ]

    def __init__(self, scopes: Sequence[Scope], bytes_s: float, session: Session) -> None:
        super().__init__()
        self._scopes = scopes
        self._bytes_s = bytes_s
        self._session = session
        self._at = next((at for at, scope in enumerate(scopes) if scope.plan.any), 0)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Compare values"
            for at in range(len(self._scopes)):
                yield Static("", id=f"scope-{at}", classes="scope")
            yield Static("", id="left-out", classes="consequence")
            yield keys_line(("enter", "read and compare"), ("j k", "choose"), ("esc", "leave"))

    def on_mount(self) -> None:
        self._paint()

    def _paint(self) -> None:
        cursor = self._session.glyphs.cursor
        for at, scope in enumerate(self._scopes):
            said = in_words(scope.plan, self._bytes_s)
            title = Content.from_markup(
                "[$primary b]$bar$number[/]  [b]$title[/]"
                if at == self._at
                else "$bar[$dim]$number[/]  $title",
                bar=cursor if at == self._at else " ",
                number=at + 1,
                title=scope.title,
            )
            line = Content.from_markup("\n    [$dim]$said[/]", said=said)
            self.query_one(f"#scope-{at}", Static).update(title + line)
        out = left_out(self._scopes[self._at].plan)
        self.query_one("#left-out", Static).update(Content(f"\n{out}" if out else ""))

    def action_move(self, by: int) -> None:
        self._at = (self._at + by) % len(self._scopes)
        self._paint()

    def action_choose(self, at: int) -> None:
        if at < len(self._scopes):
            self._at = at
            self._paint()

    def action_take(self) -> None:
        plan = self._scopes[self._at].plan
        if plan.any:
            self.dismiss(plan)

    def action_leave(self) -> None:
        self.dismiss(None)
