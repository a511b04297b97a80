"""`explorer doctor`: which store, from which setting, and what is wrong with it."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from explorer import wording
from explorer.cli.door import print_json, settings_of

if TYPE_CHECKING:
    from explorer.cli.examining import Examination


def register(verbs: Any) -> None:
    parser = verbs.add_parser(
        "doctor",
        help="which store is used and why, versions, folders, keys (never secrets), and what is wrong",
        description="Look at the whole setup and change nothing. Exit code 1 when something is wrong.",
    )
    parser.set_defaults(func=_doctor)


def _doctor(args: argparse.Namespace) -> int:
    from explorer.cli.examining import examine

    found = examine(settings_of(args))
    if args.json:
        print_json({**found.sections, "problems": found.problems})
    else:
        _print(found)
    return 1 if found.problems else 0


def _print(found: Examination) -> None:

    store, local, data = (found.sections[name] for name in ("store", "local_store", "data"))
    versions, settings = found.sections["versions"], found.sections["settings"]
    _line("store", store["label"], store["endpoint"] if store["endpoint"] != store["label"] else None)
    _line(
        "chosen by",
        store["chosen_by"],
        f"settings file {settings['file']}" if settings["file_exists"] else None,
    )
    _line("answers", _answers(store))
    _line("credentials", store["credentials"] or "not asked", store["access_key"])
    if store["clock_skew_s"] is not None:
        _line("clock", "in time" if store["clock_skew_s"] == 0 else f"{store['clock_skew_s']:+.0f} s")
    state = f"serves as process {local['pid']}" if local["running"] else "not running, starts when needed"
    _line("local store", local["folder"], state if local["used"] or local["running"] else "not used")
    if local["lock_holder"] is not None:
        _line("held by", local["lock_holder"])
    _line("data", data["folder"], f"{wording.size(data['free_bytes'])} free")
    _line("cache", f"{wording.size(data['cache_bytes'])} of {wording.size(data['cache_max_bytes'])}")
    _line("variables", ", ".join(settings["variables"]) or "none of AWS_*, TIGRIS_*, EXPLORER_*")
    shown = ("explorer", "python", "sqlite", "textual", "boto3", "tigris-boto3-ext", "obstore", "granian")
    _line("versions", ", ".join(f"{name} {versions[name] or 'missing'}" for name in shown))
    if not found.problems:
        print("\nnothing is wrong")
    for problem in found.problems:
        print(f"\nproblem: {problem['what']}\nhint: {problem['hint']}", file=sys.stderr)


def _answers(store: dict[str, Any]) -> str:
    if store["reachable"] is None:
        return "not asked: it is not running"
    if not store["reachable"]:
        return "no"
    speaks = "speaks snapshots" if store["snapshots"] else "no snapshots"
    return f"in {store['answered_in_ms']:.0f} ms, {speaks}"


def _line(name: str, value: str, more: str | None = None) -> None:
    print(f"{name:<12} {value}" + (f"  ({more})" if more else ""))
