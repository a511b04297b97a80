"""Where one body is written to until it is complete: a file without a name, and what was hashed of it."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from explorer.localstore.engine.digests import Buffer, Digests
from explorer.localstore.refusals import Refusal

DIRECT_FROM = 4 * 2**20
"""A body from this size on goes to the disk past the page cache."""
PAGE = 4096
"""What direct writes are multiples of, in memory, in the file and in length."""
_SYNC_EVERY = 8 * 2**20


class Sink:
    """One body on its way in: verify it with `digests`, `sync`, then let `Blobs.seal` name it.

    Either one thread calls `write`, or three share each piece: `hash_etag`, `hash_others` and `put`, in the
    order of the body each.
    """

    def __init__(
        self,
        folder: Path,
        digests: Digests,
        watching: Callable[[], AbstractContextManager[None]],
        expected_bytes: int = 0,
    ) -> None:
        self.digests = digests
        self._watching = watching
        self._lock = threading.Lock()
        self._sync_lock = threading.Lock()
        self._put_bytes = self._synced_bytes = 0
        self._failed_sync: OSError | None = None
        self.path = folder / secrets.token_hex(12)
        with watching():
            self._fd = os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            self._is_direct = expected_bytes >= DIRECT_FROM and self._go_direct(expected_bytes)

    def _go_direct(self, expected_bytes: int) -> bool:
        """Reserve the room and leave the page cache out, where the file system can do both.

        A checkpoint in the page cache is copied once more, pushes out what the training reads again, and is
        itself seldom read soon.
        """
        if not hasattr(os, "O_DIRECT"):  # macOS
            return False
        try:
            os.posix_fallocate(self._fd, 0, expected_bytes)
            self._set_direct(True)
        except OSError as error:
            if error.errno in (errno.EINVAL, errno.EOPNOTSUPP):
                return False
            os.close(self._fd)
            self.path.unlink()
            raise
        return True

    def _set_direct(self, on: bool) -> None:
        flags = fcntl.fcntl(self._fd, fcntl.F_GETFL)
        fcntl.fcntl(self._fd, fcntl.F_SETFL, flags | os.O_DIRECT if on else flags & ~os.O_DIRECT)
        self._is_direct = on

    def write(self, data: Buffer) -> None:
        """The next piece, hashed and written by this thread."""
        self.hash_etag(data)
        self.hash_others(data)
        self.put(data)

    def hash_etag(self, data: Buffer) -> None:
        self.digests.update_etag(data)

    def hash_others(self, data: Buffer) -> None:
        self.digests.update_others(data)

    def put(self, data: Buffer) -> None:
        """Append to the file."""
        with self._lock, self._watching():
            if self._fd < 0:
                return  # given up meanwhile; the number may already belong to another file
            view = memoryview(data)
            if self._is_direct:
                view = view[self._put_directly(view) :]
            while view:
                view = view[os.write(self._fd, view) :]
            # Only now: a sync that has already begun does not cover what is still being written.
            self._put_bytes += len(data)

    def _put_directly(self, view: memoryview) -> int:
        """Write what whole pages there are; what is left, the end of the body, has to go the usual way."""
        whole = len(view) // PAGE * PAGE
        done = 0
        try:
            while done < whole:
                done += os.write(self._fd, view[done:whole])
        except OSError as error:
            if error.errno != errno.EINVAL:  # a disk with larger pages, or memory that does not begin on one
                raise
        if done < len(view):
            self._set_direct(False)
        return done

    @property
    def is_worth_syncing(self) -> bool:
        """So much was written that the disk may as well begin before the end comes."""
        return self._put_bytes - self._synced_bytes >= _SYNC_EVERY

    def sync(self) -> None:
        """What was written before this was called is on disk when it returns."""
        with self._sync_lock, self._watching():
            if self._failed_sync is not None:
                raise self._failed_sync  # asked again, the kernel might say that all is well
            covered = self._put_bytes
            if covered > self._synced_bytes:
                if self._fd < 0:  # closed under our hands: to say nothing would be to say that it is on disk
                    raise Refusal("ServiceUnavailable", "The upload was given up.")
                try:
                    _sync_data(self._fd)
                except OSError as error:
                    self._failed_sync = error
                    raise
                self._synced_bytes = covered

    def close(self) -> None:
        """Let go; what was not sealed disappears. Waits for a write or sync that is under way."""
        with self._sync_lock, self._lock:
            if self._fd >= 0:
                os.close(self._fd)
                self._fd = -1
        self.path.unlink(missing_ok=True)


def _sync_data(fd: int) -> None:
    if sys.platform == "darwin":
        fcntl.fcntl(fd, fcntl.F_FULLFSYNC)  # its fsync leaves the cache of the drive alone
    else:
        os.fdatasync(fd)
