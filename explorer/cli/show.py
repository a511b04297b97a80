"""`explorer ls` and `show`: the objects and the checkpoints at a place."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from explorer import wording
from explorer.cli.diff import print_sections
from explorer.cli.door import print_json, store_json, workspace_of
from explorer.errors import NotFound, nearest

if TYPE_CHECKING:
    from explorer.checkpoints import Checkpoint, Manifest
    from explorer.lineage.values import ObjectInfo

_ROWS_SHOWN = 40


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


def _ls(args: argparse.Namespace) -> int:
    from explorer.lineage.address import Address

    address = Address.parse(args.address)
    with workspace_of(args) as workspace:
        node = workspace.resolve(address)
        label, store = workspace.state.label(node), workspace.state.store
        objects = workspace.objects(node)
    prefix = address.key or ""
    found = [info for info in objects if info.key.startswith(prefix)]
    if prefix and not found:
        known = [name for name, _, _ in _levels(list(objects), "", recursive=False)]
        known += [name for name, _, _ in _levels(list(objects), prefix, recursive=False)]
        hint = nearest(prefix, known, f"`explorer ls {label}` lists what is there")
        raise NotFound(f"There is no object under `{prefix}` at {label}.", hint=hint)
    if args.json:
        print_json(
            {"store": store_json(store), "address": node.address, "objects": list(map(_object, found))}
        )
        return 0
    from explorer.checkpoints import printable

    every = wording.size(sum(o.size_bytes for o in found))
    print(f"{printable(label)}  {wording.count(len(found), 'object')}  {every}")
    for name, size, count in _levels(found, "" if args.recursive else prefix, args.recursive):
        note = f"  {wording.count(count, 'object')}" if name.endswith("/") else ""
        print(f"{wording.size(size):>10}  {printable(name)}{note}")
    return 0


def _levels(found: list[ObjectInfo], prefix: str, recursive: bool) -> list[tuple[str, int, int]]:
    """Rows of one level: folders with their sum, then files; or all keys."""
    if recursive:
        return [(info.key, info.size_bytes, 1) for info in found]
    sums: dict[str, tuple[int, int]] = {}
    base = prefix[: prefix.rfind("/") + 1]
    for info in found:
        if not info.key.startswith(base):
            continue
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
    """Exit code 1 where a checkpoint that was read is incomplete or damaged."""
    from explorer.lineage.address import Address

    address = Address.parse(args.address)
    with workspace_of(args) as workspace:
        node = workspace.resolve(address)
        label, store = workspace.state.label(node), workspace.state.store
        every = workspace.checkpoints(node)
        found = _chosen(every, address.key or "", args.step, label)
        read = {c: workspace.read_manifest(node, c) for c in (found if args.all else found[:1])}
    sound = all(manifest.complete for manifest in read.values())
    if args.tensors:
        _refuse_unmatched(args.tensors, read.values())
    if args.json:
        checkpoints = [_checkpoint_json(c, read.get(c)) for c in found]
        print_json({"store": store_json(store), "address": node.address, "checkpoints": checkpoints})
        return 0 if sound else 1
    from explorer.checkpoints import manifest_sections, printable

    print(f"{printable(label)}  {wording.count(len(every), 'checkpoint')}")
    for checkpoint in found:
        manifest = read.get(checkpoint)
        if manifest is None:
            missing = "" if checkpoint.complete else f"  missing {', '.join(checkpoint.missing[:3])}"
            print(printable(f"  {checkpoint.prefix or '(root)'}  {checkpoint.format}{missing}"))
        else:
            shown = manifest_sections(manifest, args.tensors)
            print_sections(shown, limit=None if args.tensors else _ROWS_SHOWN)
    return 0 if sound else 1


def _chosen(every: Sequence[Checkpoint], prefix: str, step: int | None, label: str) -> list[Checkpoint]:
    found = [c for c in every if c.prefix.startswith(prefix) and step in (None, c.step)]
    if not found:
        what = f" of step {step}" if step is not None else f" under `{prefix}`" if prefix else ""
        names = ", ".join(c.prefix or "(root)" for c in every[:5])
        hint = f"there are {names}" if every else "`explorer ls` shows the objects that are there"
        raise NotFound(f"There is no checkpoint{what} at {label}.", hint=hint)
    return found


def _refuse_unmatched(pattern: str, manifests: Iterable[Manifest]) -> None:
    names = dict.fromkeys(tensor.name for manifest in manifests for tensor in manifest.tensors)
    if not any(fnmatchcase(name, pattern) for name in names):
        hint = nearest(pattern, names, "`--tensors '*'` lists them all")
        raise NotFound(f"No tensor matches `{pattern}`.", hint=hint)


def _checkpoint_json(checkpoint: Checkpoint, manifest: Manifest | None) -> dict[str, Any]:
    """Every checkpoint has all keys; one that was not read says so with `"read": false`."""
    from explorer.checkpoints import unread

    return {**(manifest or unread(checkpoint)).to_json(), "read": manifest is not None}
