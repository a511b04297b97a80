"""A whole chart as lines of inked text: one plot, or several metrics one below the other. No screen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from explorer.tui.charts.inks import AXIS, CROSS, STRONG, inks
from explorer.tui.charts.lines import Lines
from explorer.tui.charts.plan import Plan, plan
from explorer.tui.charts.plot import Plot, draw
from explorer.tui.charts.signs import UNICODE, Signs
from explorer.tui.charts.title import Run, fit, title
from explorer.tui.charts.view import View

_LEAST_ROWS = 3
"""A plot of fewer rows tells nothing: metrics that would not get them are left out."""


@dataclass(frozen=True, slots=True)
class Area:
    """Where one plot is on the frame."""

    left: int
    top: int
    columns: int
    rows: int

    def has(self, x: int, y: int) -> bool:
        return self.left <= x < self.left + self.columns and self.top <= y < self.top + self.rows


@dataclass(frozen=True, slots=True)
class Frame:
    """Lines of (text, ink), each exactly as wide as the frame, and its plots from the top."""

    lines: tuple[tuple[Run, ...], ...]
    areas: tuple[Area, ...]
    plots: tuple[Plot, ...]
    plans: tuple[Plan, ...]
    key: tuple[object, ...]
    """What the plots were drawn from: all but the crosshair."""


def frame(
    metrics: Sequence[Lines],
    view: View,
    width: int,
    height: int,
    *,
    letters: bool = False,
    signs: Signs = UNICODE,
    before: Frame | None = None,
) -> Frame:
    """The chart in `width` x `height` cells; `letters` marks the lines along their way, for no colour.

    Where only the crosshair has moved since the frame `before`, its plots are taken again. Cost: 20 curves of
    480 points at 120x40 in less than 10 ms of CPU, with `before` in 3.
    """
    key = (replace(view, cursor=None), width, height, letters, signs.ascii, *map(id, metrics))
    again = before if before is not None and before.key == key else None
    fitting = max(1, (height - 2) // (_LEAST_ROWS + 1))
    panels = [tuple(metrics)] if view.overlaid else [(lines,) for lines in metrics[:fitting]]
    heights = _shares(height - 2 - len(panels), len(panels))
    plans = again.plans if again is not None else _plans(panels, view, max(width - 8, 4), heights)
    left = max((len(text) for planned in plans for _, text in planned.ticks), default=1) + 2
    columns = max(width - left, 4)
    out: list[list[Run]] = []
    areas: list[Area] = []
    plots: list[Plot] = []
    for n, (panel, planned, rows) in enumerate(zip(panels, plans, heights, strict=True)):
        plot = (
            again.plots[n]
            if again is not None
            else draw(panel, view, planned, columns, rows, letters=letters, signs=signs)
        )
        out.append(title(panel, view, planned, width, signs, first=n == 0))
        areas.append(Area(left, len(out), columns, rows))
        cross = _cross(plot, panel, view, signs)
        out += [_plot_line(plot, row, left, cross, signs) for row in range(rows)]
        plots.append(plot)
    out += [_axis_line(plots[-1], left, signs), _label_line(plots[-1], left)]
    cut = tuple(tuple(fit(runs, width, signs.more)) for runs in out[:height])
    return Frame(cut, tuple(areas), tuple(plots), plans, key)


def _plans(
    panels: Sequence[Sequence[Lines]], view: View, columns: int, heights: list[int]
) -> tuple[Plan, ...]:
    return tuple(plan(panel, view, columns, rows) for panel, rows in zip(panels, heights, strict=True))


def _shares(rows: int, count: int) -> list[int]:
    """Rows for each of several plots, as equal as they can be."""
    least, more = divmod(max(rows, count), count)
    return [least + (n < more) for n in range(count)]


def _cross(plot: Plot, panel: Sequence[Lines], view: View, signs: Signs) -> dict[tuple[int, int], Run]:
    """The crosshair's cells: a thin line, and a dot where it meets each curve."""
    if view.cursor is None or not math.isfinite(view.cursor):
        return {}
    column = plot.scale.column(view.cursor)
    if column is None or not 0 <= column < plot.columns:
        return {}
    free = (" ", signs.grid, signs.zero)
    cells = {
        (row, column): (signs.cross, CROSS)
        for row in range(plot.rows)
        if plot.cells[row][0][column] in free or row == 0
    }
    for lines in panel:
        colours = inks(lines, view)
        for i, curve in enumerate(lines.curves):
            value = lines.height_at(i, view, view.cursor) if view.shows(curve.label) else None
            row = plot.scale.row(value) if value is not None else None
            if row is not None and 0 <= row < plot.rows:
                cells[row, column] = (signs.here, colours[i])
    return cells


def _plot_line(plot: Plot, row: int, left: int, cross: dict[tuple[int, int], Run], signs: Signs) -> list[Run]:
    text = next((t for r, t in plot.y_ticks if r == row), "")
    runs: list[Run] = [(f"{text:>{left - 2}} ", AXIS), (signs.tick if text else signs.wall, AXIS)]
    chars, ink = plot.cells[row]
    start, current = 0, ink[0]
    for column in range(len(chars)):
        here = cross.get((row, column))
        now = ink[column] if chars[column] != " " or here else current
        if here is not None:
            runs.append(("".join(chars[start:column]), current))
            runs.append(here)
            start, current = column + 1, ink[column + 1] if column + 1 < len(ink) else current
        elif now != current:
            runs.append(("".join(chars[start:column]), current))
            start, current = column, now
    runs.append(("".join(chars[start:]), current))
    return [run for run in runs if run[0]]


def _axis_line(plot: Plot, left: int, signs: Signs) -> list[Run]:
    marks: dict[int, Run] = {c: (signs.x_tick, AXIS) for c, _ in plot.x_ticks}
    marks |= dict.fromkeys(plot.checkpoints, (signs.checkpoint, STRONG))
    marks |= {c: (signs.fork, ink) for c, ink in plot.forks if c not in plot.checkpoints}
    runs: list[Run] = [(" " * (left - 1) + signs.corner, AXIS)]
    runs += [marks.get(column, (signs.floor, AXIS)) for column in range(plot.columns)]
    return runs


def _label_line(plot: Plot, left: int) -> list[Run]:
    line = [" "] * (left + plot.columns)
    free = 0
    for column, text in plot.x_ticks:
        start = min(max(left + column - len(text) // 2, 0), len(line) - len(text))
        if start >= free:
            line[start : start + len(text)] = text
            free = start + len(text) + 2
    return [("".join(line), AXIS)]
