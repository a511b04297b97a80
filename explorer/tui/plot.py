"""Draws a comparison into cells: axes, grid, lines, forks, crosshair. No Textual: the CLI prints it too."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from explorer.tui.braille import DOTS_X, DOTS_Y, Raster
from explorer.tui.plot_lines import Lines, first_non_finite, thinned, within
from explorer.tui.plot_view import View
from explorer.tui.ticks import clock_labels, clock_ticks, duration_label, labels, log_ticks, ticks

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

BLANK, AXIS, GRID, INHERITED, BAD, CROSS, STRONG, FAINT, GREY = range(9)
"""Inks that mean the same on every chart; colour `c` of a curve is `HUE + c`, bold `BOLD + c`."""
HUE, BOLD, HUES = 16, 32, 8
LETTERS = "abcdefghijklmnopqrstuvwxyz"

Run = tuple[str, int]
Grid = list[tuple[list[str], list[int]]]


@dataclass(frozen=True, slots=True)
class Scale:
    """From data to dots: x linear, y linear or logarithmic."""

    x0: float
    x1: float
    y0: float
    y1: float
    width: int
    height: int
    log_y: bool = False

    def x(self, values: Floats) -> Floats:
        scaled: Floats = (values - self.x0) * ((self.width - 1) / (self.x1 - self.x0))
        return scaled

    def y(self, values: Floats) -> Floats:
        import numpy as np

        if self.log_y:
            with np.errstate(divide="ignore", invalid="ignore"):
                values = np.where(values > 0, np.log(values), np.nan)
        scaled: Floats = (values - self._y(self.y0)) * (
            (self.height - 1) / (self._y(self.y1) - self._y(self.y0))
        )
        return scaled

    def column(self, x: float) -> int:
        return round((x - self.x0) / (self.x1 - self.x0) * (self.width - 1)) // DOTS_X

    def row(self, y: float) -> int | None:
        if not math.isfinite(y) or (self.log_y and y <= 0):
            return None
        share = (self._y(y) - self._y(self.y0)) / (self._y(self.y1) - self._y(self.y0))
        return (self.height - 1 - round(share * (self.height - 1))) // DOTS_Y

    def _y(self, y: float) -> float:
        return math.log(y) if self.log_y else y


@dataclass(slots=True)
class Plot:
    """The plotting area as cells, and what stands around it."""

    scale: Scale
    cells: Grid
    y_ticks: list[tuple[int, str]] = field(default_factory=list)
    x_ticks: list[tuple[int, str]] = field(default_factory=list)
    forks: list[tuple[int, int]] = field(default_factory=list)
    """Columns and inks of the fork marks on the x axis."""


def shown(lines: Lines, view: View) -> list[int]:
    return [i for i, curve in enumerate(lines.curves) if curve.label not in view.hidden]


def inks(lines: Lines, view: View) -> list[int]:
    """Each curve's ink. Past eight hues would repeat: then the best seven and the selected one have a hue."""
    seen = shown(lines, view)
    if len(seen) <= HUES:
        coloured = (
            dict(enumerate(range(len(lines.curves))))
            if len(lines.curves) <= HUES
            else dict(zip(seen, range(HUES), strict=False))
        )
    else:
        sign = -1 if lines.comparison.rises else 1
        ranked = sorted(
            seen, key=lambda i: sign * last if (last := lines.curves[i].last) is not None else math.inf
        )
        kept = sorted({*ranked[: HUES - 1], view.selected} & set(seen))[:HUES]
        coloured = {i: n for n, i in enumerate(kept)}
    made = [HUE + coloured[i] if i in coloured else GREY for i in range(len(lines.curves))]
    if view.selected < len(made) and made[view.selected] >= HUE:
        made[view.selected] += BOLD - HUE
    return made


def draw(lines: Lines, view: View, columns: int, rows: int, *, letters: bool = False) -> Plot:
    """The plotting area of `columns` x `rows` cells. Cost: about 6 ms for 20 curves at 90x34."""
    raster = Raster(columns, rows)
    x0, x1 = lines.window(view)
    seen, ink = shown(lines, view), inks(lines, view)
    parts = [(i, *_parts(lines, view, i, x0, x1, raster.width)) for i in seen]
    y0, y1 = _y_range([own for _, _, own in parts] + [inherited for _, inherited, _ in parts], view)
    scale = Scale(x0, x1, y0, y1, raster.width, raster.height, view.log_y)
    if view.tails and not view.delta:
        for i in seen:
            _trace_tails(raster, scale, lines, i)
    if view.weight and not view.delta:
        for i in seen:
            x, y = within(*lines.raw(i), x0, x1)
            x, y = thinned(x, y, raster.width)
            raster.trace(scale.x(x), scale.y(y), FAINT)
    for _, (x, y), _ in parts:
        raster.trace(scale.x(x), scale.y(y), INHERITED, layer=1)
    for i, _, (x, y) in sorted(parts, key=lambda p: (p[0] == view.selected, ink[p[0]] >= HUE, -p[0])):
        broken = (x[1:] - x[:-1] > lines.gap(i)).astype(float) if len(x) > 1 else None
        raster.trace(scale.x(x), scale.y(y), ink[i], layer=2, broken=broken)
    plot = Plot(scale, raster.cells())
    _add_ticks(plot, lines, view, columns, rows)
    _add_marks(plot, lines, view, [(i, own) for i, _, own in parts], ink, letters)
    return plot


def _parts(
    lines: Lines, view: View, i: int, x0: float, x1: float, width: int
) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
    x, y, own_at = lines.points(i, view)
    inherited = within(x[:own_at], y[:own_at], x0, x1)
    start = max(own_at - 1, 0) if own_at < len(x) else own_at  # the join to the parent's last point is own
    own = within(x[start:], y[start:], x0, x1)
    return thinned(*inherited, width), thinned(*own, width)


def _trace_tails(raster: Raster, scale: Scale, lines: Lines, i: int) -> None:
    import numpy as np

    for tail in lines.curves[i].discarded:
        x, y = within(np.frombuffer(tail.x), np.frombuffer(tail.values), scale.x0, scale.x1)
        x, y = thinned(x, y, raster.width)
        raster.trace(scale.x(x), scale.y(y), FAINT)


def _y_range(parts: list[tuple[Floats, Floats]], view: View) -> tuple[float, float]:
    """From the second to the 98th percentile of each line, so that a spike does not flatten the rest."""
    import numpy as np

    lows, highs = [], []
    for _, y in parts:
        good = y[np.isfinite(y) & (y > 0)] if view.log_y else y[np.isfinite(y)]
        if len(good):
            low, high = (good.min(), good.max()) if len(good) < 50 else np.quantile(good, (0.01, 0.99))
            lows.append(float(low))
            highs.append(float(high))
    if not lows:
        return (0.1, 1.0) if view.log_y else (0.0, 1.0)
    low, high = min(lows), max(highs)
    usual = float(np.median(highs))
    if len(highs) > 2 and high - low > 20 * (usual - low) > 0:
        high = low + 3 * (usual - low)  # one line blew up: the others are what can be read
    if view.delta:
        low, high = min(low, 0.0), max(high, 0.0)
    if view.log_y:
        room = (high / low) ** 0.04 if high > low else 1.1
        return low / room, high * room
    room = (high - low) * 0.04 or abs(high) * 0.1 or 1.0
    return low - room, high + room


def _add_ticks(plot: Plot, lines: Lines, view: View, columns: int, rows: int) -> None:
    scale = plot.scale
    found = (log_ticks if view.log_y else ticks)(scale.y0, scale.y1, max(rows // 5, 2))
    for y, text in zip(found, labels(found), strict=True):
        row = scale.row(y)
        if row is None or not 0 <= row < rows:
            continue
        plot.y_ticks.append((row, text))
        chars, ink = plot.cells[row]
        strong = view.delta and y == 0
        for column in range(columns):
            if chars[column] == " ":
                chars[column], ink[column] = ("─" if strong else "┈"), (AXIS if strong else GRID)
    for x, text in x_ticks(lines.comparison.x, scale.x0, scale.x1, max(columns // 12, 2)):
        plot.x_ticks.append((scale.column(x), text))


def x_ticks(axis: str, low: float, high: float, most: int) -> list[tuple[float, str]]:
    """Round places on an x axis with what is written there."""
    if axis == "time":
        found = clock_ticks(low, high, most)
        return list(zip(found, clock_labels(found), strict=True))
    if axis == "active":
        found = clock_ticks(low, high, most)
        return [(x, duration_label(x)) for x in found]
    found = ticks(low, high, most)
    if axis in ("step", "since_fork"):
        found = [x for x in found if x.is_integer()]
    return list(zip(found, labels(found), strict=True))


def _add_marks(
    plot: Plot,
    lines: Lines,
    view: View,
    own: list[tuple[int, tuple[Floats, Floats]]],
    ink: list[int],
    letters: bool,
) -> None:
    """A letter at the end of each line (and along it where colour is off), ◆ at forks, × where NaN begins."""
    for i, (x, y) in own:
        curve, letter = lines.curves[i], LETTERS[i % len(LETTERS)]
        if letters and len(x):
            width = plot.scale.x1 - plot.scale.x0
            for nth in range(1, 4):
                place = plot.scale.x0 + width * (nth / 4 + (i % 7 - 3) / 40)
                at = next((k for k in range(len(x)) if x[k] >= place), None)
                if at is not None:
                    _put(plot, float(x[at]), float(y[at]), letter, ink[i])
        if not view.delta:
            for bad in first_non_finite(curve):
                column = plot.scale.column(bad)
                if 0 <= column < len(plot.cells[0][0]):
                    plot.cells[0][0][column], plot.cells[0][1][column] = "×", BAD
        if curve.fork_x is not None and not view.delta:
            if curve.own_at:
                xs, ys, own_at = lines.points(i, view)
                _put(plot, float(xs[own_at - 1]), float(ys[own_at - 1]), "◆", ink[i])
            plot.forks.append((plot.scale.column(curve.fork_x), ink[i]))
        if len(x) and math.isfinite(float(y[-1])):
            _put(plot, float(x[-1]), float(y[-1]), letter, ink[i], beside=True)


def _put(plot: Plot, x: float, y: float, mark: str, ink: int, *, beside: bool = False) -> None:
    column, row = plot.scale.column(x), plot.scale.row(y)
    if row is None or not 0 <= row < len(plot.cells) or not 0 <= column < len(plot.cells[0][0]):
        return
    if beside:
        column = min(column + 1, len(plot.cells[0][0]) - 1)
        taken = [r for r in (row, row - 1, row + 1) if 0 <= r < len(plot.cells)]
        row = next((r for r in taken if plot.cells[r][0][column] not in LETTERS), row)
    plot.cells[row][0][column], plot.cells[row][1][column] = mark, ink
