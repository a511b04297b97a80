"""What each cell of a chart is inked with: numbers that a screen, or the CLI, turns into styles."""

from __future__ import annotations

import math

from explorer.tui.charts.lines import Lines
from explorer.tui.charts.view import View

BLANK, AXIS, GRID, INHERITED, BAD, CROSS, STRONG, FAINT, GREY = range(9)
"""Inks that mean the same on every chart."""
HUE, RAMP, BOLD, HUES = 16, 24, 32, 8
"""Hue `c` is `HUE + c`; step `c` of the scale for numbers is `RAMP + c`; `BOLD` is added to either."""
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def letter(i: int) -> str:
    """The mark of a curve, the same in every view: colours may repeat or be off."""
    return LETTERS[i % len(LETTERS)]


def shown(lines: Lines, view: View) -> list[int]:
    return [i for i, curve in enumerate(lines.curves) if view.shows(curve.label)]


def inks(lines: Lines, view: View) -> list[int]:
    """Each curve's ink; the selected one's is bold."""
    made = _by_group(lines, view.colour_by) if view.colour_by is not None else _by_curve(lines, view)
    if view.selected < len(made) and made[view.selected] >= HUE:
        made[view.selected] += BOLD
    return made


def _by_curve(lines: Lines, view: View) -> list[int]:
    """A hue for each. Past eight they would repeat: then the best seven and the selected one have a hue."""
    seen, count = shown(lines, view), len(lines.curves)
    if count <= HUES:
        return [HUE + i for i in range(count)]
    if len(seen) <= HUES:
        coloured = {i: n for n, i in enumerate(seen)}
    else:
        sign = -1 if lines.comparison.rises else 1
        ranked = sorted(
            seen, key=lambda i: sign * last if (last := lines.curves[i].last) is not None else math.inf
        )
        kept = sorted({*ranked[: HUES - 1], view.selected} & set(seen))[:HUES]
        coloured = {i: n for n, i in enumerate(kept)}
    return [HUE + coloured[i] if i in coloured else GREY for i in range(count)]


def _by_group(lines: Lines, name: str) -> list[int]:
    """Numbers along a scale, anything else a hue each; those without a value stay grey."""
    groups = lines.groups(name)
    told = [group for group in groups if group.value is not None]
    numbers = all(isinstance(g.value, (int, float)) and not isinstance(g.value, bool) for g in told)
    made = [GREY] * len(lines.curves)
    for n, group in enumerate(told):
        ink = RAMP + round(group.place * (HUES - 1)) if numbers and len(told) > 1 else HUE + n % HUES
        for i in group.curves:
            made[i] = ink
    return made
