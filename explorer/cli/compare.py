"""`explorer compare`: the loss of several nodes along their lineages, as a table, a chart, a file or JSON."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.cli.door import print_json, store_json, workspace_of

if TYPE_CHECKING:
    from explorer.metrics import Comparison, NodeCurve, Row

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
    verb.add_argument("--metrics", action="store_true", help="list the metrics that there are, and stop")
    verb.add_argument("--x", choices=_AXES, default="step", help="what the curves are drawn over")
    verb.add_argument(
        "--smooth", type=_weight, default=0.0, metavar="W", help="0 to 1, as TensorBoard's slider"
    )
    verb.add_argument(
        "--full", action="store_true", help="draw the whole history, not from the first fork on"
    )
    verb.add_argument("--log", action="store_true", help="logarithmic y axis")
    verb.add_argument("--delta", action="store_true", help="draw the differences to the parents")
    verb.add_argument("--no-chart", action="store_true", help="only the table")
    verb.add_argument(
        "--where", metavar="TEXT", default="", help="only rows that match, like 'last<2.05 lr>1e-4'"
    )
    verb.add_argument(
        "--sort", metavar="COLUMN", help="rows by a column of the table, like best; -best reversed"
    )
    verb.add_argument(
        "--target", type=float, metavar="VALUE", help="tell where each curve reached this value"
    )
    verb.add_argument(
        "-o", "--output", metavar="FILE", help="write .csv, .parquet, .svg, .png or .html instead"
    )
    verb.set_defaults(func=_compare)


def _weight(text: str) -> float:
    weight = float(text)
    if not 0 <= weight < 1:
        raise argparse.ArgumentTypeError("a weight is at least 0 and below 1")
    return weight


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
    comparison, rows = _chosen(comparison, args)
    if args.output:
        return _export(comparison, rows, args)
    if args.json:
        cells = [dict(row.cells) for row in rows]
        document = comparison.to_json()
        for node, cell in zip(document["nodes"], cells, strict=True):
            node["spikes"], node["to_target"] = cell["spikes"], cell["to_target"]
        print_json({"store": store_json(store), **document})
        return 0
    coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    print("\n".join(_aligned(_table(comparison, rows, args.target is not None))))
    if not args.no_chart and any(len(curve.x) for curve in comparison.nodes):
        print("\n" + "\n".join(_chart(comparison, args, coloured)))
    for warning in comparison.warnings:
        print(f"note: {warning}", file=sys.stderr)
    return 0


def _chosen(comparison: Comparison, args: argparse.Namespace) -> tuple[Comparison, tuple[Row, ...]]:
    """The comparison with the rows asked for, in the order asked for, and their numbers."""
    from dataclasses import replace

    from explorer.metrics import sort_rows, table, where

    rows = where(table(comparison, target=args.target), args.where)
    if args.sort:
        rows = sort_rows(rows, args.sort.lstrip("-"), descending=args.sort.startswith("-"))
    nodes = tuple(comparison.nodes[row.index] for row in rows)
    return replace(comparison, nodes=nodes), rows


def _export(comparison: Comparison, rows: tuple[Row, ...], args: argparse.Namespace) -> int:
    from explorer.errors import BadInput
    from explorer.metrics.export import export

    path = Path(args.output)
    shown = _table(comparison, rows, args.target is not None)
    data = export(comparison, path.suffix.lstrip(".").lower(), rows=shown, full=args.full, log_y=args.log)
    try:
        path.write_bytes(data)
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}.", hint="name another file") from error
    print(f"{len(data):,} bytes in {path}", file=sys.stderr)
    return 0


def _table(comparison: Comparison, rows: tuple[Row, ...], targeted: bool) -> list[list[str]]:
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
        "parted",
    ]
    curves = comparison.nodes
    made = [_row(i, curve) for i, curve in enumerate(curves)]
    extra = [
        (f"target at {comparison.x}", targeted, [_number(row.cells.get("to_target")) for row in rows]),
        ("spikes", any(row.cells["spikes"] for row in rows), [str(row.cells["spikes"]) for row in rows]),
        ("NaN/inf", any(c.non_finite for c in curves), [str(c.non_finite) for c in curves]),
        ("redone", any(c.discarded for c in curves), [str(c.discarded_points) for c in curves]),
    ]
    for name, wanted, cells in extra:
        if wanted:
            header.append(name)
            made = [[*row, cell] for row, cell in zip(made, cells, strict=True)]
    return [header, *made]


def _aligned(rows: list[list[str]]) -> list[str]:
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = zip(row, widths, strict=True)
        line = "  ".join(f"{cell:<{w}}" if k < 3 else f"{cell:>{w}}" for k, (cell, w) in enumerate(cells))
        lines.append(line.rstrip())
    return lines


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


def _chart(comparison: Comparison, args: argparse.Namespace, coloured: bool) -> list[str]:
    from explorer.tui.charts.frame import frame
    from explorer.tui.charts.lines import Lines
    from explorer.tui.charts.view import View

    width, height = shutil.get_terminal_size((100, 30))
    view = View(full=args.full, log_y=args.log, delta=args.delta, weight=args.smooth, selected=-1)
    size = (min(max(width, 40), 160), min(max(height - 4, 12), 26))
    shown = frame((Lines(comparison),), view, *size, letters=not coloured)
    return ["".join(_ink(text, ink, coloured) for text, ink in line).rstrip() for line in shown.lines]


def _ink(text: str, ink: int, coloured: bool) -> str:
    from explorer.tui.charts.inks import AXIS, BAD, FAINT, GREY, GRID, HUE, HUES, INHERITED, STRONG

    if not coloured or not text.strip():
        return text
    plain = {AXIS: _DIM, GRID: _DIM, INHERITED: _DIM, FAINT: _DIM, GREY: _DIM, BAD: _BAD, STRONG: _BOLD}
    code = plain.get(ink, f"38;5;{_HUES[(ink - HUE) % HUES]}" if ink >= HUE else "")
    return f"\x1b[{code}m{text}\x1b[0m" if code else text
