"""Metric files parsed before, kept on disk: another process takes them from there and reads on."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explorer.lineage.values import ObjectInfo
    from explorer.metrics.parsed import Reading

_LEAST_BYTES = 32 << 10
"""A smaller file is read and parsed as fast as its copy here."""
_MAX_BYTES = 512 << 20
"""Beyond this the ones not used for longest are dropped."""
_GROWTH = 1.25
"""A growing file is written again when it is so many times as large."""
_SWEEP_EVERY = 32


class KnownReadings:
    """Readings by (store, key, kind) and in them by ETag and size: a fork shares its parent's files.

    The folder may be deleted at any time; a file that is damaged or unreadable is as if it were not there.
    """

    def __init__(self, folder: Path, store: Callable[[], str]) -> None:
        self._folder = folder
        self._store = store
        self._writes = 0

    def load(self, info: ObjectInfo, kind: str) -> Reading | None:
        """The reading of exactly this content."""
        return self._read(self._place(info, kind) / _name(info)) if info.size_bytes >= _LEAST_BYTES else None

    def grown(self, info: ObjectInfo, kind: str) -> Reading | None:
        """The reading of the largest content under this key that this one may be a continuation of."""
        if info.size_bytes < _LEAST_BYTES:
            return None
        smaller = [size for size in self._sizes(info, kind) if size[0] <= info.size_bytes]
        return self._read(max(smaller)[1]) if smaller else None

    def keep(self, info: ObjectInfo, kind: str, reading: Reading) -> None:
        """Write a reading of this content down, unless little has come to what is there already."""
        from explorer.metrics.stored import pack

        if info.size_bytes < _LEAST_BYTES:
            return
        known = self._sizes(info, kind)
        if any(size <= info.size_bytes < size * _GROWTH for size, _ in known):
            return
        data = pack(reading)
        if data is None:
            return
        place = self._place(info, kind)
        with suppress(OSError):
            place.mkdir(parents=True, exist_ok=True, mode=0o700)
            draft = place / f".{os.getpid()}.{_name(info)}"
            draft.write_bytes(data)
            draft.replace(place / _name(info))
            self._writes += 1
            if self._writes % _SWEEP_EVERY == 1:
                self._sweep()

    def _read(self, path: Path) -> Reading | None:
        from explorer.metrics.stored import unpack

        try:
            data = path.read_bytes()
        except OSError:
            return None
        try:
            found = unpack(data)
        except (ValueError, KeyError, TypeError, IndexError, AttributeError):
            with suppress(OSError):
                path.unlink()
            return None
        with suppress(OSError):
            os.utime(path)
        return found

    def _sizes(self, info: ObjectInfo, kind: str) -> list[tuple[int, Path]]:
        try:
            paths = list(self._place(info, kind).iterdir())
        except OSError:
            return []
        return [(int(size), p) for p in paths if (size := p.name.partition("-")[0]).isdigit()]

    def _place(self, info: ObjectInfo, kind: str) -> Path:
        told = "\0".join((self._store(), kind, info.key)).encode("utf-8", "surrogateescape")
        return self._folder / blake2b(told, digest_size=16).hexdigest()

    def _sweep(self) -> None:
        files = []
        for path in self._folder.glob("*/*"):
            with suppress(OSError):
                stat = path.stat()
                files.append((stat.st_mtime, stat.st_size, path))
        total = sum(size for _, size, _ in files)
        for _, size, path in sorted(files):
            if total <= _MAX_BYTES:
                return
            with suppress(OSError):
                path.unlink()
                total -= size


def _name(info: ObjectInfo) -> str:
    told = blake2b(info.etag.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()
    return f"{info.size_bytes}-{told}"
