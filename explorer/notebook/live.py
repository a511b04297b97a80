"""Brings the workspace's feed to the kernel's loop: bursts coalesce, no foreign thread paints."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable

log = logging.getLogger(__name__)

_INTERVAL_S = 0.1
_SHARE = 4
"""A paint that took t waits 4 t before the next: a tree of 100,000 rows must not eat the kernel."""


class Live:
    """Calls `paint` on the loop that was running when this was made, at most ten times a second.

    Without a loop (a plain script) nothing is painted until somebody calls `pump`.
    """

    def __init__(self, paint: Callable[[], None]) -> None:
        self._paint = paint
        self._lock = threading.Lock()
        self._dirty = self._closed = False
        self._painted = 0.0
        self._took_s = 0.0
        self.loop = running_loop()

    def mark(self, _revision: int = 0) -> None:
        """There is something new: any thread may say so, and is not kept."""
        with self._lock:
            if self._dirty or self._closed:
                return
            self._dirty = True
        if self.loop is not None:
            # a kernel that shuts down closes its loop under us
            with contextlib.suppress(RuntimeError):
                self.loop.call_soon_threadsafe(self._soon)

    def close(self) -> None:
        """Paint no more, whatever is under way."""
        with self._lock:
            self._closed = True

    def pump(self) -> None:
        """Paint now if there is something new; only from the loop's own thread."""
        with self._lock:
            if not self._dirty or self._closed:
                return
            self._dirty = False
        began = time.monotonic()
        try:
            self._paint()
        except Exception:  # on the loop it would land in an unrelated cell
            log.debug("painting failed", exc_info=True)
        self._painted = time.monotonic()
        self._took_s = self._painted - began

    def _soon(self) -> None:
        rest = self._painted + max(_INTERVAL_S, _SHARE * self._took_s) - time.monotonic()
        if self.loop is not None and rest > 0:
            self.loop.call_later(rest, self.pump)
        else:
            self.pump()


def running_loop() -> asyncio.AbstractEventLoop | None:
    """The kernel's loop when called from a cell; None in a script or a worker thread."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
