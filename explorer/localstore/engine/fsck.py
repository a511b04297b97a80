"""Check a store: every row's bytes are there, every chain adds up, nothing is later than the clock."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from blake3 import blake3

from explorer.localstore.engine.blobs import Blobs
from explorer.localstore.engine.schema import FOREVER

_NAME = re.compile(r"[0-9a-f]{64}")
_SHOWN = 100

# Each row of each query is a problem; the sentence is filled with its columns.
_QUESTIONS = (
    (
        "object {1} of bucket {0} names bytes that are not in the store",
        """SELECT b.name, CAST(v.key AS TEXT) FROM version v JOIN bucket b ON b.id=v.bucket_id
           WHERE v.deleted=0 AND v.blob IS NOT NULL
           AND NOT EXISTS(SELECT 1 FROM blob x WHERE x.hash=v.blob AND x.size=v.size)""",
    ),
    (
        "object {1} of bucket {0} has neither bytes nor parts, or both",
        """SELECT b.name, CAST(v.key AS TEXT) FROM version v JOIN bucket b ON b.id=v.bucket_id
           WHERE v.deleted=0 AND (v.blob IS NULL)=(v.manifest IS NULL)""",
    ),
    (
        "object {1} of bucket {0} is not as long as its parts",
        """SELECT b.name, CAST(v.key AS TEXT) FROM version v JOIN bucket b ON b.id=v.bucket_id
           WHERE v.manifest IS NOT NULL
           AND v.size IS NOT (SELECT sum(size) FROM segment s WHERE s.manifest=v.manifest)""",
    ),
    (
        "part {1} of manifest {0} does not follow the one before it, or its bytes are not in the store",
        """SELECT manifest, n FROM (SELECT manifest, n, start, size, blob,
             sum(size) OVER (PARTITION BY manifest ORDER BY n) - size AS expected FROM segment) s
           WHERE start<>expected OR NOT EXISTS(SELECT 1 FROM blob x WHERE x.hash=s.blob AND x.size=s.size)""",
    ),
    (
        "part {1} of the upload {0} names bytes that are not in the store",
        """SELECT upload_id, n FROM part p
           WHERE NOT EXISTS(SELECT 1 FROM blob x WHERE x.hash=p.blob AND x.size=p.size)""",
    ),
    (
        "bucket {0} is a fork of a bucket that is gone",
        """SELECT f.name, f.id FROM bucket f LEFT JOIN bucket p ON p.id=f.parent_id
           WHERE f.deleted_ns IS NULL AND f.parent_id IS NOT NULL
           AND (p.id IS NULL OR p.deleted_ns IS NOT NULL)""",
    ),
    (
        "the chain of bucket {0} is not that of its parent",
        f"""WITH RECURSIVE walk(bucket_id, depth, ancestor_id, cut_ns) AS (
             SELECT id, 0, id, {FOREVER} FROM bucket UNION ALL
             SELECT w.bucket_id, w.depth+1, b.parent_id, min(w.cut_ns, b.parent_cut_ns)
             FROM walk w JOIN bucket b ON b.id=w.ancestor_id WHERE b.parent_id IS NOT NULL)
           SELECT bucket_id, depth FROM (SELECT * FROM walk EXCEPT SELECT * FROM lineage
             UNION ALL SELECT * FROM (SELECT * FROM lineage EXCEPT SELECT * FROM walk))
           WHERE bucket_id IN (SELECT id FROM bucket WHERE deleted_ns IS NULL)""",  # noqa: S608
    ),
    (
        "{1} is later than the clock of the store ({0})",
        """SELECT s.value, t.ts FROM store s, (SELECT max(-nts) AS ts FROM version
             UNION ALL SELECT max(ts) FROM snapshot UNION ALL SELECT max(created_ns) FROM bucket) t
           WHERE s.name='last_ns' AND t.ts>s.value""",
    ),
)


@dataclass
class Findings:
    """`problems` are damage; `orphans` are files that no row names, as a crash leaves them: harmless."""

    problems: list[str] = field(default_factory=list)
    buckets: int = 0
    versions: int = 0
    blobs: int = 0
    blob_bytes: int = 0
    orphans: int = 0
    orphan_bytes: int = 0
    verified_bytes: int = 0
    """Bytes that were read and whose hash was compared."""

    @property
    def is_clean(self) -> bool:
        return not self.problems

    def add(self, problem: str) -> None:
        if len(self.problems) < _SHOWN:
            self.problems.append(problem)


def check(connection: sqlite3.Connection, blobs: Blobs, *, deep: bool = False) -> Findings:
    """Look at every row and every file; `deep` reads every byte and compares its hash. Changes nothing."""
    found = Findings()
    for (line,) in connection.execute("PRAGMA quick_check(10)"):
        if line != "ok":
            found.add(f"the database is damaged: {line}")
    for sentence, sql in _QUESTIONS:
        for row in connection.execute(f"{sql} LIMIT {_SHOWN}"):
            found.add(sentence.format(*row))
    found.buckets = _count(connection, "bucket WHERE deleted_ns IS NULL")
    found.versions = _count(connection, "version")
    _check_files(connection, blobs, found, deep=deep)
    return found


def _count(connection: sqlite3.Connection, what: str) -> int:
    (number,) = connection.execute(f"SELECT count(*) FROM {what}").fetchone()  # noqa: S608 - our own words
    return int(number)


def _check_files(connection: sqlite3.Connection, blobs: Blobs, found: Findings, *, deep: bool) -> None:
    for name, size in connection.execute("SELECT hash, size FROM blob"):
        found.blobs += 1
        found.blob_bytes += size
        path = blobs.path(name)
        try:
            there = path.stat().st_size
        except OSError:
            found.add(f"the file of blob {name} is missing")
            continue
        if there != size:
            found.add(f"the file of blob {name} has {there} bytes instead of {size}")
        elif deep:
            found.verified_bytes += size
            if _hash(path) != name:
                found.add(f"the file of blob {name} does not hold the bytes it is named for")
    for path, size in files(blobs.folder):
        if not connection.execute("SELECT 1 FROM blob WHERE hash=?", (path.name,)).fetchone():
            found.orphans += 1
            found.orphan_bytes += size


def files(folder: Path) -> Iterator[tuple[Path, int]]:
    """Every file that holds a blob, with its size; one that goes away meanwhile is left out."""
    for shelf in sorted((folder / "blob").iterdir()):
        with os.scandir(shelf) as entries:
            for each in entries:
                if _NAME.fullmatch(each.name):
                    try:
                        yield Path(each.path), each.stat().st_size
                    except FileNotFoundError:
                        continue


def _hash(path: Path) -> str:
    hasher = blake3()
    with path.open("rb") as file:
        while data := file.read(1 << 20):
            hasher.update(data)
    return hasher.hexdigest()
