"""Columns of numbers as a plot takes them: in order, thinned to a window, broken where there is no data."""

from __future__ import annotations

import math
from array import array
from functools import cached_property
from typing import TYPE_CHECKING

from explorer.metrics import thin

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

_GAP = 5.0
"""A join longer than so many median distances is not drawn: there is no data in it."""
_MOST_BREAKS = 100
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
    def breaks(self) -> Floats:
        """The x of rows that are not finite (the first of each stretch), and of rows before a gap."""
        import numpy as np

        bad = ~np.isfinite(self.y)
        begins = bad & ~np.concatenate(([False], bad[:-1]))
        return np.asarray(self.x[begins | self._before_gap])

    @cached_property
    def _before_gap(self) -> npt.NDArray[np.bool_]:
        """Rows whose join to the next is much longer than all others around: a changed cadence is no gap."""
        import numpy as np

        found = np.zeros(len(self.x), np.bool_)
        if len(self.x) < 4:
            return found
        joins = np.diff(self.x)
        wide = np.flatnonzero(joins > _GAP * float(np.median(joins)))
        before, after = joins[np.maximum(wide - 1, 0)], joins[np.minimum(wide + 1, len(joins) - 1)]
        alone = (joins[wide] > _GAP * before) | (wide == 0)
        alone &= (joins[wide] > _GAP * after) | (wide == len(joins) - 1)
        found[wide[alone]] = True
        return found

    def within(self, low: float, high: float, most: int) -> tuple[Floats, Floats]:
        """At most `most` rows from `low` to `high`, and one beyond each, so that lines reach the edge.

        Peaks stay, and so do breaks, as rows of NaN. Cost: a pass over the rows of the window.
        """
        import numpy as np

        start = max(int(np.searchsorted(self.x, low, "left")) - 1, 0)
        stop = min(int(np.searchsorted(self.x, high, "right")) + 1, len(self.x))
        x, y = self.x[start:stop], self.y[start:stop]
        broken = self.breaks
        broken = broken[(broken >= low) & (broken <= high)][:_MOST_BREAKS]
        if len(x) > most:
            kept = np.asarray(
                thin(array("d", x.tobytes()), array("d", y.tobytes()), max(most - len(broken), 2)),
                dtype=np.int64,
            )
            x, y = x[kept], y[kept]
        if len(broken):
            # behind the row that it names: one that is not finite itself breaks here as well
            at = np.searchsorted(x, broken, "right")
            x, y = np.insert(x, at, broken), np.insert(y, at, math.nan)
        return x, y


class Polylines:
    """The lines of curves, made once: as long as nothing was logged, an asked one is the same object."""

    def __init__(self) -> None:
        self._made: dict[str, tuple[array[float], array[float], float, Polyline]] = {}

    def of(self, key: str, x: array[float], y: array[float], weight: float = 0.0) -> Polyline:
        """A curve by its name, smoothed whole with `weight`: about 40 ns a row, 2 ns where nothing is new."""
        import numpy as np

        from explorer.metrics.smooth import smooth

        known = self._made.get(key)
        if known is not None and known[2] == weight and _equal(known[0], x) and _equal(known[1], y):
            return known[3]
        values = y if not weight else array("d", smooth(np.frombuffer(y), weight).tobytes())
        line = rising(x, values)
        self._made[key] = x, y, weight, line
        return line

    def forget(self) -> None:
        """Let go of all of them."""
        self._made.clear()


def rising(x: array[float], y: array[float]) -> Polyline:
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
