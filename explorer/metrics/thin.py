"""Curves for small places: at most so many points that keep their peaks, and a line of block characters."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence

BLOCKS = "▁▂▃▄▅▆▇█"
_FAST_FROM = 20_000
"""Rows from which on numpy is worth it."""


def thin(steps: array[float], values: array[float], most: int) -> list[int]:
    """Indices of at most `most` rows: of each of most/2 equal parts the lowest and the highest value.

    The first and the last row stay. Non-finite rows stay out unless nothing else is there. Cost: about 5 ns a
    row of a long series.
    """
    n = len(steps)
    if n <= most:
        return list(range(n))
    parts = max(1, (most - 2) // 2)
    if n >= _FAST_FROM:
        return _thin_fast(values, parts)
    kept = {0, n - 1}
    for part in range(parts):
        start, stop = n * part // parts, n * (part + 1) // parts
        finite = [i for i in range(start, stop) if math.isfinite(values[i])]
        if finite:
            kept.add(min(finite, key=values.__getitem__))
            kept.add(max(finite, key=values.__getitem__))
        elif stop > start:
            kept.add(start)
    return sorted(kept)


def _thin_fast(values: array[float], parts: int) -> list[int]:
    import numpy as np

    y, n = np.frombuffer(values), len(values)
    good = np.isfinite(y)
    low, high = np.where(good, y, np.inf), np.where(good, y, -np.inf)
    kept = {0, n - 1}
    for part in range(parts):
        start, stop = n * part // parts, n * (part + 1) // parts
        if good[start:stop].any():
            kept |= {start + int(low[start:stop].argmin()), start + int(high[start:stop].argmax())}
        elif stop > start:
            kept.add(start)
    return sorted(kept)


def sparkline(values: Sequence[float], width: int) -> str:
    """Values as `width` block characters or fewer: each is the mean of its part, high is high.

    A part with nothing finite in it is `×`; the empty string for no values.
    """
    n = min(width, len(values))
    if n <= 0:
        return ""
    means = []
    for i in range(n):
        part = [v for v in values[len(values) * i // n : len(values) * (i + 1) // n] if math.isfinite(v)]
        means.append(sum(v / len(part) for v in part) if part else math.nan)
    finite = [m for m in means if m == m]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    # halves, because the width of the range may be more than a float holds
    half = high / 2 - low / 2
    top = len(BLOCKS) - 1
    return "".join(
        "×" if m != m else BLOCKS[round((m / 2 - low / 2) / half * top)] if half > 0 else BLOCKS[0]
        for m in means
    )
