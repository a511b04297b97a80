"""Walks through the keys of one bucket as it was at one time, in key order, by seeks from key to key."""

from __future__ import annotations

import sqlite3
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from explorer.localstore.engine.finding import COLUMNS, entry
from explorer.localstore.engine.records import Entry

PAST = b"\xff"
"""Greater than every byte of UTF-8: `prefix + PAST` is past everything below that prefix."""
_FIRST_BATCH, _GROWTH, _LAST_BATCH = 4, 8, 1024

_NEWEST = f"""SELECT k.key, {COLUMNS} FROM k LEFT JOIN version v ON v.bucket_id=?1 AND v.key=k.key AND v.nts=(
    SELECT w.nts FROM version w WHERE w.bucket_id=?1 AND w.key=k.key AND w.nts>=-?4 ORDER BY w.nts LIMIT 1)
  WHERE k.key IS NOT NULL"""  # noqa: S608 - only constants are joined in

# Seeks from key to key instead of scanning versions, so a key with a million versions costs one step. The
# LIMIT must stand inside the recursion: outside, the whole bucket is walked first. A key whose versions are
# all later than the cut comes back with nulls: it ends nothing, it only moves the walk on.
_KEYS = f"""WITH RECURSIVE k(key) AS (
    SELECT (SELECT key FROM version WHERE bucket_id=?1 AND key>?2 AND key<?3 ORDER BY key LIMIT 1)
    UNION ALL
    SELECT (SELECT n.key FROM version n WHERE n.bucket_id=?1 AND n.key>k.key AND n.key<?3
      ORDER BY n.key LIMIT 1)
    FROM k WHERE k.key IS NOT NULL LIMIT ?5) {_NEWEST}"""  # noqa: S608

# The same, but behind a key that continues past the delimiter the next seek jumps over the whole prefix.
_NAMES = f"""WITH RECURSIVE k(key) AS (
    SELECT (SELECT key FROM version WHERE bucket_id=?1 AND key>?2 AND key<?3 ORDER BY key LIMIT 1)
    UNION ALL
    SELECT (SELECT n.key FROM version n WHERE n.bucket_id=?1 AND n.key<?3 AND n.key >
      CASE instr(substr(k.key, ?6), ?7) WHEN 0 THEN k.key
      ELSE CAST(substr(k.key, 1, ?6-2+length(?7)+instr(substr(k.key, ?6), ?7)) || x'ff' AS BLOB) END
      ORDER BY n.key LIMIT 1)
    FROM k WHERE k.key IS NOT NULL LIMIT ?5) {_NEWEST}"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Name:
    """A key, or the common prefix of several; `first` is the first key of it, None if not there yet."""

    name: bytes
    is_prefix: bool
    first: Entry | None


class Walk(Protocol):
    def keys(self, prefix: bytes, after: bytes, wanted: int = 0) -> Iterator[Entry]:
        """Keys with a version, maybe a delete marker, in order; `wanted`, if known, of them will be taken."""
        ...

    def names(self, prefix: bytes, delimiter: bytes, after: bytes) -> Iterator[Name]:
        """Keys and common prefixes in order; one look at each, however many keys are below it."""
        ...


def interval(prefix: bytes, after: bytes) -> tuple[bytes, bytes]:
    """The open interval of keys that start with `prefix` and come after `after`."""
    low = after
    if prefix and after < prefix:
        low = prefix[:-1] + bytes([prefix[-1] - 1]) + PAST if prefix[-1] else prefix[:-1]
    return low, prefix + PAST


def name_of(found: Entry | None, key: bytes, prefix: bytes, delimiter: bytes) -> Name:
    split = key.find(delimiter, len(prefix))
    return Name(key, False, found) if split < 0 else Name(key[: split + len(delimiter)], True, found)


class Stored:
    """A bucket's own keys, read from the database batch by batch: few at first, for who wants only one."""

    def __init__(self, connection: sqlite3.Connection, bucket_id: int, cut: int) -> None:
        self._connection = connection
        self._bucket_id = bucket_id
        self._cut = cut

    def keys(self, prefix: bytes, after: bytes, wanted: int = 0) -> Iterator[Entry]:
        low, high = interval(prefix, after)
        size = min(wanted, _LAST_BATCH) or _FIRST_BATCH
        while True:
            arguments = (self._bucket_id, low, high, self._cut, size)
            rows: list[Any] = self._connection.execute(_KEYS, arguments).fetchall()
            for row in rows:
                if row[1] is not None:
                    yield entry(row[1:])
            if len(rows) < size:
                return
            low, size = rows[-1][0], min(size * _GROWTH, _LAST_BATCH)

    def names(self, prefix: bytes, delimiter: bytes, after: bytes) -> Iterator[Name]:
        low, high = interval(prefix, after)
        size = _FIRST_BATCH
        while True:
            arguments = (self._bucket_id, low, high, self._cut, size, len(prefix) + 1, delimiter)
            rows: list[Any] = self._connection.execute(_NAMES, arguments).fetchall()
            for row in rows:
                key = row[0]
                found = name_of(None if row[1] is None else entry(row[1:]), key, prefix, delimiter)
                low = found.name + PAST if found.is_prefix else key
                yield found
            if len(rows) < size:
                return
            size = min(size * _GROWTH, _LAST_BATCH)


class Held:
    """Keys that are held in memory, in order."""

    def __init__(self, entries: list[Entry]) -> None:
        self.entries = entries
        self._keys = [each.key for each in entries]

    def keys(self, prefix: bytes, after: bytes, wanted: int = 0) -> Iterator[Entry]:
        low, high = interval(prefix, after)
        for n in range(bisect_right(self._keys, low), len(self._keys)):
            if self._keys[n] >= high:
                return
            yield self.entries[n]

    def names(self, prefix: bytes, delimiter: bytes, after: bytes) -> Iterator[Name]:
        low, high = interval(prefix, after)
        while (n := bisect_right(self._keys, low)) < len(self._keys) and self._keys[n] < high:
            found = name_of(self.entries[n], self._keys[n], prefix, delimiter)
            low = found.name + PAST if found.is_prefix else found.name
            yield found
