"""`explorer demo`: train something small and real, and look at it; `--headless` tells it as text."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from typing import Any

_REFRESH_S = 1.0
"""Other processes train while one looks: their snapshots should come in as they are made."""


def register(verbs: Any) -> None:
    text = "train a small network here, fork it, and look at the lineage (no account, no download)"
    parser = verbs.add_parser("demo", help=text, description=text)
    parser.add_argument(
        "--headless", action="store_true", help="no screen: do everything, print it, check it"
    )
    parser.add_argument("--fresh", action="store_true", help="a new lineage beside the ones that are there")
    parser.set_defaults(func=_demo)


def _demo(args: argparse.Namespace) -> int:
    from explorer.demo.conducting import choose_prefix
    from explorer.settings import read_settings

    settings = read_settings(data=args.data, profile=args.profile)
    # the demo never writes to anybody's account, whatever the environment says
    settings = replace(settings, endpoint=None, endpoint_from=None, profile=None, refresh_s=_REFRESH_S)
    prefix = choose_prefix(settings.data, fresh=args.fresh)
    if args.headless or not sys.stdout.isatty():
        from explorer.demo.story import tell

        tell(settings, prefix)
        return 0
    from explorer.demo.background import start_in_background
    from explorer.tui import run

    start_in_background(settings.data, prefix)
    return run(settings)
