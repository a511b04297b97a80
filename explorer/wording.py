"""Numbers as people read them: the same words in the terminal, in notebooks and on the command line. Pure."""

from __future__ import annotations

import math

_AGES = ((365 * 86400, "y"), (7 * 86400, "w"), (86400, "d"), (3600, "h"), (60, "m"), (1, "s"))
_SIZES = ("B", "kB", "MB", "GB", "TB", "PB")


def age(then_ns: int | None, now_ns: int) -> str:
    """`4m`, `3h`, `2d`: at most three cells; empty when unknown, `now` when it just happened."""
    if not then_ns:
        return ""
    seconds = max(0, now_ns - then_ns) // 1_000_000_000
    for unit, letter in _AGES:
        if seconds >= (2 * unit if letter in "wy" else unit):
            return f"{seconds // unit}{letter}"
    return "now"


def size(count: int | None) -> str:
    """`2.1 GB`, `84 MB`, `512 B`: powers of 1000, as disks, bills and hubs count; empty when unknown."""
    if count is None:
        return ""
    if count < 0:
        return f"-{size(-count)}"
    value, unit = _scaled(count)
    return f"{value:.1f} {unit}" if unit != "B" and value < 9.95 else f"{value:.0f} {unit}"


def short_size(count: int | None) -> str:
    """`2.1G`, `84M`, `512B`: the same in at most four cells."""
    if count is None:
        return ""
    value, unit = _scaled(count)
    letter = unit[0].upper()
    return f"{value:.1f}{letter}" if unit != "B" and value < 9.95 else f"{value:.0f}{letter}"


def loss(value: float | None, width: int = 8) -> str:
    """Four significant digits, or as many as fit `width` cells; `nan` and `inf` are said, not hidden."""
    if value is None:
        return ""
    if not math.isfinite(value):
        return str(value)
    small_or_large = value != 0 and not 1e-3 <= abs(value) < 1e5
    most = 2 if small_or_large else max(0, 3 - math.floor(math.log10(abs(value)))) if value else 3
    text = ""
    for digits in range(min(most, 4 if abs(value) >= 1e-2 else 5), -1, -1):
        text = f"{value:.{digits}e}" if small_or_large else f"{value:.{digits}f}"
        if small_or_large:
            mantissa, exponent = text.split("e")
            text = f"{mantissa}e{int(exponent)}"
        if len(text) <= width:
            break
    return text


def delta(change: float) -> str:
    """The size of a change: `0.0045`, `1.234`, `0`."""
    return loss(abs(change)) if abs(change) >= 0.1 else f"{abs(change):.2g}"


def duration(seconds: float) -> str:
    """`under 1 s`, `12 s`, `3 min`, `1.5 h`."""
    if seconds < 1:
        return "under 1 s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def count(number: int, one: str, many: str | None = None) -> str:
    """`1 fork`, `3 forks`, `12,400 snapshots`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _scaled(count: int) -> tuple[float, str]:
    value = float(count)
    for unit in _SIZES[:-1]:
        if value < 999.5:
            return value, unit
        value /= 1000
    return value, _SIZES[-1]
