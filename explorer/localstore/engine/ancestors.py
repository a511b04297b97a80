"""What forks see of their ancestors does not change: many small ancestors are read once and held as one."""

from __future__ import annotations

import sqlite3
import threading
from collections import OrderedDict
from itertools import islice

from explorer.localstore.engine.records import Entry
from explorer.localstore.engine.walks import Held, Stored, Walk

SMALL = 2_000
"""An ancestor with more keys than this is not held: a walk through it by seeks costs less than its memory."""
HELD = 50_000
"""Keys held in all."""

Level = tuple[int, int]
"""A bucket and the time at which it is seen."""


class Ancestors:
    """Merged views of runs of small ancestors, the least recently used ones forgotten first.

    A view is wrong only when a version is deleted for good; whoever does that calls `forget`.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._views: OrderedDict[tuple[Level, ...], Held] = OrderedDict()
        self._large: set[Level] = set()
        self._size = 0
        self.age = 0
        """Look at it before reading anything: what was read before a `forget` is not kept after it."""

    def forget(self) -> None:
        with self._lock:
            self.age += 1
            self._views.clear()
            self._large.clear()
            self._size = 0

    def walks(self, connection: sqlite3.Connection, chain: list[Level], age: int) -> list[Walk]:
        """Walks through a chain, nearest first. The first of it is a live bucket and never held."""
        head, *rest = chain
        found: list[Walk] = [Stored(connection, *head)]
        run: list[Level] = []
        for level in rest:
            if self._is_large(connection, level, age):
                found += [*self._held(connection, run, age), Stored(connection, *level)]
                run = []
            else:
                run.append(level)
        return [*found, *self._held(connection, run, age)]

    def _is_large(self, connection: sqlite3.Connection, level: Level, age: int) -> bool:
        if level in self._large:
            return True
        if self._find((level,)) is not None:
            return False
        entries = list(islice(Stored(connection, *level).keys(b"", b""), SMALL + 1))
        if len(entries) > SMALL:
            with self._lock:
                self._large.add(level)
            return True
        self._keep((level,), Held(entries), age)
        return False

    def _held(self, connection: sqlite3.Connection, run: list[Level], age: int) -> list[Held]:
        if not run:
            return []
        found = self._find(tuple(run))
        if found is None:
            nearest: dict[bytes, Entry] = {}
            for level in run:
                own = self._find((level,)) or Held(list(Stored(connection, *level).keys(b"", b"")))
                for each in own.entries:
                    nearest.setdefault(each.key, each)
            found = Held([nearest[key] for key in sorted(nearest)])
            self._keep(tuple(run), found, age)
        return [found]

    def _find(self, levels: tuple[Level, ...]) -> Held | None:
        with self._lock:
            found = self._views.get(levels)
            if found is not None:
                self._views.move_to_end(levels)
            return found

    def _keep(self, levels: tuple[Level, ...], view: Held, age: int) -> None:
        with self._lock:
            if age != self.age or levels in self._views:
                return
            self._views[levels] = view
            self._size += len(view.entries) + 1
            while self._size > HELD and len(self._views) > 1:
                _, gone = self._views.popitem(last=False)
                self._size -= len(gone.entries) + 1
