"""The bytes: whole files named by their blake3, written so that a crash leaves an orphan and never a lie.

```
<store>/tmp/<random>        being written
<store>/blob/ab/ab12…       sealed; read-only from here on
<store>/trash/ab12…         swept; readers that had found it may still open it
```
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from explorer.localstore.engine.digests import Digests
from explorer.localstore.refusals import Refusal

_SYNC_EVERY = 4 * 2**20
RESERVE_BYTES = 64 * 2**20
"""Kept free, so that deletes and the database can always commit."""


class Blobs:
    """Files of one store. `on_trouble` is told when the disk failed to keep a promise (fsync)."""

    def __init__(self, folder: Path, on_trouble: Callable[[str], None]) -> None:
        self.folder = folder
        self._root = f"{folder}/blob"
        self._on_trouble = on_trouble
        self._lock = threading.Lock()
        self._in_flight: Counter[str] = Counter()

    def prepare(self) -> None:
        """Make the folders and remove what a crash left half written."""
        for name in ("tmp", "trash", "blob"):
            (self.folder / name).mkdir(mode=0o700, exist_ok=True)
        for n in range(256):
            (self.folder / "blob" / f"{n:02x}").mkdir(mode=0o700, exist_ok=True)
        for left in (self.folder / "tmp").iterdir():
            left.unlink(missing_ok=True)
        self.empty_trash()
        # A blob is only as durable as the folders above it.
        for made in (self.folder / "blob", self.folder, self.folder.parent):
            fsync_folder(made)

    def empty_trash(self, older_than_s: float = 0) -> int:
        """Remove what was swept so long ago; returns the bytes that this freed."""
        freed = 0
        for path in (self.folder / "trash").iterdir():
            status = path.stat()
            if status.st_mtime <= time.time() - older_than_s:
                path.unlink(missing_ok=True)
                freed += status.st_size
        return freed

    def place(self, blob: str) -> str:
        """Where a blob's file is; plain text, because every read asks."""
        return f"{self._root}/{blob[:2]}/{blob}"

    def path(self, blob: str) -> Path:
        return Path(self.place(blob))

    def open(self, blob: str) -> int:
        """A file descriptor for reading; the caller closes it."""
        try:
            return os.open(self.place(blob), os.O_RDONLY)
        except FileNotFoundError:
            return os.open(self.folder / "trash" / blob, os.O_RDONLY)

    def check_space(self, size: int) -> None:
        """Refuse a body before it is read when the disk cannot hold it."""
        if shutil.disk_usage(self.folder).free < size + RESERVE_BYTES:
            raise Refusal("InsufficientStorage", "The disk under the store is full.")

    def create(self, algorithms: Iterable[str] = (), *, sha256: bool = False) -> Sink:
        return Sink(self, Digests(algorithms, sha256=sha256))

    @contextlib.contextmanager
    def in_flight(self, blob: str) -> Iterator[None]:
        """While this is held, the sweep leaves `blob` alone: its row may not be committed yet."""
        with self._lock:
            self._in_flight[blob] += 1
        try:
            yield
        finally:
            with self._lock:
                self._in_flight[blob] -= 1
                if not self._in_flight[blob]:
                    del self._in_flight[blob]

    @contextlib.contextmanager
    def held_still(self) -> Iterator[frozenset[str]]:
        """The blobs in flight; no other becomes so while this is held. Keep it short."""
        with self._lock:
            yield frozenset(self._in_flight)

    def seal(self, temporary: Path, blob: str) -> None:
        """Give a synced file its name, and make the name durable."""
        place = self.path(blob)
        with self.watching_the_disk():
            temporary.rename(place)
            fsync_folder(place.parent)

    @contextlib.contextmanager
    def watching_the_disk(self) -> Iterator[None]:
        """A full disk refuses the request; any other failure to write makes the store read-only.

        A failed fsync is never tried again: the kernel may have dropped the pages and would report success.
        """
        try:
            yield
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise Refusal("InsufficientStorage", "The disk under the store is full.") from error
            self._on_trouble(f"writing failed ({error.strerror})")
            raise Refusal("ServiceUnavailable", f"The disk failed: {error.strerror}.") from error


class Sink:
    """One body on its way in: `write` as it comes, verify with `digests`, `sync`, then `Blobs.seal`."""

    def __init__(self, blobs: Blobs, digests: Digests) -> None:
        self._blobs = blobs
        self.digests = digests
        self._unsynced = 0
        self._lock = threading.Lock()
        self._sync_lock = threading.Lock()
        self.path = blobs.folder / "tmp" / secrets.token_hex(12)
        with blobs.watching_the_disk():
            self._fd = os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)

    def write(self, data: bytes) -> None:
        self.digests.update_etag(data)
        self.write_without_etag([data])

    def update_etag(self, pieces: Sequence[bytes]) -> None:
        for piece in pieces:
            self.digests.update_etag(piece)

    def write_without_etag(self, pieces: Sequence[bytes]) -> None:
        """`write` but for the MD5, which another thread does meanwhile."""
        with self._lock:
            if self._fd < 0:
                return  # given up meanwhile; the number may already belong to another file
            for piece in pieces:
                self.digests.update_others(piece)
                self._unsynced += len(piece)
                with self._blobs.watching_the_disk():
                    view = memoryview(piece)
                    while view:
                        view = view[os.write(self._fd, view) :]

    @property
    def is_worth_syncing(self) -> bool:
        """So much was written that the disk may as well begin before the end comes."""
        return self._unsynced >= _SYNC_EVERY

    def sync(self) -> None:
        """What was written before this was called is on disk when it returns."""
        with self._sync_lock, self._blobs.watching_the_disk():
            if self._fd >= 0:
                self._unsynced = 0
                os.fdatasync(self._fd)

    def close(self) -> None:
        """Let go; what was not sealed disappears. Waits for a write or sync that is under way."""
        with self._sync_lock, self._lock:
            if self._fd >= 0:
                os.close(self._fd)
                self._fd = -1
        self.path.unlink(missing_ok=True)


def fsync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
