"""All keys of a screen, made from its table; those that do not apply now say why."""

from __future__ import annotations

from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from explorer.tui.actions import Action
from explorer.tui.session import Session
from explorer.tui.situation import Situation


class Help(ModalScreen[None]):
    """A list to read and scroll; any of ? q esc closes it."""

    BINDINGS: ClassVar = [
        Binding("escape,q,question_mark,f1,enter", "close", show=False),
        Binding("j,down", "scroll(1)", show=False),
        Binding("k,up", "scroll(-1)", show=False),
    ]

    def __init__(self, title: str, actions: tuple[Action, ...], now: Situation, session: Session) -> None:
        super().__init__()
        self._title = title
        self._actions = actions
        self._now = now
        self._session = session

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog help") as dialog:
            dialog.border_title = self._title
            dialog.border_subtitle = "esc closes"
            yield Static(self._table())

    def _table(self) -> Table:
        palette = self._session.palette
        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True)
        table.add_column()
        section = ""
        for action in self._actions:
            if action.section != section:
                if section:
                    table.add_row("", "")
                section = action.section
                table.add_row(Text(section, palette.accent), "")
            why = action.when(self._now)
            said = Text(action.tip, palette.text if why is None else palette.dim)
            if why is not None:
                said.append(f"  {why}", palette.faint)
            table.add_row(
                Text(
                    f"  {action.shown_keys(ascii=self._session.glyphs.ascii)}",
                    palette.key if why is None else palette.faint,
                ),
                said,
            )
        return table

    def action_scroll(self, lines: int) -> None:
        self.query_one(".help").scroll_relative(y=lines, animate=False)

    def action_close(self) -> None:
        self.dismiss(None)
