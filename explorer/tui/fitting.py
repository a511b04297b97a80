"""Text made to fit so many cells of a terminal: cut, shortened or counted, never wrapped."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size


def shorten_step(number: int, width: int) -> str:
    """A step in full where it fits, else in thousands or millions: never cut in the middle."""
    text = str(number)
    for scale, letter in ((10**3, "k"), (10**6, "M"), (10**9, "G")):
        if len(text) <= width:
            break
        text = f"{number / scale:.{max(0, width - 2 - len(str(number // scale)))}f}{letter}"
    return text


def changes(told: Sequence[tuple[str, str]], width: int, more: str = "…") -> str:
    """What a fork changed, in `width` cells: a name gives way before its value, later ones are counted."""
    text = "  ".join(f"{name} {value}" for name, value in told)
    if cell_len(text) <= width:
        return text
    name, value = told[0]
    rest = f" +{len(told) - 1}" if len(told) > 1 else ""
    room = width - cell_len(value) - 1 - len(rest)
    if room < 2:
        return fit(f"{name} {value}", width, more)
    return f"{fit(name, room, more)} {value}{rest}"


def fit(text: str, width: int, more: str = "…") -> str:
    """Cut to `width` cells (not characters: names may be CJK), with a sign that something was cut."""
    if cell_len(text) <= width:
        return text
    if width <= len(more):
        return more[: max(0, width)]
    return set_cell_size(text, width - len(more)).rstrip() + more


def fit_end(text: str, width: int, more: str = "…") -> str:
    """Cut to `width` cells, keeping the end."""
    return fit(text[::-1], width, more)[::-1] if len(more) == 1 else text[-width:]
