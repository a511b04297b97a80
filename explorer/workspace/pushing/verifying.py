"""What arrived, compared with what is here: places by their listings, versions in order, labels of a few."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import TYPE_CHECKING

from explorer.errors import Conflict, NotFound
from explorer.lineage.address import Node
from explorer.lineage.values import Bucket
from explorer.workspace.pushing.history import History, read_history
from explorer.workspace.pushing.objects import AtNode, AtVersion, Origin
from explorer.workspace.pushing.plan import Place, by_key
from explorer.workspace.pushing.record import PushMap, Sent
from explorer.workspace.pushing.target import Target

if TYPE_CHECKING:
    from explorer.storage import Store
    from explorer.storage.versions import ObjectVersion

LABELS = 32
"""Objects of a bucket whose labels are compared: each costs two requests, and one more where it has tags."""


class Verifier:
    """Compares, changes nothing. Any thread may call."""

    def __init__(self, source: Store, target: Store, record: PushMap, there: Target) -> None:
        self._source = source
        self._target = target
        self._map = record
        self._there = there

    def check_place(self, bucket: Bucket, place: Place) -> int:
        """List a place over there and compare it with the one here; a head, with what was left there.

        Raises:
            Conflict: they differ.
        """
        sent = self._map.buckets[bucket.name]
        if place.node.version is None:
            self._there.check_untouched(sent, self._there.listing(sent))
            return 1
        here = by_key(self._source.list_objects(place.node))
        there = self._there.listing(sent, sent.versions[place.node.version])
        wrong = [key for key, item in here.items() if not self._there.has(there.get(key), item)]
        wrong += [key for key in there if key not in here]
        if wrong:
            raise _differs(f"{len(wrong)} objects of {place}", wrong[0], sent)
        return 1

    def check_history(
        self, bucket: Bucket, here: History | None, sent_keys: frozenset[str]
    ) -> tuple[str, int]:
        """How the versions over there compare (`Pushed.history`), and how many labels were compared.

        Raises:
            Conflict: what this push sent has other labels over there.
        """
        sent = self._map.buckets[bucket.name]
        there = read_history(self._target, sent.name, sent.parent) if here is not None else None
        if here is None or there is None:
            pairs = list(self._pairs_of_heads(bucket, sent, sent_keys))
            keeps_none = not bucket.snapshots_on and not bucket.snapshots
            return "none" if keeps_none else "states", self._check_labels(sent, pairs)
        ours, theirs = here.by_key(), there.by_key()
        equal = ours.keys() == theirs.keys() and all(self._equal(ours[key], theirs[key]) for key in ours)
        matched = list(self._pairs_of_versions(bucket, sent, ours, theirs, sent_keys))
        return "equal" if equal else "different", self._check_labels(sent, matched)

    def _equal(self, ours: list[ObjectVersion], theirs: list[ObjectVersion]) -> bool:
        return len(ours) == len(theirs) and all(
            self._there.has(b.item, a.item) if a.item is not None else b.item is None
            for a, b in zip(ours, theirs, strict=True)
        )

    def _pairs_of_versions(
        self,
        bucket: Bucket,
        sent: Sent,
        ours: dict[str, list[ObjectVersion]],
        theirs: dict[str, list[ObjectVersion]],
        keys: frozenset[str],
    ) -> Iterator[tuple[Origin, Origin, str]]:
        for key in keys & ours.keys() & theirs.keys():
            if not self._equal(ours[key], theirs[key]):
                continue
            for a, b in zip(ours[key], theirs[key], strict=True):
                if a.item is not None and b.item is not None:
                    here = AtVersion(self._source, bucket.name, a.version, a.item)
                    yield here, AtVersion(self._target, sent.name, b.version, b.item), key

    def _pairs_of_heads(
        self, bucket: Bucket, sent: Sent, keys: frozenset[str]
    ) -> Iterator[tuple[Origin, Origin, str]]:
        if not keys:
            return
        there = self._there.listing(sent)
        for item in by_key(self._source.list_objects(bucket.head)).values():
            found = there.get(item.key)
            if item.key in keys and found is not None and self._there.has(found, item):
                here = AtNode(self._source, bucket.head, item)
                yield here, AtNode(self._target, Node(sent.name), found), item.key

    def _check_labels(self, sent: Sent, pairs: list[tuple[Origin, Origin, str]]) -> int:
        compared = 0
        for here, there, key in random.sample(pairs, min(LABELS, len(pairs))):
            try:
                same = here.read_labels().arguments() == there.read_labels().arguments()
            except (NotFound, Conflict):  # written to, or deleted for good, since
                continue
            if not same:
                raise _differs("The headers, metadata or tags of some objects", key, sent)
            compared += 1
        return compared


def _differs(what: str, key: str, sent: Sent) -> Conflict:
    return Conflict(
        f"{what} are not over there as they are here, `{key}` first.",
        hint="push everything anew with another --prefix",
        where=sent.name,
    )
