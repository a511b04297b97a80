"""The command `explorer`: without a verb the terminal screen, with one the same things without a screen."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from explorer.cli.usage import Parser, Verb
from explorer.errors import ExplorerError

_VERBS = (
    "demo", "serve", "tree", "show", "diff", "buckets", "compare", "cache", "runs", "store", "access", "push",
    "doctor",
)  # fmt: skip
"""The files of this room that bring verbs, in the order of `--help`."""


def build_parser() -> argparse.ArgumentParser:
    """All verbs; building it imports nothing heavier than argparse."""
    shared = argparse.ArgumentParser(add_help=False)
    group = shared.add_argument_group("which store")
    group.add_argument("--data", metavar="DIR", help="where the local store, the cache and jobs live")
    group.add_argument("--endpoint", metavar="URL", help="speak to this store instead of the local one")
    group.add_argument("--profile", metavar="NAME", help="credentials profile")
    shared.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser = Parser(
        prog="explorer",
        parents=[shared],
        description="Browse, diff, fork and resume training checkpoints in buckets with snapshots and forks.",
        epilog="Without a verb: the terminal screen. An address is bucket, bucket@version or bucket@name.",
    )
    parser.add_argument("--version", action="store_true", help="print the version")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", parser_class=Verb)
    for name in _VERBS:
        import_module(f"explorer.cli.{name}").register(verbs)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Exit codes: 0 ok, 1 refused, failed or different, 2 usage, 130 interrupted."""
    for name in ("stdout", "stderr"):  # closed by the caller (`>&-`): print to nobody, and do the work
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
    parser = build_parser()
    args = parser.parse_args(argv)
    try:
        if args.version:
            from explorer import __version__

            print(f"explorer {__version__}")
            return 0
        code: int = args.func(args) if args.verb else _screen(args)
        sys.stdout.flush()
        return code
    except ExplorerError as error:
        from explorer.checkpoints import printable  # keys and server text in it may be anybody's

        for line in f"error: {error}\nhint: {error.hint}".splitlines():
            print(printable(line), file=sys.stderr)
        return 1
    except BrokenPipeError:  # `explorer tree | head`: the reader has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:  # stdout on a full disk, a file that is not ours
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        where = f" ({error.filename})" if error.filename else ""
        print(f"error: {error.strerror or error}.{where}", file=sys.stderr)
        print("hint: look for space and rights; `explorer doctor` tells more", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def _screen(args: argparse.Namespace) -> int:
    from explorer.cli.door import settings_of
    from explorer.errors import BadInput

    if not sys.stdout.isatty():
        raise BadInput("The screen needs a terminal.", hint="`explorer tree` prints the lineage; see --help")
    from explorer.tui import run

    return run(settings_of(args))
