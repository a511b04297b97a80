"""`explorer diff`: what differs between two places, a fork and its parent, or two tensors' values."""

from __future__ import annotations

import argparse
import sys
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from explorer import wording
from explorer.checkpoints.printable import printable
from explorer.cli.door import confirm, print_json, store_json, workspace_of
from explorer.errors import BadInput, NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explorer.checkpoints import Diff, Section
    from explorer.checkpoints.statistics import Statistics
    from explorer.lineage.address import Node
    from explorer.workspace.workspace import Workspace

_SECTIONS = ("warnings", "config", "state", "metrics", "tensors", "objects")
_ASK_BEYOND_BYTES = 10**9


def register(verbs: Any) -> None:
    parser = verbs.add_parser(
        "diff", help="what differs between two addresses; exit code 1 if anything does, 0 if nothing"
    )
    parser.add_argument("a", metavar="A")
    parser.add_argument("b", metavar="B", nargs="?", help="absent: the fork A against its parent")
    parser.add_argument("--only", metavar="SECTION", choices=_SECTIONS, help=", ".join(_SECTIONS))
    parser.add_argument("--match", metavar="GLOB", help="only rows whose names match")
    parser.add_argument(
        "--values", metavar="GLOB", help="read these tensors' bytes and tell norms, change, cosine, NaN"
    )
    parser.add_argument("--yes", action="store_true", help="read more than 1 GB without being asked")
    parser.set_defaults(func=_diff)


def _diff(args: argparse.Namespace) -> int:
    from explorer.lineage.address import Address

    with workspace_of(args) as workspace:
        store = store_json(workspace.state.store)
        first = Address.parse(args.a)
        a = workspace.resolve(first)
        if args.b is None:
            told = workspace.three_way(a)
            if args.json:
                print_json({"store": store, **told.to_json()})
            else:
                print(told.summary)
            return 1 if told.fork.any or told.parent.any else 0
        second = Address.parse(args.b)
        b = workspace.resolve(second)
        found = workspace.diff(a, b, (first.key or "", second.key or ""))
        if args.values:
            return _values(args, workspace, (a, b), found)
    if args.json:
        print_json({"store": store, **found.to_json()})
    else:
        _print_diff(found, args)
    return 1 if found.any else 0


def _print_diff(found: Diff, args: argparse.Namespace) -> None:
    if not args.only and not args.match:
        print(found.summary.split("\n  warning:")[0])
    sections = found.sections(folded=not args.match)
    print_sections([s for s in sections if args.only in (None, s.title)], match=args.match)


def print_sections(found: Sequence[Section], *, match: str | None = None, limit: int | None = None) -> None:
    """Sections as plain text; with `match` only the rows whose names match, with `limit` so many of each."""
    for section in found:
        rows = [row for row in section.rows if match is None or fnmatchcase(row.name, match)]
        if not rows and match is not None:
            continue
        print(f"\n{section.title}: {section.note}")
        width = min(48, max((len(row.name) for row in rows), default=0))
        for row in rows[:limit]:
            between = " → " if row.a and row.b else ""
            many = f"  ({row.count:,})" if row.count > 1 else ""
            print(f"  {row.mark} {row.name:<{width}}  {row.a}{between}{row.b}{many}".rstrip())
        if limit is not None and len(rows) > limit:
            print(f"    and {len(rows) - limit} more")


def _values(args: argparse.Namespace, workspace: Workspace, nodes: tuple[Node, Node], diff: Diff) -> int:
    from explorer.checkpoints.statistics import all_equal
    from explorer.checkpoints.value_plan import matching, plan

    left, right = diff.a.manifest, diff.b.manifest
    todo = plan(left, right, matching(args.values)) if left is not None and right is not None else None
    if todo is None or not (todo.any or todo.refused):
        hint = "`explorer show --tensors '*'` lists them"
        raise NotFound(f"No tensor on both sides matches `{args.values}`.", hint=hint)
    if not todo.any:
        raise BadInput(
            f"`{todo.refused[0].tensor.name[:80]}` cannot be compared: {todo.refused[0].why}.",
            hint="choose others with --values GLOB",
        )
    if todo.read_bytes > _ASK_BEYOND_BYTES:
        seconds = todo.read_bytes / workspace.values_bytes_s
        confirm(
            args,
            f"Comparing {wording.count(len(todo.pairs), 'tensor')} reads {wording.size(todo.read_bytes)}, "
            f"{seconds:.0f} s at {wording.size(int(workspace.values_bytes_s))}/s. Go on?",
        )
    tell = _progress if sys.stderr.isatty() and todo.read_bytes else lambda done, total: None
    outcome = workspace.values(*nodes, todo, on_progress=tell)
    refused = (*todo.refused, *outcome.refused)
    if args.json:
        document = {"store": store_json(workspace.state.store), "a": nodes[0].address, "b": nodes[1].address}
        told = {
            "bytes": outcome.read_bytes,
            "values": [told.to_json() for told in outcome.found],
            "refused": [{"name": r.tensor.name, "part": r.tensor.part, "why": r.why} for r in refused],
        }
        print_json({**document, **told})
    else:
        identical = f", {len(todo.identical)} identical and not read" if todo.identical else ""
        tensors = wording.count(len(outcome.found), "tensor")
        print(f"{tensors}, {wording.size(outcome.read_bytes)} read{identical}")
        _print_values(outcome.found)
        for refusal in refused:
            print(f"{printable(refusal.tensor.name, 60)}: not compared, {printable(refusal.why)}")
    return 0 if all_equal(outcome.found) else 1


def _progress(done: int, total: int) -> None:
    end = "\n" if done >= total else ""
    print(f"\r{100 * done // max(1, total):3d} %", end=end, file=sys.stderr, flush=True)


def _print_values(found: Sequence[Statistics]) -> None:
    width = max(len(printable(told.name, 60)) for told in found)
    heads = f"{'norm a':>10} {'norm b':>10} {'change':>9} {'cosine':>9} {'max':>9} {'equal':>7}"
    if not all(told.identical for told in found):
        print(f"{'':<{width}}  {heads}  NaN/inf")
    for told in found:
        if told.identical:
            print(f"{printable(told.name, 60):<{width}}  identical: one object, not read")
            continue
        odd = f"{told.non_finite_a}/{told.non_finite_b}" if told.non_finite else ""
        norms = f"{told.norm_a:10.4g} {told.norm_b:10.4g} {told.relative:9.3g} {told.cosine:9.6f}"
        shares = f"{told.max_delta:9.3g} {told.equal_share:7.1%}"
        print(f"{printable(told.name, 60):<{width}}  {norms} {shares}  {odd}".rstrip())
