"""The filter of the lineage: the debounce, the search in a thread, and the rows that it leaves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.timer import Timer

from explorer.lineage.rows import Rows
from explorer.tui.columns import Piece
from explorer.tui.names import shown
from explorer.tui.prompt import Prompt
from explorer.tui.query import Finder, Query, parse
from explorer.tui.theme import Palette

if TYPE_CHECKING:
    from explorer.tui.screens.lineage import LineageScreen

_DEBOUNCE_S = 0.09
_AGAIN_S = 0.5
_AT_ONCE = 2_000
"""Up to so many rows are searched on the spot: quicker than a frame."""


class Filtering:
    """Belongs to the lineage screen; holds the query and finds its rows."""

    def __init__(self, screen: LineageScreen) -> None:
        self._screen = screen
        self.query = Query()
        self._applied = Query()
        self._closed = True
        self._finder: Finder | None = None
        self._timer: Timer | None = None

    @property
    def _prompt(self) -> Prompt:
        return self._screen.query_one(Prompt)

    def open(self) -> None:
        self._closed = False
        self._prompt.open()

    def leave(self, keep: bool) -> None:
        """Close the prompt."""
        self._prompt.close(self._screen.view)
        if not keep:
            self.clear()
        elif self._timer is not None:
            self._apply()
        self._screen.paint_all()

    def clear(self) -> None:
        self._closed = True
        self._prompt.text = ""
        self.query = Query()
        self._show(self._screen.view.rows, range(len(self._screen.view.rows)))

    def typed(self, text: str) -> None:
        """Search soon: while more is being typed, nothing is searched."""
        if self._closed:  # a letter typed before escape that comes after it
            self._prompt.text = ""
            return
        query = parse(text)
        if query.terms == self.query.terms:
            self.query = query
            self._say_found()
            return
        self.query = query
        if self._timer is not None:
            self._timer.stop()
        self._timer = self._screen.set_timer(_DEBOUNCE_S, self._apply)

    def rows_changed(self, rows: Rows) -> None:
        """The tree changed: the lines to search in are stale, and so is what was found."""
        self._finder = None
        if not self.query:
            self._screen.view.show_rows(rows, range(len(rows)))
            return
        self._find(rows, None)

    def state_changed(self) -> None:
        """Losses and runs moved: what was found is looked for again, soon."""
        if self.query and self._timer is None:
            self._timer = self._screen.set_timer(_AGAIN_S, self._again)

    def _again(self) -> None:
        self._timer = None
        self._find(self._screen.view.rows, None)

    def status(self, palette: Palette) -> list[Piece]:
        """What the status line says of it."""
        if not self.query:
            return []
        total = len(self._screen.view.rows)
        return [(f" matching {shown(self.query.text)}", palette.accent), (f"  {total:,} in all", palette.dim)]

    def _apply(self) -> None:
        self._timer = None
        view = self._screen.view
        within = view.shown_rows if self._applied and self.query.narrows(self._applied) else None
        self._find(view.rows, within)

    def _find(self, rows: Rows, within: Sequence[int] | None) -> None:
        session, query = self._screen.session, self.query
        if not query:
            self._show(rows, range(len(rows)))
            return
        if self._finder is not None:
            self._finder = self._finder.of(session.state)

        def search() -> list[int]:
            finder = self._finder
            if finder is None or finder.rows is not rows:
                finder = self._finder = Finder(session.state, rows)
            return finder.find(query, session.clock(), within, lambda: self.query is not query)

        def done(found: list[int]) -> None:
            if self.query is query:
                self._show(rows, found)

        if len(rows) <= _AT_ONCE:
            done(search())
        else:
            session.run(self._screen, search, done, self._screen.complain, group="filter", exclusive=True)

    def _show(self, rows: Rows, found: Sequence[int]) -> None:
        self._applied = self.query
        self._screen.view.show_rows(rows, found)
        self._say_found()
        self._screen.arrive()
        self._screen.paint_all()

    def _say_found(self) -> None:
        found = f"{len(self._screen.view.shown_rows):,} found" if self.query else ""
        self._prompt.say(found, self.query.trouble)
