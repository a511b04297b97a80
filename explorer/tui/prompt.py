"""`/` and what is being typed, in the place of the status line: the filter of every screen that has one."""

from __future__ import annotations

from collections.abc import Callable

from rich.style import Style
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.geometry import Size
from textual.reactive import Reactive
from textual.widget import Widget
from textual.widgets import Input

from explorer.tui.names import shown
from explorer.tui.paint import LineView

_FOUND_WIDTH = 26


class _Field(Input):
    """One line whose size does not follow its text: Textual's lays the whole screen out for every letter."""

    virtual_size = Reactive(Size(0, 0))


class Prompt(Horizontal):
    """`typed` is told the text at every letter, `left` whether the filter stays."""

    # before the field sees them: the key after enter belongs to the screen already
    BINDINGS = [  # noqa: RUF012
        Binding("escape", "leave(False)", show=False, priority=True),
        Binding("enter,down", "leave(True)", show=False, priority=True),
    ]

    virtual_size = Reactive(Size(0, 0))

    def __init__(
        self, typed: Callable[[str], None], left: Callable[[bool], None], *, placeholder: str
    ) -> None:
        super().__init__(id="prompt")
        self._typed = typed
        self._left = left
        self._placeholder = placeholder

    def compose(self) -> ComposeResult:
        yield LineView(id="slash")
        yield _Field(compact=True, placeholder=self._placeholder, validate_on=(), id="query")
        yield LineView(id="found")

    def on_mount(self) -> None:
        self.query_one("#slash", LineView).write([(" / ", Style.null())])

    @property
    def text(self) -> str:
        """What is typed there by now."""
        return self._field.value

    @text.setter
    def text(self, text: str) -> None:
        self._field.value = text

    @property
    def _field(self) -> Input:
        return self.query_one("#query", Input)

    def open(self) -> None:
        """Stand in the place of the status line; from now on keys are letters."""
        self._stand(is_open=True)
        # at once: the letters that follow are the query's, a q among them must not quit
        self.screen.set_focus(self._field)

    def close(self, then: Widget) -> None:
        """Give the place back, and the keys to `then`."""
        self._stand(is_open=False)
        self.screen.set_focus(then)

    def _stand(self, *, is_open: bool) -> None:
        # a class of the screen would style every widget anew
        if self.parent is not None:
            self.parent.set_class(is_open, "-filtering")

    def say(self, found: str, trouble: str | None) -> None:
        """What was found, or why not; a longer trouble takes the half of the line."""
        width = _FOUND_WIDTH if not trouble else max(_FOUND_WIDTH, self.screen.size.width // 2)
        line = self.query_one("#found", LineView)
        if line.size.width != width and self.display:  # to set what is set lays the screen out
            line.styles.width = width
        line.write([(f"{shown(trouble or found):>{width - 1}} ", Style.null())])

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self._typed(event.value)

    def action_leave(self, keep: bool) -> None:
        self._left(keep)
