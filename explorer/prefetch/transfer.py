"""Objects in parts, several at a time: every part pinned to the listing, every stop safe."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from explorer.errors import Conflict
from explorer.lineage.address import Node
from explorer.lineage.values import ObjectInfo
from explorer.prefetch.cache import Cache
from explorer.prefetch.drafts import Draft, disk_trouble
from explorer.prefetch.plan import Part

IN_FLIGHT = 6
_REPORT_S = 0.1
_Job = tuple[Draft, ObjectInfo, Part]


class Source(Protocol):
    """The one thing that a transfer needs of a store."""

    def read_part(self, node: Node, item: ObjectInfo, start: int, length: int) -> memoryview: ...


class Transfer:
    """One download of some objects of one node; `run` returns when it is over, or raises what ended it."""

    def __init__(self, source: Source, cache: Cache, node: Node, cancel: threading.Event) -> None:
        self._source = source
        self._cache = cache
        self._node = node
        self._cancel = cancel
        self._stop = threading.Event()
        self._failure: Exception | None = None
        self._lock = threading.Lock()
        self._open: dict[Draft, int] = {}
        self._held: list[ObjectInfo] = []
        self.moved_bytes = 0
        """Bytes that came over the wire so far."""

    def run(self, items: Sequence[ObjectInfo], report: Callable[[], None]) -> tuple[ObjectInfo, ...]:
        """Fetch what is missing; returns the objects that somebody else is fetching just now.

        `report` is called from this thread, at most 10 times a second.

        Raises:
            Conflict: an object is not the listed one any more; what was fetched of it is gone.
            Unreachable, NotAllowed, NotFound, StoreTrouble: what was fetched is kept.
        """
        jobs = self._jobs(items)
        # Daemons: a program that ends does not wait for a slow part; what it wrote is safe at any moment.
        threads = [
            threading.Thread(target=self._work, args=(jobs,), name=f"prefetch-{n}", daemon=True)
            for n in range(IN_FLIGHT)
        ]
        reported = time.monotonic()
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                while thread.is_alive():
                    thread.join(_REPORT_S)
                    if time.monotonic() - reported >= _REPORT_S:
                        reported = time.monotonic()
                        report()
        finally:  # also when `report` fails: each thread ends its part, then the drafts can be closed
            self._stop.set()
            for thread in threads:
                thread.join()
            for draft in self._open:
                draft.close()
        if self._failure is not None:
            raise self._failure
        self._cache.sync(items)
        return tuple(self._held)

    def _work(self, jobs: Iterator[_Job]) -> None:
        try:
            while not self._stop.is_set() and not self._cancel.is_set():
                with self._lock:
                    job = next(jobs, None)
                if job is None:
                    return
                self._fetch(*job)
        except OSError as error:
            self._fail(disk_trouble(error, 0, self._cache.folder))
        except Exception as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        with self._lock:
            self._failure = self._failure or error
        self._stop.set()

    def _jobs(self, items: Sequence[ObjectInfo]) -> Iterator[_Job]:
        """Every missing part; a draft is opened when its first part is taken, so few are held at a time."""
        for item in items:
            draft = self._cache.draft(item)
            if draft is None:
                if not self._cache.has(item):
                    self._held.append(item)
                continue
            self._open[draft] = len(draft.missing)
            if not draft.missing:  # an empty object, or all was there but the rename
                self._finish(draft)
            for part in draft.missing:
                yield draft, item, part

    def _fetch(self, draft: Draft, item: ObjectInfo, part: Part) -> None:
        try:
            data = self._source.read_part(self._node, item, part.start, part.length)
        except Conflict:
            draft.discard()
            raise
        draft.write(part, data)
        with self._lock:
            self.moved_bytes += part.length
            self._open[draft] -= 1
            last = self._open[draft] == 0
        if last:
            self._finish(draft)

    def _finish(self, draft: Draft) -> None:
        draft.finish()
        draft.close()
        del self._open[draft]
