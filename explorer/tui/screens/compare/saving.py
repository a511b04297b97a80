"""A comparison into a file: the form that asks where, and the writing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static

from explorer.errors import BadInput
from explorer.metrics import Comparison, Row
from explorer.metrics.export import FORMATS, export
from explorer.tui.charts import numbers
from explorer.tui.charts.signs import UNICODE
from explorer.tui.charts.view import View
from explorer.tui.names import shown
from explorer.tui.screens.dialog import keys_line
from explorer.tui.session import Session

_EVERY_COLUMN = 400
_SAYS = {
    "csv": "every point as a row, for a spreadsheet",
    "parquet": "every point as a row, for pandas and polars",
    "svg": "the drawing, for a page or a paper",
    "png": "the drawing as a picture",
    "html": "the drawing and the table, as one page",
}


class SaveAs(ModalScreen[Path | None]):
    """The format is the end of the name; the arrows go through the formats."""

    BINDINGS = [  # noqa: RUF012
        Binding("escape", "leave", show=False, priority=True),
        Binding("down", "format(1)", show=False, priority=True),
        Binding("up", "format(-1)", show=False, priority=True),
    ]

    def __init__(self, proposed: Path, metrics: int, session: Session) -> None:
        super().__init__()
        self._proposed = proposed
        self._metrics = metrics
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
        path, why = self._path, objection(self._path)
        verdict, glyphs = self.query_one("#verdict", Static), self._session.glyphs
        if why:
            verdict.update(Content.from_markup("[$error]$sign $why[/]", sign=glyphs.failed, why=shown(why)))
            return
        said = _SAYS[_format(path)]
        if self._metrics > 1:
            said += f"; {self._metrics} files, one a metric"
        if path.exists():
            said += "; takes the place of the one that is there"
        verdict.update(Content.from_markup("[$success]$sign[/] [$dim]$said[/]", sign=glyphs.done, said=said))

    def action_format(self, by: int) -> None:
        path = self._path
        at = FORMATS.index(_format(path)) if _format(path) in FORMATS else -by
        field = self.query_one("#path", Input)
        field.value = str(path.with_suffix(f".{FORMATS[(at + by) % len(FORMATS)]}"))
        field.cursor_position = len(field.value)

    @on(Input.Submitted)
    def _submitted(self) -> None:
        if objection(self._path) is None:
            self.dismiss(self._path)

    def action_leave(self) -> None:
        self.dismiss(None)


def objection(path: Path) -> str | None:
    """Why nothing can be written there."""
    if _format(path) not in FORMATS:
        return "End the name in one of: " + " ".join(f".{name}" for name in FORMATS)
    if path.is_dir():
        return f"{path} is a folder."
    if not path.parent.is_dir():
        return f"There is no folder {path.parent}."
    return None


def proposed(comparison: Comparison) -> Path:
    """A name in the folder that the program was started from."""
    metric = "".join(c if c.isalnum() or c in "-_" else "-" for c in comparison.metric)
    return Path.cwd() / f"compare-{metric}.html"


def write(comparisons: Sequence[Comparison], rows: Sequence[Row], view: View, path: Path) -> tuple[Path, ...]:
    """Write what is shown: hidden curves are left out. Of several metrics each gets a file. Blocks.

    Raises:
        BadInput: a package is missing, or the folder cannot be written to.
    """
    written = []
    for comparison in comparisons:
        kept = replace(comparison, nodes=tuple(c for c in comparison.nodes if view.shows(c.label)))
        target = path if len(comparisons) == 1 else path.with_stem(f"{path.stem}-{proposed(kept).stem[8:]}")
        data = export(
            kept, _format(path), rows=told(comparison, rows, view), full=view.full, log_y=view.log_y
        )
        try:
            target.write_bytes(data)
        except OSError as error:
            hint = "name another place"
            raise BadInput(f"{target} cannot be written: {error.strerror}.", hint=hint) from error
        written.append(target)
    return tuple(written)


def told(comparison: Comparison, rows: Sequence[Row], view: View) -> list[list[str]]:
    """The table as text, its head first, every column that has something in it."""
    kept = [row for row in rows if view.shows(row.label)]
    chosen = numbers.columns((comparison,), kept, _EVERY_COLUMN, UNICODE, here=False)
    cells = [[numbers.cell(column, row, UNICODE, None).strip() for column in chosen] for row in kept]
    return [[column.head for column in chosen], *cells]


def _format(path: Path) -> str:
    return path.suffix.lstrip(".").lower()
