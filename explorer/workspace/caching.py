"""Checkpoints on this disk: fetched in the background, shown as badges, handed to jobs as files."""

from __future__ import annotations

import shutil
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.errors import BadInput, NotFound
from explorer.lineage.address import Node
from explorer.lineage.events import Event, PrefetchDropped, PrefetchMoved, Recovered
from explorer.lineage.values import ObjectInfo, Progress
from explorer.workspace.core import Core
from explorer.workspace.manifests import Manifests

if TYPE_CHECKING:
    from explorer.prefetch import Cache, Plans, Prefetcher

_KNOWN = 1000
"""So many nodes' objects are remembered for their badges."""


class Caching:
    """One download at a time, in the order asked for; progress is told at most 10 times a second."""

    def __init__(self, core: Core, manifests: Manifests) -> None:
        """`manifests` finds what is to be fetched: what a screen shows is what a run gets."""
        self._core = core
        self._manifests = manifests
        self._ready = threading.Condition()
        self._queue: OrderedDict[Node, None] = OrderedDict()
        self._busy: tuple[Node, threading.Event] | None = None
        self._thread: threading.Thread | None = None
        self._known: OrderedDict[Node, tuple[ObjectInfo, ...]] = OrderedDict()
        self._remembered = False

    @property
    def folder(self) -> Path:
        return self._core.data / "cache"

    @cached_property
    def _cache(self) -> Cache:
        from explorer.prefetch import Cache

        return Cache.open(self.folder, self._core.settings.cache_max_bytes, self._core.store.info.identity)

    @cached_property
    def _prefetcher(self) -> Prefetcher:
        from explorer.prefetch import Prefetcher

        return Prefetcher(self._core.store, self._cache)

    @cached_property
    def _plans(self) -> Plans:
        from explorer.prefetch import Plans

        return Plans(self.folder / "plans")

    def prefetch(self, node: Node) -> None:
        """Queue the newest checkpoint at a snapshot; returns at once.

        Raises:
            BadInput: the node is a head.
        """
        if node.is_head:
            raise BadInput(
                f"`{node}` is a head: it may change while it is fetched.",
                hint="prefetch one of its snapshots; `s` or `explorer snapshots take` makes one",
            )
        with self._ready:
            if node in self._queue or (self._busy is not None and self._busy[0] == node):
                return
            self._queue[node] = None
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="prefetching", daemon=True)
                self._thread.start()
            self._ready.notify_all()
        known = self._core.state.prefetched.get(node)
        facts = self._core.state.facts.get(node)
        total = known.total_bytes if known else (facts.size_bytes if facts else None)
        done = known.done_bytes if known else 0
        self._core.emit(PrefetchMoved(node, Progress(done, total or 1, active=True)), Recovered(node))

    def cancel(self, node: Node) -> None:
        """Stop fetching this node, or take it off the queue; what is here stays here. Returns at once."""
        with self._ready:
            if self._busy is not None and self._busy[0] == node:
                self._busy[1].set()  # the worker says how far it came
                return
            if self._queue.pop(node, ...) is ...:
                return
        self._settle(node)

    def cached(self, node: Node) -> bool:
        """Whether the newest checkpoint at a snapshot is here, all of it. A LIST for nodes new to us."""
        if node.is_head or not self.folder.exists():
            return False
        objects = self._objects(node)
        return bool(objects) and self._prefetcher.progress(objects).complete

    def view(self, node: Node, dest: Path) -> None:
        """Show a cached checkpoint as files under `dest`, at their keys.

        Where the disk cannot clone, the files are links to the cache's own: read-only, and not to be
        written to.

        Raises:
            NotFound: not all of it can be shown; then `dest` is gone.
        """
        missing: Sequence[ObjectInfo] = self._objects(node)
        if self.cached(node):
            dest.mkdir(parents=True, exist_ok=True)
            missing = self._cache.view(dest, missing)
            if not missing:
                return
            shutil.rmtree(dest)
            self._settle(node)
        raise NotFound(
            f"{self._core.state.label(node)} is not on this disk: {len(missing)} files are missing.",
            hint=f"`explorer prefetch {node}` fetches them",
        )

    def saw(self, node: Node, listing: Sequence[ObjectInfo]) -> None:
        """Somebody has listed a node: tell its badge, now and when what it shares is fetched."""
        from explorer.prefetch import choose_objects

        self._remember(node, choose_objects(listing, self._manifests.found(node, listing)))
        if self.folder.exists():
            self._tell((node,))

    def badges(self, nodes: Iterable[Node]) -> None:
        """Tell how much is here of the nodes whose objects are known, not of others. Returns at once."""
        if self.folder.exists() and not self._core.closing.is_set():
            with suppress(RuntimeError):  # the pool has closed meanwhile
                self._core.pool.submit(self._tell, tuple(nodes))

    def close(self) -> None:
        """Stop fetching; a transfer ends the parts it is at."""
        with self._ready:
            self._queue.clear()
            if self._busy is not None:
                self._busy[1].set()
            self._core.closing.set()
            self._ready.notify_all()
        if self._thread is not None:
            self._thread.join(timeout=2)

    def _work(self) -> None:
        while True:
            with self._ready:
                self._busy = None
                while not self._queue:
                    if self._core.closing.is_set():
                        return
                    self._ready.wait()
                node, _ = self._queue.popitem(last=False)
                self._busy = (node, cancel := threading.Event())
            try:
                self._fetch(node, cancel)
            except Exception as error:  # painted on its node; the worker goes on with the next
                self._settle(node)
                self._core.fail(node, error)

    def _fetch(self, node: Node, cancel: threading.Event) -> None:
        objects = self._objects(node)
        if not objects:
            label = self._core.state.label(node)
            raise NotFound(f"There is nothing at {label}.", hint="choose another snapshot")
        self._keep(node, objects)
        self._prefetcher.prefetch(node, objects, lambda moved: self._moved(node, moved), cancel)
        self._settle(node)
        here = {item.etag for item in objects}
        with self._ready:
            kin = [n for n, known in self._known.items() if not here.isdisjoint(i.etag for i in known)]
        self._tell(kin)

    def _moved(self, node: Node, progress: Progress) -> None:
        if progress.active:
            self._core.emit(PrefetchMoved(node, progress))

    def _settle(self, node: Node) -> None:
        """Say what is here of a node that nobody is fetching now."""
        objects = self._known.get(node)
        event = self._badge(node, objects) if objects else PrefetchDropped(node)
        if event is not None:
            self._core.emit(event)

    def _tell(self, nodes: Sequence[Node]) -> None:
        if not self._remembered:
            self._remembered = True
            for plan in self._plans.all():
                if plan.store == self._core.store.info.identity:
                    self._remember(plan.node, plan.objects)
        with self._ready:
            moving = {*self._queue, *((self._busy[0],) if self._busy is not None else ())}
        events = [
            event
            for node in nodes
            if node not in moving
            and node.bucket in self._core.state.buckets
            and (objects := self._known.get(node))
            and (event := self._badge(node, objects)) is not None
        ]
        if events:
            self._core.emit(*events)

    def _badge(self, node: Node, objects: Sequence[ObjectInfo]) -> Event | None:
        progress = self._prefetcher.progress(objects)
        shown = self._core.state.prefetched.get(node)
        if progress == shown:
            return None
        if progress.complete and not node.is_head:
            self._keep(node, objects)  # a fork's snapshot that shares what is here: known in later sessions
        if progress.done_bytes or not progress.total_bytes:
            return PrefetchMoved(node, progress)
        if not node.is_head:
            with suppress(OSError):
                self._plans.forget(self._core.store.info.identity, node)  # evicted
        return PrefetchDropped(node) if shown is not None else None

    def _keep(self, node: Node, objects: Sequence[ObjectInfo]) -> None:
        from explorer.prefetch import Plan

        with suppress(
            OSError
        ):  # a full disk: the download says so, the badge of a later session is no matter
            self._plans.save(Plan(self._core.store.info.identity, node, tuple(objects)))

    def _objects(self, node: Node) -> tuple[ObjectInfo, ...]:
        known = self._known.get(node) if not node.is_head else None
        if known is not None:
            return known
        from explorer.prefetch import choose_objects

        listing = self._manifests.objects(node)
        return self._remember(node, choose_objects(listing, self._manifests.found(node, listing)))

    def _remember(self, node: Node, objects: tuple[ObjectInfo, ...]) -> tuple[ObjectInfo, ...]:
        with self._ready:
            self._known[node] = objects
            self._known.move_to_end(node)
            while len(self._known) > _KNOWN:
                self._known.popitem(last=False)
        return objects
