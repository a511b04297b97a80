"""`.parts`: what of a blob is on this disk. A line of JSON, then 16 bytes of BLAKE3 for each part, zeros
for none.

It is written while the blob comes in (`.partial`), and stays beside the finished blob, which is checked
against it. Whoever downloads holds an flock on it, so two processes fetch one object once; the evictor
takes the same lock.
"""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from explorer.prefetch.plan import Part, parts_of

DIGEST_BYTES = 16
_MISSING = bytes(DIGEST_BYTES)


@dataclass(frozen=True, slots=True)
class Label:
    """What a `.parts` file says about its blob."""

    size: int
    part_bytes: int
    mtime_ns: int
    """The blob's mtime when it is finished: another one means that somebody wrote to it.

    A whole second, which every file system can keep and which a write leaves alone only by a rare accident.
    """
    etag: str
    key: str
    store: str


class Parts:
    """The `.parts` file of a blob, held open and locked."""

    def __init__(self, fd: int, label: Label, start: int, digests: bytearray) -> None:
        self._fd = fd
        self.label = label
        self._start = start
        self.digests = digests

    @classmethod
    def take(
        cls, path: Path, *, create: Label | None = None, wait: bool = False, shared: bool = False
    ) -> Parts | None:
        """Open and lock; None if it is not there (and `create` is not given), or if somebody holds it.

        A file that is empty or garbled is written anew from `create`; without it, it counts as not there.
        """
        mode = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB)
        while True:
            try:
                fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if create else 0), 0o600)
            except FileNotFoundError:
                return None
            try:
                fcntl.flock(fd, mode)
                if path.stat().st_ino == os.fstat(fd).st_ino:
                    break
            except BlockingIOError:
                os.close(fd)
                return None
            except FileNotFoundError:
                pass
            os.close(fd)  # evicted between open and lock: begin again
        known = _read(fd)
        if known is None and create is None:
            os.close(fd)
            return None
        if known is not None:
            return cls(fd, *known)
        assert create is not None
        made = cls(fd, create, 0, bytearray())
        made.clear(create)
        return made

    def clear(self, label: Label) -> None:
        """Begin anew: nothing is there."""
        head = json.dumps(asdict(label)).encode() + b"\n"
        self.label, self._start = label, len(head)
        self.digests = bytearray(DIGEST_BYTES * len(parts_of(label.size, label.part_bytes)))
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, head + self.digests, 0)

    def record(self, part: Part, digest: bytes) -> None:
        at = part.index * DIGEST_BYTES
        self.digests[at : at + DIGEST_BYTES] = digest
        os.pwrite(self._fd, digest, self._start + at)

    def has(self, part: Part) -> bool:
        at = part.index * DIGEST_BYTES
        return self.digests[at : at + DIGEST_BYTES] != _MISSING

    def digest(self, part: Part) -> bytes:
        return bytes(self.digests[part.index * DIGEST_BYTES : (part.index + 1) * DIGEST_BYTES])

    @property
    def all(self) -> tuple[Part, ...]:
        return parts_of(self.label.size, self.label.part_bytes)

    @property
    def done_bytes(self) -> int:
        return sum(part.length for part in self.all if self.has(part))

    def touch(self) -> None:
        """The blob is used now: eviction goes by this."""
        os.utime(self._fd)

    def sync(self) -> None:
        os.fsync(self._fd)

    def close(self) -> None:
        """Let go of the lock."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def read_parts(path: Path) -> Parts | None:
    """What is there of a blob right now, without a lock: for progress. Its `close` is done already."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        known = _read(fd)
    finally:
        os.close(fd)
    return None if known is None else Parts(-1, *known)


def _read(fd: int) -> tuple[Label, int, bytearray] | None:
    data = os.pread(fd, os.fstat(fd).st_size, 0)
    head, newline, digests = data.partition(b"\n")
    try:
        label = Label(**json.loads(head))
        count = len(parts_of(label.size, label.part_bytes))
    except (ValueError, TypeError):
        return None
    if not newline or len(digests) != count * DIGEST_BYTES:
        return None
    return label, len(head) + 1, bytearray(digests)


def parts_path(blob: Path) -> Path:
    return blob.with_name(f"{blob.name}.parts")
