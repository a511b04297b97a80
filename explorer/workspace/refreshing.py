"""Looks for other people's changes, and follows the loss of what is running."""

from __future__ import annotations

import threading
import time

from explorer.errors import ExplorerError
from explorer.lineage.events import CurveRead, Listed, Recovered
from explorer.workspace.core import Core
from explorer.workspace.curves import Curves
from explorer.workspace.enriching import Enriching
from explorer.workspace.seen import write_seen

_LIVE_S = 1.0
"""How often the metrics of running runs are read."""
_KEEP_S = 10.0
"""How often the lineage is kept on disk while it changes."""


class Refreshing:
    def __init__(self, core: Core, curves: Curves, enriching: Enriching) -> None:
        self._core = core
        self._curves = curves
        self._enriching = enriching
        self._thread: threading.Thread | None = None
        self._kept = -1
        self.refreshed_ns: int | None = None
        """When the store last answered a listing; None before the first."""

    def refresh(self) -> None:
        """List the lineage and fold it in. Blocks: a request a page of buckets, one a bucket.

        A listing that one of our own writes overtook is thrown away and made again: it would
        take a fork off the screen that was just put there.
        """
        for _ in range(3):
            writes = self._core.writes
            buckets = self._core.store.list_lineage()
            before = self._core.state
            if self._core.emit_if(writes, Listed(buckets)):
                self.refreshed_ns = time.time_ns()
                after = self._core.state
                moved = [n for n, b in after.buckets.items() if before.buckets.get(n) != b]
                self._enriching.touch(moved)
                return

    def start(self) -> None:
        """Refresh every `refresh_s` in a thread until the workspace closes."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._loop, name="refresh", daemon=True)
            self._thread.start()

    def keep(self) -> None:
        """Put the lineage on disk for the next first paint, if it changed."""
        state = self._core.state
        if not state.stale and state.revision != self._kept:
            write_seen(self._core.settings, state)
            self._kept = state.revision

    def _loop(self) -> None:
        listed = kept = 0.0
        while not self._core.closing.wait(_LIVE_S if listed else 0):
            now = time.monotonic()
            try:
                if now - listed >= self._core.settings.refresh_s:
                    listed = now
                    self.refresh()
                    self._enriching.again()
                self._follow()
                self._core.emit(Recovered(None))
            except ExplorerError as error:
                if not self._core.closing.is_set():
                    self._core.fail(None, error)
            if now - kept >= _KEEP_S:
                kept = now
                self.keep()

    def _follow(self) -> None:
        """Running runs move their curve between snapshots."""
        state = self._core.state
        live = {run.bucket for run in state.runs.values() if run.is_live and run.bucket in state.buckets}
        for name in live:
            curve = self._curves.curve(name)
            if curve is not None:
                self._core.emit(CurveRead(name, curve))
        self._enriching.touch(list(live))
