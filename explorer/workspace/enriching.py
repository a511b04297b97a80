"""Fills in what rows show, in the background, for what is on screen: demand first, once, newest wish wins."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from explorer.errors import ExplorerError, NotFound
from explorer.lineage.address import Node
from explorer.lineage.events import CurveRead, Event, FactsRead, OverridesRead, Recovered
from explorer.lineage.fork_note import FORK_NOTE, read_fork_note
from explorer.lineage.values import Bucket, Facts, ObjectInfo
from explorer.workspace.core import Core
from explorer.workspace.curves import Curves

if TYPE_CHECKING:
    from explorer.checkpoints import Checkpoint

_MOST_OBJECTS = 20_000
"""A listing is read no further for a row's size column."""
_THREADS = 3
_HEAD_AGES = 3
"""A head that was read this many refreshes ago may have moved."""


class Enriching:
    """`want` replaces the wishes of before: rows that were scrolled past are not read."""

    def __init__(
        self,
        core: Core,
        curves: Curves,
        saw: Callable[[Node, Sequence[ObjectInfo]], None],
        find: Callable[[Node, Sequence[ObjectInfo]], tuple[Checkpoint, ...]],
    ) -> None:
        self._core = core
        self._curves = curves
        self._saw = saw
        self._find = find
        self._wanted: dict[Node, None] = {}
        self._busy: set[Node] = set()
        self._shown: tuple[Node, ...] = ()
        self._heads_read: dict[str, float] = {}
        self._notes_read: set[tuple[str, int]] = set()
        self._ready = threading.Condition()
        self._threads = [
            threading.Thread(target=self._work, name=f"enrich-{n}", daemon=True) for n in range(_THREADS)
        ]
        for thread in self._threads:
            thread.start()

    def want(self, nodes: Iterable[Node]) -> None:
        """Ask for facts and curves of these nodes, the first first; returns at once."""
        self._shown = tuple(nodes)
        state = self._core.state
        wanted = {n: None for n in self._shown if n.bucket in state.buckets and self._lacks(n)}
        with self._ready:
            self._wanted = {n: None for n in wanted if n not in self._busy}
            self._ready.notify_all()

    def read_overrides(self) -> None:
        """Read what every fork changed that is not known yet. Blocks: one small GET a fork, in parallel."""
        state = self._core.state
        forks = [b for b in state.buckets.values() if b.parent is not None and b.name not in state.overrides]
        for event in self._core.pool.map(self._read_note, forks):
            self._core.emit(event)

    def first(self, node: Node) -> None:
        """Read this one before the others that are wanted; returns at once."""
        if node.bucket in self._core.state.buckets and self._lacks(node):
            with self._ready:
                if node not in self._busy:
                    self._wanted = {node: None, **self._wanted}
                    self._ready.notify()

    def again(self) -> None:
        """Time went by: what is still on screen may have moved."""
        self.want(self._shown)

    def touch(self, buckets: Iterable[str]) -> None:
        """These heads have moved: read them again when they are next asked for."""
        for name in buckets:
            self._heads_read.pop(name, None)

    def _lacks(self, node: Node) -> bool:
        if node.is_head:  # a head moves without a word: it is read again while it is looked at
            read = self._heads_read.get(node.bucket)
            return read is None or time.monotonic() - read > _HEAD_AGES * self._core.settings.refresh_s
        return node not in self._core.state.facts

    def _work(self) -> None:
        while not self._core.closing.is_set():
            with self._ready:
                if not self._wanted:
                    self._ready.wait(timeout=0.5)
                    continue
                node = next(iter(self._wanted))
                del self._wanted[node]
                self._busy.add(node)
            try:
                self._core.emit(*self._read(node), Recovered(node))
            except ExplorerError as error:
                self._give_up(node, error)
            except Exception as error:  # a reader's mistake is painted on its row, the thread lives on
                self._give_up(node, error)
            finally:
                with self._ready:
                    self._busy.discard(node)

    def _give_up(self, node: Node, error: Exception) -> None:
        if self._core.closing.is_set() or node.bucket not in self._core.state.buckets:
            return
        if node.is_head:
            self._heads_read[node.bucket] = time.monotonic()
        if isinstance(error, NotFound):  # it was deleted under us: the next listing says so
            return
        self._core.fail(node, error)

    def _read(self, node: Node) -> list[Event]:
        from explorer.checkpoints import choose

        objects = self._core.store.list_objects(node, limit=_MOST_OBJECTS)
        if len(objects) < _MOST_OBJECTS:
            self._saw(node, objects)
        newest = choose(self._find(node, objects))
        counted = newest.objects if newest is not None else objects
        facts = Facts(
            step=newest.step if newest is not None else None,
            size_bytes=sum(o.size_bytes for o in counted),
            objects=len(objects),
            checkpoint=newest.prefix if newest is not None else None,
            modified_ns=max((o.modified_ns for o in objects), default=None),
        )
        events: list[Event] = [FactsRead(node, facts)]
        if node.is_head:
            events += self._read_head(node, any(o.key == FORK_NOTE for o in objects))
        return events

    def _read_head(self, node: Node, has_note: bool) -> list[Event]:
        bucket = self._core.state.bucket(node.bucket)
        self._heads_read[bucket.name] = time.monotonic()
        events: list[Event] = []
        identity = (bucket.name, bucket.created_ns)
        if bucket.parent is not None and has_note and identity not in self._notes_read:
            events.append(self._read_note(bucket))
            self._notes_read.add(identity)
        curve = self._curves.curve(bucket.name)
        if curve is not None:
            events.append(CurveRead(bucket.name, curve))
        return events

    def _read_note(self, bucket: Bucket) -> OverridesRead:
        """A fork's note is written once, right after the fork; a fork without one changed nothing."""
        try:
            document, _ = self._core.store.read_object(bucket.head, FORK_NOTE)
        except NotFound:
            return OverridesRead(bucket.name, bucket.created_ns, ())
        return OverridesRead(bucket.name, bucket.created_ns, read_fork_note(document, bucket.name))
