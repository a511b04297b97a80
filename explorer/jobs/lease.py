"""Who writes a bucket: one small object, taken with `If-None-Match: *`, so that it cannot be two."""

from __future__ import annotations

import json
import os
import socket
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from explorer.errors import BadCheckpoint, Conflict, NotFound
from explorer.jobs.processes import Process, this_process
from explorer.lineage.address import Node
from explorer.lineage.values import ObjectInfo
from explorer.storage import Store

KEY = ".explorer/lease.json"
RENEW_S = 60.0
_ABANDONED_S = 600.0
"""A lease of another machine that was not renewed for this long is taken to be left behind."""
_MAX_BYTES = 64 * 2**10


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease as it stands in a bucket."""

    run: str
    bucket: str
    """Where it was taken: a fork inherits its parent's lease object, and that binds nobody."""
    host: str
    machine: str
    process: Process | None
    released: bool
    info: ObjectInfo

    def binds(self, bucket: str) -> bool:
        """Whether somebody seems to be writing `bucket` under it now."""
        if self.released or self.bucket != bucket:
            return False
        if self.machine == _machine() and self.process is not None:
            return self.process.is_alive
        return time.time_ns() - self.info.modified_ns < _ABANDONED_S * 1e9


def read_lease(store: Store, bucket: str) -> Lease | None:
    """The lease object at a bucket's head, whether it binds or not; None without one or without sense."""
    try:
        data, info = store.read_object(Node(bucket), KEY)
        told = json.loads(data[:_MAX_BYTES])
        return Lease(
            run=str(told["run"]),
            bucket=str(told.get("bucket", "")),
            host=str(told.get("host", "")),
            machine=str(told.get("machine", "")),
            process=Process.from_json(told.get("process")),
            released=bool(told.get("released_at")),
            info=info,
        )
    except NotFound:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise BadCheckpoint(
            "The lease cannot be read.", hint=f"delete `{KEY}` if nobody writes this bucket", where=bucket
        ) from error


def take_lease(store: Store, bucket: str, run_id: str) -> str:
    """Become the writer of a bucket; returns the lease's ETag, for `renew_lease`.

    Raises:
        Conflict: another run holds it and seems alive.
    """
    text = _text(bucket, run_id)
    try:
        return store.write(bucket, KEY, text, if_none_match=True).etag
    except Conflict:
        held = read_lease(store, bucket)
    if held is None:
        raise _taken(bucket, None)
    if held.run == run_id and held.bucket == bucket:
        return held.info.etag  # our own: the first answer was lost and the request was repeated
    if held.binds(bucket):
        raise _taken(bucket, held)
    try:
        return store.write(bucket, KEY, text, if_match=held.info.etag).etag
    except Conflict as error:
        raise _taken(bucket, read_lease(store, bucket)) from error


def renew_lease(store: Store, bucket: str, run_id: str, etag: str, *, release: bool = False) -> str:
    """Say that the writer still writes, or (`release`) that it has ended; returns the new ETag.

    Raises:
        Conflict: the lease has gone to somebody else.
    """
    try:
        return store.write(bucket, KEY, _text(bucket, run_id, release=release), if_match=etag).etag
    except Conflict as error:
        held = read_lease(store, bucket)
        if held is not None and held.run == run_id and held.bucket == bucket:
            return held.info.etag
        raise _taken(bucket, held) from error


def _taken(bucket: str, held: Lease | None) -> Conflict:
    who = f"run `{held.run}` on {held.host or 'another machine'}" if held else "another run"
    stop = f"`explorer runs stop {held.run}` stops it" if held else "look at `explorer runs list`"
    return Conflict(
        f"`{bucket}` is being written by {who}.",
        hint=f"{stop}; or fork a snapshot and write there",
        where=bucket,
    )


def _text(bucket: str, run_id: str, *, release: bool = False) -> bytes:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    told: dict[str, Any] = {
        "run": run_id,
        "bucket": bucket,
        "host": socket.gethostname(),
        "machine": _machine(),
        "pid": os.getpid(),
        "process": this_process().to_json(),
        "taken_at": now,
    }
    if release:
        told["released_at"] = now
    return json.dumps(told, indent=1).encode()


def _machine() -> str:
    """Where a pid means the same process: the host and, on Linux, the pid namespace (containers)."""
    try:
        space = Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        space = 0
    return f"{socket.gethostname()}/{space}"
