"""Numbers as people read them in a column, and names made fit for a page."""

from __future__ import annotations

import html
import math

from explorer.checkpoints.printable import printable

_UNITS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))


def age(then_ns: int | None, now_ns: int) -> str:
    """`4m`, `3h`, `2d`; empty when unknown."""
    if not then_ns:
        return ""
    seconds = max(0, now_ns - then_ns) // 1_000_000_000
    return next((f"{seconds // unit}{letter}" for unit, letter in _UNITS if seconds >= unit), "now")


def size(count: int | None) -> str:
    """`2.1 GB`, `84 MB`, `512 B`: powers of 1000, as notebooks and bills count."""
    if count is None:
        return ""
    value, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB", "PB"):
        if value < 999.5:
            break
        value, unit = value / 1000, larger
    return f"{value:.1f} {unit}" if unit != "B" and value < 9.95 else f"{value:.0f} {unit}"


def loss(value: float | None) -> str:
    """Four significant digits; `nan` and `inf` are said, not hidden."""
    if value is None:
        return ""
    if not math.isfinite(value):
        return str(value)
    if value != 0 and not 1e-2 <= abs(value) < 1e5:
        mantissa, exponent = f"{value:.2e}".split("e")
        return f"{mantissa}e{int(exponent)}"
    return f"{value:.{max(0, min(4, 3 - math.floor(math.log10(abs(value)))))}f}" if value else "0.000"


def count(number: int, one: str, many: str | None = None) -> str:
    """`1 fork`, `3 forks`, `12,400 snapshots`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def escaped(text: object, width: int | None = None) -> str:
    """Text for HTML: no markup, no control characters, no bidi overrides."""
    return html.escape(printable(text, width))
