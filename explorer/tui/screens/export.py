"""Asks for the file that a diff goes to."""

from __future__ import annotations

from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static

from explorer.tui.exporting import FORMATS, objection
from explorer.tui.names import shown
from explorer.tui.screens.dialog import keys_line
from explorer.tui.session import Session

_SAYS = {
    "csv": "the rows on the screen, unfolded, for a spreadsheet",
    "json": "the whole diff, for programs",
}


class Export(ModalScreen[Path | None]):
    """The format is the end of the name; the arrows change it."""

    BINDINGS = [  # noqa: RUF012
        Binding("escape", "leave", show=False, priority=True),
        Binding("down,up", "format", show=False, priority=True),
    ]

    def __init__(self, proposed: Path, session: Session) -> None:
        super().__init__()
        self._proposed = proposed
        self._session = session

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog form") as dialog:
            dialog.border_title = "Export"
            yield Label("to the file")
            yield Input(str(self._proposed), compact=True, id="path")
            yield Static("", id="verdict")
            yield keys_line(("enter", "write"), ("up down", "another format"), ("esc", "leave"))

    def on_mount(self) -> None:
        self._judge()

    @property
    def _path(self) -> Path:
        return Path(self.query_one("#path", Input).value.strip()).expanduser()

    @on(Input.Changed)
    def _judge(self) -> None:
        why, verdict, glyphs = objection(self._path), self.query_one("#verdict", Static), self._session.glyphs
        if why:
            verdict.update(Content.from_markup("[$error]$sign $why[/]", sign=glyphs.failed, why=shown(why)))
            return
        said = _SAYS[self._path.suffix.lstrip(".").lower()]
        if self._path.exists():
            said += "; takes the place of the one that is there"
        verdict.update(Content.from_markup("[$success]$sign[/] [$dim]$said[/]", sign=glyphs.done, said=said))

    def action_format(self) -> None:
        """From one format to the other."""
        field, path = self.query_one("#path", Input), self._path
        other = FORMATS[1] if path.suffix.lower() == f".{FORMATS[0]}" else FORMATS[0]
        field.value = str(path.with_suffix(f".{other}"))
        field.cursor_position = len(field.value)

    @on(Input.Submitted)
    def _submitted(self) -> None:
        if objection(self._path) is None:
            self.dismiss(self._path)

    def action_leave(self) -> None:
        self.dismiss(None)
