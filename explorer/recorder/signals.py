"""SIGTERM as a wish: the training is told, and ends after its step."""

from __future__ import annotations

import logging
import signal
import threading
from types import FrameType
from typing import Any

log = logging.getLogger("explorer.recorder")


class StopSignal:
    """Sets an event at SIGTERM; a second one is as deadly as ever."""

    def __init__(self, event: threading.Event) -> None:
        self._event = event
        self._before: Any = None

    def listen(self) -> None:
        """Only the main thread can; elsewhere (a notebook's worker) nothing is installed."""
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGTERM, self._asked)

    def unlisten(self) -> None:
        if self._before is not None:
            signal.signal(signal.SIGTERM, self._before)
            self._before = None

    def _asked(self, _number: int, _frame: FrameType | None) -> None:
        log.warning("asked to stop: saving after this step")
        self._event.set()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
