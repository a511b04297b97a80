"""Where a store's files are, who serves it, and with which key. Cheap to import: no server parts.

```
<data>/store/LOCK         held by the one server; its text names the holder
<data>/store/server.json  pid, start time and endpoint of the server that was last started (0600)
<data>/store/owner.json   the owner's access key and secret (0600)
<data>/store/server.log   what the server has to say, rotated
<data>/store/meta.db      every bucket, snapshot, fork and version
<data>/store/blob/        the bytes, in files named by their blake3
```
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

from explorer.errors import StoreTrouble

LOG = "server.log"


@dataclass(frozen=True, slots=True)
class Keys:
    access_key: str
    secret_key: str


@dataclass(frozen=True, slots=True)
class ServerState:
    """What a server writes down of itself; `started` tells its pid from a later owner of that number."""

    pid: int
    started: str
    endpoint: str


def store_folder(data: Path) -> Path:
    return data.expanduser().absolute() / "store"


def process_start(pid: int) -> str | None:
    """When a process started, in whatever words the system has for it; None if there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        if Path("/proc/self/stat").exists():
            return None
        found = subprocess.run(
            ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
        )
        return found.stdout.strip() or None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] == "Z" else fields[19]


def read_server_state(folder: Path) -> ServerState | None:
    """What the last server wrote, whether or not it is alive."""
    try:
        said = json.loads((folder / "server.json").read_text())
        return ServerState(int(said["pid"]), str(said["started"]), str(said["endpoint"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def is_alive(state: ServerState) -> bool:
    return process_start(state.pid) == state.started


def write_server_state(folder: Path, state: ServerState) -> None:
    write_private(folder / "server.json", json.dumps(asdict(state)))


def write_private(path: Path, text: str) -> None:
    """Replace a file that only we may read, in one step."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    fd = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        os.write(fd, text.encode())
        os.fsync(fd)
    finally:
        os.close(fd)
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read_keys(folder: Path) -> Keys:
    """The owner's key.

    Raises:
        StoreTrouble: the file is missing or damaged.
    """
    path = folder / "owner.json"
    try:
        said = json.loads(path.read_text())
        return Keys(str(said["access_key"]), str(said["secret_key"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreTrouble(
            "The owner's key of the local store cannot be read.",
            hint=f"remove {path} and restart the store: a new key is made, the data stays",
            where=str(path),
        ) from error


def ensure_keys(folder: Path) -> Keys:
    """The owner's key, made at the first start."""
    path = folder / "owner.json"
    if not path.exists():
        made = Keys("tid_" + secrets.token_hex(12), "tsec_" + secrets.token_urlsafe(32))
        write_private(path, json.dumps(asdict(made)))
    return read_keys(folder)


class Lock:
    """The right to write to a store, held by one process until it ends, however it ends."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = folder / "LOCK"
        self._fd = os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600)

    def take(self) -> None:
        """Raises StoreTrouble, naming the holder, if another process has it."""
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self._fd, 512, 0).decode("utf-8", "replace").strip() or "another process"
            raise StoreTrouble(
                f"The local store is in use by {holder}.",
                hint="use that server, or stop it with `explorer serve --stop`",
                where=str(self._path.parent),
            ) from error

    def name_holder(self, text: str) -> None:
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, text.encode(), 0)

    def is_in_place(self) -> bool:
        """Whether the file is still there: a folder that was removed under a server is nothing to serve."""
        try:
            return self._path.stat().st_ino == os.fstat(self._fd).st_ino
        except OSError:
            return False

    def close(self) -> None:
        os.close(self._fd)
