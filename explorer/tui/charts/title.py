"""The line above a plot: what is drawn, over what, how it is looked at, and where the crosshair stands."""

from __future__ import annotations

from collections.abc import Sequence

from explorer.lineage.values import show_scalar
from explorer.metrics.ticks import duration_label, moment_label, value_label
from explorer.tui.charts.inks import AXIS, BAD, BLANK, BOLD, CROSS, STRONG, inks
from explorer.tui.charts.lines import Lines
from explorer.tui.charts.plan import Plan
from explorer.tui.charts.signs import Signs
from explorer.tui.charts.view import View

Run = tuple[str, int]
_AXIS_NAMES = {
    "since_fork": "steps since the fork",
    "time": "time of day",
    "active": "training time",
}


def axis_name(x: str) -> str:
    """An x axis in words."""
    return _AXIS_NAMES.get(x, x)


def position(axis: str, x: float) -> str:
    """A place on the x axis in words: `step 120`, `14:03:20`, `1h5m`."""
    if axis == "active":
        return duration_label(x)
    if axis == "time":
        return moment_label(x)
    name = "fork +" if axis == "since_fork" else f"{axis.removesuffix('s')} "
    return name + (f"{x:.0f}" if x % 1 == 0 else f"{x:.6g}")


def fit(runs: Sequence[Run], width: int, more: str = "…") -> list[Run]:
    """Exactly `width` cells: cut with a sign that something was cut, or filled up."""
    kept: list[Run] = []
    room = width
    for text, ink in runs:
        if len(text) > room:
            kept.append((text[: max(room - 1, 0)] + more[:room], ink))
            return kept
        kept.append((text, ink))
        room -= len(text)
    return [*kept, (" " * room, BLANK)] if room else kept


def title(
    panel: Sequence[Lines], view: View, planned: Plan, width: int, signs: Signs, *, first: bool
) -> list[Run]:
    """`first` is the topmost of several: what holds for all of them is said there alone."""
    comparison = panel[0].comparison
    runs: list[Run] = [(" ", AXIS)]
    for n, lines in enumerate(panel):
        runs += [(", " if n else "", AXIS), (signs.said(lines.comparison.metric), STRONG)]
        runs.append((("", " (dashed)", " (dotted)")[min(n, 2)], AXIS))
    if view.delta:
        base = "the parent" if comparison.baseline == "parent" else signs.said(comparison.baseline)
        runs = [(f" {signs.difference}", STRONG), *runs, (f" to {base}", AXIS)]
    right: list[Run] = []
    if view.cursor is not None:
        right = [(f" {_here(panel, view, signs)}", STRONG)]
        if first:
            right.append((f"  at {position(comparison.x, view.cursor)}", CROSS))
        right.append((" ", AXIS))
    if first:
        runs.append((f" by {axis_name(comparison.x)}", AXIS))
    runs += _beyond(panel, planned, signs)
    notes = _notes(panel, view) if first else []
    if notes:
        runs.append((signs.between + signs.between.join(notes), AXIS))
    if first and not right:
        right = _key(panel[0], view, signs)
    room = width - sum(len(text) for text, _ in right)
    if room < 12:
        return fit(runs, width, signs.more)
    return [*fit(runs, room, signs.more), *right]


def _here(panel: Sequence[Lines], view: View, signs: Signs) -> str:
    """The selected curve's values at the crosshair."""
    values = [lines.value_at(view.selected, view, view.cursor or 0.0) for lines in panel if lines.curves]
    return signs.said("  ".join(value_label(value) for value in values if value is not None))


def _notes(panel: Sequence[Lines], view: View) -> list[str]:
    notes = []
    if view.weight:
        notes.append(f"smoothed {view.weight:g}")
    if view.log_x or view.log_y:
        notes.append("log " + " and ".join(a for a, on in (("x", view.log_x), ("y", view.log_y)) if on))
    if view.tails:
        notes.append("lost work shown")
    if view.extremes:
        notes.append("every value")
    if view.window is not None or view.y_zoom != 1 or view.y_shift:
        notes.append("zoomed")
    elif panel[0].comparison.first_fork is not None and not view.full:
        notes.append("from the first fork on")
    if view.means and view.colour_by:
        notes.append(f"means by {view.colour_by}")
    return notes


def _beyond(panel: Sequence[Lines], planned: Plan, signs: Signs) -> list[Run]:
    """Says in words which curves the range was not stretched to."""
    if not planned.beyond:
        return []
    names = [panel[0].curves[i].label for i in planned.beyond]
    who = signs.said(names[0]) + " goes" if len(names) == 1 else f"{len(names)} curves go"
    return [(signs.between, AXIS), (f"{who} far beyond (a shows all)", BAD)]


def _key(lines: Lines, view: View, signs: Signs) -> list[Run]:
    """What the colours mean, where they stand for values."""
    if view.colour_by is None:
        return []
    colours = inks(lines, view)
    runs: list[Run] = [(f" {signs.said(view.colour_by)} ", AXIS)]
    for group in lines.groups(view.colour_by):
        ink = colours[group.curves[0]]
        said = signs.dash if group.value is None else show_scalar(group.value)
        runs += [(signs.here, ink - BOLD if ink >= BOLD else ink), (f" {signs.said(said)}  ", AXIS)]
    return runs
