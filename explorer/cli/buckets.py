"""`explorer buckets`, `snapshots` and `forks`: list, make and delete them."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from explorer.cli.door import confirm, overrides_of, print_json, say_none, store_json, workspace_of
from explorer.cli.tree import snapshot_json, when
from explorer.errors import BadInput
from explorer.wording import count

if TYPE_CHECKING:
    from explorer.lineage.address import Node
    from explorer.workspace.workspace import Workspace


def register(verbs: Any) -> None:
    buckets = _group(verbs, "buckets", "create (with snapshots on), list or delete buckets")
    create = buckets.add_parser("create", help="a new bucket with snapshots on")
    create.add_argument("name")
    create.set_defaults(func=_create_bucket)
    buckets.add_parser("list", help="all buckets").set_defaults(func=_list_buckets)
    _deletes(buckets, "a bucket", _delete_bucket)

    snapshots = _group(verbs, "snapshots", "take, list or delete snapshots")
    take = snapshots.add_parser("take", help="freeze a bucket's head")
    take.add_argument("bucket")
    take.add_argument("--name", help="a name for it, like epoch-3")
    take.set_defaults(func=_take)
    listing = snapshots.add_parser("list", help="a bucket's snapshots, oldest first")
    listing.add_argument("bucket")
    listing.set_defaults(func=_list_snapshots)
    _deletes(snapshots, "a snapshot", _delete_snapshot)

    forks = _group(verbs, "forks", "create, list or delete forks")
    fork = forks.add_parser("create", help="a copy-on-write bucket from a snapshot or a head")
    fork.add_argument("source", metavar="SRC", help="bucket, bucket@version or bucket@name")
    fork.add_argument("--name", help="the fork's bucket name; one is proposed when left out")
    fork.add_argument(
        "--set", action="append", metavar="NAME=VALUE", help="what this fork changes, like lr=1e-4"
    )
    fork.set_defaults(func=_create_fork)
    children = forks.add_parser("list", help="the forks of a bucket or a snapshot, or all forks")
    children.add_argument("bucket", nargs="?")
    children.set_defaults(func=_list_forks)
    _deletes(forks, "a fork", partial(_delete_bucket, forks_only=True))


def _group(verbs: Any, name: str, text: str) -> Any:
    parser = verbs.add_parser(name, help=text, description=text)
    return parser.add_subparsers(dest=f"{name}_verb", metavar="VERB", required=True)


def _deletes(verbs: Any, what: str, func: Any) -> None:
    parser = verbs.add_parser("delete", help=f"delete {what}; asks first")
    parser.add_argument("address")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.set_defaults(func=func)


def _create_bucket(args: argparse.Namespace) -> int:
    with workspace_of(args) as workspace:
        node = workspace.create_bucket(args.name)
        told = {"store": store_json(workspace.state.store), "bucket": node.bucket}
    print_json(told) if args.json else print(f"created {node.bucket}")
    return 0


def _list_buckets(args: argparse.Namespace) -> int:
    with workspace_of(args) as workspace:
        state = workspace.state
    buckets = sorted(state.buckets.values(), key=lambda b: (b.created_ns, b.name))
    if args.json:
        told = [
            {
                "bucket": b.name,
                "created_at": when(b.created_ns),
                "snapshots_on": b.snapshots_on,
                "parent": {"bucket": b.parent.bucket, "version": b.parent.version} if b.parent else None,
                "snapshots": len(b.snapshots),
            }
            for b in buckets
        ]
        print_json({"store": store_json(state.store), "buckets": told})
        return 0
    if not buckets:
        say_none("buckets")
    for b in buckets:
        origin = f"  fork of {state.label(b.parent)}" if b.parent else ""
        off = "" if b.snapshots_on else "  snapshots off"
        print(f"{b.name:<32} {count(len(b.snapshots), 'snapshot'):>15}{origin}{off}")
    return 0


def _delete_bucket(args: argparse.Namespace, *, forks_only: bool = False) -> int:
    with workspace_of(args) as workspace:
        node = _head(
            workspace, args.address, f"`explorer snapshots delete {args.address}` deletes the snapshot"
        )
        bucket = workspace.state.bucket(node.bucket)
        if forks_only and bucket.parent is None:
            raise BadInput(
                f"`{node.bucket}` is not a fork.", hint=f"`explorer buckets delete {node.bucket}` deletes it"
            )
        lost = count(len(bucket.snapshots), "snapshot")
        confirm(args, f"Delete bucket `{node.bucket}` with its {lost} for good?")
        workspace.delete_bucket(node.bucket, force=True)
    print_json({"deleted": node.bucket}) if args.json else print(f"deleted {node.bucket}")
    return 0


def _head(workspace: Workspace, address: str, hint: str) -> Node:
    """The head that an address means.

    Raises:
        BadInput: it means a snapshot, and `hint` says how that is done.
    """
    node = workspace.resolve(address)
    if not node.is_head:
        raise BadInput(f"`{address}` names a snapshot, not a bucket.", hint=hint)
    return node


def _take(args: argparse.Namespace) -> int:
    with workspace_of(args) as workspace:
        bare = args.bucket.partition("@")[0]
        head = _head(
            workspace, args.bucket, f"`explorer snapshots take {bare}` freezes the head as it is now"
        )
        known = workspace.state.bucket(head.bucket).snapshots
        earlier = [s for s in known if args.name and s.name == args.name]
        node = workspace.snapshot(head.bucket, args.name)
        told = {
            "store": store_json(workspace.state.store),
            "bucket": node.bucket,
            "version": node.version,
            "name": args.name,
        }
    if earlier:
        said = f"`{head.bucket}@{args.name}` names this snapshot now; {earlier[-1].node.address} had the name"
        print(f"warning: {said}", file=sys.stderr)
    print_json(told) if args.json else print(f"{node.address}" + (f"  {args.name}" if args.name else ""))
    return 0


def _list_snapshots(args: argparse.Namespace) -> int:
    with workspace_of(args) as workspace:
        state = workspace.state
        bucket = state.bucket(workspace.resolve(args.bucket).bucket)
    if args.json:
        told = [snapshot_json(state, s) for s in bucket.snapshots]
        print_json({"store": store_json(state.store), "bucket": bucket.name, "snapshots": told})
        return 0
    if not bucket.snapshots:
        say_none(f"snapshots of {bucket.name}")
    for s in bucket.snapshots:
        print(f"{s.version}  {when(s.created_ns)}  {s.name or ''}".rstrip())
    return 0


def _delete_snapshot(args: argparse.Namespace) -> int:
    with workspace_of(args) as workspace:
        node = workspace.resolve(args.address)
        if node.is_head:
            raise BadInput(
                f"`{args.address}` names a bucket, not a snapshot.",
                hint=f"write {node.bucket}@version; `explorer snapshots list {node.bucket}` lists them",
            )
        confirm(args, f"Delete snapshot `{workspace.state.label(node)}` for good?")
        workspace.delete_snapshot(node)
    print_json({"deleted": node.address}) if args.json else print(f"deleted {node.address}")
    return 0


def _create_fork(args: argparse.Namespace) -> int:
    overrides = overrides_of(args.set)
    with workspace_of(args) as workspace:
        source = workspace.resolve(args.source)
        node = workspace.fork(source, args.name, overrides)
        state = workspace.state
        parent = state.bucket(node.bucket).parent
        label = state.label(parent) if parent else str(source)
    if args.json:
        told = {
            "store": store_json(state.store),
            "bucket": node.bucket,
            "parent": {"bucket": parent.bucket, "version": parent.version} if parent else None,
            "overrides": dict(overrides),
        }
        print_json(told)
    else:
        print(f"forked {node.bucket} from {label}")
    return 0


def _list_forks(args: argparse.Namespace) -> int:
    with workspace_of(args) as workspace:
        workspace.read_overrides()
        state = workspace.state
        of = workspace.resolve(args.bucket) if args.bucket else None
    forks = [b for b in state.buckets.values() if b.parent and (of is None or _holds(of, b.parent))]
    forks.sort(key=lambda b: (b.created_ns, b.name))
    if args.json:
        told = [
            {
                "bucket": b.name,
                "parent": {"bucket": b.parent.bucket, "version": b.parent.version} if b.parent else None,
                "overrides": dict(state.overrides.get(b.name, ())),
            }
            for b in forks
        ]
        print_json({"store": store_json(state.store), "forks": told})
        return 0
    from explorer.lineage.values import show_overrides

    if not forks:
        say_none("forks" + (f" of {state.label(of)}" if of else ""))
    for b in forks:
        origin = state.label(b.parent) if b.parent else ""
        print(f"{b.name:<32} {origin:<32} {show_overrides(state.overrides.get(b.name, ()))}".rstrip())
    return 0


def _holds(place: Node, node: Node) -> bool:
    """Whether `node` is this place or, where it is a bucket, one in it."""
    return place.bucket == node.bucket and place.version in (None, node.version)
