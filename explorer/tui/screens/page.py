"""What every full screen has: a table of actions, a line to say things on, a footer of keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Input

from explorer.errors import ExplorerError
from explorer.tui.actions import Action, footer_order
from explorer.tui.columns import Piece
from explorer.tui.footer import Footer
from explorer.tui.paint import LineView
from explorer.tui.session import Session
from explorer.tui.situation import Situation
from explorer.tui.status import SHOWN_S, Said, said_pieces


class Page(Screen[None]):
    """A screen whose keys come from `ACTIONS`; each is a method `do_<name>`."""

    ACTIONS: ClassVar[tuple[Action, ...]] = ()
    TITLE_OF_KEYS: ClassVar[str] = "Keys"

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self._said: Said | None = None
        self._hush: Timer | None = None

    # -- what a page fills in

    def situation(self) -> Situation:
        """What `when` looks at."""
        raise NotImplementedError

    @property
    def help_actions(self) -> tuple[Action, ...]:
        """What help lists: the table, and the keys of a widget that has its own."""
        return self.ACTIONS

    def state_changed(self) -> None:
        """There is a newer state, or another theme: paint it."""

    def beat(self) -> None:
        """Called 30 times a second, for what need not be painted with the key."""

    def idle_status(self) -> tuple[list[Piece], list[Piece]]:
        """The status line while nothing is being said."""
        return [], []

    # -- what it gets

    def action_act(self, name: str) -> None:
        """Do what a key is bound to, or say why it does not apply."""
        action = next(a for a in self.ACTIONS if a.name == name)
        why = action.when(self.situation())
        if why is not None:
            self.say(Said(why, "why"))
            return
        deed: Callable[[], None] = getattr(self, f"do_{name}")
        deed()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While something is being typed, keys are letters."""
        return not (action == "act" and isinstance(self.focused, Input))

    def say(self, said: Said | str) -> None:
        """Show a message for a while; a later one takes its place."""
        self._said = Said(said) if isinstance(said, str) else said
        if self._hush is not None:
            self._hush.stop()
        self._hush = self.set_timer(SHOWN_S[self._said.kind], self.hush)
        self.paint_status()

    def complain(self, error: ExplorerError) -> None:
        self.say(Said.of(error))

    def hush(self) -> None:
        """Forget what was said."""
        self._said = None
        self.paint_status()

    def paint_status(self) -> None:
        line = self.query_one("#status", LineView)
        left, right = self.idle_status()
        if self._said is not None:
            left = said_pieces(self._said, self.session.palette, self.session.glyphs)
        line.write(left, right)

    def paint_footer(self) -> None:
        actions = footer_order(self.help_actions, self.situation())
        self.query_one(Footer).show(actions, self.session.palette, self.session.glyphs, self.action_act)

    def do_help(self) -> None:
        from explorer.tui.screens.help import Help

        self.app.push_screen(Help(self.TITLE_OF_KEYS, self.help_actions, self.situation(), self.session))

    def do_palette(self) -> None:
        self.app.action_command_palette()

    def do_back(self) -> None:
        self.app.pop_screen()
