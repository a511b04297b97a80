"""One blob on its way to the disk.

Order, so that a part is never recorded before its bytes are on the disk: pwrite, fdatasync, `.parts`; when
all are there: fsync, `.parts`, rename, and at the end fsync of the folders. A kill at any moment costs what
was not yet synced.
"""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

from blake3 import blake3

from explorer.errors import StoreTrouble
from explorer.lineage.values import ObjectInfo
from explorer.prefetch.parts import DIGEST_BYTES, Label, Parts, parts_path
from explorer.prefetch.plan import Part
from explorer.wording import size

_SYNC_PARTS = 4
"""So many parts are written between two syncs: what a kill -9 can cost, with those in flight."""

_sync_data = getattr(os, "fdatasync", os.fsync)  # macOS has only the latter


class Draft:
    """A blob being written, by one process at a time. Parts may be written from several threads."""

    def __init__(self, blob: Path, parts: Parts, fd: int) -> None:
        self._blob = blob
        self._parts = parts
        self._fd = fd
        self._lock = threading.Lock()
        self._written: list[tuple[Part, bytes]] = []
        self.missing = tuple(part for part in parts.all if not parts.has(part))

    @classmethod
    def open(cls, blob: Path, item: ObjectInfo, store: str, part_bytes: int) -> Draft | None:
        """Begin or go on; None while another process (or thread) is at it, or when the blob is finished.

        Raises:
            StoreTrouble: the disk has no room for it: found out before the first byte.
        """
        mtime_ns = item.modified_ns // 10**9 * 10**9
        label = Label(item.size_bytes, part_bytes, mtime_ns, item.etag, item.key, store)
        parts = Parts.take(parts_path(blob), create=label)
        if parts is None:
            return None
        try:
            if blob.exists():
                parts.close()
                return None
            return cls(blob, parts, _open_partial(partial_path(blob), parts, label))
        except BaseException:
            parts.close()
            raise

    def write(self, part: Part, data: memoryview) -> None:
        """Put a part in its place; it counts once it is synced, which happens every 4 parts."""
        digest = blake3(data).digest(DIGEST_BYTES)
        os.pwrite(self._fd, data, part.start)
        with self._lock:
            self._written.append((part, digest))
            due = len(self._written) >= _SYNC_PARTS
        if due:
            self._sync()

    def _sync(self) -> None:
        with self._lock:
            written, self._written = self._written, []
        if written:
            _sync_data(self._fd)  # outside the lock: the other threads go on writing
            self._record(written)

    def _record(self, written: list[tuple[Part, bytes]]) -> None:
        with self._lock:
            for part, digest in written:
                self._parts.record(part, digest)

    def finish(self) -> None:
        """All parts are written: make it a blob. Its name is durable after `sync_folder`.

        One sync covers the bytes and the time that marks them; a name that a power cut takes back is a
        draft again.
        """
        label = self._parts.label
        os.utime(self._fd, ns=(label.mtime_ns, label.mtime_ns))
        os.fsync(self._fd)
        written, self._written = self._written, []
        self._record(written)
        self._parts.touch()
        partial_path(self._blob).rename(self._blob)
        os.fchmod(self._fd, 0o444)  # not before: a draft must stay open to whoever goes on with it

    def discard(self) -> None:
        """What was fetched is of no use: take it off the disk."""
        partial_path(self._blob).unlink(missing_ok=True)
        parts_path(self._blob).unlink(missing_ok=True)

    def close(self) -> None:
        """Stop here; what is written is kept for the next time."""
        if self._fd >= 0:
            self._sync()
            os.close(self._fd)
            self._fd = -1
            self._parts.close()


def partial_path(blob: Path) -> Path:
    return blob.with_name(f"{blob.name}.partial")


def _open_partial(path: Path, parts: Parts, label: Label) -> int:
    known = parts.label
    if (known.size, known.part_bytes) != (label.size, label.part_bytes) or not path.exists():
        path.unlink(missing_ok=True)
        parts.clear(label)
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _reserve(fd, label.size)
    except OSError as error:
        os.close(fd)
        path.unlink(missing_ok=True)
        parts_path(path.with_suffix("")).unlink(missing_ok=True)
        raise disk_trouble(error, label.size, path.parent) from error
    return fd


def _reserve(fd: int, size: int) -> None:
    """Have the disk promise the room, so that a full one is found out now."""
    if size and hasattr(os, "posix_fallocate"):  # macOS has none, and some file systems refuse it
        try:
            os.posix_fallocate(fd, 0, size)
            return
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
                raise
    os.ftruncate(fd, size)


def disk_trouble(error: OSError, needed: int, folder: Path) -> StoreTrouble:
    """What an error of the cache's disk means."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreTrouble(
            f"The disk has no room for {size(needed)} more." if needed else "The disk is full.",
            hint="free some space, or `explorer cache clear`; what was fetched so far is kept",
            where=str(folder),
        )
    return StoreTrouble(
        f"The cache cannot be written: {error.strerror}.",
        hint="check the folder, or move it with `--data`",
        where=str(folder),
    )


def sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
