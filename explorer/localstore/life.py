"""Start, find and stop the server of a data folder. Nothing of the server itself is imported here."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from explorer.errors import StoreTrouble
from explorer.localstore.places import LOG, ServerState, is_alive, read_keys, read_server_state, store_folder


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers."""

    endpoint: str
    access_key: str
    secret_key: str
    pid: int
    folder: Path


def status(data: Path) -> Running | None:
    """The server of this data folder, if it is up; one connection, no request."""
    folder = store_folder(data)
    state = read_server_state(folder)
    if state is None or not is_alive(state) or not _listens(state.endpoint):
        return None
    keys = read_keys(folder)
    return Running(state.endpoint, keys.access_key, keys.secret_key, state.pid, folder)


def ensure_running(data: Path, *, wait_s: float = 10) -> Running:
    """The server of this data folder, started if need be; it outlives this process.

    Raises:
        StoreTrouble: it does not start: the folder cannot be used, or another program holds it.
    """
    found = status(data)
    if found is not None:
        return found
    folder = store_folder(data)
    deadline = time.monotonic() + wait_s
    with _one_starter(folder, deadline):
        found = status(data)
        if found is not None:
            return found
        _start(folder, deadline)
        found = status(data)
    if found is None:
        raise _no_start(folder, "it came up and went away again")
    return found


def stop(data: Path, *, wait_s: float = 10) -> bool:
    """Stop the server of this data folder; False if none was running. Nothing acknowledged is lost."""
    state = read_server_state(store_folder(data))
    if state is None or not is_alive(state):
        return False
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(state.pid, sign)
        if _wait_gone(state, wait_s):
            return True
    raise StoreTrouble("The server does not stop.", hint=f"look at process {state.pid}")


def _wait_gone(state: ServerState, wait_s: float) -> bool:
    deadline = time.monotonic() + wait_s
    while time.monotonic() < deadline:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(state.pid, os.WNOHANG)
        if not is_alive(state):
            return True
        time.sleep(0.02)
    return False


def _listens(endpoint: str) -> bool:
    parts = urlsplit(endpoint)
    try:
        socket.create_connection((parts.hostname or "", parts.port or 80), timeout=2).close()
    except OSError:
        return False
    return True


@contextlib.contextmanager
def _one_starter(folder: Path, deadline: float) -> Iterator[None]:
    """Of several processes that find no server, one starts it while the others wait."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = os.open(folder / "START", os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise StoreTrouble(
            f"The local store cannot use its folder: {error.strerror}.",
            hint="choose another one with --data or EXPLORER_DATA",
            where=str(folder),
        ) from error
    try:
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise _no_start(folder, "another process is still starting it") from None
                time.sleep(0.02)
        yield
    finally:
        os.close(fd)


def _start(folder: Path, deadline: float) -> None:
    """Start the server and wait for its word on a pipe: `{}` when it listens, else what went wrong."""
    reading, writing = os.pipe()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    # The server must find this package even when it is run from a source tree.
    root = str(Path(__file__).resolve().parents[2])
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (root, environment.get("PYTHONPATH"))))
    try:
        with open(folder / "server.out", "wb") as out:  # noqa: PTH123 - Path.open says the same
            subprocess.Popen(
                [sys.executable, "-m", "explorer.localstore.server", str(folder), "--ready-fd", str(writing)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                pass_fds=(writing,),
                start_new_session=True,
                cwd=folder,
                env=environment,
            )
    finally:
        os.close(writing)
    said = b""
    try:
        while (left := deadline - time.monotonic()) > 0:
            if select.select([reading], [], [], left)[0]:
                piece = os.read(reading, 4096)
                if not piece:
                    break
                said += piece
        else:
            raise _no_start(folder, "it did not answer in time")
    finally:
        os.close(reading)
    if not said:
        raise _no_start(folder, _last_words(folder))
    trouble = json.loads(said)
    if trouble:
        raise StoreTrouble(trouble["message"], hint=trouble["hint"], where=trouble["where"])


def _last_words(folder: Path) -> str:
    lines = (folder / "server.out").read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it ended without a word"


def _no_start(folder: Path, why: str) -> StoreTrouble:
    return StoreTrouble(
        f"The local store does not start: {why}.", hint=f"see {folder / LOG} and {folder / 'server.out'}"
    )
