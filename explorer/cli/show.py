"""`explorer ls`, `show` and `diff`: what is at a node, and what differs between two."""

from __future__ import annotations

import argparse
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from explorer.cli.door import print_json, store_json, workspace_of
from explorer.errors import BadInput

if TYPE_CHECKING:
    from explorer.checkpoints import Checkpoint, Diff, Manifest, Section
    from explorer.lineage.values import ObjectInfo

_TENSORS_SHOWN = 40


def register(verbs: Any) -> None:
    ls = verbs.add_parser("ls", help="objects at an address: bucket, bucket@snapshot, with /prefix")
    ls.add_argument("address", metavar="ADDR")
    ls.add_argument("-r", "--recursive", action="store_true", help="all keys, not one level of folders")
    ls.set_defaults(func=_ls)
    show = verbs.add_parser("show", help="checkpoints at an address: tensors, config, training state")
    show.add_argument("address", metavar="ADDR")
    show.add_argument("--step", type=int, metavar="N", help="the checkpoint of this step, not the newest")
    show.add_argument("--all", action="store_true", help="read every checkpoint, not only the newest")
    show.add_argument("--tensors", metavar="GLOB", help="list the tensors whose names match")
    show.set_defaults(func=_show)
    diff = verbs.add_parser("diff", help="what differs between two addresses; exit code 1 if anything does")
    diff.add_argument("a", metavar="A")
    diff.add_argument("b", metavar="B")
    diff.add_argument("--only", metavar="SECTION", help="config, state, tensors, objects or warnings")
    diff.add_argument("--match", metavar="GLOB", help="only rows whose names match")
    diff.set_defaults(func=_diff)


def _ls(args: argparse.Namespace) -> int:
    from explorer.lineage.address import Address

    address = Address.parse(args.address)
    with workspace_of(args) as workspace:
        node = workspace.resolve(address)
        label, store = workspace.state.label(node), workspace.state.store
        objects = workspace.objects(node)
    prefix = address.key or ""
    found = [info for info in objects if info.key.startswith(prefix)]
    if args.json:
        print_json(
            {"store": store_json(store), "address": node.address, "objects": list(map(_object, found))}
        )
        return 0
    from explorer.checkpoints import printable, show_bytes

    print(f"{printable(label)}  {len(found)} objects  {show_bytes(sum(o.size_bytes for o in found))}")
    for name, size, count in _levels(found, "" if args.recursive else prefix, args.recursive):
        note = f"  {count} objects" if name.endswith("/") else ""
        print(f"{show_bytes(size):>10}  {printable(name)}{note}")
    return 0


def _levels(found: list[ObjectInfo], prefix: str, recursive: bool) -> list[tuple[str, int, int]]:
    """Rows of one level: folders with their sum, then files; or all keys."""
    if recursive:
        return [(info.key, info.size_bytes, 1) for info in found]
    sums: dict[str, tuple[int, int]] = {}
    base = prefix[: prefix.rfind("/") + 1]
    for info in found:
        head, slash, _ = info.key[len(base) :].partition("/")
        size, count = sums.get(head + slash, (0, 0))
        sums[head + slash] = (size + info.size_bytes, count + 1)
    return [(name, size, count) for name, (size, count) in sums.items()]


def _object(info: ObjectInfo) -> dict[str, Any]:
    from explorer.cli.tree import when

    return {
        "key": info.key,
        "bytes": info.size_bytes,
        "etag": info.etag,
        "modified_at": when(info.modified_ns),
    }


def _show(args: argparse.Namespace) -> int:
    """Exit code 1 where the checkpoint that was read is incomplete or damaged."""
    with workspace_of(args) as workspace:
        node = workspace.resolve(args.address)
        label, store = workspace.state.label(node), workspace.state.store
        found = workspace.checkpoints(node)
        steps = [c for c in found if args.step is None or c.step == args.step]
        if found and steps and args.all:
            read = {c.prefix: workspace.read_manifest(node, c) for c in steps}
        else:
            newest = workspace.manifest(node, args.step)
            read = {newest.checkpoint.prefix: newest}
    sound = all(manifest.complete for manifest in read.values())
    if args.json:
        print_json(
            {
                "store": store_json(store),
                "address": node.address,
                "checkpoints": [_checkpoint_json(c, read.get(c.prefix)) for c in steps],
            }
        )
        return 0 if sound else 1
    from explorer.checkpoints import manifest_sections, printable

    print(f"{printable(label)}  {len(found)} checkpoint{'s' * (len(found) != 1)}")
    for checkpoint in steps:
        manifest = read.get(checkpoint.prefix)
        if manifest is None:
            missing = "" if checkpoint.complete else f"  missing {', '.join(checkpoint.missing[:3])}"
            print(printable(f"  {checkpoint.prefix or '(root)'}  {checkpoint.format}{missing}"))
        else:
            _print_sections(
                manifest_sections(manifest, args.tensors), limit=None if args.tensors else _TENSORS_SHOWN
            )
    return 0 if sound else 1


def _checkpoint_json(checkpoint: Checkpoint, manifest: Manifest | None) -> dict[str, Any]:
    """Every checkpoint has all keys; one that was not read says so with `"read": false`."""
    from explorer.checkpoints import unread

    return {**(manifest or unread(checkpoint)).to_json(), "read": manifest is not None}


def _diff(args: argparse.Namespace) -> int:
    with workspace_of(args) as workspace:
        a, b = workspace.resolve(args.a), workspace.resolve(args.b)
        found = workspace.diff(a, b)
        store = workspace.state.store
    if args.json:
        print_json({"store": store_json(store), **found.to_json()})
        return 1 if found.any else 0
    _print_diff(found, args)
    return 1 if found.any else 0


def _print_diff(found: Diff, args: argparse.Namespace) -> None:
    known = ("warnings", "config", "state", "tensors", "objects")
    if args.only and args.only not in known:
        raise BadInput(f"`{args.only}` is no section of a diff.", hint=f"sections are {', '.join(known)}")
    if not args.only and not args.match:
        print(found.summary.split("\n  warning:")[0])
    _print_sections(
        [s for s in found.sections(folded=not args.match) if args.only in (None, s.title)], match=args.match
    )


def _print_sections(
    found: list[Section] | tuple[Section, ...], *, match: str | None = None, limit: int | None = None
) -> None:
    for section in found:
        rows = [row for row in section.rows if match is None or fnmatchcase(row.name, match)]
        if not rows and match is not None:
            continue
        print(f"\n{section.title}: {section.note}")
        width = min(48, max((len(row.name) for row in rows), default=0))
        for row in rows[:limit]:
            arrow = " → " if row.a and row.b else " "
            print(f"  {row.mark} {row.name:<{width}}  {row.a}{arrow if row.a else ''}{row.b}".rstrip())
        if limit is not None and len(rows) > limit:
            print(f"    and {len(rows) - limit} more (--tensors '*' lists all)")
