"""`explorer serve`: start, find and stop the local store."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from pathlib import Path
from typing import Any

from explorer.errors import NotFound
from explorer.localstore import Running, ensure_running, status, stop

LOOPBACK = ("127.0.0.1", "::1", "localhost")


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "serve",
        help="start, find or stop the local store",
        description="Start the local store in the background, unless it runs already, and say where it is.",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--stop", action="store_true", help="stop it")
    what.add_argument("--status", action="store_true", help="say whether it runs; exit code 1 if it does not")
    what.add_argument(
        "--env", action="store_true", help='start it, and print what `eval "$(explorer serve --env)"` needs'
    )
    what.add_argument("--foreground", action="store_true", help="serve in this process, until Ctrl-C")
    parser.add_argument("--host", default="127.0.0.1", help="with --foreground: the address to listen on")
    parser.add_argument("--port", type=_port, help="with --foreground: the port to listen on, 0 for any")
    parser.add_argument("--read-only", action="store_true", help="with --foreground: refuse every write")
    parser.set_defaults(func=run)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 65536):
        raise argparse.ArgumentTypeError(f"{text} is not a port")
    return int(text)


def run(args: argparse.Namespace) -> int:
    data = _data(args)
    if args.stop:
        return _say(args, {"stopped": stop(data)}, "stopped", "it was not running")
    if args.status:
        found = status(data)
        _print(args, found, data)
        return 0 if found else 1
    if args.foreground:
        return _serve_here(args, data)
    found = ensure_running(data)
    if args.env:
        print(_exports(found, data if args.data else None))
    else:
        _print(args, found, data)
    return 0


def _data(args: argparse.Namespace) -> Path:
    from explorer.settings import read_settings

    return read_settings(data=args.data).data


def _exports(found: Running, data: Path | None) -> str:
    """What a shell has to hold; with `data` its trainings keep their runs beside this store too."""
    said = {
        "AWS_ENDPOINT_URL_S3": found.endpoint,
        "AWS_ENDPOINT_URL_IAM": found.endpoint,
        "AWS_ACCESS_KEY_ID": found.access_key,
        "AWS_SECRET_ACCESS_KEY": found.secret_key,
        "AWS_REGION": "auto",
    }
    if data is not None:
        said["EXPLORER_DATA"] = str(data.resolve())
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in said.items())


def _print(args: argparse.Namespace, found: Running | None, data: Path) -> None:
    if args.json:
        folder = str(data / "store")
        said = {"running": found is not None, "folder": folder}
        print(json.dumps(said | ({"endpoint": found.endpoint, "pid": found.pid} if found else {})))
    elif found:
        print(f"the local store serves {found.folder} at {found.endpoint} (process {found.pid})")
    else:
        print(f"the local store of {data} is not running")


def _say(args: argparse.Namespace, document: dict[str, bool], yes: str, no: str) -> int:
    print(json.dumps(document) if args.json else yes if any(document.values()) else no)
    return 0


def _serve_here(args: argparse.Namespace, data: Path) -> int:
    from explorer.localstore.places import store_folder
    from explorer.localstore.server import serve

    folder = store_folder(data)
    if args.read_only and not (folder / "meta.db").exists():
        raise NotFound(
            "There is no store to read.", hint="start one with `explorer serve`", where=str(folder)
        )
    if args.host not in LOOPBACK:
        print(
            f"warning: listening on {args.host}: everyone who reaches this machine can knock, "
            "and what they and you send is not encrypted",
            file=sys.stderr,
        )

    def ready(endpoint: str) -> None:
        print(f"serving {folder} at {endpoint}", flush=True)

    serve(folder, host=args.host, port=args.port, read_only=args.read_only, on_ready=ready)
    return 0
