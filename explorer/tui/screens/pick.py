"""A list to choose from by typing a few letters of a name: one, or several with tab."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.fuzzy import FuzzySearch
from textual.screen import ModalScreen
from textual.widgets import Input

from explorer.tui.columns import Piece
from explorer.tui.fitting import fit
from explorer.tui.names import shown
from explorer.tui.paint import LinesView
from explorer.tui.screens.dialog import keys_line
from explorer.tui.session import Session

_MOST_ROWS = 12


@dataclass(frozen=True, slots=True)
class Found:
    """A name that matches what was typed, and the places of the letters that do."""

    name: str
    letters: tuple[int, ...] = ()


def find(names: Sequence[str], typed: str, search: FuzzySearch) -> list[Found]:
    """The names that hold these letters in this order, the nearest first; all of them where none is typed."""
    if not typed:
        return [Found(name) for name in names]
    scored = [(search.match(typed, name), name) for name in names]
    matching = [(score, -len(name), name, offsets) for (score, offsets), name in scored if score > 0]
    return [Found(name, tuple(offsets)) for _, _, name, offsets in sorted(matching, reverse=True)]


class Pick(ModalScreen[tuple[str, ...] | None]):
    """Answers with the names that were ticked, else the one under the cursor; None where it is left."""

    BINDINGS = [  # noqa: RUF012
        Binding("escape", "leave", show=False, priority=True),
        Binding("enter", "take", show=False, priority=True),
        Binding("tab", "tick", show=False, priority=True),
        Binding("down,ctrl+n", "move(1)", show=False, priority=True),
        Binding("up,ctrl+p", "move(-1)", show=False, priority=True),
    ]

    def __init__(
        self, title: str, names: Sequence[str], ticked: Sequence[str], session: Session, *, many: bool = False
    ) -> None:
        super().__init__()
        self._title = title
        self._names = tuple(names)
        self._ticked = list(ticked)
        self._session = session
        self._many = many
        self._search = FuzzySearch()
        self._found = find(self._names, "", self._search)
        self._cursor = next((i for i, f in enumerate(self._found) if f.name in ticked), 0)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog pick") as dialog:
            dialog.border_title = self._title
            yield Input(compact=True, placeholder="type a few letters of the name", id="letters")
            rows = LinesView(id="choices")
            rows.styles.height = min(len(self._names), _MOST_ROWS)
            yield rows
            ticks = (("tab", "tick several"),) if self._many else ()
            yield keys_line(("enter", "take"), *ticks, ("esc", "leave"))

    def on_mount(self) -> None:
        self.call_after_refresh(self._paint)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._found = find(self._names, event.value.strip(), self._search)
        self._cursor = 0
        self._paint()

    def action_move(self, by: int) -> None:
        if self._found:
            self._cursor = (self._cursor + by) % len(self._found)
            self._paint()

    def action_tick(self) -> None:
        if self._many and self._found:
            name = self._found[self._cursor].name
            if name in self._ticked:
                self._ticked.remove(name)
            else:
                self._ticked.append(name)
            self.action_move(1)

    def action_take(self) -> None:
        """What is ticked; one that was only gone to takes the place of a single tick."""
        under = self._found[self._cursor].name if self._found else None
        if self._many and (len(self._ticked) > 1 or under in self._ticked or under is None):
            self.dismiss(tuple(self._ticked) or None)
        else:
            self.dismiss((under,) if under is not None else None)

    def action_leave(self) -> None:
        self.dismiss(None)

    def _paint(self) -> None:
        palette, glyphs = self._session.palette, self._session.glyphs
        view = self.query_one("#choices", LinesView)
        lines: list[list[Piece]] = []
        for at, found in enumerate(self._found):
            line: list[Piece] = [(glyphs.cursor if at == self._cursor else " ", palette.primary)]
            if self._many:
                ticked = found.name in self._ticked
                line.append((f" {glyphs.cached if ticked else glyphs.remote} ", palette.primary))
            else:
                line.append((" ", palette.text))
            lines.append([*line, *self._spelled(found, at == self._cursor)])
        view.write(lines or [[(" no such name", palette.dim)]])
        top, rows = view.scroll_offset.y, view.size.height
        if rows and not top <= self._cursor < top + rows:
            view.scroll_to(y=self._cursor if self._cursor < top else self._cursor - rows + 1, animate=False)

    def _spelled(self, found: Found, chosen: bool) -> list[Piece]:
        palette = self._session.palette
        style = palette.strong if chosen else palette.text
        if not found.name.isascii():  # escapes move the places of letters
            return [(fit(shown(found.name), 54), style)]
        return [
            (char, palette.key if i in found.letters else style) for i, char in enumerate(found.name[:54])
        ]
