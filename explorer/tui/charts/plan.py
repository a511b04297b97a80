"""What a plot will show: the ranges of its axes, and each line thinned to them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from explorer.metrics.choose import NOT_CURVES
from explorer.metrics.pixels import pick
from explorer.metrics.ranges import usual_range, whole_range
from explorer.metrics.ticks import labels, log_ticks, ticks
from explorer.tui.charts.inks import shown
from explorer.tui.charts.lines import Lines, within
from explorer.tui.charts.raster import DOTS_X, DOTS_Y
from explorer.tui.charts.view import Span, View

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Line = tuple[Floats, Floats]


@dataclass(frozen=True, slots=True)
class Scale:
    """From places on the axes to dots. `x0` and `x1` are places: logarithms on a logarithmic axis."""

    view: View
    x0: float
    x1: float
    y0: float
    y1: float
    width: int
    height: int

    def x(self, places: Floats) -> Floats:
        scaled: Floats = (places - self.x0) * ((self.width - 1) / (self.x1 - self.x0))
        return scaled

    def y(self, values: Floats) -> Floats:
        import numpy as np

        if self.view.log_y:
            with np.errstate(divide="ignore", invalid="ignore"):
                values = np.where(values > 0, np.log(values), np.nan)
        low, high = self._y(self.y0), self._y(self.y1)
        scaled: Floats = (values - low) * ((self.height - 1) / (high - low))
        return scaled

    def column(self, x: float) -> int | None:
        """The cell of an x, inside of the plot or not; None where it has no place."""
        place = self.view.place(x)
        if not math.isfinite(place):
            return None
        return round((place - self.x0) / (self.x1 - self.x0) * (self.width - 1)) // DOTS_X

    def row(self, y: float) -> int | None:
        if not math.isfinite(y) or (self.view.log_y and y <= 0):
            return None
        share = (self._y(y) - self._y(self.y0)) / (self._y(self.y1) - self._y(self.y0))
        return (self.height - 1 - round(share * (self.height - 1))) // DOTS_Y

    def _y(self, y: float) -> float:
        return math.log(y) if self.view.log_y else y


@dataclass(frozen=True, slots=True)
class Part:
    """One curve thinned to a window: its inherited and its own line, each as places and values."""

    metric: int
    """Which of the plot's metrics."""
    curve: int
    inherited: Line
    own: Line


@dataclass(frozen=True, slots=True)
class Plan:
    """What a plot will show; its range decides how wide the y labels are."""

    window: Span
    y: Span
    parts: tuple[Part, ...]
    beyond: tuple[int, ...]
    """Curves that leave the range so far that it was not stretched to them."""
    ticks: tuple[tuple[float, str], ...]


def plan(panel: Sequence[Lines], view: View, columns: int, rows: int) -> Plan:
    """For a plot of about `columns` x `rows` cells. A panel of several metrics shows them in one plot."""
    window = span_of(panel, view)
    parts = tuple(
        Part(k, i, *_halves(lines, view, i, window, columns * DOTS_X))
        for k, lines in enumerate(panel)
        for i in shown(lines, view)
    )
    falls = not all(lines.comparison.rises for lines in panel)
    calm = not any(lines.comparison.metric in NOT_CURVES for lines in panel)
    places = view.place(window[0]), view.place(window[1])
    (y0, y1), beyond = _y_range(parts, view, places, falls=falls, calm=calm)
    most = max(min(rows // 3, 8), 2)
    marks = log_marks(y0, y1, most) if view.log_y else _marks(ticks(y0, y1, most))
    return Plan(window, (y0, y1), parts, beyond, marks)


def log_marks(low: float, high: float, most: int) -> tuple[tuple[float, str], ...]:
    """Places on a logarithmic axis; over several decades each has digits and a unit of its own."""
    found = log_ticks(low, high, most)
    if high < 100 * low:
        return _marks(found)
    return tuple((value, labels([value])[0]) for value in found)


def _marks(found: list[float]) -> tuple[tuple[float, str], ...]:
    return tuple(zip(found, labels(found), strict=True))


def span_of(panel: Sequence[Lines], view: View) -> Span:
    """The x range of several metrics: all that any of them shows."""
    spans = [lines.window(view) for lines in panel]
    return min(low for low, _ in spans), max(high for _, high in spans)


def cut(x: Floats, y: Floats, window: Span, view: View, width: int) -> Line:
    """A line in a window as places on the axis, thinned to `width` dots."""
    import numpy as np

    x, y = within(x, y, *window)
    if view.log_x:
        start = int(x.searchsorted(0.0, "right"))
        x, y = np.log10(x[start:]), y[start:]
    x, y = _clipped(x, y, view.place(window[0]), view.place(window[1]))
    kept = pick(x, y, width)
    return x[kept], y[kept]


def _clipped(x: Floats, y: Floats, low: float, high: float) -> Line:
    """The points outside moved to the edge, along the line: zoomed in they are a million dots away."""
    import numpy as np

    room = (high - low) / 100
    if len(x) < 2 or (x[0] >= low - room and x[-1] <= high + room):
        return x, y
    x, y = x.copy(), y.copy()
    for at, beside, edge in ((0, 1, low - room), (-1, -2, high + room)):
        if (x[at] < edge) == (at == 0) and x[at] != x[beside]:
            y[at] = np.interp(edge, np.sort(x[[at, beside]]), y[[at, beside]] if at == 0 else y[[beside, at]])
            x[at] = edge
    return x, y


def _halves(lines: Lines, view: View, i: int, window: Span, width: int) -> tuple[Line, Line]:
    return lines.kept(
        (view.look_at_x, window, width), ("halves", i), lambda: _cut_halves(lines, view, i, window, width)
    )


def _cut_halves(lines: Lines, view: View, i: int, window: Span, width: int) -> tuple[Line, Line]:
    x, y, own_at = lines.points(i, view)
    start = max(own_at - 1, 0) if own_at < len(x) else own_at  # the join to the parent's last point is own
    inherited = cut(x[:own_at], y[:own_at], window, view, width)
    return inherited, cut(x[start:], y[start:], window, view, width)


def _y_range(
    parts: Sequence[Part], view: View, window: Span, *, falls: bool, calm: bool
) -> tuple[Span, tuple[int, ...]]:
    """The usual values of all lines, and the curves that go far beyond them."""
    import numpy as np

    left, right = window
    seen = []
    for part in parts:
        y = np.concatenate([y[(x >= left) & (x <= right)] for x, y in (part.inherited, part.own)])
        seen.append(y[y > 0] if view.log_y else y)
    if view.extremes or not calm:
        found = whole_range(seen)
    else:
        found = usual_range(seen, rises=not falls, deltas=view.delta)
    low, high = found.low, found.high
    if view.delta:
        low, high = min(low, 0.0), max(high, 0.0)
    if view.log_y and low <= 0:  # nothing has a place
        low, high = 0.1, 1.0
    return _with_room(low, high, view), tuple(dict.fromkeys(parts[i].curve for i in found.beyond))


def _with_room(low: float, high: float, view: View) -> Span:
    """A little air above and below, then as near and as far up as the view says."""
    if view.log_y:
        low, high = math.log(low), math.log(high)
    room = (high - low) * 0.04 or (0.1 if view.log_y else abs(high) * 0.1 or 1.0)
    low, high = low - room, high + room
    middle, half = (low + high) / 2 + view.y_shift * (high - low), (high - low) / 2 * view.y_zoom
    low, high = middle - half, middle + half
    if not view.log_y:
        return low, high
    return math.exp(max(low, -700.0)), math.exp(min(high, 700.0))
