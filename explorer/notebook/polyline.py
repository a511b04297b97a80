"""Columns of numbers as a plot takes them: in order, thinned to a window, broken where there is no data."""

from __future__ import annotations

import math
from array import array
from functools import cached_property
from typing import TYPE_CHECKING

from explorer.metrics.pixels import Smoothings, pick
from explorer.metrics.smooth import smooth

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from explorer.metrics import NodeCurve

    Floats = npt.NDArray[np.float64]

_GAP = 5.0
"""A join longer than so many median distances is not drawn: there is no data in it."""
_MOST_GAPS = 100
_FLOAT32_MAX = 3e38


class Polyline:
    """Rows of one curve, `x` rising; a `y` that is not finite breaks the line. Not to be changed."""

    def __init__(self, x: Floats, y: Floats) -> None:
        self.x, self.y = x, y
        self._parts: dict[tuple[int, int], Polyline] = {}

    def __len__(self) -> int:
        return len(self.x)

    def part(self, start: int, stop: int) -> Polyline:
        """Some of its rows, without a copy; the same object for the same rows."""
        start, stop, _ = slice(start, stop).indices(len(self.x))
        if (start, stop) not in self._parts:
            self._parts[start, stop] = Polyline(self.x[start:stop], self.y[start:stop])
        return self._parts[start, stop]

    @cached_property
    def gaps(self) -> Floats:
        """The x of rows whose join to the next is much longer than all around: no data lies in it.

        A rarer cadence is no gap: there, the joins around are as long.
        """
        import numpy as np

        if len(self.x) < 4:
            return np.empty(0)
        joins = np.diff(self.x)
        wide = np.flatnonzero(joins > _GAP * float(np.median(joins)))
        before, after = joins[np.maximum(wide - 1, 0)], joins[np.minimum(wide + 1, len(joins) - 1)]
        alone = (joins[wide] > _GAP * before) | (wide == 0)
        alone &= (joins[wide] > _GAP * after) | (wide == len(joins) - 1)
        return np.asarray(self.x[wide[alone]])

    def within(self, low: float, high: float, most: int) -> tuple[Floats, Floats]:
        """At most `most` rows from `low` to `high`, and one beyond each, so that lines reach the edge.

        Peaks stay, and so do rows that are not finite; a gap becomes one. Cost: a pass over the window.
        """
        import numpy as np

        start = max(int(np.searchsorted(self.x, low, "left")) - 1, 0)
        stop = min(int(np.searchsorted(self.x, high, "right")) + 1, len(self.x))
        x, y = self.x[start:stop], self.y[start:stop]
        gaps = self.gaps
        gaps = gaps[(gaps >= low) & (gaps <= high)][:_MOST_GAPS]
        if len(x) > most:
            # of each column first, lowest, highest and last, and where it is not finite
            kept = pick(x, y, max((most - len(gaps)) // 5, 1))
            x, y = x[kept], y[kept]
        if len(gaps):
            at = np.searchsorted(x, gaps, "right")
            x, y = np.insert(x, at, gaps), np.insert(y, at, math.nan)
        return x, y


class Polylines:
    """The lines of curves, made once: as long as nothing was logged, an asked one is the same object."""

    def __init__(self) -> None:
        self._made: dict[str, tuple[array[float], array[float], Polyline]] = {}
        self._weight = 0.0
        self._smoothings = Smoothings()

    def of(self, key: str, x: array[float], y: array[float]) -> Polyline:
        """Columns by a name for them. Cost: 2 ns a row where nothing is new."""
        known = self._made.get(key)
        if known is not None and _equal(known[0], x) and _equal(known[1], y):
            return known[2]
        return self._keep(key, x, y, rising(x, y))

    def smoothed(self, key: str, curve: NodeCurve, weight: float) -> Polyline:
        """A curve smoothed whole; what it shares with others is smoothed once."""
        import numpy as np

        if weight != self._weight:
            # of a slider that moves, one position is kept
            self._weight, self._smoothings = weight, Smoothings()
            self._made = {k: made for k, made in self._made.items() if not k.startswith("smooth ")}
        key = f"smooth {key}"
        known = self._made.get(key)
        if known is not None and _equal(known[0], curve.x) and _equal(known[1], curve.values):
            return known[2]
        if curve.line is None:
            values = smooth(np.frombuffer(curve.values), weight)
        else:
            values = self._smoothings.whole(curve.line.stretches, weight)
        return self._keep(key, curve.x, curve.values, rising(curve.x, values))

    def _keep(self, key: str, x: array[float], y: array[float], line: Polyline) -> Polyline:
        self._made[key] = x, y, line
        return line

    def forget(self) -> None:
        """Let go of all of them."""
        self._made.clear()
        self._smoothings = Smoothings()


def rising(x: array[float], y: array[float] | Floats) -> Polyline:
    """Rows that have a place on the axis, in order: clocks of two machines may disagree."""
    import numpy as np

    places, values = np.frombuffer(x), np.frombuffer(y)
    if not len(places):
        return Polyline(places, values)
    placed = np.isfinite(places)
    if not placed.all():
        places, values = places[placed], values[placed]
    if len(places) > 1 and (np.diff(places) < 0).any():
        places = np.maximum.accumulate(places)
    return Polyline(places, values)


def same_bits(a: array[float], b: array[float], rows: int) -> bool:
    """Whether both begin with the same rows, bit for bit: about 1 ns a row."""
    import numpy as np

    if a is b:
        return True
    return bool(np.array_equal(np.frombuffer(a, np.int64, rows), np.frombuffer(b, np.int64, rows)))


def _equal(a: array[float], b: array[float]) -> bool:
    return len(a) == len(b) and (not len(a) or same_bits(a, b, len(a)))


def packed(x: Floats, y: Floats) -> tuple[npt.NDArray[np.generic], npt.NDArray[np.generic]]:
    """Columns as they travel: whole x as int32, y as float32, which is finer than any screen."""
    import numpy as np

    small: npt.NDArray[np.generic] = x
    if len(x) and np.abs(x).max() < 2**31 and (x == np.rint(x)).all():
        small = x.astype(np.int32)
    quiet = np.where(np.isfinite(y), y, math.nan)
    if len(quiet) and np.nanmax(np.abs(quiet), initial=0.0) < _FLOAT32_MAX:
        return small, quiet.astype(np.float32)
    return small, quiet
