"""`explorer push`: copy a lineage to another store, snapshots and forks included."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING, Any

from explorer import wording
from explorer.cli.door import print_json, settings_of, store_json
from explorer.errors import BadInput

if TYPE_CHECKING:
    from explorer.settings import Settings
    from explorer.storage import Store
    from explorer.workspace.pushing.push import PushProgress, PushReport

_BAR = 24


def register(verbs: Any) -> None:
    parser = verbs.add_parser(
        "push",
        help="copy a lineage to another store",
        description="Copy buckets with their snapshots and forks to another store. Stopped at any point, "
        "the same command goes on where it stopped; later, it sends what is new.",
    )
    parser.add_argument("bucket", nargs="*", help="these, with what they were forked from; default: all")
    parser.add_argument("--to", required=True, metavar="URL", help="the endpoint to push to")
    parser.add_argument("--to-profile", metavar="NAME", help="credentials profile for it")
    parser.add_argument("--prefix", default="", metavar="TEXT", help="stands before every name over there")
    parser.set_defaults(func=_push)


def _push(args: argparse.Namespace) -> int:
    from explorer.lineage.address import Address
    from explorer.settings import check_endpoint
    from explorer.storage import open_store
    from explorer.workspace.journal import Journal
    from explorer.workspace.opener import connect
    from explorer.workspace.pushing.push import Push
    from explorer.workspace.pushing.record import PushMap

    settings = settings_of(args)
    to = check_endpoint(args.to, "--to")
    wanted = [Address.parse(text).bucket for text in args.bucket]
    source = connect(settings)
    _refuse_itself(settings, source, to)
    target = open_store(to, profile=args.to_profile or args.profile, region=settings.region)
    line = _Line(quiet=args.json)
    record = PushMap.open(settings.data / "push", settings.endpoint or "local", to, args.prefix)
    try:
        report = Push(source, target, record, prefix=args.prefix, on_progress=line.show).run(wanted)
    finally:
        line.end()
        record.close()
        source.close()
        target.close()
    versions = {pushed.name: dict(pushed.versions) for pushed in report.buckets}
    said = f"pushed {len(report.buckets)} buckets to {to}"
    Journal(settings.data / "journal.jsonl").record("push", said, to=to, versions=versions)
    if args.json:
        print_json(_document(report, source, target, str(record.path)))
    else:
        _print(report, to)
    return 0


def _refuse_itself(settings: Settings, source: Store, to: str) -> None:
    if to in (settings.endpoint, source.info.endpoint):
        raise BadInput("That is the store to push from.", hint="name another one with --to", where=to)


def _document(report: PushReport, source: Store, target: Store, path: str) -> dict[str, Any]:
    return {
        "store": store_json(source.info),
        "to": store_json(target.info),
        "buckets": [
            {"bucket": pushed.bucket, "as": pushed.name, "versions": dict(pushed.versions)}
            for pushed in report.buckets
        ],
        "sent": {"snapshots": report.snapshots, "objects": report.objects, "bytes": report.sent_bytes},
        "verified": report.verified,
        "map": path,
    }


def _print(report: PushReport, to: str) -> None:

    for pushed in report.buckets:
        called = "" if pushed.name == pushed.bucket else f" as {pushed.name}"
        print(f"{pushed.bucket}{called}: snapshots {len(pushed.versions)}")
    sent = f"objects {report.objects} ({wording.size(report.sent_bytes)}), snapshots {report.snapshots}"
    print(f"sent to {to}: {sent}; compared over there and equal: {report.verified} states")


class _Line:
    """Progress on one line of a terminal; nothing elsewhere."""

    def __init__(self, *, quiet: bool) -> None:
        self._shown = not quiet and sys.stderr.isatty()
        self._last = 0.0

    def show(self, progress: PushProgress) -> None:
        if not self._shown or time.monotonic() - self._last < 0.1:
            return

        self._last = time.monotonic()
        share = progress.done_bytes / progress.total_bytes if progress.total_bytes else 0.0
        bar = "█" * round(min(share, 1.0) * _BAR)
        done = f"{wording.size(progress.done_bytes)} of {wording.size(progress.total_bytes)}"
        sys.stderr.write(f"\r\x1b[K{bar:░<{_BAR}} {done}  {progress.doing}"[:120])
        sys.stderr.flush()

    def end(self) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")
