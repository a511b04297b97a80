"""Asks for a file to write; the format is the end of its name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static

from explorer.errors import BadInput
from explorer.tui.names import shown
from explorer.tui.screens.dialog import keys_line
from explorer.tui.session import Session


class SaveAs(ModalScreen[Path | None]):
    """`formats` are ends of names, each with what such a file is; the arrows go through them."""

    BINDINGS = [  # noqa: RUF012
        Binding("escape", "leave", show=False, priority=True),
        Binding("down", "format(1)", show=False, priority=True),
        Binding("up", "format(-1)", show=False, priority=True),
    ]

    def __init__(self, proposed: Path, formats: Mapping[str, str], session: Session) -> None:
        super().__init__()
        self._proposed = proposed
        self._formats = formats
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
        path, why = self._path, objection(self._path, self._formats)
        verdict, glyphs = self.query_one("#verdict", Static), self._session.glyphs
        if why:
            verdict.update(Content.from_markup("[$error]$sign $why[/]", sign=glyphs.failed, why=shown(why)))
            return
        said = self._formats[format_of(path)]
        if path.exists():
            said += "; takes the place of the one that is there"
        verdict.update(Content.from_markup("[$success]$sign[/] [$dim]$said[/]", sign=glyphs.done, said=said))

    def action_format(self, by: int) -> None:
        path, ends = self._path, [*self._formats]
        at = ends.index(format_of(path)) if format_of(path) in ends else -by
        field = self.query_one("#path", Input)
        field.value = str(path.with_suffix(f".{ends[(at + by) % len(ends)]}"))
        field.cursor_position = len(field.value)

    @on(Input.Submitted)
    def _submitted(self) -> None:
        if objection(self._path, self._formats) is None:
            self.dismiss(self._path)

    def action_leave(self) -> None:
        self.dismiss(None)


def objection(path: Path, formats: Mapping[str, str]) -> str | None:
    """Why nothing can be written there."""
    if format_of(path) not in formats:
        return "End the name in one of: " + " ".join(f".{name}" for name in formats)
    if path.is_dir():
        return f"{path} is a folder."
    return None if path.parent.is_dir() else f"There is no folder {path.parent}."


def format_of(path: Path) -> str:
    """The end of a name, as formats are called."""
    return path.suffix.lstrip(".").lower()


def put(path: Path, data: bytes) -> None:
    """Write a file. Raises BadInput where that is not possible."""
    try:
        path.write_bytes(data)
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}.", hint="name another place") from error
