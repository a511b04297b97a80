"""Numbers as people read them in a narrow column: ages, sizes, losses."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size

_UNITS = ((365 * 86400, "y"), (7 * 86400, "w"), (86400, "d"), (3600, "h"), (60, "m"), (1, "s"))


def age(then_ns: int | None, now_ns: int) -> str:
    """`4m`, `3h`, `2d`: at most three cells; empty when unknown, `now` when it just happened."""
    if not then_ns:
        return ""
    seconds = max(0, now_ns - then_ns) // 1_000_000_000
    for unit, letter in _UNITS:
        if seconds >= (2 * unit if letter in "wy" else unit):
            return f"{seconds // unit}{letter}"
    return "now"


def size(count: int | None) -> str:
    """`2.1G`, `84M`, `512B`: at most four cells, powers of 1024."""
    if count is None:
        return ""
    value = float(count)
    for unit in "BKMGTP":
        if value < 999.5 or unit == "P":
            return f"{value:.1f}{unit}" if unit != "B" and value < 9.95 else f"{value:.0f}{unit}"
        value /= 1024
    raise AssertionError("the last unit returns")


def loss(value: float | None) -> str:
    """Four significant digits in at most seven cells; `nan` and `inf` are said, not hidden."""
    if value is None:
        return ""
    if not math.isfinite(value):
        return str(value)
    if value != 0 and not 1e-2 <= abs(value) < 1e5:
        mantissa, exponent = f"{value:.2e}".split("e")
        return f"{mantissa}e{int(exponent)}"
    digits = max(0, 3 - math.floor(math.log10(abs(value)))) if value else 3
    return f"{value:.{min(digits, 4)}f}"


def delta(change: float) -> str:
    """The size of a change, two significant digits: `0.0045`, `1.2`."""
    return loss(abs(change)) if abs(change) >= 0.1 else f"{abs(change):.2g}"


def step(number: int, width: int) -> str:
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


def count(number: int, one: str, many: str | None = None) -> str:
    """`1 fork`, `3 forks`, `12,400 snapshots`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


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
