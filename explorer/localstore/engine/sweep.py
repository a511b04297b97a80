"""Garbage collection: mark and sweep, in short transactions beside running writers.

What lives is what rows name: versions of live buckets, parts of open uploads. Blobs are not counted, so no
count can be wrong. A blob is taken in two steps, its row first, so that a crash in between leaves an orphan;
files go to `trash/` before they go for good, for readers that have just found them.
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass

from explorer.localstore.engine.blobs import Blobs
from explorer.localstore.engine.fsck import files
from explorer.localstore.engine.ledger import Ledger, Transaction

GRACE_S = 3600.0
TRASH_S = 600.0
UPLOAD_DAYS = 7
_BATCH = 500
_DAY_NS = 86_400 * 10**9

# What is dead is looked for by a reader, however long that takes, and looked at once more by the writer.
_DEAD_BLOB = """SELECT hash, size FROM blob b WHERE created_ns<=?1
  AND NOT EXISTS(SELECT 1 FROM version v WHERE v.blob=b.hash)
  AND NOT EXISTS(SELECT 1 FROM segment s WHERE s.blob=b.hash)
  AND NOT EXISTS(SELECT 1 FROM part p WHERE p.blob=b.hash) """
_DEAD_BLOBS_AFTER = _DEAD_BLOB + "AND hash>?2 ORDER BY hash LIMIT ?3"
_DEAD_BLOB_ROW = _DEAD_BLOB + "AND hash=?2"
_DEAD_MANIFESTS = """SELECT DISTINCT manifest FROM segment s
  WHERE NOT EXISTS(SELECT 1 FROM version v WHERE v.manifest=s.manifest)"""

# Visible to nobody: superseded before the horizon, and no snapshot of the bucket, no fork below it and no
# merge to come looks at a time between the version and its successor.
_HISTORY = """SELECT v.bucket_id, v.key, v.nts FROM version v JOIN bucket b ON b.id=v.bucket_id
  JOIN version s ON s.bucket_id=v.bucket_id AND s.key=v.key AND s.nts=(
    SELECT max(nts) FROM version w WHERE w.bucket_id=v.bucket_id AND w.key=v.key AND w.nts<v.nts)
  WHERE b.deleted_ns IS NULL AND s.nts>=-?1
  AND NOT EXISTS(SELECT 1 FROM snapshot x WHERE x.bucket_id=v.bucket_id AND x.ts>=-v.nts AND x.ts<-s.nts)
  AND NOT EXISTS(SELECT 1 FROM lineage l JOIN bucket f ON f.id=l.bucket_id WHERE l.ancestor_id=v.bucket_id
    AND f.deleted_ns IS NULL AND l.cut_ns>=-v.nts AND l.cut_ns<-s.nts)
  AND NOT EXISTS(SELECT 1 FROM merge_base m WHERE m.base_id=v.bucket_id AND m.ts>=-v.nts AND m.ts<-s.nts) """
_HISTORY_AFTER = _HISTORY + "AND (v.bucket_id, v.key, v.nts)>(?2,?3,?4) ORDER BY 1, 2, 3 LIMIT ?5"
_HISTORY_ROW = _HISTORY + "AND v.bucket_id=?2 AND v.key=?3 AND v.nts=?4"


@dataclass
class Swept:
    """What a sweep removed, or would remove."""

    buckets: int = 0
    versions: int = 0
    uploads: int = 0
    blobs: int = 0
    bytes: int = 0
    """Bytes that no row names any more."""
    files: int = 0
    """Files moved to the trash: those of the blobs, and orphans that a crash left."""
    trash_bytes: int = 0
    """Bytes that left the disk now: what is in the trash for longer than a reader may need it."""
    dry_run: bool = False


def sweep(
    ledger: Ledger,
    blobs: Blobs,
    *,
    dry_run: bool = False,
    grace_s: float = GRACE_S,
    history_days: float | None = None,
    trash_s: float = TRASH_S,
    now_ns: int | None = None,
) -> Swept:
    """Remove what nothing can see any more.

    `history_days` also forgets versions that were superseded that long ago and that no snapshot and no fork
    pins; without it every version stays readable at its time for ever. Files stay in the trash for `trash_s`,
    for readers that have just found them. Safe beside readers and writers.
    """
    now = time.time_ns() if now_ns is None else now_ns
    done = Swept(dry_run=dry_run)
    before = now - int(grace_s * 10**9)
    if dry_run:
        _estimate(ledger, done, before, now, history_days)
    else:
        _drop_deleted_buckets(ledger, done)
        _drop_uploads(ledger, done, now)
        if history_days is not None:
            _drop_history(ledger, done, now - int(history_days * _DAY_NS))
        _drop_manifests(ledger)
        _drop_blobs(ledger, blobs, done, before)
    _sweep_files(ledger, blobs, done, before / 1e9)
    if not dry_run:
        done.trash_bytes = blobs.empty_trash(trash_s)
    return done


def _drop_deleted_buckets(ledger: Ledger, done: Swept) -> None:
    gone = ledger.read().execute("SELECT id FROM bucket WHERE deleted_ns IS NOT NULL").fetchall()
    for (id_,) in gone:

        def some(tx: Transaction, id_: int = id_) -> int:
            sql = """DELETE FROM version WHERE (bucket_id, key, nts) IN (
              SELECT bucket_id, key, nts FROM version WHERE bucket_id=? LIMIT ?)"""
            return int(tx.execute(sql, (id_, _BATCH)).rowcount)

        while number := ledger.write(some):
            done.versions += number

        def rest(tx: Transaction, id_: int = id_) -> None:
            for table in ("snapshot", "lineage", "merge_base"):
                tx.execute(f"DELETE FROM {table} WHERE bucket_id=?", (id_,))  # noqa: S608
            tx.execute("DELETE FROM bucket WHERE id=?", (id_,))

        ledger.write(rest)
        done.buckets += 1


def _drop_uploads(ledger: Ledger, done: Swept, now: int) -> None:
    """Uploads that nobody finished in days, and the memory of finished ones."""

    def job(tx: Transaction) -> int:
        sql = """DELETE FROM upload WHERE done_ns<? OR (done_ns IS NULL AND started_ns<? AND NOT EXISTS(
          SELECT 1 FROM part p WHERE p.upload_id=id AND p.written_ns>=?))"""
        old = now - UPLOAD_DAYS * _DAY_NS
        number = tx.execute(sql, (now - _DAY_NS, old, old)).rowcount
        tx.execute("DELETE FROM part WHERE upload_id NOT IN (SELECT id FROM upload)")
        return int(number)

    done.uploads = ledger.write(job)


def _drop_history(ledger: Ledger, done: Swept, horizon: int) -> None:
    """Found by a reader, in order; looked at once more by the writer, since a fork may begin at any time."""
    place: tuple[int, bytes, int] = (0, b"", 0)
    while True:
        rows = ledger.read().execute(_HISTORY_AFTER, (horizon, *place, _BATCH)).fetchall()

        def some(tx: Transaction, rows: list[tuple[int, bytes, int]] = rows) -> int:
            sure = [row for row in rows if tx.execute(_HISTORY_ROW, (horizon, *row)).fetchone()]
            tx.executemany("DELETE FROM version WHERE bucket_id=? AND key=? AND nts=?", sure)
            return len(sure)

        if rows:
            done.versions += ledger.write(some)
            place = rows[-1]
        if len(rows) < _BATCH:
            return


def _drop_manifests(ledger: Ledger) -> None:
    """Lists of parts that no version names. Nothing names one again: a copy is made of a version."""
    dead = ledger.read().execute(_DEAD_MANIFESTS).fetchall()
    for start in range(0, len(dead), _BATCH):

        def some(tx: Transaction, rows: list[tuple[int]] = dead[start : start + _BATCH]) -> None:
            tx.executemany(
                """DELETE FROM segment WHERE manifest=?1
                  AND NOT EXISTS(SELECT 1 FROM version v WHERE v.manifest=?1)""",
                rows,
            )

        ledger.write(some)


def _drop_blobs(ledger: Ledger, blobs: Blobs, done: Swept, before: int) -> None:
    after = ""
    while True:
        rows = ledger.read().execute(_DEAD_BLOBS_AFTER, (before, after, _BATCH)).fetchall()

        def some(tx: Transaction, rows: list[tuple[str, int]] = rows) -> list[int]:
            # A writer that counts on a row that we take here finds it missing when its own job runs, and
            # writes its bytes again; so the set only spares that writer the work.
            with blobs.held_still() as in_flight:
                sure = [
                    (name, size)
                    for name, size in rows
                    if name not in in_flight and tx.execute(_DEAD_BLOB_ROW, (before, name)).fetchone()
                ]
            tx.executemany("DELETE FROM blob WHERE hash=?", [(name,) for name, _ in sure])
            return [size for _, size in sure]

        if rows:
            sizes = ledger.write(some)
            done.blobs += len(sizes)
            done.bytes += sum(sizes)
            after = rows[-1][0]
        if len(rows) < _BATCH:
            return


def _sweep_files(ledger: Ledger, blobs: Blobs, done: Swept, before_s: float) -> None:
    connection = ledger.read()
    trash = blobs.folder / "trash"
    for path, size in files(blobs.folder):
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_mtime > before_s:
                continue
            # Under the lock no writer can be between giving a file its name and committing its row.
            with blobs.held_still() as in_flight:
                if path.name in in_flight:
                    continue
                if connection.execute("SELECT 1 FROM blob WHERE hash=?", (path.name,)).fetchone():
                    continue
                done.files += 1
                if done.dry_run:
                    done.bytes += size
                    continue
                os.utime(path)
                path.rename(trash / path.name)


def _estimate(ledger: Ledger, done: Swept, before: int, now: int, history_days: float | None) -> None:
    """Count what would go. Blobs are counted as they would be dead once the rows were gone."""
    with ledger.reading() as connection:
        sql = "SELECT count(*) FROM bucket WHERE deleted_ns IS NOT NULL"
        (done.buckets,) = connection.execute(sql).fetchone()
        dead = "SELECT id FROM bucket WHERE deleted_ns IS NOT NULL"
        sql = f"SELECT count(*) FROM version WHERE bucket_id IN ({dead})"  # noqa: S608
        (done.versions,) = connection.execute(sql).fetchone()
        if history_days is not None:
            horizon = now - int(history_days * _DAY_NS)
            done.versions += len(connection.execute(_HISTORY, (horizon,)).fetchall())
        done.blobs, done.bytes = connection.execute(
            f"""SELECT count(*), coalesce(sum(size), 0) FROM blob b WHERE created_ns<=?
              AND NOT EXISTS(SELECT 1 FROM version v WHERE v.blob=b.hash AND v.bucket_id NOT IN ({dead}))
              AND NOT EXISTS(SELECT 1 FROM segment s WHERE s.blob=b.hash AND s.manifest IN (
                SELECT manifest FROM version v WHERE v.manifest IS NOT NULL AND v.bucket_id NOT IN ({dead})))
              AND NOT EXISTS(SELECT 1 FROM part p WHERE p.blob=b.hash)""",  # noqa: S608
            (before,),
        ).fetchone()
