"""How verbs come in and go out: settings from options, a workspace, one JSON document."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from explorer.errors import BadInput
from explorer.lineage.values import Overrides, parse_scalar
from explorer.settings import Settings, read_settings

if TYPE_CHECKING:
    from explorer.lineage.values import StoreInfo
    from explorer.workspace.workspace import Workspace


def settings_of(args: argparse.Namespace) -> Settings:
    return read_settings(data=args.data, endpoint=args.endpoint, profile=args.profile)


@contextmanager
def workspace_of(args: argparse.Namespace) -> Iterator[Workspace]:
    """An open workspace with a fresh listing, so that addresses can be resolved by name."""
    from explorer.workspace.opener import open_workspace

    workspace = open_workspace(settings_of(args))
    try:
        workspace.refresh()
        yield workspace
    finally:
        workspace.close()


def store_json(info: StoreInfo) -> dict[str, Any]:
    """Every document names the store that it speaks of."""
    return {
        "label": info.label,
        "endpoint": info.endpoint,
        "local": info.is_local,
        "snapshots": info.snapshots,
    }


def print_json(document: Any) -> None:
    json.dump(document, sys.stdout, indent=2, ensure_ascii=True, allow_nan=False)
    sys.stdout.write("\n")


def say_none(what: str) -> None:
    """An empty list, told beside the output: what counts its lines finds none."""
    print(f"no {what}", file=sys.stderr)


def overrides_of(pairs: list[str] | None) -> Overrides:
    """`--set lr=1e-4 --set seed=7` as overrides.

    Raises:
        BadInput: no `=` in it, or no name before it.
    """
    told: dict[str, Any] = {}
    for pair in pairs or ():
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            raise BadInput(f"`{pair}` sets nothing.", hint="write --set name=value, like --set lr=1e-4")
        told[name.strip()] = parse_scalar(value)
    return tuple(told.items())


def confirm(args: argparse.Namespace, question: str) -> None:
    """Destructive verbs ask; without a terminal they want `--yes`.

    Raises:
        BadInput: the answer was not yes.
    """
    if args.yes:
        return
    if not sys.stdin.isatty():
        raise BadInput(f"{question} Not done.", hint="say --yes to do it without being asked")
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise BadInput("Not done.", hint="answer y, or say --yes")
