"""Draws a comparison into cells: axes, grid, lines, forks, crosshair. No Textual: the CLI prints it too."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from explorer.metrics.ticks import labels, log_ticks, ticks, x_marks
from explorer.tui.charts.lines import Lines, thinned, within
from explorer.tui.charts.raster import DOTS_X, DOTS_Y, Raster
from explorer.tui.charts.view import View

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


@dataclass(frozen=True, slots=True)
class Part:
    """One curve thinned to a window: its inherited and its own line, each as x and y."""

    curve: int
    inherited: tuple[Floats, Floats]
    own: tuple[Floats, Floats]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a plot will show: ranges, thinned lines, and the y ticks with their texts."""

    x: tuple[float, float]
    y: tuple[float, float]
    parts: list[Part]
    ticks: list[tuple[float, str]]


@dataclass(slots=True)
class Plot:
    """The plotting area as cells, and what stands around it."""

    scale: Scale
    cells: Grid
    y_ticks: list[tuple[int, str]] = field(default_factory=list)
    x_ticks: list[tuple[int, str]] = field(default_factory=list)
    forks: list[tuple[int, int]] = field(default_factory=list)
    """Columns and inks of the fork marks on the x axis."""
    checkpoints: list[int] = field(default_factory=list)
    """Columns of the selected curve's checkpoints."""


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


def plan(lines: Lines, view: View, columns: int, rows: int) -> Plan:
    """What a plot of about `columns` x `rows` cells shows: its range decides how wide the y labels are."""
    x0, x1 = lines.window(view)
    parts = [Part(i, *_parts(lines, view, i, x0, x1, columns * DOTS_X)) for i in shown(lines, view)]
    y0, y1 = _y_range([line for part in parts for line in (part.inherited, part.own)], view)
    found = (log_ticks if view.log_y else ticks)(y0, y1, max(rows // 5, 2))
    return Plan((x0, x1), (y0, y1), parts, list(zip(found, labels(found), strict=True)))


def draw(lines: Lines, view: View, planned: Plan, columns: int, rows: int, *, letters: bool = False) -> Plot:
    """The plotting area of `columns` x `rows` cells, as planned."""
    raster = Raster(columns, rows)
    ink = inks(lines, view)
    scale = Scale(*planned.x, *planned.y, raster.width, raster.height, view.log_y)
    if view.tails and not view.delta:
        for part in planned.parts:
            _trace_tails(raster, scale, lines, part.curve)
    if view.weight and not view.delta:
        for part in planned.parts:
            x, y = thinned(*within(*lines.raw(part.curve), *planned.x), raster.width)
            raster.trace(scale.x(x), scale.y(y), FAINT)
    for part in planned.parts:
        x, y = part.inherited
        raster.trace(scale.x(x), scale.y(y), INHERITED, layer=1)
    for part in sorted(
        planned.parts, key=lambda p: (p.curve == view.selected, ink[p.curve] >= HUE, -p.curve)
    ):
        x, y = part.own
        broken = (x[1:] - x[:-1] > lines.gap(part.curve)).astype(float) if len(x) > 1 else None
        raster.trace(scale.x(x), scale.y(y), ink[part.curve], layer=2, broken=broken)
    plot = Plot(scale, raster.cells())
    _add_ticks(plot, lines, view, planned.ticks)
    _add_marks(plot, lines, view, planned.parts, ink, letters)
    if 0 <= view.selected < len(lines.curves):
        places = (scale.column(x) for x, _ in lines.curves[view.selected].checkpoints)
        plot.checkpoints += [column for column in places if 0 <= column < columns]
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
    """From the first to the 99th percentile of each line, so that a spike does not flatten the rest."""
    import numpy as np

    lows, highs = [], []
    for _, y in parts:
        good = y[np.isfinite(y) & (y > 0)] if view.log_y else y[np.isfinite(y)]
        if len(good):
            good = np.sort(good)  # np.quantile would do, at ten times the price
            spare = len(good) // 100
            lows.append(float(good[spare]))
            highs.append(float(good[-1 - spare]))
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


def _add_ticks(plot: Plot, lines: Lines, view: View, y_ticks: list[tuple[float, str]]) -> None:
    scale, rows, columns = plot.scale, len(plot.cells), len(plot.cells[0][0])
    for y, text in y_ticks:
        row = scale.row(y)
        if row is None or not 0 <= row < rows:
            continue
        plot.y_ticks.append((row, text))
        chars, ink = plot.cells[row]
        strong = view.delta and y == 0
        mark, colour = ("─", AXIS) if strong else ("┈", GRID)
        plot.cells[row] = (
            [mark if char == " " else char for char in chars],
            [colour if char == " " else old for char, old in zip(chars, ink, strict=True)],
        )
    for x, text in x_marks(lines.comparison.x, scale.x0, scale.x1, max(columns // 12, 2)):
        plot.x_ticks.append((scale.column(x), text))


def _add_marks(
    plot: Plot, lines: Lines, view: View, parts: list[Part], ink: list[int], letters: bool
) -> None:
    """A letter at the end of each line (and along it where colour is off), ◆ at forks, × where NaN begins."""
    for part in parts:
        i, (x, y) = part.curve, part.own
        curve, letter = lines.curves[i], LETTERS[i % len(LETTERS)]
        if letters:
            for at in _spread(plot.scale, x, i):
                _put(plot, float(x[at]), float(y[at]), letter, ink[i])
        if not view.delta:
            for bad in lines.breaks[i]:
                column = plot.scale.column(bad)
                if 0 <= column < len(plot.cells[0][0]):
                    plot.cells[0][0][column], plot.cells[0][1][column] = "×", BAD
        if curve.fork_x is not None and not view.delta:
            xs, ys, own_at = lines.points(i, view)
            if own_at:
                _put(plot, float(xs[own_at - 1]), float(ys[own_at - 1]), "◆", ink[i])
            plot.forks.append((plot.scale.column(curve.fork_x), ink[i]))
        if len(x) and math.isfinite(float(y[-1])):
            _put(plot, float(x[-1]), float(y[-1]), letter, ink[i], beside=True)


def _spread(scale: Scale, x: Floats, i: int) -> list[int]:
    """Three points along a line, at other places for neighbouring curves so that letters do not collide."""
    import numpy as np

    places = [scale.x0 + (scale.x1 - scale.x0) * (nth / 4 + (i % 7 - 3) / 40) for nth in (1, 2, 3)]
    found = {int(at) for at in np.searchsorted(x, places)} if len(x) else set()
    return sorted(at for at in found if at < len(x))


def _put(plot: Plot, x: float, y: float, mark: str, ink: int, *, beside: bool = False) -> None:
    column, row = plot.scale.column(x), plot.scale.row(y)
    if row is None or not 0 <= row < len(plot.cells) or not 0 <= column < len(plot.cells[0][0]):
        return
    if beside:
        column = min(column + 1, len(plot.cells[0][0]) - 1)
        taken = [r for r in (row, row - 1, row + 1) if 0 <= r < len(plot.cells)]
        row = next((r for r in taken if plot.cells[r][0][column] not in LETTERS), row)
    plot.cells[row][0][column], plot.cells[row][1][column] = mark, ink
