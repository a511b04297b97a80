"""What a key does, as data: bindings, footer, help and palette are all made from this one shape."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from textual.binding import Binding, BindingType

from explorer.tui.situation import Situation

When = Callable[[Situation], str | None]
"""Why an action does not apply now; None when it does."""


def always(now: Situation) -> None:
    """Nothing stands in the way."""


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a key can do on one screen."""

    name: str
    keys: str
    """As Textual names them, comma between alternatives."""
    label: str
    """One or two words for the footer."""
    tip: str
    """A sentence for help and palette."""
    section: str
    when: When = always
    footer: int = 0
    """Its place in the footer, most useful first; 0 is never."""

    def shown_keys(self, *, ascii: bool) -> str:
        """The keys as a keyboard shows them: `j ↓`."""
        return " ".join(show_key(key, ascii=ascii) for key in self.keys.split(","))

    def first_key(self, *, ascii: bool) -> str:
        return show_key(self.keys.split(",")[0], ascii=ascii)


_SHOWN = {
    "slash": "/",
    "question_mark": "?",
    "colon": ":",
    "plus": "+",
    "left": "←",
    "right": "→",
    "up": "↑",
    "down": "↓",
    "minus": "-",
    "equals_sign": "=",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "left_curly_bracket": "{",
    "right_curly_bracket": "}",
    "escape": "esc",
    "pagedown": "PgDn",
    "pageup": "PgUp",
}


def show_key(key: str, *, ascii: bool) -> str:
    """`ctrl+r` as `^r`, `slash` as `/`."""
    if key.startswith("ctrl+"):
        return "^" + key[5:]
    said = _SHOWN.get(key, key)
    return key if ascii and not said.isascii() else said


def bindings(actions: Iterable[Action]) -> list[BindingType]:
    """Every key of a table, each with an id that a keymap can name.

    With priority: Textual looks for other bindings only once a key has gone to the focused widget and
    bubbled back, and by then a key typed ahead meets whatever screen the one before it has opened.
    """
    return [
        Binding(
            a.keys,
            f"act('{a.name}')",
            a.label,
            show=False,
            tooltip=a.tip,
            id=f"explorer.{a.name}",
            priority=True,
        )
        for a in actions
    ]


def footer_order(actions: Sequence[Action], now: Situation) -> list[Action]:
    """The actions that apply now, in the order of the footer."""
    chosen = [a for a in actions if a.footer and a.when(now) is None]
    return sorted(chosen, key=lambda a: a.footer)
