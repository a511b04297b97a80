"""`explorer prefetch` and `explorer cache`: checkpoints on this disk."""

from __future__ import annotations

import argparse
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from explorer import wording
from explorer.cli.door import confirm, print_json, settings_of, store_json, workspace_of
from explorer.errors import BadInput, Conflict, ExplorerError
from explorer.lineage.address import Node

if TYPE_CHECKING:
    from explorer.lineage.values import Progress
    from explorer.prefetch import Cache, Plans
    from explorer.workspace.workspace import Workspace


def register(verbs: Any) -> None:
    prefetch = verbs.add_parser("prefetch", help="fetch a snapshot's newest checkpoint to this disk")
    prefetch.add_argument("address", help="bucket@version or bucket@name; a bucket means its newest snapshot")
    prefetch.set_defaults(func=_prefetch)
    cache = verbs.add_parser("cache", help="what is on this disk: list, verify or clear it")
    group = cache.add_subparsers(dest="cache_verb", metavar="VERB", required=True)
    group.add_parser("list", help="the prefetched snapshots, and how full it is").set_defaults(func=_list)
    verify = group.add_parser("verify", help="read everything against its digests; drop what is damaged")
    verify.set_defaults(func=_verify)
    clear = group.add_parser("clear", help="delete it; asks first")
    clear.add_argument("--yes", action="store_true", help="do not ask")
    clear.set_defaults(func=_clear)


def _prefetch(args: argparse.Namespace) -> int:
    from explorer.checkpoints import printable

    with workspace_of(args) as workspace:
        node = _snapshot(workspace, workspace.resolve(args.address))
        started = time.monotonic()
        progress = _wait(workspace, node, show=sys.stderr.isatty() and not args.json)
        took = time.monotonic() - started
        told = {
            "store": store_json(workspace.state.store),
            "address": node.address,
            "bytes": progress.total_bytes,
            "cached_bytes": progress.done_bytes,
            "complete": progress.complete,
        }
        label = printable(workspace.state.label(node))
    text = f"{label} is cached: {wording.size(progress.total_bytes)} in {took:.1f} s"
    print_json(told) if args.json else print(text)
    return 0 if progress.complete else 1


def _snapshot(workspace: Workspace, node: Node) -> Node:
    if not node.is_head:
        return node
    snapshots = workspace.state.bucket(node.bucket).snapshots
    if not snapshots:
        raise BadInput(
            f"`{node.bucket}` has no snapshot, and its head may change.",
            hint=f"`explorer snapshots take {node.bucket}` makes one",
        )
    return snapshots[-1].node


def _wait(workspace: Workspace, node: Node, *, show: bool) -> Progress:

    moved = threading.Event()
    unsubscribe = workspace.subscribe(lambda _: moved.set())
    try:
        workspace.prefetch(node)
        while True:
            moved.clear()
            progress = workspace.state.prefetched.get(node)
            failure = workspace.state.failures.get(node)
            if failure is not None:
                raise ExplorerError(failure.message, hint=failure.hint)
            if progress is None:
                raise Conflict(
                    f"The prefetch of {node} was cancelled.", hint="start it again: what is here is kept"
                )
            if show:
                share = 100 * progress.done_bytes // max(1, progress.total_bytes)
                print(
                    f"\r{share:3}% of {wording.size(progress.total_bytes)} ",
                    end="",
                    file=sys.stderr,
                    flush=True,
                )
            if not progress.active:
                return progress
            moved.wait(1)
    except KeyboardInterrupt:
        workspace.cancel_prefetch(node)
        raise
    finally:
        unsubscribe()
        if show:
            print(file=sys.stderr)


def _open(args: argparse.Namespace) -> tuple[Cache, Plans]:
    from explorer.prefetch import Cache, Plans

    settings = settings_of(args)
    folder = settings.data / "cache"
    return Cache.open(folder, settings.cache_max_bytes), Plans(folder / "plans")


def _list(args: argparse.Namespace) -> int:
    from explorer.prefetch import Cache

    cache, plans = _open(args)
    used = sum(entry.disk_bytes for entry in cache.entries())
    rows = []
    for plan in plans.all():
        own = Cache.open(cache.folder, cache.max_bytes, plan.store)
        progress = own.progress(plan.objects)
        if progress.done_bytes:  # else it was evicted
            rows.append((plan, progress))
    if args.json:
        print_json(
            {
                "folder": str(cache.folder),
                "used_bytes": used,
                "max_bytes": cache.max_bytes,
                "snapshots": [
                    {
                        "store": plan.store,
                        "address": plan.node.address,
                        "bytes": progress.total_bytes,
                        "cached_bytes": progress.done_bytes,
                        "complete": progress.complete,
                    }
                    for plan, progress in rows
                ],
            }
        )
        return 0
    for plan, progress in rows:
        share = 100 * progress.done_bytes // max(1, progress.total_bytes)
        mark = "cached" if progress.complete else f"{share} %"
        print(f"{mark:>6}  {wording.size(progress.total_bytes):>8}  {plan.node.address}  {plan.store}")
    print(f"{wording.size(used)} of {wording.size(cache.max_bytes)} in {cache.folder}")
    return 0


def _verify(args: argparse.Namespace) -> int:
    from explorer.checkpoints import printable

    cache, _ = _open(args)
    damaged = cache.verify_all()
    if args.json:
        told = [{"store": e.label.store, "key": e.label.key, "bytes": e.label.size} for e in damaged]
        print_json({"folder": str(cache.folder), "damaged": told})
    elif damaged:
        for entry in damaged:
            print(f"damaged, dropped: {printable(entry.label.key)}")
    else:
        print("all sound")
    return 1 if damaged else 0


def _clear(args: argparse.Namespace) -> int:

    cache, plans = _open(args)
    used = sum(entry.disk_bytes for entry in cache.entries())
    confirm(args, f"Delete {wording.size(used)} of prefetched checkpoints?")
    freed = cache.clear()
    plans.clear()
    told = {"folder": str(cache.folder), "freed_bytes": freed}
    print_json(told) if args.json else print(f"freed {wording.size(freed)}")
    return 0
