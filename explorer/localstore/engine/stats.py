"""How much is in a bucket, and in the store."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.localstore.engine.ledger import Ledger
from explorer.localstore.engine.listing import Listing
from explorer.localstore.engine.records import Bucket


@dataclass(frozen=True, slots=True)
class Size:
    objects: int
    """Keys visible at the head, inherited ones included."""
    bytes: int
    """Their sizes; what is shared with a parent counts in both."""
    versions: int
    """Versions written to the bucket itself, and what it inherits."""


class Stats:
    def __init__(self, ledger: Ledger, listing: Listing) -> None:
        self._ledger = ledger
        self._listing = listing

    def of_bucket(self, bucket: Bucket) -> Size:
        """Counted, not estimated: costs one walk through the bucket."""
        objects = total = inherited = 0
        for found in self._listing.everything(bucket):
            objects += 1
            total += found.size
            inherited += found.bucket_id != bucket.id
        sql = "SELECT count(*) FROM version WHERE bucket_id=?"
        (versions,) = self._ledger.read().execute(sql, (bucket.id,)).fetchone()
        return Size(objects, total, versions + inherited)
