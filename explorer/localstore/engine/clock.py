"""The one clock of the store: strictly rising nanoseconds, whatever the machine's clock does."""

from __future__ import annotations

import time
from collections.abc import Callable


class Clock:
    """Versions and snapshots draw from one counter: no write is ever older than a snapshot before it."""

    def __init__(self, last_ns: int, now_ns: Callable[[], int] = time.time_ns) -> None:
        self.last_ns = last_ns
        self._now_ns = now_ns

    def tick(self) -> int:
        """The next time; only the writer calls it, inside its transaction."""
        self.last_ns = max(self.last_ns + 1, self._now_ns())
        return self.last_ns

    def peek(self) -> int:
        """A time that is not before anything written so far."""
        return max(self.last_ns, self._now_ns())
