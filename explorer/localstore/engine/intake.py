"""A large body on its way into a sink: taken in by one thread while others work on what came before."""

from __future__ import annotations

import mmap
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from typing import Any

from explorer.localstore.engine.digests import Buffer
from explorer.localstore.engine.sinks import Sink

BLOCK_BYTES = 2 * 2**20
"""Large enough that handing it over costs nothing beside hashing it, small enough to stay in the cache."""
BLOCKS = 3
"""One that fills, one that is worked on, and one so that neither has to wait for the other."""
_SPARE = 2 * BLOCKS
_spare: deque[mmap.mmap] = deque(maxlen=_SPARE)
"""Memory of the uploads before: fresh memory costs as much as writing to it once more."""


class Lane:
    """Work that keeps its order, done by whichever threads are free."""

    def __init__(self, threads: Executor) -> None:
        self._threads = threads
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Future[Any], Callable[..., Any], tuple[Any, ...]]] = deque()
        self._is_running = False

    def submit(self, work: Callable[..., Any], *args: Any) -> Future[Any]:
        future: Future[Any] = Future()
        with self._lock:
            self._waiting.append((future, work, args))
            starts = not self._is_running
            self._is_running = True
        if starts:
            self._threads.submit(self._run)
        return future

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._is_running = False
                    return
                future, work, args = self._waiting.popleft()
            try:
                future.set_result(work(*args))
            except BaseException as error:
                future.set_exception(error)


class Intake:
    """Fills blocks of memory that begin on a page; full ones are hashed and written, in order.

    Call `fill` until it has taken everything, each time after what `unfinished` names is done, then `finish`.
    """

    def __init__(self, sink: Sink, threads: Executor) -> None:
        self._sink = sink
        self._threads = threads
        self._lanes = [(Lane(threads), work) for work in (sink.hash_etag, sink.hash_others, self._put)]
        self._blocks: list[mmap.mmap] = []
        self._work: list[list[Future[Any]]] = []
        self._current = 0
        self._filled = 0
        self._syncing: Future[Any] | None = None

    @property
    def unfinished(self) -> Sequence[Future[Any]]:
        """What has to be done before `fill` may go on: nothing, as a rule."""
        return self._work[self._current] if self._current < len(self._work) else ()

    @property
    def under_way(self) -> list[Future[Any]]:
        """All that may still be at work on the memory or the file."""
        syncing = [] if self._syncing is None else [self._syncing]
        return [*(future for each in self._work for future in each), *syncing]

    def fill(self, data: Buffer) -> int:
        """Take as much of `data` as fits; returns how much that was."""
        if self._current == len(self._blocks):
            self._blocks.append(_take())
            self._work.append([])
        size = min(len(data), BLOCK_BYTES - self._filled)
        self._blocks[self._current][self._filled : self._filled + size] = data[:size]
        self._filled += size
        if self._filled == BLOCK_BYTES:
            self._hand_over()
        return size

    def _hand_over(self) -> None:
        view = memoryview(self._blocks[self._current])[: self._filled]
        self._work[self._current] = [lane.submit(work, view) for lane, work in self._lanes]
        self._current, self._filled = (self._current + 1) % BLOCKS, 0

    def _put(self, view: memoryview) -> None:
        self._sink.put(view)
        if self._sink.is_worth_syncing and (self._syncing is None or self._syncing.done()):
            self._syncing = self._threads.submit(self._sink.sync)

    def finish(self) -> list[Future[Any]]:
        """Hand over what is left, and sync it; the body is on disk when these are done. Then `release`."""
        if self._filled:
            self._hand_over()
        last = self._lanes[-1][0].submit(self._sink.sync)
        return [*self.under_way, last]

    def release(self) -> None:
        """Give the memory back; nothing may be at work on it any more."""
        _spare.extend(self._blocks)
        self._blocks.clear()


def _take() -> mmap.mmap:
    try:
        return _spare.pop()
    except IndexError:
        return mmap.mmap(-1, BLOCK_BYTES)
