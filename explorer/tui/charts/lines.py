"""A comparison as arrays to draw: smoothed whole, then thinned to the pixels of a window."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar, cast

from explorer.metrics import Group, group_by
from explorer.metrics.comparison import Comparison
from explorer.metrics.pixels import Smoothings
from explorer.metrics.ranges import from_first_fork, x_range
from explorer.metrics.smooth import smooth
from explorer.tui.charts.view import Span, View

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

T = TypeVar("T")

_SCOPES = 4
"""So many windows are kept thinned: the ones just looked at."""
_GAP = 5.0
"""A join longer than so many median cadences is drawn dashed: there is no data in it."""


class Lines:
    """Curves of one comparison with numpy views; what costs is computed once and kept."""

    def __init__(self, comparison: Comparison) -> None:
        import numpy as np

        self.comparison = comparison
        self.curves = comparison.nodes
        self._x: list[Floats] = []
        self._y: list[Floats] = []
        self._own_at: list[int] = []
        self._placed: list[npt.NDArray[np.bool_] | None] = []
        self._smoothings = Smoothings()
        self._kept: dict[object, dict[object, object]] = {}
        for curve in self.curves:
            x, y, own_at, placed = np.frombuffer(curve.x), np.frombuffer(curve.values), curve.own_at, None
            if not curve.on_steps and len(x):
                placed = np.isfinite(x)  # a row without tokens, or without a time, has no place on that axis
                own_at = int(placed[:own_at].sum())
                # clocks of two machines may disagree: a line never runs backwards
                x, y = np.maximum.accumulate(x[placed]), y[placed]
            self._x.append(x)
            self._y.append(y)
            self._own_at.append(own_at)
            self._placed.append(placed)
        self._weight = 0.0
        self._smoothed: dict[tuple[int, str], Floats] = {}
        self._groups: dict[str, tuple[Group, ...]] = {}
        self._means: dict[tuple[tuple[int, ...], float, bool], tuple[Floats, Floats]] = {}
        self._gaps = [_longest_join(x) for x in self._x]
        self.breaks = [_where_it_breaks(x, y) for x, y in zip(self._x, self._y, strict=True)]
        """For each curve the x at which it stops being a number."""

    def bounds(self, view: View) -> Span:
        """The whole x range of the comparison, as far as the axis of this view has places for it."""
        return x_range(self._x, log=view.log_x)

    def window(self, view: View) -> Span:
        """The x range shown: a little before the first fork to the end, unless the view says otherwise."""
        if view.window is not None:
            return view.window
        whole = self.bounds(view)
        return whole if view.full else from_first_fork(whole, self.comparison.first_fork, log=view.log_x)

    def points(self, i: int, view: View) -> tuple[Floats, Floats, int]:
        """x, y and the number of inherited points of curve `i`, smoothed as the view says."""
        import numpy as np

        if view.delta:
            told = self.curves[i].deltas
            if told is None or not len(told.x):
                return np.empty(0), np.empty(0), 0
            values = self._smooth((i, "deltas"), np.frombuffer(told.values), view.weight)
            return np.frombuffer(told.x), values, 0
        return self._x[i], self._whole(i, view.weight), self._own_at[i]

    def raw(self, i: int, view: View) -> tuple[Floats, Floats]:
        """The points before smoothing."""
        import numpy as np

        told = self.curves[i].deltas
        if view.delta:
            return (np.frombuffer(told.x), np.frombuffer(told.values)) if told else (np.empty(0),) * 2
        return self._x[i], self._y[i]

    def gap(self, i: int) -> float:
        """Joins of curve `i` longer than this have no data in them."""
        return self._gaps[i]

    def value_at(self, i: int, view: View, x: float) -> float | None:
        """The newest value of curve `i` at or before `x`; None where it has none or has ended."""
        import numpy as np

        xs, ys, _ = self.points(i, view)
        at = int(np.searchsorted(xs, x, "right")) - 1
        if at < 0 or (at == len(xs) - 1 and x > xs[at] + self._gaps[i]):
            return None
        return float(ys[at])

    def height_at(self, i: int, view: View, x: float) -> float | None:
        """Where the line of curve `i` stands at `x`: between its points, not on the last one."""
        import numpy as np

        xs, ys, _ = self.points(i, view)
        if not len(xs) or not xs[0] <= x <= xs[-1]:
            return self.value_at(i, view, x)
        return float(np.interp(x, xs, ys))

    def last(self, i: int, weight: float) -> float | None:
        """The last finite value of curve `i`, smoothed."""
        import numpy as np

        ys = self._whole(i, weight)
        good = np.flatnonzero(np.isfinite(ys))
        return float(ys[good[-1]]) if len(good) else None

    def neighbour(self, i: int, view: View, x: float, by: int) -> float | None:
        """The x of the point `by` points from the one at `x`, within the curve."""
        import numpy as np

        xs, _, _ = self.points(i, view)
        if not len(xs):
            return None
        at = int(np.searchsorted(xs, x, "right")) - 1
        return float(xs[min(max(at + by, 0), len(xs) - 1)])

    def groups(self, name: str) -> tuple[Group, ...]:
        """The curves by their value of a hyperparameter; one group of all where nobody has it."""
        if name not in self._groups:
            told = any(name in dict(c.hyperparameters or c.overrides) for c in self.curves)
            every = tuple(range(len(self.curves)))
            self._groups[name] = (
                group_by(self.comparison, name) if told else (Group(None, f"no {name}", every, 0.0),)
            )
        return self._groups[name]

    def mean(self, members: Sequence[int], view: View) -> tuple[Floats, Floats]:
        """The mean of several curves where all of them have values: x and y at every point of any."""
        key = (tuple(members), view.weight, view.delta)
        if key not in self._means:
            self._means[key] = _mean([self.points(i, view)[:2] for i in members])
        return self._means[key]

    def kept(self, scope: object, key: object, make: Callable[[], T]) -> T:
        """What was made under this key before, as long as the scope stays the same."""
        if scope not in self._kept:
            if len(self._kept) > _SCOPES:
                self._kept.clear()
            self._kept[scope] = {}
        found = self._kept[scope]
        if key not in found:
            found[key] = make()
        return cast("T", found[key])

    def _whole(self, i: int, weight: float) -> Floats:
        """A curve's values, smoothed: what forks have in common with their parent is smoothed once."""
        line = self.curves[i].line
        if line is None or not weight:
            return self._smooth((i, "values"), self._y[i], weight)
        kept = self._at_weight(weight)
        if (i, "values") not in kept:
            smoothed = self._smoothings.whole(line.stretches, weight)
            placed = self._placed[i]
            kept[i, "values"] = smoothed if placed is None else smoothed[placed]
        return kept[i, "values"]

    def _smooth(self, key: tuple[int, str], values: Floats, weight: float) -> Floats:
        if not weight:
            return values
        kept = self._at_weight(weight)
        if key not in kept:
            kept[key] = smooth(values, weight)
        return kept[key]

    def _at_weight(self, weight: float) -> dict[tuple[int, str], Floats]:
        """What is smoothed with this weight. Only one is kept: of a million points each is much."""
        if weight != self._weight:
            self._weight, self._smoothed, self._smoothings = weight, {}, Smoothings()
            self._means.clear()
        return self._smoothed


def within(x: Floats, y: Floats, low: float, high: float) -> tuple[Floats, Floats]:
    """The part of a line in a window, with one point more on each side so that it enters and leaves."""
    start = max(int(x.searchsorted(low, "left")) - 1, 0)
    stop = int(x.searchsorted(high, "right")) + 1
    return x[start:stop], y[start:stop]


def _mean(lines: list[tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
    import numpy as np

    finite = [(x[good], y[good]) for x, y in lines for good in (np.isfinite(y),) if good.any()]
    if not finite or len(finite) < len(lines):
        return np.empty(0), np.empty(0)
    low, high = max(x[0] for x, _ in finite), min(x[-1] for x, _ in finite)
    grid = np.unique(np.concatenate([x for x, _ in finite]))
    grid = grid[(grid >= low) & (grid <= high)]
    return grid, np.mean([np.interp(grid, x, y) for x, y in finite], axis=0)


def _where_it_breaks(x: Floats, y: Floats) -> tuple[float, ...]:
    """Where a curve stops being a number, once for each stretch."""
    import numpy as np

    bad = ~np.isfinite(y)
    if not bad.any():
        return ()
    begins = bad & ~np.concatenate(([False], bad[:-1]))
    return tuple(x[begins].tolist())


def _longest_join(x: Floats) -> float:
    import numpy as np

    if len(x) < 3:
        return math.inf
    return _GAP * float(np.median(np.diff(x)))
