"""`explorer compare`: metrics of several nodes along their lineages, as a table, a chart, a file or JSON."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.cli.door import print_json, store_json, workspace_of

if TYPE_CHECKING:
    from explorer.lineage.values import StoreInfo
    from explorer.metrics import Comparison, Row

_AXES = ("step", "since_fork", "tokens", "epoch", "time", "active")


def register(verbs: Any) -> None:
    verb = verbs.add_parser(
        "compare", help="overlay the loss of buckets and snapshots, inherited history included"
    )
    add = verb.add_argument
    add("addresses", metavar="ADDR", nargs="+")
    add(
        "--metric",
        metavar="NAME",
        action="append",
        help="may be given several times; default: a validation loss if there is one, else the loss",
    )
    add("--metrics", action="store_true", help="list the metrics that there are, and stop")
    add("--x", choices=_AXES, default="step", help="what the curves are drawn over")
    add(
        "--smoothing",
        "--smooth",
        type=_weight,
        default=0.0,
        metavar="W",
        help="0 to 1, as TensorBoard's slider; differences are then of smoothed curves",
    )
    add(
        "--baseline",
        metavar="ADDR",
        default="parent",
        help="take differences to this node instead of each one's parent",
    )
    add(
        "--filter",
        "--where",
        metavar="TEXT",
        default="",
        help="only rows that match, like 'last<2.05 lr>1e-4 !name'",
    )
    add("--sort", metavar="COLUMN", help="rows by a column of the table, like best; -best reversed")
    add("--group-by", metavar="NAME", help="a colour, and a mean, for each value of this hyperparameter")
    add("--target", type=float, metavar="VALUE", help="tell where each curve reached this value")
    add("--full", action="store_true", help="draw the whole history, not from the first fork on")
    add("--log-x", action="store_true", help="logarithmic x axis")
    add("--log-y", "--log", action="store_true", help="logarithmic y axis")
    add("--delta", action="store_true", help="draw the differences to the parents, or to the baseline")
    add("--no-chart", action="store_true", help="only the table")
    add(
        "-o",
        "--output",
        metavar="FILE",
        action="append",
        default=[],
        help="write .csv, .parquet, .svg, .png or .html instead; may be given several times",
    )
    for name in ("png", "svg", "html", "csv", "parquet"):
        add(f"--{name}", dest="output", metavar="FILE", action=_Output, help=argparse.SUPPRESS)
    verb.set_defaults(func=_compare)


class _Output(argparse.Action):
    """`--png FILE` is `-o FILE` that says which format it means."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option: str | None = None) -> None:
        known = list(getattr(namespace, self.dest) or [])
        setattr(namespace, self.dest, [*known, (str(values), (option or "").lstrip("-"))])


def _weight(text: str) -> float:
    weight = float(text)
    if not 0 <= weight < 1:
        raise argparse.ArgumentTypeError("a weight is at least 0 and below 1")
    return weight


def _compare(args: argparse.Namespace) -> int:
    from explorer.metrics.hyperparameters import group_by

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
        told = {"smoothing": args.smoothing, "baseline": args.baseline}
        if args.metric and len(args.metric) > 1:
            found = workspace.compare(nodes, args.metric, args.x, **told)
        else:
            found = (workspace.compare(nodes, (args.metric or [None])[0], args.x, **told),)
    if args.group_by:
        group_by(found[0], args.group_by)  # a wrong name is said before anything is printed
    chosen = _chosen(found, args)
    if args.output:
        return _export(chosen, args)
    if args.json:
        print_json(_document(chosen, store, args.group_by))
        return 0
    from explorer.cli.compare_text import printed

    print("\n".join(printed(chosen, args)))
    for warning in dict.fromkeys(w for comparison, _ in chosen for w in comparison.warnings):
        print(f"note: {warning}", file=sys.stderr)
    return 0


Chosen = tuple["Comparison", tuple["Row", ...]]
"""A comparison of the rows asked for, in the order asked for, and their numbers."""


def _chosen(found: Sequence[Comparison], args: argparse.Namespace) -> list[Chosen]:
    """The first metric decides which rows there are and in which order."""
    from explorer.metrics import sort_rows, table, where

    rows = where(table(found[0], target=args.target), args.filter)
    if args.sort:
        rows = sort_rows(rows, args.sort.lstrip("-"), descending=args.sort.startswith("-"))
    made: list[Chosen] = []
    for comparison in found:
        every = rows if comparison is found[0] else table(comparison, target=args.target)
        by_label = {row.label: row for row in every}
        kept = [by_label[row.label] for row in rows if row.label in by_label]
        nodes = tuple(comparison.nodes[row.index] for row in kept)
        numbered = tuple(replace(row, index=i) for i, row in enumerate(kept))
        made.append((replace(comparison, nodes=nodes), numbered))
    return made


def _document(chosen: Sequence[Chosen], store: StoreInfo, name: str | None) -> dict[str, Any]:
    documents = [_one(comparison, rows, name) for comparison, rows in chosen]
    if len(documents) == 1:
        return {"store": store_json(store), **documents[0]}
    return {"store": store_json(store), "comparisons": documents}


def _one(comparison: Comparison, rows: Sequence[Row], name: str | None) -> dict[str, Any]:
    from explorer.metrics import group_by

    document = comparison.to_json()
    for node, row in zip(document["nodes"], rows, strict=True):
        node["spikes"], node["to_target"] = row.cells["spikes"], row.cells["to_target"]
    if name and comparison.nodes:
        document["groups"] = [
            {"value": group.value, "nodes": [comparison.nodes[i].node.address for i in group.curves]}
            for group in group_by(comparison, name)
        ]
    return document


def _export(chosen: Sequence[Chosen], args: argparse.Namespace) -> int:
    from explorer.cli.compare_text import table_of
    from explorer.errors import BadInput
    from explorer.metrics.export import export

    for told in args.output:
        path, format = (Path(told), "") if isinstance(told, str) else (Path(told[0]), told[1])
        data = export(
            [comparison for comparison, _ in chosen],
            format or path.suffix.lstrip(".").lower(),
            rows=table_of(*chosen[0], args.target is not None),
            full=args.full,
            log_x=args.log_x,
            log_y=args.log_y,
            delta=args.delta,
            colour_by=args.group_by,
        )
        try:
            path.write_bytes(data)
        except OSError as error:
            raise BadInput(
                f"{path} cannot be written: {error.strerror}.", hint="name another file"
            ) from error
        print(f"{len(data):,} bytes in {path}", file=sys.stderr)
    return 0
