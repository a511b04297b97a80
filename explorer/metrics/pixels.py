"""Curves as the few points that a screen can show: smoothed whole, before anything is left out.

Forks share their parent's rows. What several curves have in common is smoothed once, however many there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from explorer.metrics.comparison import Comparison, NodeCurve
from explorer.metrics.series import Series, Stretch
from explorer.metrics.smooth import Smoothed, smooth_on

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Indices = npt.NDArray[np.intp]


class Smoothings:
    """Smoothed stretches, each computed once for all lines that come to it by the same way."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], tuple[Series, Smoothed]] = {}

    def of(self, stretches: Sequence[Stretch], weight: float) -> list[Floats]:
        """The smoothed values of each stretch, the average going on from one to the next.

        Cost: about 6 ns a row that was not smoothed so before.
        """
        import numpy as np

        found: list[Floats] = []
        before, way = (0.0, 0), tuple[int, ...]()
        for stretch in stretches:
            key = (weight, *way, id(stretch.series), stretch.start)
            known = self._known.get(key)
            if known is None:
                values = np.frombuffer(stretch.series.values)[stretch.start :]
                # the series is kept with it: its identity is the key
                known = self._known[key] = stretch.series, smooth_on(values, weight, before)
            found.append(known[1].values[: len(stretch)])
            before = known[1].gathered(len(stretch))
            way = (*way, id(stretch.series), stretch.start, stretch.stop)
        return found

    def whole(self, stretches: Sequence[Stretch], weight: float) -> Floats:
        """The same in one piece. Cost: a copy more, where there are joints."""
        import numpy as np

        found = self.of(stretches, weight)
        return found[0] if len(found) == 1 else np.concatenate(found) if found else np.empty(0)


@dataclass(frozen=True, slots=True)
class Points:
    """What to draw of one curve: `x` rises; values that are not finite break the line."""

    x: Floats
    y: Floats
    inherited: int
    """How many points at the beginning are inherited."""


class Pixels:
    """The curves of one comparison, for one screen: what costs is computed once and kept."""

    def __init__(self, comparison: Comparison) -> None:
        self.comparison = comparison
        self._smoothings = Smoothings()

    def points(
        self, curve: int, low: float, high: float, columns: int, *, weight: float | None = None
    ) -> Points:
        """At most about four points a column of a curve between two x, and one beyond each end.

        Of every column the first, lowest, highest and last row: a line through them covers the pixels that
        the line through all rows does. They are rows as logged, or smoothed with `weight` (the comparison's
        where none is told). Cost: about 1 ns a row, and what was never smoothed with this weight before.
        """
        import numpy as np

        told = self.comparison.smoothing if weight is None else weight
        node = self.comparison.nodes[curve]
        xs, ys, inherited = [], [], 0
        for x, y, own in self._pieces(node, told):
            if not len(x):
                continue
            start = max(int(np.searchsorted(x, low, "left")) - 1, 0)
            stop = min(int(np.searchsorted(x, high, "right")) + 1, len(x))
            share = max(int(columns * (x[stop - 1] - x[start]) / (high - low)), 1) if high > low else columns
            kept = pick(x[start:stop], y[start:stop], share) + start
            xs.append(x[kept])
            ys.append(y[kept])
            inherited += 0 if own else len(kept)
        if not xs:
            return Points(np.empty(0), np.empty(0), 0)
        return Points(np.concatenate(xs), np.concatenate(ys), inherited)

    def _pieces(self, node: NodeCurve, weight: float) -> list[tuple[Floats, Floats, bool]]:
        """x and y of the parts that a curve is made of, and whether a part is its own."""
        import numpy as np

        if node.line is None:
            values = np.frombuffer(node.values)
            if weight:
                values = smooth_on(values, weight).values
            x, at = np.frombuffer(node.x), node.own_at
            return [p for p in ((x[:at], values[:at], False), (x[at:], values[at:], True)) if len(p[0])]
        stretches = node.line.stretches
        smoothed = self._smoothings.of(stretches, weight) if weight else None
        found, at = list[tuple["Floats", "Floats", bool]](), 0
        for number, stretch in enumerate(stretches):
            stop = at + len(stretch)
            x = np.frombuffer(stretch.column("steps") if node.on_steps else memoryview(node.x)[at:stop])
            y = smoothed[number] if smoothed is not None else np.frombuffer(stretch.column("values"))
            if not node.on_steps:
                x, y = _placed(x, y)
            found.append((x, y, at >= node.own_at))
            at = stop
        return found


def _placed(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Rows with a place on the axis; clocks of two machines may disagree, a line never runs backwards."""
    import numpy as np

    there = np.isfinite(x)
    if not there.all():
        x, y = x[there], y[there]
    return (np.maximum.accumulate(x) if len(x) else x), y


def pick(x: Floats, y: Floats, columns: int) -> Indices:
    """Indices, rising, of each column's first, lowest, highest and last row, and where y is not finite.

    Rows come as they are where there are few. Columns are of equal width in x.
    """
    import numpy as np

    n = len(x)
    if n <= 4 * columns:
        return np.arange(n)
    per = n // columns
    starts = np.arange(0, n - per + 1, per)
    widths = np.diff(x[starts])
    if len(widths) and widths.max() <= 2 * max(float(widths.min()), 0.0):
        found = _of_equal_parts(y, starts, per)
    else:
        edges = np.linspace(x[0], x[-1], columns + 1)[:-1]
        found = _of_parts(y, np.unique(np.searchsorted(x, edges, "left")))
    return found[np.concatenate(([True], np.diff(found) > 0))]


def _of_equal_parts(y: Floats, starts: Indices, per: int) -> Indices:
    """Rows evenly spread: a column is so many rows. The rest behind the last whole column is one more."""
    import numpy as np

    whole = len(starts) * per
    block = y[:whole].reshape(len(starts), per)
    low, high, broken = _extremes(block)
    made = [starts, starts + low, starts + high, starts + per - 1]
    found = np.sort(np.stack(made, axis=1), axis=1).reshape(-1)
    if broken is not None:
        found = np.sort(np.concatenate((found, broken)))
    if whole < len(y):
        found = np.concatenate(
            (found, whole + pick(np.arange(whole, len(y), dtype=np.float64), y[whole:], 1))
        )
    return found


def _extremes(block: Floats) -> tuple[Indices, Indices, Indices | None]:
    """Of each row of a matrix where its lowest and highest finite value are, and where any is not finite."""
    import numpy as np

    low, high = block.argmin(axis=1), block.argmax(axis=1)
    rows = np.arange(len(block))
    if np.isfinite(block[rows, low]).all() and np.isfinite(block[rows, high]).all():
        return low, high, None
    bad = ~np.isfinite(block)
    low = np.where(bad, np.inf, block).argmin(axis=1)
    high = np.where(bad, -np.inf, block).argmax(axis=1)
    with_any = np.flatnonzero(bad.any(axis=1))
    return low, high, with_any * block.shape[1] + bad[with_any].argmax(axis=1)


def _of_parts(y: Floats, starts: Indices) -> Indices:
    """Rows spread unevenly: columns of any number of rows."""
    import numpy as np

    stops = np.append(starts[1:], len(y))
    bad = ~np.isfinite(y)
    made = [starts, stops - 1]
    for worst, best in ((np.inf, np.minimum), (-np.inf, np.maximum)):
        quiet = np.where(bad, worst, y) if bad.any() else y
        extreme = np.repeat(best.reduceat(quiet, starts), stops - starts)
        places = np.flatnonzero(quiet == extreme)
        made.append(places[np.searchsorted(places, starts)])
    if bad.any():
        places = np.flatnonzero(bad)
        at = np.minimum(np.searchsorted(places, starts), len(places) - 1)
        first = places[at]
        made.append(first[(first >= starts) & (first < stops)])
    return np.sort(np.concatenate(made))
