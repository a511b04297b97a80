"""ListObjectVersions: all versions of all keys, newest first within a key, inherited ones included."""

from __future__ import annotations

import heapq
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from explorer.localstore.engine.ancestors import Level
from explorer.localstore.engine.finding import COLUMNS, entry
from explorer.localstore.engine.ledger import Ledger
from explorer.localstore.engine.listing import read_chain
from explorer.localstore.engine.records import Bucket, Entry
from explorer.localstore.engine.schema import FOREVER
from explorer.localstore.engine.walks import PAST, interval

_ROWS = f"""SELECT {COLUMNS} FROM version v WHERE v.bucket_id=?1 AND v.key>=?2 AND v.key<?3
  AND (v.key>?2 OR v.nts>?4) AND v.nts>=-?5 ORDER BY v.key, v.nts LIMIT ?6"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Version:
    entry: Entry
    is_latest: bool


@dataclass(frozen=True, slots=True)
class VersionPage:
    items: tuple[Version | bytes, ...]
    more_after: tuple[bytes, int | None] | None = None
    """(key, version) to resume behind; version None: behind the whole key or prefix."""


class Versions:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def page(
        self,
        bucket: Bucket,
        *,
        prefix: bytes = b"",
        delimiter: bytes = b"",
        after: tuple[bytes, int | None] = (b"", None),
        at: int | None = None,
        limit: int = 1000,
    ) -> VersionPage:
        """At most `limit` versions and common prefixes, after (key, version)."""
        if limit <= 0:
            return VersionPage(())
        with self._ledger.reading() as connection:
            chain = read_chain(connection, bucket.id, FOREVER if at is None else at)
            found: list[Version | bytes] = []
            place = after
            while True:
                group = b""
                for version in _rows(connection, chain, prefix, place, limit + 1 - len(found)):
                    if len(found) == limit:
                        return VersionPage(tuple(found), place)
                    key = version.entry.key
                    split = key.find(delimiter, len(prefix)) if delimiter else -1
                    if split >= 0:
                        group = key[: split + len(delimiter)]
                        found.append(group)
                        place = (group + PAST, None)
                        break
                    found.append(version)
                    place = (key, version.entry.ts)
                if not group:
                    return VersionPage(tuple(found))


def _rows(
    connection: sqlite3.Connection,
    chain: list[Level],
    prefix: bytes,
    after: tuple[bytes, int | None],
    limit: int,
) -> Iterator[Version]:
    """Versions behind a place. An ancestor's are older than its child's, so time sorts the levels too."""
    key, ts = after
    low, high = interval(prefix, key)
    levels = [_level(connection, level, low, high, ts if low == key else None, limit) for level in chain]
    previous = key if ts is not None else None
    for found in heapq.merge(*levels, key=lambda e: (e.key, -e.ts)):
        yield Version(found, is_latest=found.key != previous)
        previous = found.key


def _level(
    connection: sqlite3.Connection,
    level: tuple[int, int],
    low: bytes,
    high: bytes,
    ts: int | None,
    limit: int,
) -> Iterator[Entry]:
    bucket_id, cut = level
    # Without a version to resume behind, the whole of `low` is done with: no nts is greater than FOREVER.
    nts = FOREVER if ts is None else -ts
    while True:
        rows = connection.execute(_ROWS, (bucket_id, low, high, nts, cut, limit)).fetchall()
        for row in rows:
            yield entry(row)
        if len(rows) < limit:
            return
        low, nts = rows[-1][1], -rows[-1][2]
