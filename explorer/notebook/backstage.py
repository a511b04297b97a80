"""What stands behind the widgets: workers for what blocks, and the way back to the kernel's loop."""

from __future__ import annotations

import contextlib
import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from explorer.notebook.live import Live, running_loop

log = logging.getLogger(__name__)


class Backstage:
    """Made in a cell, so that it knows the kernel's loop; in a plain script there is none."""

    def __init__(self) -> None:
        self._workers = ThreadPoolExecutor(4, thread_name_prefix="notebook")
        self._following: list[Live] = []
        self._waiting: deque[Callable[[], None]] = deque()
        self._loop = running_loop()

    def submit(self, call: Callable[[], None]) -> None:
        """Run something that blocks in a worker; what it raises is its own to catch."""
        with contextlib.suppress(RuntimeError):  # closed meanwhile
            self._workers.submit(call)

    def later(self, call: Callable[[], None]) -> None:
        """Run something on the kernel's loop, where widgets are made; at once where there is none."""
        if self._loop is None:
            call()
            return
        self._waiting.append(call)
        with contextlib.suppress(RuntimeError):  # the kernel is shutting down
            self._loop.call_soon_threadsafe(self._run_waiting)

    def follow(self, live: Live) -> None:
        """Keep something painted while a call in a cell blocks."""
        self._following.append(live)

    def unfollow(self, live: Live) -> None:
        if live in self._following:
            self._following.remove(live)

    def pump(self, *, look: bool = False) -> None:
        """Do what the loop would do: called on its thread by what blocks a cell.

        `look` paints also what was not told to have changed: a log grows without any event.
        """
        self._run_waiting()
        for live in tuple(self._following):
            if look:
                live.mark()
            live.pump()

    def _run_waiting(self) -> None:
        while self._waiting:
            call = self._waiting.popleft()
            try:
                call()
            except Exception:  # on the loop it would land in an unrelated cell
                log.debug("a widget could not be made", exc_info=True)

    def close(self) -> None:
        self._workers.shutdown(wait=False, cancel_futures=True)
