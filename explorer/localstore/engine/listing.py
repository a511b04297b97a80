"""Listings: walks through a bucket and its ancestors are merged, and for every key the nearest decides."""

from __future__ import annotations

import heapq
import sqlite3
from collections.abc import Iterator, Sequence

from explorer.localstore.engine.ancestors import Ancestors, Level
from explorer.localstore.engine.ledger import Ledger
from explorer.localstore.engine.records import Bucket, Entry, Page
from explorer.localstore.engine.schema import FOREVER
from explorer.localstore.engine.walks import PAST, Name, Walk


class Listing:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.ancestors = Ancestors()

    def page(
        self,
        bucket: Bucket,
        *,
        prefix: bytes = b"",
        delimiter: bytes = b"",
        after: bytes = b"",
        at: int | None = None,
        limit: int = 1000,
    ) -> Page:
        """At most `limit` keys and common prefixes after `after`, in byte order, as they were `at`."""
        if limit <= 0:
            return Page(())
        age = self.ancestors.age
        with self._ledger.reading() as connection:
            chain = read_chain(connection, bucket.id, FOREVER if at is None else at)
            walks = self.ancestors.walks(connection, chain, age)
            found: list[Entry | bytes] = []
            for item in (
                _grouped(walks, prefix, delimiter, after)
                if delimiter
                else _live(walks, prefix, after, wanted=limit + 1)
            ):
                if len(found) == limit:
                    return Page(tuple(found), _place(found[-1]))
                found.append(item)
            return Page(tuple(found))

    def everything(self, bucket: Bucket) -> Iterator[Entry]:
        """All live keys in order, of one moment."""
        age = self.ancestors.age
        with self._ledger.reading() as connection:
            chain = read_chain(connection, bucket.id, FOREVER)
            yield from _live(self.ancestors.walks(connection, chain, age), b"", b"")


def read_chain(connection: sqlite3.Connection, bucket_id: int, at: int) -> list[Level]:
    """The bucket and its ancestors, nearest first, each with the time at which it is seen."""
    sql = "SELECT ancestor_id, min(cut_ns, ?) FROM lineage WHERE bucket_id=? ORDER BY depth"
    return connection.execute(sql, (at, bucket_id)).fetchall()


def _place(item: Entry | bytes) -> bytes:
    return item + PAST if isinstance(item, bytes) else item.key


def _live(walks: Sequence[Walk], prefix: bytes, after: bytes, wanted: int = 0) -> Iterator[Entry]:
    """`wanted`: about so many will be taken."""
    if len(walks) > 1:
        wanted = 0  # of several walks nobody knows which one has the keys
    last: bytes | None = None
    keys = (walk.keys(prefix, after, wanted) for walk in walks)
    # merge takes equal keys from the earlier, nearer, walk first
    for found in heapq.merge(*keys, key=lambda each: each.key):
        if found.key == last:
            continue
        last = found.key
        if not found.deleted:
            yield found


def _grouped(walks: Sequence[Walk], prefix: bytes, delimiter: bytes, after: bytes) -> Iterator[Entry | bytes]:
    last: bytes | None = None
    names = (walk.names(prefix, delimiter, after) for walk in walks)
    for each in heapq.merge(*names, key=lambda name: name.name):
        if each.name == last:
            continue
        if each.is_prefix:
            last = each.name
            if _is_shown(each, walks, after):
                yield each.name
        elif each.first is not None:
            last = each.name
            if not each.first.deleted:
                yield each.first


def _is_shown(group: Name, walks: Sequence[Walk], after: bytes) -> bool:
    """Nearer walks have nothing below this prefix, or they would have come first: a live first key shows it.

    Otherwise only a walk through everything below it can tell.
    """
    if group.first is not None and not group.first.deleted:
        return True
    return next(_live(walks, group.name, after), None) is not None
