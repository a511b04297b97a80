"""What one place of a bucket needs over there: versions to replay, or what its listing differs in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.lineage.address import Node, version_order
from explorer.lineage.values import Bucket, ObjectInfo
from explorer.workspace.pushing.history import History, history_of
from explorer.workspace.pushing.objects import AtNode, AtVersion, Change, content_of
from explorer.workspace.pushing.plan import NOT_PUSHED, Listing, Place, by_key, changed
from explorer.workspace.pushing.record import PushMap, Sent
from explorer.workspace.pushing.sending import copies
from explorer.workspace.pushing.target import Target

if TYPE_CHECKING:
    from explorer.storage import Store
    from explorer.storage.versions import ObjectVersion


class Estimate:
    """What is to be sent, before anything is."""

    def __init__(self, record: PushMap) -> None:
        self.objects = 0
        self.bytes = 0
        self.replaced_bytes = 0
        self._map = record
        self._seen: set[str] = set()

    def add(self, item: ObjectInfo, *, replaced: bool = False) -> None:
        """Count an object; `replaced`: no snapshot and no head shows it."""
        travels = self._travels(item)
        self.objects += 1
        self.bytes += travels
        self.replaced_bytes += travels if replaced else 0

    def _travels(self, item: ObjectInfo) -> int:
        content = content_of(item)
        there = copies(self._map, item, seen=content in self._seen)
        self._seen.add(content)
        return 0 if there else item.size_bytes


class Needs:
    """What the places of one bucket need. Without a history: what their listings differ in."""

    def __init__(
        self, source: Store, target: Store, there: Target, bucket: Bucket, history: History | None
    ) -> None:
        self.bucket = bucket
        self.history = history
        self._source = source
        self._target = target
        self._there = there
        self._inherited: dict[str, int] | None = None

    def estimate(self, total: Estimate, before: Place | None, todo: list[Place], sent: Sent | None) -> None:
        """Count what the places still to be pushed need; without a history that lists each of them."""
        if self.history is not None:
            left = self.history.remaining(sent, None)
            replaced: set[int] = set()
            last: dict[str, int] = {}
            place = 0
            for number, version in enumerate(left):
                while (until := todo[place].node.version) and version_order(version.version) > version_order(
                    until
                ):
                    place += 1
                    last.clear()
                if version.key in last:
                    replaced.add(last[version.key])
                last[version.key] = number
            for number, version in enumerate(left):
                if version.item is not None:
                    total.add(version.item, replaced=number in replaced)
            return
        start = before.node if before is not None else self.bucket.parent
        listing: Listing = by_key(self._source.list_objects(start)) if start is not None else {}
        for one in todo:
            after = by_key(self._source.list_objects(one.node))
            for item in changed(listing, after):
                total.add(item)
            listing = after

    def replay(self, place: Place, sent: Sent) -> list[Change]:
        """The versions up to a place that are not over there yet, in the order they were written."""
        if self.history is None:
            return []
        return list(map(self._change, self.history.remaining(sent, place.node.version)))

    def _change(self, version: ObjectVersion) -> Change:
        item = version.item or ObjectInfo(version.key, 0, "", 0)
        origin = AtVersion(self._source, self.bucket.name, version.version, item)
        return Change(version.key, version.item, origin, version.version)

    def difference(self, place: Place, sent: Sent, there: Listing) -> list[Change]:
        """What makes the head over there equal to a place; after a replay, what was deleted for good here.

        A head that was written to since its versions were listed keeps what they said: the rest is for the
        next push, which finds those versions.
        """
        after = by_key(self._source.list_objects(place.node))
        found = [
            self._as_listed(place.node, item)
            for key, item in after.items()
            if not self._there.has(there.get(key), item)
            or (self.history is None and self._labels_differ(place.node, sent, item, there[key]))
        ]
        found.sort(key=lambda change: (change.item.modified_ns if change.item else 0, change.key))
        found += [self._deleted(place.node, key) for key in there if key not in after]
        if self.history is None or place.node.version is not None or not found:
            return found
        known, newer = self.history.newest(), set()
        for version in self._source.list_versions(self.bucket.name):
            if version_order(version.version) > version_order(known.get(version.key, self._cut)):
                newer.add(version.key)
        return [change for change in found if change.key not in newer]

    @property
    def _cut(self) -> str:
        return self.bucket.parent.version or "" if self.bucket.parent is not None else ""

    def _as_listed(self, node: Node, item: ObjectInfo) -> Change:
        return Change(item.key, item, AtNode(self._source, node, item))

    def _deleted(self, node: Node, key: str) -> Change:
        return Change(key, None, AtNode(self._source, node, ObjectInfo(key, 0, "", 0)))

    def _labels_differ(self, node: Node, sent: Sent, item: ObjectInfo, found: ObjectInfo) -> bool:
        """Whether an object of the same content, written again here since it was sent, says something new."""
        at = sent.at.get(item.key, self._times().get(item.key))
        if at == item.modified_ns:
            return False
        here, there = self._source.read_labels(node, item), self._target.read_labels(Node(sent.name), found)
        if here.arguments() != there.arguments():
            return True
        self._there.note_same(self.bucket.name, item)
        return False

    def _times(self) -> dict[str, int]:
        if self._inherited is None:
            parent = self.bucket.parent
            listed = self._source.list_objects(parent) if parent is not None else ()
            self._inherited = {item.key: item.modified_ns for item in listed if item.key not in NOT_PUSHED}
        return self._inherited

    def on_their_way(self, place: Place, sent: Sent, key: str) -> list[Change]:
        """What may have been under way to a key when the push ended that was busy with this place."""
        if sent.replays:
            # of a key, the next is sent when the one before it is noted
            past = self.history or history_of(self._source, self.bucket)
            left = past.remaining(sent, place.node.version) if past is not None else []
            return [self._change(version) for version in left if version.key == key][:1]
        item = next((o for o in self._source.list_objects(place.node, key) if o.key == key), None)
        listed = self._as_listed(place.node, item) if item is not None else self._deleted(place.node, key)
        return [listed, *(change for change in self.replay(place, sent) if change.key == key)]
