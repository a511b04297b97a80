"""Tensors being compared by value: a thread that reads, and what it has told so far."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from explorer.lineage.address import Node
from explorer.tui.columns import Piece
from explorer.tui.glyphs import Glyphs
from explorer.tui.theme import Palette
from explorer.tui.verbs import Verbs
from explorer.wording import count, duration, size

if TYPE_CHECKING:
    from explorer.checkpoints.statistics import Statistics
    from explorer.checkpoints.value_plan import Plan, Refused
    from explorer.workspace.value_statistics import Outcome

_BAR = 16


class ValuesRun:
    """`call` runs in a thread; everything else belongs to the screen. Forgotten as soon as it is stopped."""

    def __init__(self, workspace: Verbs, a: Node, b: Node, plan: Plan) -> None:
        self.plan = plan
        self.found = 0
        self._workspace = workspace
        self._nodes = (a, b)
        self._cancel = threading.Event()
        self._told: deque[Statistics | Refused] = deque()
        self._done = 0
        self._began = time.monotonic()

    def call(self) -> Outcome:
        """Compare; blocks until all is read, or soon after `stop`."""
        return self._workspace.values(*self._nodes, self.plan, self._told.append, self._moved, self._cancel)

    def _moved(self, done: int, total: int) -> None:
        self._done = done

    def stop(self) -> None:
        """Read no further. What was told is kept."""
        self._cancel.set()

    def news(self) -> list[Statistics | Refused]:
        """What was told since the last time."""
        news = []
        while self._told:
            news.append(self._told.popleft())
        return news

    @property
    def total(self) -> int:
        """Tensors in all."""
        return len(self.plan.pairs) + len(self.plan.identical)

    def status(self, palette: Palette, glyphs: Glyphs) -> tuple[list[Piece], list[Piece]]:
        """A bar with what is done and how long the rest will take."""
        total = max(1, self.plan.read_bytes)
        share, passed = self._done / total, time.monotonic() - self._began
        left = passed * (1 - share) / share if share > 0.02 else None
        said = f" {int(100 * share):3d}%  {size(self._done)} of {size(self.plan.read_bytes)}"
        rest = f", {duration(left)} left" if left is not None else ""
        return (
            [(" ", palette.text), (glyphs.bar(share, _BAR), palette.primary), (said + rest, palette.text)],
            [
                (f"{self.found:,} of {count(self.total, 'tensor')}, ", palette.dim),
                ("esc stops ", palette.dim),
            ],
        )
