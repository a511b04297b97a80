"""Listings: every ancestor is walked by seeks from key to key, the walks are merged, the nearest decides."""

from __future__ import annotations

import heapq
import sqlite3
from collections.abc import Iterator
from typing import Any

from explorer.localstore.engine.ledger import Ledger
from explorer.localstore.engine.objects import COLUMNS, entry
from explorer.localstore.engine.records import Bucket, Entry, Page
from explorer.localstore.engine.schema import FOREVER

PAST = b"\xff"
"""Greater than every byte of UTF-8: `prefix + PAST` is past everything below that prefix."""

# Seeks from key to key instead of scanning versions, so a key with a million versions costs one step. The
# LIMIT must stand inside the recursion: outside, the whole bucket is walked first. A key whose versions are
# all later than the cut comes back with nulls: it ends nothing, it only moves the walk on.
_KEYS = f"""WITH RECURSIVE k(key) AS (
    SELECT (SELECT key FROM version WHERE bucket_id=?1 AND key>?2 AND key<?3 ORDER BY key LIMIT 1)
    UNION ALL
    SELECT (SELECT n.key FROM version n WHERE n.bucket_id=?1 AND n.key>k.key AND n.key<?3
      ORDER BY n.key LIMIT 1)
    FROM k WHERE k.key IS NOT NULL LIMIT ?5)
  SELECT k.key, {COLUMNS} FROM k LEFT JOIN version v ON v.bucket_id=?1 AND v.key=k.key AND v.nts=(
    SELECT w.nts FROM version w WHERE w.bucket_id=?1 AND w.key=k.key AND w.nts>=-?4 ORDER BY w.nts LIMIT 1)
  WHERE k.key IS NOT NULL"""  # noqa: S608 - only constants are joined in

# The same, but behind a key that continues past the delimiter the next seek jumps over the whole prefix.
_NAMES = f"""WITH RECURSIVE k(key) AS (
    SELECT (SELECT key FROM version WHERE bucket_id=?1 AND key>?2 AND key<?3 ORDER BY key LIMIT 1)
    UNION ALL
    SELECT (SELECT n.key FROM version n WHERE n.bucket_id=?1 AND n.key<?3 AND n.key >
      CASE instr(substr(k.key, ?6), ?7) WHEN 0 THEN k.key
      ELSE CAST(substr(k.key, 1, ?6-2+length(?7)+instr(substr(k.key, ?6), ?7)) || x'ff' AS BLOB) END
      ORDER BY n.key LIMIT 1)
    FROM k WHERE k.key IS NOT NULL LIMIT ?5)
  SELECT k.key, {COLUMNS} FROM k LEFT JOIN version v ON v.bucket_id=?1 AND v.key=k.key AND v.nts=(
    SELECT w.nts FROM version w WHERE w.bucket_id=?1 AND w.key=k.key AND w.nts>=-?4 ORDER BY w.nts LIMIT 1)
  WHERE k.key IS NOT NULL"""  # noqa: S608

Chain = list[tuple[int, int]]


class Listing:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

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
        with self._ledger.reading() as connection:
            chain = read_chain(connection, bucket.id, FOREVER if at is None else at)
            found: list[Entry | bytes] = []
            walk = _walk(connection, chain, prefix, delimiter, after, limit)
            for item in walk:
                if len(found) == limit:
                    return Page(tuple(found), _name(found[-1]))
                found.append(item)
            return Page(tuple(found))


def _name(item: Entry | bytes) -> bytes:
    return item + PAST if isinstance(item, bytes) else item.key


def read_chain(connection: sqlite3.Connection, bucket_id: int, at: int) -> Chain:
    """Ancestors, nearest first, each with the time at which it is seen."""
    sql = "SELECT ancestor_id, min(cut_ns, ?) FROM lineage WHERE bucket_id=? ORDER BY depth"
    return connection.execute(sql, (at, bucket_id)).fetchall()


def below(prefix: bytes, after: bytes) -> tuple[bytes, bytes]:
    """The open interval of keys that start with `prefix` and come after `after`."""
    low = after
    if prefix and after < prefix:
        low = prefix[:-1] + bytes([prefix[-1] - 1]) + PAST if prefix[-1] else prefix[:-1]
    return low, prefix + PAST


def _walk(
    connection: sqlite3.Connection, chain: Chain, prefix: bytes, delimiter: bytes, after: bytes, limit: int
) -> Iterator[Entry | bytes]:
    if not delimiter:
        yield from _visible(connection, chain, prefix, after, limit)
        return
    last: bytes | None = None
    levels = [
        _names(connection, level, depth, prefix, delimiter, after, _batch(limit, len(chain)))
        for depth, level in enumerate(chain)
    ]
    for name, _depth, found, is_prefix in heapq.merge(*levels, key=lambda row: (row[0], row[1])):
        if name == last:
            continue
        if not is_prefix:
            if found is None:
                continue
            last = name
            if not found.deleted:
                yield found
            continue
        last = name
        # Nearer levels have nothing below this prefix, else they would have come first; so a live first key
        # shows it. Otherwise only a walk through everything below it can tell.
        shown = found is not None and not found.deleted
        if shown or next(_visible(connection, chain, name, after, 1), None) is not None:
            yield name


def _visible(
    connection: sqlite3.Connection, chain: Chain, prefix: bytes, after: bytes, limit: int
) -> Iterator[Entry]:
    """Live keys in order, through all levels."""
    last: bytes | None = None
    batch = _batch(limit, len(chain))
    levels = [_keys(connection, level, depth, prefix, after, batch) for depth, level in enumerate(chain)]
    for key, _depth, found in heapq.merge(*levels, key=lambda row: (row[0], row[1])):
        if key == last:
            continue
        last = key
        if not found.deleted:
            yield found


def _batch(limit: int, levels: int) -> int:
    return max(16, min(limit + 1, 1 + 2000 // levels))


def _keys(
    connection: sqlite3.Connection,
    level: tuple[int, int],
    depth: int,
    prefix: bytes,
    after: bytes,
    batch: int,
) -> Iterator[tuple[bytes, int, Entry]]:
    low, high = below(prefix, after)
    bucket_id, cut = level
    while True:
        rows: list[Any] = connection.execute(_KEYS, (bucket_id, low, high, cut, batch)).fetchall()
        for key, *row in rows:
            if row[0] is not None:
                yield key, depth, entry(tuple(row))
        if len(rows) < batch:
            return
        low = rows[-1][0]


def _names(
    connection: sqlite3.Connection,
    level: tuple[int, int],
    depth: int,
    prefix: bytes,
    delimiter: bytes,
    after: bytes,
    batch: int,
) -> Iterator[tuple[bytes, int, Entry | None, bool]]:
    low, high = below(prefix, after)
    bucket_id, cut = level
    while True:
        arguments = (bucket_id, low, high, cut, batch, len(prefix) + 1, delimiter)
        rows: list[Any] = connection.execute(_NAMES, arguments).fetchall()
        for key, *row in rows:
            found = entry(tuple(row)) if row[0] is not None else None
            split = key.find(delimiter, len(prefix))
            low = key if split < 0 else key[: split + len(delimiter)] + PAST
            yield (key, depth, found, False) if split < 0 else (low[:-1], depth, found, True)
        if len(rows) < batch:
            return


def visible(connection: sqlite3.Connection, bucket_id: int, at: int) -> Iterator[Entry]:
    """All live keys of a bucket in order."""
    return _visible(connection, read_chain(connection, bucket_id, at), b"", b"", 1000)
