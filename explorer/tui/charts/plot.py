"""Draws the plotting area of a chart into cells: lines, grid, and the marks on them. No Textual in here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from explorer.metrics.ticks import x_marks
from explorer.tui.charts.inks import AXIS, BAD, BOLD, FAINT, GRID, HUE, INHERITED, LETTERS, inks, letter
from explorer.tui.charts.lines import Lines
from explorer.tui.charts.plan import Part, Plan, Scale, cut, log_marks
from explorer.tui.charts.raster import DASHED, DOTTED, Raster
from explorer.tui.charts.signs import UNICODE, Signs
from explorer.tui.charts.view import View

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

Grid = list[tuple[list[str], list[int]]]
_PATTERNS = (None, DASHED, DOTTED)
"""Of the metrics that share a plot: the first is drawn through."""


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

    @property
    def columns(self) -> int:
        return len(self.cells[0][0])

    @property
    def rows(self) -> int:
        return len(self.cells)

    def put(self, column: int | None, row: int | None, mark: str, ink: int) -> None:
        """Write into a cell that is inside."""
        if column is not None and row is not None and 0 <= row < self.rows and 0 <= column < self.columns:
            self.cells[row][0][column], self.cells[row][1][column] = mark, ink


def draw(
    panel: Sequence[Lines],
    view: View,
    planned: Plan,
    columns: int,
    rows: int,
    *,
    letters: bool = False,
    signs: Signs = UNICODE,
) -> Plot:
    """The plotting area of `columns` x `rows` cells, as planned; `letters` stand along the lines, too."""
    raster = Raster(columns, rows, ascii=signs.ascii)
    colours = [inks(lines, view) for lines in panel]
    x0, x1 = (view.place(x) for x in planned.window)
    scale = Scale(view, x0, x1, *planned.y, raster.width, raster.height)
    means = view.means and view.colour_by is not None
    for part in planned.parts:
        _trace_behind(raster, scale, panel[part.metric], part, planned, means=means)
    order = sorted(
        planned.parts,
        key=lambda p: (p.curve == view.selected, colours[p.metric][p.curve] >= HUE, -p.curve),
    )
    for part in order:
        _trace_own(raster, scale, panel[part.metric], part, colours[part.metric][part.curve], means=means)
    plot = Plot(scale, [])
    groups = [g for k, lines in enumerate(panel) for g in _means(raster, plot, lines, k, planned, colours[k])]
    plot.cells = raster.cells()
    _add_ticks(plot, panel[0].comparison.x, planned, signs)
    _add_marks(plot, panel, planned, colours, letters=letters and not signs.ascii, signs=signs)
    _add_checkpoints(plot, panel[0], view, signs)
    _add_names(plot, groups)
    return plot


def _trace_behind(
    raster: Raster, scale: Scale, lines: Lines, part: Part, planned: Plan, *, means: bool
) -> None:
    """What stays in the background: lost work, the line before smoothing, what was inherited."""
    import numpy as np

    view = scale.view
    if view.tails and not view.delta:
        for tail in lines.curves[part.curve].discarded:
            x, y = cut(np.frombuffer(tail.x), np.frombuffer(tail.values), planned.window, view, raster.width)
            raster.trace(scale.x(x), scale.y(y), FAINT, mark=",")
    if view.weight and not means:
        x, y = lines.kept(
            (view.look_at_x, planned.window, raster.width),
            ("raw", part.curve),
            lambda: cut(*lines.raw(part.curve, view), planned.window, view, raster.width),
        )
        raster.trace(scale.x(x), scale.y(y), FAINT, mark=",")
    x, y = part.inherited
    raster.trace(scale.x(x), scale.y(y), FAINT if means else INHERITED, layer=1)


def _trace_own(raster: Raster, scale: Scale, lines: Lines, part: Part, ink: int, *, means: bool) -> None:
    import numpy as np

    x, y = part.own
    broken = None
    if len(x) > 1:
        data = 10.0**x if scale.view.log_x else x
        # a thinned line has one join a column: only what spans several columns has a gap
        column = 2.5 * (scale.x1 - scale.x0) / max(raster.columns, 1)
        broken = ((np.diff(data) > lines.gap(part.curve)) & (np.diff(x) > column)).astype(float)
    raster.trace(
        scale.x(x),
        scale.y(y),
        FAINT if means and part.curve != scale.view.selected else ink,
        layer=1 if means else 2,
        broken=broken,
        pattern=_PATTERNS[min(part.metric, len(_PATTERNS) - 1)],
        mark=letter(part.curve),
    )


def _means(
    raster: Raster, plot: Plot, lines: Lines, metric: int, planned: Plan, ink: list[int]
) -> list[tuple[int, int, str, int]]:
    """The mean line of each group, and where its name goes: column, row, text, ink."""
    view, scale = plot.scale.view, plot.scale
    if not view.means or view.colour_by is None:
        return []
    seen = {part.curve for part in planned.parts if part.metric == metric}
    names = []
    for number, group in enumerate(lines.groups(view.colour_by)):
        members = [i for i in group.curves if i in seen]
        if not members:
            continue
        x, y = cut(*lines.mean(members, view), planned.window, view, raster.width)
        if not len(x):
            continue
        colour = ink[members[0]] % BOLD + BOLD if ink[members[0]] >= HUE else ink[members[0]]
        pattern = _PATTERNS[min(metric, len(_PATTERNS) - 1)]
        raster.trace(
            scale.x(x), scale.y(y), colour, layer=2, pattern=pattern, mark=LETTERS[number % 26].upper()
        )
        text = f"{group.label} ({len(members)})"
        end = int(scale.x(x[-1:])[0]) // 2
        row = scale.row(float(y[-1]))
        if row is not None:
            names.append((max(min(end + 1, raster.columns - len(text)), 0), row, text, colour))
    return names


def _add_names(plot: Plot, names: list[tuple[int, int, str, int]]) -> None:
    """Each at the end of its line, or in the nearest row where no other one stands in its way."""
    taken: set[tuple[int, int]] = set()
    for column, row, text, ink in names:
        cells = [column + k for k in range(min(len(text), plot.columns - column))]
        near = sorted(range(plot.rows), key=lambda r: (abs(r - row), r))
        free = next((r for r in near if not any((r, c) in taken for c in cells)), row)
        taken |= {(free, c) for c in (*cells, column - 1, cells[-1] + 1)}
        for k, c in enumerate(cells):
            plot.put(c, free, text[k], ink)


def _add_ticks(plot: Plot, axis: str, planned: Plan, signs: Signs) -> None:
    view, scale = plot.scale.view, plot.scale
    for y, text in planned.ticks:
        row = scale.row(y)
        if row is None or not 0 <= row < plot.rows:
            continue
        plot.y_ticks.append((row, text))
        chars, ink = plot.cells[row]
        mark, colour = (signs.zero, AXIS) if view.delta and y == 0 else (signs.grid, GRID)
        plot.cells[row] = (
            [mark if char == " " else char for char in chars],
            [colour if char == " " else old for char, old in zip(chars, ink, strict=True)],
        )
    most = max(plot.columns // 12, 2)
    marks = log_marks(*planned.window, most) if view.log_x else x_marks(axis, *planned.window, most)
    plot.x_ticks += [(column, text) for x, text in marks if (column := scale.column(x)) is not None]


def _add_marks(
    plot: Plot,
    panel: Sequence[Lines],
    planned: Plan,
    colours: list[list[int]],
    *,
    letters: bool,
    signs: Signs,
) -> None:
    """A letter at the end of each line (and along it), and signs where it forks, ends, or leaves the plot."""
    scale, view = plot.scale, plot.scale.view
    for part in planned.parts:
        lines, i = panel[part.metric], part.curve
        curve, ink, (x, y) = lines.curves[i], colours[part.metric][i], part.own
        if letters:
            for at in _spread(scale, x, i):
                plot.put(_column(scale, x[at]), scale.row(float(y[at])), letter(i), ink)
        if i in planned.beyond:
            _mark_leaving(plot, part, ink, signs)
        if not view.delta:
            for bad in lines.breaks[i]:
                plot.put(scale.column(bad), 0, signs.no_number, BAD)
            if curve.fork_x is not None:
                _mark_fork(plot, lines, i, ink, signs)
        if len(x) and math.isfinite(float(y[-1])) and not (view.means and view.colour_by):
            _letter_beside(plot, float(x[-1]), float(y[-1]), letter(i), ink)


def _mark_fork(plot: Plot, lines: Lines, i: int, ink: int, signs: Signs) -> None:
    scale, fork_x = plot.scale, lines.curves[i].fork_x
    xs, ys, own_at = lines.points(i, scale.view)
    if own_at:
        plot.put(scale.column(float(xs[own_at - 1])), scale.row(float(ys[own_at - 1])), signs.fork, ink)
    column = scale.column(fork_x) if fork_x is not None else None
    if column is not None:
        plot.forks.append((column, ink))


def _mark_leaving(plot: Plot, part: Part, ink: int, signs: Signs) -> None:
    """Where a line first leaves the plot: it goes on far above, or below."""
    import numpy as np

    x, y = part.own
    for edge, row, sign in ((plot.scale.y1, 0, signs.above), (plot.scale.y0, plot.rows - 1, signs.below)):
        out = np.flatnonzero(y > edge if row == 0 else y < edge)
        if not len(out):
            continue
        at, place = int(out[0]), float(x[out[0]])
        if at and math.isfinite(y[at - 1]):
            share = float((edge - y[at - 1]) / (y[at] - y[at - 1]))
            place = float(x[at - 1]) + share * (place - float(x[at - 1]))
        plot.put(_column(plot.scale, place), row, sign, ink)


def _add_checkpoints(plot: Plot, lines: Lines, view: View, signs: Signs) -> None:
    """Ticks on the selected curve and below it: places to fork and to resume from."""
    if not 0 <= view.selected < len(lines.curves):
        return
    curve, ink = lines.curves[view.selected], inks(lines, view)[view.selected]
    for x, _ in curve.checkpoints:
        column = plot.scale.column(x)
        if column is None or not 0 <= column < plot.columns:
            continue
        plot.checkpoints.append(column)
        value = lines.height_at(view.selected, view, x) if view.shows(curve.label) else None
        row = plot.scale.row(value) if value is not None else None
        inside = row is not None and 0 <= row < plot.rows
        if inside and plot.cells[row or 0][0][column] not in (signs.fork, letter(view.selected)):
            plot.put(column, row, signs.checkpoint, ink)


def _column(scale: Scale, place: float) -> int:
    """The cell of a place on the axis."""
    return round(float((place - scale.x0) / (scale.x1 - scale.x0)) * (scale.width - 1)) // 2


def _spread(scale: Scale, x: Floats, i: int) -> list[int]:
    """Three points along a line, at other places for neighbouring curves so that letters do not collide."""
    import numpy as np

    places = [scale.x0 + (scale.x1 - scale.x0) * (nth / 4 + (i % 7 - 3) / 40) for nth in (1, 2, 3)]
    found = {int(at) for at in np.searchsorted(x, places)} if len(x) else set()
    return sorted(at for at in found if at < len(x))


def _letter_beside(plot: Plot, place: float, y: float, mark: str, ink: int) -> None:
    column, row = _column(plot.scale, place), plot.scale.row(y)
    if row is None or not 0 <= row < plot.rows or not 0 <= column < plot.columns:
        return
    column = min(column + 1, plot.columns - 1)
    near = [r for r in (row, row - 1, row + 1) if 0 <= r < plot.rows]
    row = next((r for r in near if plot.cells[r][0][column] not in LETTERS), row)
    plot.put(column, row, mark, ink)
