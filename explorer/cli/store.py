"""`explorer store`: check the local store for damage, and free what nothing needs any more."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from explorer import wording
from explorer.errors import BadInput, NotFound, StoreTrouble
from explorer.localstore import Running, status


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("store", help="check the local store, or free space in it")
    verbs = parser.add_subparsers(dest="store_verb", required=True)
    check = verbs.add_parser("check", help="look for damage; exit code 1 if there is any")
    check.add_argument("--deep", action="store_true", help="read every byte and compare it with its hash")
    check.set_defaults(func=run_check)
    sweep = verbs.add_parser("gc", help="free what no bucket, snapshot or fork can see")
    sweep.add_argument("--yes", action="store_true", help="do it; without this it only says what would go")
    sweep.add_argument(
        "--history-days",
        type=float,
        metavar="N",
        help="also forget versions replaced more than N days ago that no snapshot and no fork holds",
    )
    sweep.add_argument(
        "--grace",
        type=float,
        default=3600,
        metavar="SECONDS",
        help="leave what is younger alone (default %(default)s)",
    )
    sweep.set_defaults(func=run_sweep)


def run_check(args: argparse.Namespace) -> int:
    found = _ask(args, "check", {"deep": "true"} if args.deep else {})
    if args.json:
        print(json.dumps(found))
    else:
        for problem in found["problems"]:
            print(f"problem: {problem}")
        print(
            f"{found['buckets']} buckets, {found['versions']} versions, {found['blobs']} blobs, "
            f"{wording.size(found['blob_bytes'])}"
        )
        if found["orphans"]:
            spare = wording.size(found["orphan_bytes"])
            print(f"{found['orphans']} files that nothing names, {spare}: `store gc` frees them")
        print("damaged" if found["problems"] else "clean")
    return 1 if found["problems"] else 0


def run_sweep(args: argparse.Namespace) -> int:
    if args.grace < 0 or (args.history_days is not None and args.history_days < 0):
        raise BadInput("A time cannot be negative.", hint="give --grace and --history-days as 0 or more")
    asked = {"grace-s": str(args.grace)}
    if args.history_days is not None:
        asked["history-days"] = str(args.history_days)
    sure = args.yes
    found = _ask(args, "gc", {**asked, **({} if sure else {"dry-run": "true"})})
    if not args.json and not sure:
        print(_told(found, "would free"))
        if sys.stdin.isatty() and sys.stdout.isatty():
            sure = input("Do it? [y/N] ").strip().lower() in ("y", "yes")
            if sure:
                found = _ask(args, "gc", asked)
        else:
            print("nothing was done; say --yes to do it")
    if args.json:
        print(json.dumps(found))
    elif sure:
        print(_told(found, "freed"))
    return 0


def _told(found: dict[str, Any], verb: str) -> str:
    told = (
        f"{verb} {wording.size(found['bytes'])} in {found['blobs']} blobs "
        f"({found['versions']} versions, {found['buckets']} deleted buckets, "
        f"{found['uploads']} stale uploads)"
    )
    return (
        f"{told}; {wording.size(found['trash_bytes'])} have left the disk" if found["trash_bytes"] else told
    )


def _ask(args: argparse.Namespace, what: str, query: dict[str, str]) -> dict[str, Any]:
    """From the server that holds the store, or, when none runs, by opening it here."""
    from explorer.settings import read_settings

    data = read_settings(data=args.data).data
    found = status(data)
    return _ask_server(found, what, query) if found is not None else _do_here(data, what, query)


def _ask_server(found: Running, what: str, query: dict[str, str]) -> dict[str, Any]:
    import urllib.error
    import urllib.request

    from explorer.localstore.wire.presigning import presigned_url

    url = presigned_url(
        "POST",
        found.endpoint,
        "/",
        {"store": what, **query},
        access_key=found.access_key,
        secret=found.secret_key,
        expires_s=300,
        now=datetime.now(UTC),
    )
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method="POST")) as answer:  # noqa: S310
            document: dict[str, Any] = json.load(answer)
            return document
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise StoreTrouble(
            f"The local store could not do it: {error}.", hint=f"see {found.folder / 'server.log'}"
        ) from error


def _do_here(data: Path, what: str, query: dict[str, str]) -> dict[str, Any]:
    from dataclasses import asdict

    from explorer.localstore.engine.engine import Engine
    from explorer.localstore.places import Lock, store_folder

    folder = store_folder(data)
    if not (folder / "meta.db").exists():
        raise NotFound("There is no local store yet.", hint="`explorer serve` starts one", where=str(folder))
    lock = Lock(folder)
    try:
        lock.take()
        lock.name_holder(f"`explorer store {what}`")
        engine = Engine(folder)
        try:
            if what == "check":
                return asdict(engine.check(deep="deep" in query))
            history = query.get("history-days")
            return asdict(
                engine.sweep(
                    dry_run="dry-run" in query,
                    grace_s=float(query["grace-s"]),
                    history_days=None if history is None else float(history),
                    trash_s=0,
                )
            )
        finally:
            engine.close()
    finally:
        lock.close()
