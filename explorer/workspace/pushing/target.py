"""The other store as a push sees it: buckets and snapshots made, or found again after a kill."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from explorer.errors import Bug, Conflict, NameTaken, NotAllowed, NotFound
from explorer.lineage.address import Node, check_bucket_name
from explorer.lineage.values import Bucket, ObjectInfo
from explorer.workspace.pushing.objects import content_of
from explorer.workspace.pushing.plan import NOTE, Place, by_key
from explorer.workspace.pushing.record import PushMap, Sent

if TYPE_CHECKING:
    from explorer.storage import Store


class Target:
    """Nothing over there is changed that this map's pushes did not make."""

    def __init__(self, store: Store, record: PushMap, prefix: str) -> None:
        self._store = store
        self._map = record
        self._prefix = prefix

    def make(self, bucket: Bucket) -> Sent:
        """The bucket over there, made now unless an earlier push did.

        Raises:
            NameTaken: the name belongs to something that no push of this map made.
            Conflict: it is another bucket by now than the one that was pushed.
        """
        sent = self._map.buckets.get(bucket.name)
        if sent is not None and sent.since_ns != bucket.created_ns:
            raise Conflict(
                f"`{bucket.name}` was pushed before, deleted here, and made anew.",
                hint="push with another --prefix: over there it would be mixed up with the old one",
            )
        if sent is not None and sent.made:
            return sent
        name, parent = check_bucket_name(self._prefix + bucket.name), self._parent_of(bucket)
        found = self._find(name)
        if found is not None and (sent is None or not self._is_ours(found, parent)):
            raise self._taken(name)
        if sent is None or sent.name != name:
            origin = [parent.bucket, parent.version] if parent is not None else None
            self._map.note(bucket=bucket.name, since=bucket.created_ns, parent=origin, **{"as": name})
        if found is None and parent is not None:
            self._store.fork(parent, name)
        elif found is None:
            self._store.create_bucket(name, snapshots=bucket.snapshots_on)
        self._map.note(**{"in": bucket.name, "made": True})
        return self._map.buckets[bucket.name]

    def _parent_of(self, bucket: Bucket) -> Node | None:
        if bucket.parent is None:
            return None
        found = self._map.version(bucket.parent)
        if found is None:
            raise Bug(
                f"The snapshot {bucket.parent} was not pushed before its fork.",
                hint="please report this with the map",
                where=str(self._map.path),
            )
        return found

    def _find(self, name: str) -> Bucket | None:
        try:
            return self._store.read_bucket(name)
        except NotFound:
            return None
        except NotAllowed as refused:  # our keys are good, so the bucket is somebody else's
            raise self._taken(name) from refused

    def _taken(self, name: str) -> NameTaken:
        return NameTaken(
            f"There is a bucket `{name}` over there that this push did not make.",
            hint="push with --prefix TEXT, which stands before every name over there",
            where=self._store.info.endpoint,
        )

    def _is_ours(self, found: Bucket, parent: Node | None) -> bool:
        """A bucket whose making was noted, but not its being there: still as it was made."""
        if found.parent != parent or (found.snapshots_on and self._store.list_snapshots(found.name)):
            return False
        base = self._store.list_objects(parent) if parent is not None else ()
        return _etags(by_key(base)) == _etags(by_key(self._store.list_objects(found.head)))

    def listing(self, sent: Sent, version: str | None = None) -> dict[str, ObjectInfo]:
        try:
            return by_key(self._store.list_objects(Node(sent.name, version)))
        except NotFound as gone:
            raise Conflict(
                f"`{sent.name}` was pushed before, and is gone over there.",
                hint="push everything anew with another --prefix",
                where=self._store.info.endpoint,
            ) from gone

    def check_untouched(self, sent: Sent, there: dict[str, ObjectInfo], but: Collection[str] = ()) -> None:
        """Raises Conflict when somebody else wrote to the head over there, to keys that are not in `but`."""
        expected: dict[str, str | None] = {}
        if sent.parent is not None:
            expected |= {o.key: o.etag for o in self._store.list_objects(sent.parent)}
        expected |= sent.left
        foreign = [k for k, item in there.items() if item.etag != expected.get(k) and k not in but]
        if foreign:
            raise self.foreign(sent, foreign)

    def foreign(self, sent: Sent, keys: Sequence[str]) -> Conflict:
        """The error for keys that somebody else wrote to over there."""
        return Conflict(
            f"`{sent.name}` was written to by somebody else: `{keys[0]}`"
            + (f" and {len(keys) - 1} more." if len(keys) > 1 else "."),
            hint="push with --prefix TEXT to make new buckets; nothing of theirs was changed",
            where=self._store.info.endpoint,
        )

    def has(self, there: ObjectInfo | None, item: ObjectInfo) -> bool:
        """Whether an object over there holds what `item` holds here."""
        if there is None:
            return False
        if there.etag in self._map.etags(content_of(item)):
            return True
        plain = "-" not in item.etag and content_of(item) == f"{item.etag}:{item.size_bytes}"
        return plain and (there.etag, there.size_bytes) == (item.etag, item.size_bytes)

    def note_same(self, bucket: str, item: ObjectInfo) -> None:
        """An object was written again here, and is as it was."""
        self._map.note(**{"in": bucket, "same": item.key, "at": item.modified_ns})

    def snapshot(self, place: Place, sent: Sent, there: dict[str, ObjectInfo], *, again: bool) -> None:
        """Freeze the head over there as this place; `again` looks whether that was done before a kill."""
        version = self._lost_snapshot(place, sent, there) if again else None
        if version is None:
            version = self._store.take_snapshot(sent.name, place.name_there).version
        self._map.note(**{"in": place.node.bucket, "version": place.node.version, "to": version})

    def _lost_snapshot(self, place: Place, sent: Sent, there: dict[str, ObjectInfo]) -> str | None:
        known = set(sent.versions.values())
        for snapshot in reversed(self._store.list_snapshots(sent.name)):
            if snapshot.version in known:
                return None
            if snapshot.name != place.name_there:
                continue
            if _etags(self.listing(sent, snapshot.version)) == _etags(there):
                return snapshot.version
        return None

    def leave_note(self, bucket: Bucket, sent: Sent, label: str) -> None:
        """Say over there, too, which version became which, where that is not said yet."""
        if sent.noted == len(sent.versions):
            return
        told = {
            "bucket": sent.name,
            "from": {"store": label, "bucket": bucket.name},
            "versions": sent.versions,
            "pushed_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        self._store.write(sent.name, NOTE, json.dumps(told, indent=1).encode())
        self._map.note(**{"in": bucket.name, "noted": len(sent.versions)})


def _etags(listing: dict[str, ObjectInfo]) -> dict[str, str]:
    return {key: item.etag for key, item in listing.items()}
