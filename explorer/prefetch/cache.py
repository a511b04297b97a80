"""Blobs on this disk, keyed by what they are, not by where they lay: forks of the cached are cached."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from blake3 import blake3

from explorer.errors import StoreTrouble
from explorer.lineage.values import ObjectInfo, Progress
from explorer.prefetch.drafts import Draft, disk_trouble, partial_path, sync_folder
from explorer.prefetch.linking import inside, link
from explorer.prefetch.parts import DIGEST_BYTES, Label, Parts, parts_path, read_parts
from explorer.prefetch.plan import PART_BYTES
from explorer.wording import size

_RESERVE_BYTES = 2**30
"""Left free on the disk, or 2 % of it where that is less."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One blob in the cache, finished or not."""

    blob: Path
    label: Label
    done_bytes: int
    disk_bytes: int
    used_ns: int
    complete: bool
    in_use: bool
    """Linked into a view that exists: it is not evicted, and deleting it would free nothing."""


class Cache:
    """A folder of blobs. Any number of processes may use it at once; nothing of it is lost by a kill.

    `store` is part of every key: an ETag is not a promise about content across stores.
    """

    def __init__(self, folder: Path, max_bytes: int, store: str, part_bytes: int) -> None:
        self.folder = folder
        self.max_bytes = max_bytes
        self._store = store
        self._part_bytes = part_bytes
        self._blobs = folder / "blobs"

    @classmethod
    def open(cls, folder: Path, max_bytes: int, store: str = "", *, part_bytes: int = PART_BYTES) -> Cache:
        """A cache in `folder`; nothing is made before the first blob."""
        return cls(folder, max_bytes, store, part_bytes)

    def blob(self, item: ObjectInfo) -> Path:
        """Where the bytes of an object are, or would be."""
        name = sha256(f"{self._store}|{item.etag}|{item.size_bytes}".encode()).hexdigest()
        return self._blobs / name[:2] / name

    def has(self, item: ObjectInfo) -> bool:
        """Whether all of it is here: one stat."""
        return self.blob(item).exists()

    def done_bytes(self, item: ObjectInfo) -> int:
        """How much of it is here, also while another process is at it."""
        blob = self.blob(item)
        if blob.exists():
            return item.size_bytes
        parts = read_parts(parts_path(blob))
        return 0 if parts is None else parts.done_bytes

    def progress(self, objects: Iterable[ObjectInfo]) -> Progress:
        """How much of `objects` is here: a stat each, and a small read for the unfinished."""
        done = total = 0
        for item in objects:
            done += self.done_bytes(item)
            total += item.size_bytes
        return Progress(done, total)

    def draft(self, item: ObjectInfo) -> Draft | None:
        """Begin or go on to fetch an object; None while somebody else is, or when it is here.

        Raises:
            StoreTrouble: no room, or the folder cannot be written.
        """
        blob = self.blob(item)
        try:
            if not self.folder.exists():
                self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # what is in it may be secret
            blob.parent.mkdir(parents=True, exist_ok=True)
            return Draft.open(blob, item, self._store, self._part_bytes)
        except OSError as error:
            raise disk_trouble(error, item.size_bytes, self.folder) from error

    def sync(self, items: Iterable[ObjectInfo]) -> None:
        """The names of these blobs are on the disk when this returns, as their bytes have been all along."""
        for folder in {self.blob(item).parent for item in items}:
            with suppress(FileNotFoundError):
                sync_folder(folder)

    def view(self, dest: Path, objects: Iterable[ObjectInfo]) -> tuple[ObjectInfo, ...]:
        """Show objects as files under `dest`, at their keys; returns those that could not be shown.

        A blob that was written to since it was fetched is read again against its digests, and dropped when
        it is not what it was. A key that is no path inside `dest` is never shown.
        """
        return tuple(item for item in objects if not self._show(dest, item))

    def _show(self, dest: Path, item: ObjectInfo) -> bool:
        path = inside(dest, item.key)
        blob = self.blob(item)
        if path is None or not blob.exists():
            return False
        parts = Parts.take(parts_path(blob), wait=True, shared=True)
        if parts is None:
            return False
        try:
            sound = _untouched(blob, parts.label) or _matches(blob, parts)
            if sound:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.unlink(missing_ok=True)
                link(blob, path)
                parts.touch()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise disk_trouble(error, item.size_bytes, dest) from error
        finally:
            parts.close()
        if not sound:
            self._drop(blob)
        return sound

    def verify(self, item: ObjectInfo) -> bool:
        """Read a blob against its digests; one that fails is dropped. Cost: reads all of it."""
        return self._verify(self.blob(item))

    def verify_all(self) -> tuple[Entry, ...]:
        """Read every blob against its digests; returns those that failed and were dropped."""
        return tuple(e for e in self.entries() if e.complete and not self._verify(e.blob))

    def _verify(self, blob: Path) -> bool:
        parts = Parts.take(parts_path(blob), wait=True, shared=True)
        if parts is None:
            return False
        try:
            sound = _matches(blob, parts)
        except FileNotFoundError:
            return False
        finally:
            parts.close()
        if not sound:
            self._drop(blob)
        return sound

    def entries(self) -> tuple[Entry, ...]:
        """Everything in the cache, of every store, least recently used first."""
        return tuple(sorted(self._scan(), key=lambda entry: entry.used_ns))

    def _scan(self) -> Iterator[Entry]:
        for path in self._blobs.glob("*/*.parts"):
            blob = path.with_name(path.name.removesuffix(".parts"))
            parts = read_parts(path)
            with suppress(FileNotFoundError):
                used = path.stat().st_mtime_ns
                complete = blob.exists()
                stat = blob.stat() if complete else partial_path(blob).stat()
                label = parts.label if parts is not None else Label(stat.st_size, 1, 0, "", "", "")
                done = stat.st_size if complete else (parts.done_bytes if parts is not None else 0)
                yield Entry(blob, label, done, stat.st_blocks * 512, used, complete, stat.st_nlink > 1)

    def make_room(self, needed: int, keep: Collection[Path] = ()) -> None:
        """Evict, least recently used first, until `needed` bytes more fit the limit and the disk.

        Never evicted: blobs in `keep`, blobs shown in a view, and what somebody is fetching.

        Raises:
            StoreTrouble: they do not fit.
        """
        entries = self.entries()
        over = sum(entry.disk_bytes for entry in entries) + needed - self.max_bytes
        short = needed - self._free_bytes()
        for entry in entries:
            if over <= 0 and short <= 0:
                return
            if entry.blob not in keep and not entry.in_use and self._drop(entry.blob):
                over -= entry.disk_bytes
                short -= entry.disk_bytes
        if over > 0:
            raise StoreTrouble(
                f"{size(needed)} more do not fit into the cache of {size(self.max_bytes)}.",
                hint="raise `cache_max_bytes` in the settings file; views of runs that ended can be deleted",
                where=str(self.folder),
            )
        if short > 0:
            raise disk_trouble(OSError(28, "no space"), needed, self.folder)

    def _free_bytes(self) -> int:
        folder = self.folder
        while not folder.exists():
            folder = folder.parent
        disk = os.statvfs(folder)
        reserve = min(_RESERVE_BYTES, disk.f_blocks * disk.f_frsize // 50)
        return disk.f_bavail * disk.f_frsize - reserve

    def clear(self) -> int:
        """Delete all that nobody is fetching; returns the bytes freed. Files shown in views stay."""
        dropped = [entry for entry in self.entries() if self._drop(entry.blob)]
        return sum(entry.disk_bytes for entry in dropped if not entry.in_use)

    def _drop(self, blob: Path) -> bool:
        parts = Parts.take(parts_path(blob), create=Label(0, 1, 0, "", "", ""))
        if parts is None:
            return False  # somebody is fetching or showing it
        try:
            blob.unlink(missing_ok=True)
            partial_path(blob).unlink(missing_ok=True)
            parts_path(blob).unlink(missing_ok=True)
        finally:
            parts.close()
        return True


def _untouched(blob: Path, label: Label) -> bool:
    stat = blob.stat()
    return stat.st_size == label.size and stat.st_mtime_ns == label.mtime_ns


def _matches(blob: Path, parts: Parts) -> bool:
    with blob.open("rb", buffering=0) as file:
        if os.fstat(file.fileno()).st_size != parts.label.size:
            return False
        buffer = memoryview(bytearray(min(parts.label.part_bytes, parts.label.size)))
        for part in parts.all:
            view = buffer[: part.length]
            if os.preadv(file.fileno(), [view], part.start) != part.length:
                return False
            if blake3(view).digest(DIGEST_BYTES) != parts.digest(part):
                return False
    return True
