"""The server process: one store, one port, until told to stop."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path
from urllib.parse import urlsplit

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server

from explorer.errors import ExplorerError, StoreTrouble
from explorer.localstore.engine.engine import Engine
from explorer.localstore.iam.authority import Iam
from explorer.localstore.iam.handler import handler as iam_handler
from explorer.localstore.places import (
    LOG,
    Lock,
    ServerState,
    ensure_keys,
    process_start,
    read_server_state,
    write_server_state,
)
from explorer.localstore.wire.app import App

log = logging.getLogger("explorer.localstore")
LOOK_EVERY_S = 5.0
"""How often a server looks whether its folder is still there."""
LAST_REQUESTS_S = 2.0
"""What requests that are under way get to finish in when the server is asked to stop."""
_RECEIVE_BYTES = 2 << 20
"""A large body comes in pieces of up to this size; every piece costs two changes of thread."""


def serve(
    folder: Path,
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    read_only: bool = False,
    on_ready: Callable[[str], None] = lambda endpoint: None,
) -> None:
    """Serve a store until SIGTERM or SIGINT; `on_ready` is told the endpoint once it listens.

    Raises:
        StoreTrouble: another server holds the folder, the port is taken, or the data cannot be opened.
    """
    host = "127.0.0.1" if host == "localhost" else host
    _allow_open_files()
    lock = Lock(folder)
    try:
        if not read_only:
            lock.take()
        keys = ensure_keys(folder)
        engine = Engine(folder, read_only=read_only)
        reserved = _reserve_port(host, port, folder)
        iam = Iam(
            engine.ledger,
            folder,
            owner_id=keys.access_key,
            owner_secret=keys.secret_key,
            owner_since_ns=(folder / "owner.json").stat().st_mtime_ns,
        )
        app = App(engine, iam)
        app.handlers["Iam"] = iam_handler(iam)
        # An address that means all of them is no place to connect to.
        near = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
        endpoint = f"http://{f'[{near}]' if ':' in near else near}:{reserved.getsockname()[1]}"

        def ready() -> None:
            if not read_only:
                state = ServerState(os.getpid(), process_start(os.getpid()) or "", endpoint)
                lock.name_holder(f"process {state.pid} at {endpoint}")
                write_server_state(folder, state)
            log.info("serving %s at %s", folder, endpoint)
            on_ready(endpoint)

        try:
            asyncio.run(_run(app, host, reserved, ready, lock.is_in_place))
        finally:
            app.close()
            engine.close()
            reserved.close()
            log.info("stopped")
    finally:
        lock.close()


def _allow_open_files() -> None:
    """As many as this process may have: shells start programs with few, and every connection is one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # macOS says unlimited and takes less
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _reserve_port(host: str, port: int | None, folder: Path) -> socket.socket:
    """A bound socket that does not listen: it keeps the port ours until the server listens on it beside us.

    Without a wish the port of the last time is taken again, so that clients that are retrying find us.
    """
    last = read_server_state(folder)
    wishes = [port] if port is not None else [urlsplit(last.endpoint).port or 0 if last else 0, 0]
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for wish in wishes:
        try:
            # Sharing a port is what the server does below; so first see that nobody has it.
            with socket.socket(family) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((host, wish))
                found = probe.getsockname()[1]
            kept = socket.socket(family)
            kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            kept.bind((host, found))
        except OSError as error:
            trouble = error
        else:
            return kept
    raise StoreTrouble(
        f"The local store cannot listen on {host} port {wishes[-1]}: {trouble.strerror}.",
        hint="choose another address with --host or another port with --port",
    )


async def _run(
    app: App,
    host: str,
    reserved: socket.socket,
    ready: Callable[[], None],
    is_in_place: Callable[[], bool],
) -> None:
    server = Server(
        app,
        address=host,
        port=reserved.getsockname()[1],
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,
        websockets=False,
        log_enabled=False,
        backlog=1024,
        http1_settings=HTTP1Settings(max_buffer_size=_RECEIVE_BYTES),
    )
    stop: Callable[[], None] = server.stop
    asked_to_stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, asked_to_stop.set)
    serving = asyncio.create_task(server.serve())
    address = reserved.getsockname()[:2]
    while not serving.done():
        with suppress(OSError):
            _, writer = await asyncio.open_connection(*address)
            writer.close()
            ready()
            break
        await asyncio.sleep(0.005)
    asked = asyncio.create_task(asked_to_stop.wait())
    while not serving.done() and not asked.done():
        await asyncio.wait((serving, asked), timeout=LOOK_EVERY_S, return_when=asyncio.FIRST_COMPLETED)
        if not is_in_place():
            log.error("the folder is gone")
            break
    stop()
    # It waits for the requests it has begun; an upload may take hours, or its client be gone without a word.
    await asyncio.wait((serving,), timeout=LAST_REQUESTS_S)
    if serving.done():
        await serving
    else:
        log.info("stopping with requests under way")
        serving.cancel()


def configure_log(folder: Path) -> None:
    handler = RotatingFileHandler(folder / LOG, maxBytes=4 << 20, backupCount=3)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False


def main(arguments: list[str]) -> int:
    """What `ensure_running` starts; it says on `--ready-fd` that it listens, or why it does not."""
    parser = argparse.ArgumentParser(prog="explorer.localstore.server")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--ready-fd", type=int, required=True)
    args = parser.parse_args(arguments)

    def say(document: dict[str, str | None]) -> None:
        with suppress(OSError):
            os.write(args.ready_fd, json.dumps(document).encode())
            os.close(args.ready_fd)

    configure_log(args.folder)
    try:
        serve(args.folder, on_ready=lambda endpoint: say({}))
    except ExplorerError as error:
        log.error("%s", error)
        say({"message": error.message, "hint": error.hint, "where": error.where})
        return 1
    except Exception as error:
        log.exception("the server failed")
        hint = f"see {args.folder / LOG}"
        say({"message": f"The local store failed: {error}", "hint": hint, "where": str(args.folder)})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
