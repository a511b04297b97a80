"""`explorer compare`: the loss of several nodes along their lineages, as a table, a chart, or JSON."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from typing import TYPE_CHECKING, Any

from explorer.cli.door import print_json, store_json, workspace_of

if TYPE_CHECKING:
    from explorer.metrics import Comparison, NodeCurve

_AXES = ("step", "since_fork", "tokens", "epoch", "time", "active")
# the hues of the terminal screen, as 256-colour codes: they read on dark and on light grounds
_HUES = (75, 79, 141, 173, 110, 143, 175, 146)
_DIM, _BOLD, _BAD = "2", "1", "31"


def register(verbs: Any) -> None:
    verb = verbs.add_parser(
        "compare", help="overlay the loss of buckets and snapshots, inherited history included"
    )
    verb.add_argument("addresses", metavar="ADDR", nargs="+")
    verb.add_argument(
        "--metric", metavar="NAME", help="default: a validation loss if there is one, else the loss"
    )
    verb.add_argument("--x", choices=_AXES, default="step", help="what the curves are drawn over")
    verb.add_argument(
        "--smooth", type=float, default=0.0, metavar="W", help="weight in [0, 1), as TensorBoard's slider"
    )
    verb.add_argument(
        "--full", action="store_true", help="draw the whole history, not from the first fork on"
    )
    verb.add_argument("--log", action="store_true", help="logarithmic y axis")
    verb.add_argument("--delta", action="store_true", help="draw the differences to the parents")
    verb.add_argument("--no-chart", action="store_true", help="only the table")
    verb.add_argument("--metrics", action="store_true", help="list the metrics that there are, and stop")
    verb.set_defaults(func=_compare)


def _compare(args: argparse.Namespace) -> int:
    with workspace_of(args) as workspace:
        nodes = [workspace.resolve(address) for address in args.addresses]
        store = workspace.state.store
        if args.metrics:
            names = workspace.metrics(nodes)
            if args.json:
                print_json({"store": store_json(store), "metrics": list(names)})
            else:
                print("\n".join(names))
            return 0
        workspace.read_overrides()
        comparison = workspace.compare(nodes, args.metric, args.x)
    if args.json:
        print_json({"store": store_json(store), **comparison.to_json()})
        return 0
    coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    print("\n".join(_table(comparison)))
    if not args.no_chart and any(len(curve.x) for curve in comparison.nodes):
        print("\n" + "\n".join(_chart(comparison, args, coloured)))
    for warning in comparison.warnings:
        print(f"note: {warning}", file=sys.stderr)
    return 0


def _table(comparison: Comparison) -> list[str]:
    header = [
        "",
        comparison.metric,
        "changed",
        "fork",
        "last",
        "best",
        f"at {comparison.x}",
        "Δ parent",
        "mean Δ",
    ]
    rows = [_row(i, curve) for i, curve in enumerate(comparison.nodes)]
    if any(curve.non_finite for curve in comparison.nodes):
        header.append("NaN/inf")
        rows = [[*row, str(c.non_finite)] for row, c in zip(rows, comparison.nodes, strict=True)]
    if any(curve.discarded for curve in comparison.nodes):
        header.append("redone")
        rows = [[*row, str(c.discarded_points)] for row, c in zip(rows, comparison.nodes, strict=True)]
    widths = [max(len(row[k]) for row in (header, *rows)) for k in range(len(header))]
    lines = []
    for row in (header, *rows):
        cells = [
            f"{cell:<{w}}" if k < 3 else f"{cell:>{w}}"
            for k, (cell, w) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return lines


def _row(i: int, curve: NodeCurve) -> list[str]:
    from explorer.lineage.values import show_overrides
    from explorer.tui.plot import LETTERS
    from explorer.tui.ticks import delta_label, value_label

    best = curve.best
    return [
        LETTERS[i % len(LETTERS)],
        curve.label,
        show_overrides(curve.overrides) or "–",
        "–" if curve.fork_step is None else f"{curve.fork_step:g}" + ("?" if curve.inferred else ""),
        value_label(curve.last),
        value_label(best.value if best else None),
        "–" if best is None else f"{best.x:g}" + (" inherited" if best.inherited else ""),
        delta_label(curve.delta_to_parent) or "–",
        delta_label(curve.mean_delta) or "–",
    ]


def _chart(comparison: Comparison, args: argparse.Namespace, coloured: bool) -> list[str]:
    from explorer.tui.plot_frame import frame
    from explorer.tui.plot_lines import Lines
    from explorer.tui.plot_view import View

    width, height = shutil.get_terminal_size((100, 30))
    view = View(
        full=args.full,
        log_y=args.log,
        delta=args.delta,
        weight=min(max(args.smooth, 0.0), 0.999),
        selected=-1,
    )
    size = (min(max(width, 40), 160), min(max(height - 4, 12), 26))
    shown = frame(Lines(comparison), view, *size, letters=not coloured, names=False)
    return ["".join(_ink(text, ink, coloured) for text, ink in line).rstrip() for line in shown.lines]


def _ink(text: str, ink: int, coloured: bool) -> str:
    from explorer.tui.plot import AXIS, BAD, FAINT, GREY, GRID, HUE, HUES, INHERITED, STRONG

    if not coloured or not text.strip():
        return text
    plain = {AXIS: _DIM, GRID: _DIM, INHERITED: _DIM, FAINT: _DIM, GREY: _DIM, BAD: _BAD, STRONG: _BOLD}
    code = plain.get(ink, f"38;5;{_HUES[(ink - HUE) % HUES]}" if ink >= HUE else "")
    return f"\x1b[{code}m{text}\x1b[0m" if code else text
