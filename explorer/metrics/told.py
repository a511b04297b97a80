"""What files tell, as numbers: JSON values, and text that says a number."""

from __future__ import annotations

import math

_NON_FINITE = {
    "nan": math.nan,
    "inf": math.inf,
    "infinity": math.inf,
    "-inf": -math.inf,
    "-infinity": -math.inf,
}


def number(value: object) -> float | None:
    """A JSON value as a metric: numbers, and text that says a number (`NaN` as some trackers write it)."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        try:
            return float(value)
        except OverflowError:
            return math.inf if value > 0 else -math.inf
    if isinstance(value, str) and len(value) <= 32:
        known = _NON_FINITE.get(value.strip().lower())
        if known is not None:
            return known
        try:
            return float(value)
        except ValueError:
            return None
    return None
