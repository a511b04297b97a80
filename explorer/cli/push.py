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
    from explorer.workspace.pushing.report import PushProgress, PushReport

_BAR = 24
_HISTORY = {
    "states": ", without the versions between them: the store does not list those",
    "different": ", the versions between them not all as here: deleted for good, or left out before",
}


def register(verbs: Any) -> None:
    parser = verbs.add_parser(
        "push",
        help="copy a lineage to another store",
        description="Copy buckets with their snapshots, forks and every version in between to another "
        "store. Stopped at any point, the same command goes on where it stopped; later, it sends what is "
        "new.",
    )
    parser.add_argument("bucket", nargs="*", help="these, with what they were forked from; default: all")
    parser.add_argument("--to", required=True, metavar="URL", help="the endpoint to push to")
    parser.add_argument("--to-profile", metavar="NAME", help="credentials profile for it")
    parser.add_argument("--prefix", default="", metavar="TEXT", help="stands before every name over there")
    parser.add_argument(
        "--only-snapshots",
        action="store_true",
        help="leave out versions that were replaced or deleted before the next snapshot",
    )
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
        push = Push(
            source,
            target,
            record,
            prefix=args.prefix,
            only_snapshots=args.only_snapshots,
            on_progress=line.show,
        )
        report = push.run(wanted)
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
        _print(report, to, only_snapshots=args.only_snapshots)
    return 0


def _refuse_itself(settings: Settings, source: Store, to: str) -> None:
    if to in (settings.endpoint, source.info.endpoint):
        raise BadInput("That is the store to push from.", hint="name another one with --to", where=to)


def _document(report: PushReport, source: Store, target: Store, path: str) -> dict[str, Any]:
    return {
        "store": store_json(source.info),
        "to": store_json(target.info),
        "buckets": [
            {
                "bucket": pushed.bucket,
                "as": pushed.name,
                "versions": dict(pushed.versions),
                "history": pushed.history,
            }
            for pushed in report.buckets
        ],
        "sent": {
            "snapshots": report.snapshots,
            "objects": report.objects,
            "bytes": report.sent_bytes,
            "copied_bytes": report.copied_bytes,
        },
        "verified": report.verified,
        "labels_compared": report.labels,
        "map": path,
    }


def _print(report: PushReport, to: str, *, only_snapshots: bool) -> None:
    for pushed in report.buckets:
        called = "" if pushed.name == pushed.bucket else f" as {pushed.name}"
        note = _HISTORY.get(pushed.history, "") if not only_snapshots else ""
        print(f"{pushed.bucket}{called}: snapshots {len(pushed.versions)}{note}")
    sent = f"objects {report.objects} ({wording.size(report.sent_bytes)}), snapshots {report.snapshots}"
    if report.copied_bytes:
        sent += f"; copied over there {wording.size(report.copied_bytes)}"
    compared = f"states {report.verified}"
    versions = sum(pushed.history == "equal" for pushed in report.buckets)
    compared += f", histories {versions}" if versions else ""
    compared += f", headers and tags of {report.labels} objects" if report.labels else ""
    print(f"sent to {to}: {sent}")
    print(f"compared over there and equal: {compared}")


class _Line:
    """What is to be sent, told once; then progress on one line of a terminal, nothing elsewhere."""

    def __init__(self, *, quiet: bool) -> None:
        self._told = quiet
        self._shown = not quiet and sys.stderr.isatty()
        self._last = 0.0

    def show(self, progress: PushProgress) -> None:
        if not self._told and progress.total_objects:
            self._tell(progress)
        if not self._shown or time.monotonic() - self._last < 0.1:
            return
        self._last = time.monotonic()
        share = progress.done_bytes / progress.total_bytes if progress.total_bytes else 0.0
        bar = "█" * round(min(share, 1.0) * _BAR)
        done = f"{wording.size(progress.done_bytes)} of {wording.size(progress.total_bytes)}"
        sys.stderr.write(f"\r\x1b[K{bar:░<{_BAR}} {done}  {progress.doing}"[:120])
        sys.stderr.flush()

    def _tell(self, progress: PushProgress) -> None:
        self._told = True
        replaced = wording.size(progress.replaced_bytes)
        more = f", of it {replaced} replaced before the next snapshot (--only-snapshots leaves that out)"
        sent = f"to send: {progress.total_objects} objects, {wording.size(progress.total_bytes)}"
        self.end()
        print(sent + (more if progress.replaced_bytes else ""), file=sys.stderr)

    def end(self) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")
