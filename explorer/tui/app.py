"""The terminal program: opens the workspace behind the first paint, keeps the screens on the newest state."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import App
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.theme import Theme

from explorer.errors import ExplorerError
from explorer.lineage.state import State
from explorer.tui.glyphs import Glyphs, glyphs_for
from explorer.tui.screens.deeds import Retry
from explorer.tui.screens.lineage import LineageScreen
from explorer.tui.screens.page import Page
from explorer.tui.session import Session
from explorer.tui.theme import DARK, LIGHT, Palette, missing_colours
from explorer.tui.verbs import Verbs

if TYPE_CHECKING:
    from textual.command import Provider

_BEAT_S = 1 / 30
_RETRY_S = 5.0
"""How soon opening the store is tried again after it failed."""


def _actions() -> type[Provider]:
    """The palette is imported when it is first opened: the first paint does not wait for it."""
    from explorer.tui.palette import Actions

    return Actions


class ExplorerApp(App[int]):
    """`connect` blocks until the workspace is open; `first_state` is painted meanwhile."""

    TITLE = "explorer"
    CSS_PATH = Path(__file__).with_name("explorer.tcss")
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+z", "suspend_process", show=False)]
    COMMANDS: ClassVar[set[Any]] = {_actions, *App.COMMANDS}

    def __init__(
        self,
        connect: Callable[[], Verbs],
        first_state: State,
        *,
        glyphs: Glyphs | None = None,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        super().__init__()
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = DARK.name
        self._connect = connect
        self.session = Session(
            first_state,
            Palette(self.get_css_variables()),
            glyphs if glyphs is not None else glyphs_for(os.environ),
            clock,
        )
        self.lineage = LineageScreen(self.session)

    def get_default_screen(self) -> Screen[Any]:
        return self.lineage

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return missing_colours(self.current_theme)

    def on_mount(self) -> None:
        self.set_class(self.session.glyphs.ascii, "-ascii")
        self.theme_changed_signal.subscribe(self, self._theme_changed)
        self._theme_changed(self.current_theme)
        self.set_interval(_BEAT_S, self._beat)
        # after the first paint: importing boto3 takes the interpreter away from it
        self.call_after_refresh(self.open)

    def open(self) -> None:
        """Open the workspace in a thread."""
        self.session.run(self, self._connect, self._opened, self._refused, group="open", exclusive=True)

    def _opened(self, workspace: Verbs) -> None:
        self.session.opened(workspace)
        self.session.pull()
        self._paint()  # even where nothing is new: the header and the keys are

    def _refused(self, error: ExplorerError) -> None:
        self.session.trouble = error
        self._paint()
        self.set_timer(_RETRY_S, self._again)

    def _again(self) -> None:
        if self.session.workspace is None:
            self.open()

    @on(Retry)
    def _retry(self) -> None:
        self.open()

    def _beat(self) -> None:
        """30 times a second: take the newest state if there is one."""
        if self.session.pull():
            self._paint()
        stack = self.screen_stack  # empty for a moment while the app is leaving
        if stack and isinstance(stack[-1], Page):
            stack[-1].beat()

    def _paint(self) -> None:
        for screen in self.screen_stack:
            if isinstance(screen, Page) and screen.is_mounted:
                screen.state_changed()

    def _theme_changed(self, theme: Theme) -> None:
        self.session.palette = Palette(self.theme_variables)
        self.lineage.view.repaint_in(self.session.palette, self.session.glyphs)
        self._paint()

    async def action_quit(self) -> None:
        self.lineage.do_quit()

    def action_help_quit(self) -> None:
        """Ctrl-C leaves from every screen, as it does from the first."""
        self.lineage.do_quit()

    def on_unmount(self) -> None:
        self.session.close()
