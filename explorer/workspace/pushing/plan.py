"""What a push has to do, from listings: places of buckets in order, and what separates two of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from explorer.errors import NotFound, nearest
from explorer.lineage.address import Node
from explorer.lineage.values import Bucket, ObjectInfo

LEASE = ".explorer/lease.json"
NOTE = ".explorer/push.json"
NOT_PUSHED = frozenset({LEASE, NOTE})
"""A lease names a process of this machine, and the note is what a push itself leaves."""

_PRINTABLE = "".join(map(chr, range(0x20, 0x7F)))
_NAME_CHARACTERS = 200

Listing = Mapping[str, ObjectInfo]


@dataclass(frozen=True, slots=True)
class Place:
    """A state of a bucket that must exist over there: a snapshot, the cut of a fork, or (last) the head."""

    node: Node
    name: str | None = None

    @property
    def name_there(self) -> str | None:
        """The snapshot's name as every store takes it: what is not printable ASCII percent-encoded."""
        return quote((self.name or "").strip(), safe=_PRINTABLE)[:_NAME_CHARACTERS] or None

    def __str__(self) -> str:
        return self.node.bucket + (f"@{self.name or self.node.version}" if self.node.version else "")


def in_order(buckets: Mapping[str, Bucket], wanted: Collection[str] = ()) -> tuple[Bucket, ...]:
    """The buckets wanted (all, if none is named) and their ancestors, parents before their forks.

    Raises:
        NotFound: no such bucket.
    """
    found: dict[str, Bucket] = {}
    for name in wanted or sorted(buckets, key=lambda n: (buckets[n].created_ns, n)):
        bucket = buckets.get(name)
        if bucket is None:
            hint = nearest(name, buckets, "`explorer tree` lists the buckets")
            raise NotFound(f"There is no bucket `{name}`.", hint=hint)
        line = [bucket]
        while bucket.parent is not None and bucket.parent.bucket in buckets:
            bucket = buckets[bucket.parent.bucket]
            line.append(bucket)
        for one in reversed(line):
            found.setdefault(one.name, one)
    return tuple(found.values())


def places(bucket: Bucket, buckets: Iterable[Bucket]) -> tuple[Place, ...]:
    """A bucket's snapshots and the cuts of its forks among `buckets`, oldest first, then its head."""
    named = {s.version: s.name for s in bucket.snapshots}
    for fork in buckets:
        if fork.parent is not None and fork.parent.bucket == bucket.name and fork.parent.version:
            named.setdefault(fork.parent.version, None)
    versions = sorted(named, key=lambda v: (len(v), v))
    return (*(Place(Node(bucket.name, v), named[v]) for v in versions), Place(bucket.head))


def changed(before: Listing, after: Listing) -> list[ObjectInfo]:
    """Objects of `after` that `before` does not have as they are."""
    return [item for key, item in after.items() if not _same(before.get(key), item)]


def _same(a: ObjectInfo | None, b: ObjectInfo) -> bool:
    return a is not None and (a.etag, a.size_bytes) == (b.etag, b.size_bytes)


def by_key(objects: Iterable[ObjectInfo]) -> dict[str, ObjectInfo]:
    """A listing to compare, without the keys that are no part of what is pushed."""
    return {item.key: item for item in objects if item.key not in NOT_PUSHED}
