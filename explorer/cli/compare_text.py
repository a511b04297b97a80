"""A comparison as text: a table that fits the terminal, groups and a chart; ASCII where it must be."""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explorer.metrics import Comparison, NodeCurve, Row

# the hues of the terminal screen, as 256-colour codes: they read on dark and on light grounds
_HUES = (75, 79, 141, 173, 110, 143, 175, 146)
_DIM, _BOLD, _BAD = "2", "1", "31"
_GAP = "  "
_NAME_LEAST = 16
# what goes first where the terminal is narrow
_LEAST_TOLD = ("redone", "NaN/inf", "spikes", "parted", "mean Δ", "state", "changed", "fork")


def printed(chosen: Sequence[tuple[Comparison, tuple[Row, ...]]], args: argparse.Namespace) -> list[str]:
    """All that `explorer compare` prints."""
    from explorer.tui.charts.signs import ASCII, UNICODE

    signs = UNICODE if "utf" in (sys.stdout.encoding or "").lower() else ASCII
    coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    width = shutil.get_terminal_size((100, 30)).columns
    lines: list[str] = []
    for comparison, rows in chosen:
        lines += ["", *_aligned(_fitting(table_of(comparison, rows, args.target is not None), width))]
    if args.group_by:
        lines += ["", *_groups(*chosen[0], args.group_by)]
    if not args.no_chart and any(curve.points for comparison, _ in chosen for curve in comparison.nodes):
        lines += ["", *_chart([comparison for comparison, _ in chosen], args, coloured, width)]
    return [signs.said(line) for line in lines[1:]]


def table_of(comparison: Comparison, rows: Sequence[Row], targeted: bool) -> list[list[str]]:
    """The table with its header, a row a curve."""
    to = "Δ parent" if comparison.baseline == "parent" else "Δ baseline"
    at = f"at {comparison.x}"
    header = ["", comparison.metric, "changed", "fork", "last", "best", at, to, "mean Δ", "parted"]
    curves = comparison.nodes
    made = [_row(i, curve) for i, curve in enumerate(curves)]
    extra = [
        (f"target at {comparison.x}", targeted, [_number(row.cells.get("to_target")) for row in rows]),
        ("state", any(c.state for c in curves), [c.state or "–" for c in curves]),
        ("spikes", any(row.cells["spikes"] for row in rows), [str(row.cells["spikes"]) for row in rows]),
        ("NaN/inf", any(c.non_finite for c in curves), [str(c.non_finite) for c in curves]),
        ("redone", any(c.discarded for c in curves), [str(c.discarded_points) for c in curves]),
    ]
    for name, wanted, cells in extra:
        if wanted:
            header.append(name)
            made = [[*row, cell] for row, cell in zip(made, cells, strict=True)]
    return [header, *made]


def _row(i: int, curve: NodeCurve) -> list[str]:
    from explorer.lineage.values import show_overrides
    from explorer.metrics.ticks import delta_label, value_label
    from explorer.tui.charts.inks import letter

    best, parted = curve.best, curve.parted
    return [
        letter(i),
        curve.label,
        show_overrides(curve.overrides) or "–",
        "–" if curve.fork_step is None else f"{curve.fork_step:g}" + ("?" if curve.inferred else ""),
        value_label(curve.last),
        value_label(best.value if best else None),
        "–" if best is None else f"{best.x:g}" + (" inherited" if best.inherited else ""),
        delta_label(curve.delta_to_parent) or "–",
        delta_label(curve.mean_delta) or "–",
        "–" if parted is None else _number(parted.visible),
    ]


def _number(value: object) -> str:
    return "–" if value is None else f"{value:g}"


def _fitting(rows: list[list[str]], width: int) -> list[list[str]]:
    """Columns left out, the least telling first, and then names cut, until a row fits the terminal."""
    kept = list(range(len(rows[0])))
    for name in _LEAST_TOLD:
        if _wide(rows, kept) <= width:
            break
        kept = [k for k in kept if rows[0][k] != name]
    spare = width - _wide(rows, kept)
    longest = max(len(row[1]) for row in rows)
    most = max(longest + min(spare, 0), _NAME_LEAST)
    return [[_cut(row[k], most) if k == 1 else row[k] for k in kept] for row in rows]


def _wide(rows: list[list[str]], kept: Sequence[int]) -> int:
    return sum(max(len(row[k]) for row in rows) for k in kept) + len(_GAP) * (len(kept) - 1)


def _cut(text: str, most: int) -> str:
    """The middle goes: names of forks differ at their ends."""
    if len(text) <= most:
        return text
    end = (most - 1) * 2 // 3
    return text[: most - 1 - end] + "…" + text[len(text) - end :]


def _aligned(rows: list[list[str]]) -> list[str]:
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    left = [k < 2 or rows[0][k] in ("changed", "state", "group") for k in range(len(widths))]
    return [
        _GAP.join(
            f"{cell:<{w}}" if to_left else f"{cell:>{w}}"
            for cell, w, to_left in zip(row, widths, left, strict=True)
        ).rstrip()
        for row in rows
    ]


def _groups(comparison: Comparison, rows: Sequence[Row], name: str) -> list[str]:
    """A row a value: how many curves have it, and where they ended, as mean and standard deviation."""
    from explorer.metrics import group_by
    from explorer.metrics.ticks import value_label

    made = [["", name, "n", "mean last", "sd", "best"]]
    for group in group_by(comparison, name) if comparison.nodes else ():
        lasts = [v for i in group.curves if isinstance(v := rows[i].cells["last"], float)]
        bests = [b.value for i in group.curves if (b := comparison.nodes[i].best) is not None]
        made.append(
            [
                "",
                group.label.removeprefix(f"{name} "),
                str(len(group.curves)),
                value_label(statistics.fmean(lasts) if lasts else None),
                value_label(statistics.stdev(lasts)) if len(lasts) > 1 else "–",
                value_label((max if comparison.rises else min)(bests) if bests else None),
            ]
        )
    return _aligned(made)


def _chart(
    comparisons: Sequence[Comparison], args: argparse.Namespace, coloured: bool, width: int
) -> list[str]:
    from explorer.tui.charts.frame import frame
    from explorer.tui.charts.lines import Lines
    from explorer.tui.charts.signs import ASCII, UNICODE
    from explorer.tui.charts.view import View

    height = shutil.get_terminal_size((100, 30)).lines
    view = View(
        full=args.full,
        log_x=args.log_x,
        log_y=args.log_y,
        delta=args.delta,
        # differences come smoothed already
        weight=0.0 if args.delta else args.smoothing,
        colour_by=args.group_by,
        selected=-1,
    )
    rows = min(max(height - 4, 12), 26) + 8 * (len(comparisons) - 1)
    size = (min(max(width, 40), 160), rows)
    signs = UNICODE if "utf" in (sys.stdout.encoding or "").lower() else ASCII
    shown = frame([Lines(one) for one in comparisons], view, *size, letters=not coloured, signs=signs)
    return ["".join(_ink(text, ink, coloured) for text, ink in line).rstrip() for line in shown.lines]


def _ink(text: str, ink: int, coloured: bool) -> str:
    from explorer.tui.charts.inks import (
        AXIS,
        BAD,
        BOLD,
        FAINT,
        GREY,
        GRID,
        HUE,
        HUES,
        INHERITED,
        RAMP,
        STRONG,
    )

    if not coloured or not text.strip():
        return text
    plain = {AXIS: _DIM, GRID: _DIM, INHERITED: _DIM, FAINT: _DIM, GREY: _DIM, BAD: _BAD, STRONG: _BOLD}
    ink = ink - BOLD if ink >= HUE + BOLD else ink
    hue = ink - (RAMP if ink >= RAMP else HUE)
    code = plain.get(ink, f"38;5;{_HUES[hue % HUES]}" if ink >= HUE else "")
    return f"\x1b[{code}m{text}\x1b[0m" if code else text
