"""Round numbers on axes, and how they are written."""

from __future__ import annotations

import math
from datetime import datetime

_ROUND = (1.0, 2.0, 2.5, 5.0, 10.0)
_CLOCK_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400)


def ticks(low: float, high: float, most: int) -> list[float]:
    """At most about `most` round numbers from `low` to `high`, rising."""
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low or most < 1:
        return []
    return _multiples(low, high, _round_step((high - low) / most))


def log_ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers for a logarithmic axis from `low` to `high`, both positive."""
    if not 0 < low < high:
        return []
    if high / low < 3:  # less than half a decade: equal steps read better
        return ticks(low, high, most)
    found: list[float] = []
    for stops in ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0)):
        tried = [
            stop * 10.0**power
            for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
            for stop in stops
        ]
        tried = [t for t in tried if low <= t <= high]
        if found and len(tried) > most:
            break
        found = tried
    every = -(-len(found) // max(most, 1))
    return found[:: max(every, 1)]


def clock_ticks(low: float, high: float, most: int) -> list[float]:
    """Round times of day, or round durations, in seconds."""
    if not high > low or most < 1:
        return []
    wanted = (high - low) / most
    step = next((s for s in _CLOCK_S if s >= wanted), None)
    return _multiples(low, high, step if step is not None else 86400 * _round_step(wanted / 86400))


def labels(values: list[float]) -> list[str]:
    """Numbers with just the digits that tell them apart; thousands as k, M, G, T."""
    if not values:
        return []
    top = max(abs(v) for v in values)
    if top >= 1e15 or (top and top < 1e-4):
        return [f"{v:.3g}" for v in values]
    unit, sign = next(
        ((u, s) for u, s in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")) if top >= u), (1, "")
    )
    unit = 1e3 if sign == "k" else unit
    for digits in range(5):
        written = [f"{v / unit:.{digits}f}{sign if v else ''}" for v in values]
        exact = all(abs(round(v / unit, digits) - v / unit) < 1e-9 * max(1, top / unit) for v in values)
        if exact and len(set(written)) == len(values):
            return written
    return [f"{v:.4g}" for v in values]


def clock_labels(values: list[float]) -> list[str]:
    """Times of day, with the date where days differ."""
    stamps = [datetime.fromtimestamp(v) for v in values]
    if len({s.date() for s in stamps}) > 1:
        return [s.strftime("%b %d %H:%M") for s in stamps]
    fine = any(s.second for s in stamps)
    return [s.strftime("%H:%M:%S" if fine else "%H:%M") for s in stamps]


def moment_label(seconds: float) -> str:
    """A moment to the second: `Nov 24 08:03:20`."""
    return datetime.fromtimestamp(seconds).strftime("%b %d %H:%M:%S") if math.isfinite(seconds) else "–"


def duration_label(seconds: float) -> str:
    """`42s`, `3m20s`, `5h10m`, `2d4h`."""
    if seconds < 0:
        return "-" + duration_label(-seconds)
    whole = round(seconds)
    for unit, sign, below, small in ((86400, "d", 3600, "h"), (3600, "h", 60, "m"), (60, "m", 1, "s")):
        if whole >= unit:
            rest = whole % unit // below
            return f"{whole // unit}{sign}" + (f"{rest}{small}" if rest else "")
    return f"{seconds:.3g}s"


def x_marks(axis: str, low: float, high: float, most: int) -> list[tuple[float, str]]:
    """Round places on an x axis with what is written there."""
    if axis in ("time", "active"):
        found = clock_ticks(low, high, most)
        written = clock_labels(found) if axis == "time" else [duration_label(x) for x in found]
        return list(zip(found, written, strict=True))
    found = ticks(low, high, most)
    if axis in ("step", "since_fork"):
        found = [x for x in found if x.is_integer()]
    return list(zip(found, labels(found), strict=True))


def value_label(value: float | None) -> str:
    """A metric's value in at most eight characters."""
    if value is None:
        return "–"
    if not math.isfinite(value):
        return str(value)
    size = abs(value)
    if size and not 1e-3 <= size < 1e5:
        return f"{value:.2e}".replace("e-0", "e-").replace("e+0", "e")
    return f"{value:.{max(0, 4 - max(0, math.floor(math.log10(size)) if size >= 1 else 0))}f}"


def delta_label(value: float | None) -> str:
    """A difference with its sign in at most eight characters; `0` for none, empty where it is not known."""
    if value is None:
        return ""
    if not value:
        return "0"
    size = abs(value)
    text = f"{size:.3f}" if size < 1000 and (size >= 5e-4 or not size) else f"{size:.1e}".replace("e-0", "e-")
    return ("−" if value < 0 else "+") + text.replace("e+0", "e").replace("e+", "e")


def _round_step(wanted: float) -> float:
    power = 10.0 ** math.floor(math.log10(wanted))
    return next(r * power for r in _ROUND if r * power >= wanted * (1 - 1e-9))


def _multiples(low: float, high: float, step: float) -> list[float]:
    first = math.ceil(low / step)
    last = math.floor(high / step)
    # beside a huge offset a tick may round out of the range
    return [t for i in range(first, last + 1) if low <= (t := i * step) <= high]
