"""How much is in a bucket, and in the store."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.localstore.engine.ledger import Ledger
from explorer.localstore.engine.listing import visible
from explorer.localstore.engine.records import Bucket
from explorer.localstore.engine.schema import FOREVER


@dataclass(frozen=True, slots=True)
class Size:
    objects: int
    """Keys visible at the head, inherited ones included."""
    bytes: int
    """Their sizes; what is shared with a parent counts in both."""
    versions: int
    """Versions written to the bucket itself."""


class Stats:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def of_bucket(self, bucket: Bucket) -> Size:
        """Counted, not estimated: costs one walk through the bucket."""
        objects = total = 0
        with self._ledger.reading() as connection:
            for found in visible(connection, bucket.id, FOREVER):
                objects += 1
                total += found.size
            (versions,) = connection.execute(
                "SELECT count(*) FROM version WHERE bucket_id=?", (bucket.id,)
            ).fetchone()
        return Size(objects, total, versions)
