"""`explorer buckets`, `snapshots` and `forks`: list, make and delete them."""

from __future__ import annotations

import argparse
from typing import Any

from explorer.cli.door import confirm, overrides_of, print_json, store_json, workspace_of
from explorer.cli.tree import snapshot_json, when


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
    children = forks.add_parser("list", help="the forks of a bucket, or all forks")
    children.add_argument("bucket", nargs="?")
    children.set_defaults(func=_list_forks)
    _deletes(forks, "a fork", _delete_bucket)


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
    for b in buckets:
        origin = f"  fork of {state.label(b.parent)}" if b.parent else ""
        off = "" if b.snapshots_on else "  snapshots off"
        print(f"{b.name:<32} {len(b.snapshots):>5} snapshots{origin}{off}")
    return 0


def _delete_bucket(args: argparse.Namespace) -> int:
    with workspace_of(args) as workspace:
        node = workspace.resolve(args.address)
        count = len(workspace.state.bucket(node.bucket).snapshots)
        confirm(args, f"Delete bucket `{node.bucket}` with its {count} snapshots for good?")
        workspace.delete_bucket(node.bucket, force=True)
    print_json({"deleted": node.bucket}) if args.json else print(f"deleted {node.bucket}")
    return 0


def _take(args: argparse.Namespace) -> int:
    with workspace_of(args) as workspace:
        node = workspace.snapshot(workspace.resolve(args.bucket).bucket, args.name)
        told = {
            "store": store_json(workspace.state.store),
            "bucket": node.bucket,
            "version": node.version,
            "name": args.name,
        }
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
    for s in bucket.snapshots:
        print(f"{s.version}  {when(s.created_ns)}  {s.name or ''}".rstrip())
    return 0


def _delete_snapshot(args: argparse.Namespace) -> int:
    from explorer.errors import BadInput

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
        of = workspace.resolve(args.bucket).bucket if args.bucket else None
    forks = [b for b in state.buckets.values() if b.parent and (of is None or b.parent.bucket == of)]
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

    for b in forks:
        origin = state.label(b.parent) if b.parent else ""
        print(f"{b.name:<32} {origin:<32} {show_overrides(state.overrides.get(b.name, ()))}".rstrip())
    return 0
