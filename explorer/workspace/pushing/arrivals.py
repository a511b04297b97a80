"""After a kill: which of the changes that were on their way did arrive, though no line says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from explorer.errors import NotFound
from explorer.lineage.values import ObjectInfo
from explorer.workspace.pushing.history import read_history
from explorer.workspace.pushing.objects import PART_BYTES, AtVersion, Change, is_big, refers, rewrite
from explorer.workspace.pushing.record import PushMap, Sent
from explorer.workspace.pushing.sending import Sender
from explorer.workspace.pushing.target import Target

if TYPE_CHECKING:
    from explorer.storage import Store
    from explorer.storage.versions import ObjectVersion

OnTheirWay = Callable[[str], Sequence[Change]]
"""The changes of one key that may have been under way, the next one first."""


class Arrivals:
    """Versions over there are counted by key: one that no line tells of is ours if it is the next one."""

    def __init__(self, target: Store, record: PushMap, there: Target, sender: Sender) -> None:
        self._target = target
        self._map = record
        self._there = there
        self._sender = sender

    def settle(
        self, bucket: str, sent: Sent, there: dict[str, ObjectInfo], on_their_way: OnTheirWay
    ) -> frozenset[str]:
        """Note the changes that arrived before an earlier push ended; keys that may hold one all the same.

        Raises:
            Conflict: there is a version of a key that was being sent, and it is not ours.
        """
        history = read_history(self._target, sent.name, sent.parent)
        if history is None:
            self._settle_by_listing(bucket, sent, there, on_their_way)
            return sent.keys
        made = history.by_key()
        for key in sent.keys:
            # more than one: an answer was lost, and the request sent again
            extra = made.get(key, [])[sent.count.get(key, 0) :]
            if not extra:
                continue
            ours = (change for change in on_their_way(key) if all(self._same(change, v, sent) for v in extra))
            change = next(ours, None)
            if change is None:
                raise self._there.foreign(sent, [key])
            for version in extra:
                self._sender.note(bucket, change, version.item)
        return frozenset()

    def _settle_by_listing(
        self, bucket: str, sent: Sent, there: dict[str, ObjectInfo], on_their_way: OnTheirWay
    ) -> None:
        for key in sent.keys:
            found = there.get(key)
            if found is None or found.etag == sent.left.get(key):
                continue
            for change in on_their_way(key):
                if change.item is not None and self._there.has(found, change.item):
                    self._sender.note(bucket, change, found)
                    break

    def _same(self, change: Change, version: ObjectVersion, sent: Sent) -> bool:
        if change.item is None or version.item is None:
            return change.item is version.item
        if self._there.has(version.item, change.item):
            return True
        there = AtVersion(self._target, sent.name, version.version, version.item)
        try:
            if refers(change.key, change.item.size_bytes):
                return rewrite(change.origin.read()[0], self._map.renamed) == there.read()[0]
            # of several parts: an ETag tells where they end as well as what is in them
            if not is_big(change.item) or version.item.size_bytes != change.item.size_bytes:
                return False
            for start in range(0, change.item.size_bytes, PART_BYTES):
                length = min(PART_BYTES, change.item.size_bytes - start)
                if there.read_part(start, length) != change.origin.read_part(start, length):
                    return False
        except NotFound:
            return False
        return True
