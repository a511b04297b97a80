"""A whole chart as lines of inked text: title, y axis, plot, x axis, and the legend beside or below it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from explorer.lineage.values import show_overrides
from explorer.metrics.comparison import NodeCurve
from explorer.metrics.ticks import delta_label, duration_label, moment_label, value_label
from explorer.tui.charts.lines import Lines
from explorer.tui.charts.plot import (
    AXIS,
    BLANK,
    BOLD,
    CROSS,
    FAINT,
    GREY,
    HUE,
    LETTERS,
    STRONG,
    Plot,
    Run,
    draw,
    inks,
    plan,
)
from explorer.tui.charts.view import View

BESIDE_FROM = 92
"""Narrower than this the legend goes below the plot."""
_LEAST_ROWS = 5


@dataclass(frozen=True, slots=True)
class Frame:
    """Lines of (text, ink), each exactly `width` cells, and where the plot and the legend are on it."""

    lines: tuple[tuple[Run, ...], ...]
    left: int
    top: int
    columns: int
    rows: int
    legend: tuple[tuple[int, int, int], ...]
    """(line, first column, curve) of each legend row, for clicks."""
    plot: Plot | None = None


def frame(
    lines: Lines, view: View, width: int, height: int, *, letters: bool = False, names: bool = True
) -> Frame:
    """The chart in `width` x `height` cells; `letters` marks the lines along their way, for no colour."""
    beside = names and width >= BESIDE_FROM
    panel = _panel_width(lines, width) if beside else 0
    below = (
        0 if beside or not names else min(len(lines.curves), max(1, height // 4), height - 3 - _LEAST_ROWS)
    )
    below = max(below, 0)
    rows = max(height - 3 - below, 1)
    planned = plan(lines, view, max(width - 8 - panel, 4), rows)
    left = max((len(text) for _, text in planned.ticks), default=1) + 2
    columns = max(width - left - panel - (2 if beside else 0), 4)
    plot = draw(lines, view, planned, columns, rows, letters=letters)
    cross = _cross(plot, lines, view)
    legend = _legend(lines, view, panel if beside else width, rows + 2 if beside else below)
    out: list[list[Run]] = [_title(lines, view, left + columns if beside else width)]
    out += [_plot_line(plot, row, left, cross) for row in range(rows)]
    out += [_axis_line(plot, left, columns), _label_line(plot, left, columns)]
    if beside:
        out[0] = [*fit(out[0], width - panel), *_heading(view, panel)]
    places: list[tuple[int, int, int]] = []
    for at, (curve, runs) in enumerate(legend):
        line = at + 1 if beside else rows + 3 + at
        start = width - panel if beside else 0
        if beside:
            out[line] = [*fit(out[line], start), *runs]
        else:
            out.append(runs)
        places.append((line, start, curve))
    cut = tuple(tuple(fit(runs, width)) for runs in out[:height])
    return Frame(cut, left, 1, columns, rows, tuple(places), plot)


def fit(runs: list[Run], width: int) -> list[Run]:
    """Exactly `width` cells: cut with an ellipsis, or filled up."""
    kept: list[Run] = []
    room = width
    for text, ink in runs:
        if len(text) > room:
            kept.append((text[: max(room - 1, 0)] + "…"[:room], ink))
            return kept
        kept.append((text, ink))
        room -= len(text)
    return [*kept, (" " * room, BLANK)] if room else kept


def _title(lines: Lines, view: View, width: int) -> list[Run]:
    comparison = lines.comparison
    name = f"Δ {comparison.metric} to the parent" if view.delta else comparison.metric
    notes = []
    if view.weight:
        notes.append(f"smoothed {view.weight:g}")
    if view.log_y:
        notes.append("log y")
    if view.tails:
        notes.append("lost work shown")
    if view.window is not None:
        notes.append("zoomed")
    elif comparison.first_fork is not None and not view.full:
        notes.append("from the first fork on")
    runs: list[Run] = [(f" {name}", STRONG), (f" by {_axis_name(comparison.x)}", AXIS)]
    if notes:
        runs.append(("  " + " · ".join(notes), AXIS))
    if view.cursor is not None:
        at = f"at {position(comparison.x, view.cursor)} "
        return [*fit(runs, max(width - len(at), 0)), (at, CROSS)]
    return runs


def _axis_name(x: str) -> str:
    return {"since_fork": "steps since the fork", "time": "time of day", "active": "training time"}.get(x, x)


def position(axis: str, x: float) -> str:
    """A place on the x axis in words: `step 120`, `14:03:20`, `1h5m`."""
    if axis == "active":
        return duration_label(x)
    if axis == "time":
        return moment_label(x)
    name = "fork +" if axis == "since_fork" else f"{axis.removesuffix('s')} "
    return name + (f"{x:.0f}" if x % 1 == 0 else f"{x:.6g}")


def _cross(plot: Plot, lines: Lines, view: View) -> dict[tuple[int, int], Run]:
    """The crosshair's cells: a thin line, and a dot where it meets each curve."""
    if view.cursor is None or not math.isfinite(view.cursor):
        return {}
    column, rows = plot.scale.column(view.cursor), len(plot.cells)
    if not 0 <= column < len(plot.cells[0][0]):
        return {}
    cells = {
        (row, column): ("│", CROSS) for row in range(rows) if plot.cells[row][0][column] in " ┈─" or row == 0
    }
    colours = inks(lines, view)
    for i, curve in enumerate(lines.curves):
        value = None if curve.label in view.hidden else lines.value_at(i, view, view.cursor)
        row = plot.scale.row(value) if value is not None else None
        if row is not None and 0 <= row < rows:
            cells[row, column] = ("●", colours[i])
    return cells


def _plot_line(plot: Plot, row: int, left: int, cross: dict[tuple[int, int], Run]) -> list[Run]:
    text = next((t for r, t in plot.y_ticks if r == row), "")
    runs: list[Run] = [(f"{text:>{left - 2}} ", AXIS), ("┤" if text else "│", AXIS)]
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


def _axis_line(plot: Plot, left: int, columns: int) -> list[Run]:
    marks: dict[int, Run] = {c: ("┬", AXIS) for c, _ in plot.x_ticks}
    marks |= dict.fromkeys(plot.checkpoints, ("▴", STRONG))
    marks |= {c: ("◆", ink) for c, ink in plot.forks}
    runs: list[Run] = [(" " * (left - 1) + "└", AXIS)]
    runs += [marks.get(column, ("─", AXIS)) for column in range(columns)]
    return runs


def _label_line(plot: Plot, left: int, columns: int) -> list[Run]:
    line = [" "] * (left + columns)
    free = 0
    for column, text in plot.x_ticks:
        start = min(max(left + column - len(text) // 2, 0), len(line) - len(text))
        if start >= free:
            line[start : start + len(text)] = text
            free = start + len(text) + 2
    return [("".join(line), AXIS)]


def _panel_width(lines: Lines, width: int) -> int:
    longest = max((max(len(c.label), len(_origin(c)) - 18) for c in lines.curves), default=8)
    return min(max(longest, 10) + 25, max(width * 2 // 5, 36))


def _legend(lines: Lines, view: View, width: int, rows: int) -> list[tuple[int, list[Run]]]:
    """Rows around the selected one: letter, name, value (at the crosshair), delta to the parent."""
    count = len(lines.curves)
    spare = rows - 1 >= 2 * count + 1 and width < BESIDE_FROM
    most = rows if not spare else count
    first = max(0, min(view.selected - most // 2, count - most))
    colours = inks(lines, view)
    made: list[tuple[int, list[Run]]] = []
    for i in range(first, min(first + most, count)):
        made.append((i, _legend_row(lines, view, i, colours[i], width)))
        below = _origin(lines.curves[i]) if spare else ""
        if below:
            made.append((i, fit([("      " + below, AXIS)], width)))
    return made


def _heading(view: View, width: int) -> list[Run]:
    value = "last" if view.cursor is None else "here"
    return [(f"{value:>{max(width - 10, 0)}} {'Δ parent':>8} ", AXIS)]


def _origin(curve: NodeCurve) -> str:
    """What the fork changed, and from where."""
    changed = show_overrides(curve.overrides)
    forked = "" if curve.fork_step is None else f"from {curve.fork_step:g}"
    return "  ".join(part for part in (changed, forked) if part)


def _legend_row(lines: Lines, view: View, i: int, ink: int, width: int) -> list[Run]:
    curve = lines.curves[i]
    hidden, chosen = curve.label in view.hidden, i == view.selected
    value = (
        lines.last(i, view)
        if view.cursor is None
        else lines.value_at(i, replace(view, delta=False), view.cursor)
    )
    delta = delta_label(curve.delta_to_parent)
    numbers = f"{value_label(value):>8} {delta:>8}"
    name = curve.label
    changed = show_overrides(curve.overrides)
    room = max(width - 6 - len(numbers) - 1, 1)
    if width >= BESIDE_FROM and changed:
        name = f"{name}  {changed}"
    name = name if len(name) <= room else name[: max(room - 1, 0)] + "…"
    line = FAINT if hidden else ink
    hue = ink - BOLD + HUE if ink >= BOLD else ink
    letter = LETTERS[i % len(LETTERS)]
    sign = "○" if hidden else "●"
    return fit(
        [
            ("▸" if chosen else " ", STRONG),
            (f"{letter} ", line if chosen else FAINT if hidden else hue),
            (f"{sign} ", line),
            (f"{name:<{room}}", FAINT if hidden else STRONG if chosen else GREY),
            (f" {numbers}", FAINT if hidden else STRONG if chosen else GREY),
        ],
        width,
    )
