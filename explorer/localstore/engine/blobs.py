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
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from explorer.localstore.engine.digests import Digests
from explorer.localstore.engine.sinks import Sink
from explorer.localstore.refusals import Refusal

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

    def create(
        self, algorithms: Iterable[str] = (), *, sha256: bool = False, expected_bytes: int = 0
    ) -> Sink:
        """A sink for one body; `expected_bytes`, if given, is exactly what will be written."""
        digests = Digests(algorithms, sha256=sha256)
        return Sink(self.folder / "tmp", digests, self.watching_the_disk, expected_bytes)

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
        """A full disk or too many open files refuse the request; any other failure makes the store read-only.

        A failed fsync is never tried again: the kernel may have dropped the pages and would report success.
        """
        try:
            yield
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise Refusal("InsufficientStorage", "The disk under the store is full.") from error
            if error.errno in (errno.EMFILE, errno.ENFILE):  # the disk is well, and was not even asked
                raise Refusal("ServiceUnavailable", "Too many files are open. Try again.") from error
            self._on_trouble(f"writing failed ({error.strerror})")
            raise Refusal("ServiceUnavailable", f"The disk failed: {error.strerror}.") from error


def fsync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
