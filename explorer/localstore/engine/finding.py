"""One version of one key: at the head, at a time, or by its id, through the chain of forks."""

from __future__ import annotations

from typing import Any, Protocol

from explorer.localstore.engine.records import Entry
from explorer.localstore.engine.schema import FOREVER

COLUMNS = "v.bucket_id, v.key, -v.nts, v.deleted, v.size, v.etag, v.blob, v.manifest, v.attributes"

# Nearest ancestor first (the primary key of lineage is the order of the outer loop, CROSS JOIN pins it), each
# seen as it was at the fork; the first row wins, and a delete marker ends the walk like any other row.
FIND = f"""SELECT {COLUMNS} FROM lineage l CROSS JOIN version v
  ON v.bucket_id=l.ancestor_id AND v.key=?2 AND v.nts=(
    SELECT w.nts FROM version w WHERE w.bucket_id=l.ancestor_id AND w.key=?2 AND w.nts>=-min(l.cut_ns, ?3)
    ORDER BY w.nts LIMIT 1)
  WHERE l.bucket_id=?1 ORDER BY l.depth LIMIT 1"""  # noqa: S608 - only constants are joined in

FIND_VERSION = f"""SELECT {COLUMNS} FROM lineage l CROSS JOIN version v
  ON v.bucket_id=l.ancestor_id AND v.key=?2 AND v.nts=-?3 AND v.nts>=-l.cut_ns
  WHERE l.bucket_id=?1 ORDER BY l.depth LIMIT 1"""  # noqa: S608


def entry(row: tuple[Any, ...]) -> Entry:
    bucket_id, key, ts, deleted, size, etag, blob, manifest, attributes = row
    return Entry(bucket_id, key, ts, deleted == 1, size, etag, blob, manifest, attributes)


class Executes(Protocol):
    def execute(self, sql: str, arguments: tuple[Any, ...], /) -> Any: ...


def find(connection: Executes, bucket_id: int, key: bytes, at: int = FOREVER) -> Entry | None:
    """The newest version at `at`, which may be a delete marker."""
    row = connection.execute(FIND, (bucket_id, key, at)).fetchone()
    return None if row is None else entry(row)
