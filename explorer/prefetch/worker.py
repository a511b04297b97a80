"""`Prefetcher`: makes the objects of a snapshot complete on this disk, and says how far that is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from explorer.errors import BadInput
from explorer.lineage.address import Node
from explorer.lineage.values import ObjectInfo, Progress
from explorer.prefetch.cache import Cache
from explorer.prefetch.transfer import Source, Transfer

_HELD_S = 0.1


class Prefetcher:
    """Fetches from one store into one cache. Any thread."""

    def __init__(self, store: Source, cache: Cache) -> None:
        self._store = store
        self._cache = cache

    def prefetch(
        self,
        node: Node,
        objects: Sequence[ObjectInfo],
        on_progress: Callable[[Progress], None],
        cancel: threading.Event,
    ) -> Progress:
        """Fetch what is missing of `objects`, in their order; blocks until all is here or `cancel` is set.

        What another process is fetching is waited for, and taken over if that process dies. `on_progress`
        comes from this thread, at most 10 times a second.

        Raises:
            BadInput: the node is a head: its objects may change while they are fetched.
            Conflict, Unreachable, NotAllowed, NotFound, StoreTrouble: what was fetched is kept for the next
            time.
        """
        if node.is_head:
            raise BadInput(
                f"`{node}` is a head, which may change while it is fetched.",
                hint="prefetch one of its snapshots, as `bucket@version`",
            )
        wanted = {self._cache.blob(item): item for item in objects}
        todo = tuple(item for item in wanted.values() if not self._cache.has(item))
        before = self.progress(objects)
        here, total = before.done_bytes, before.total_bytes
        self._cache.make_room(sum(item.size_bytes - self._cache.done_bytes(item) for item in todo), wanted)
        while todo and not cancel.is_set():
            transfer = Transfer(self._store, self._cache, node, cancel)

            def report(moved: Transfer = transfer, here: int = here) -> None:
                on_progress(Progress(min(total, here + moved.moved_bytes), total, active=True))

            report()
            held = transfer.run(todo, report)
            todo = tuple(item for item in held if not self._cache.has(item))
            here = self.progress(objects).done_bytes
            if todo:
                cancel.wait(_HELD_S)
        last = self.progress(objects)
        on_progress(last)
        return last

    def progress(self, objects: Sequence[ObjectInfo]) -> Progress:
        """How much of `objects` is on this disk."""
        return self._cache.progress(objects)
