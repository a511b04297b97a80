"""Buckets, forks and snapshots: each is one row, whatever the number of objects."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from typing import Any

from explorer.localstore.engine.bucket_rows import (
    check_free,
    check_may_turn_off,
    find_bucket,
    insert_bucket,
    is_empty,
    keeps_snapshots,
)
from explorer.localstore.engine.ledger import Ledger, Transaction
from explorer.localstore.engine.names import check_bucket_name
from explorer.localstore.engine.records import Bucket, Snapshot
from explorer.localstore.engine.schema import FOREVER
from explorer.localstore.refusals import Refusal, no_such_bucket

_COLUMNS = """
SELECT b.id, b.name, b.created_ns, b.changed_ns, b.snapshots_on, p.name, b.parent_cut_ns, s.name,
  EXISTS(SELECT 1 FROM bucket f WHERE f.parent_id=b.id AND f.deleted_ns IS NULL), b.settings
FROM bucket b LEFT JOIN bucket p ON p.id=b.parent_id
LEFT JOIN snapshot s ON s.bucket_id=b.parent_id AND s.ts=b.parent_cut_ns
WHERE b.deleted_ns IS NULL """


def _bucket(row: tuple[Any, ...]) -> Bucket:
    id_, name, created, changed, on, parent, cut, label, forks, settings = row
    return Bucket(
        id_, name, created, changed, bool(on), parent, cut, label, bool(forks), json.loads(settings)
    )


class Buckets:
    """Looked up by name on every request, so rows are remembered until the next change of a bucket."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._lock = threading.Lock()
        self._known: dict[str, Bucket] = {}
        self._age = 0

    def get(self, name: str) -> Bucket:
        """The live bucket of that name.

        Raises:
            Refusal: NoSuchBucket.
        """
        found = self._known.get(name)
        if found is not None:
            return found
        age = self._age
        row = self._ledger.read().execute(_COLUMNS + "AND b.name=?", (name,)).fetchone()
        if row is None:
            raise no_such_bucket(name)
        found = _bucket(row)
        with self._lock:
            if age == self._age:
                self._known[name] = found
        return found

    def _forget(self) -> None:
        with self._lock:
            self._age += 1
            self._known.clear()

    def page(
        self,
        *,
        after: str = "",
        limit: int,
        only_forks: bool = False,
        forks_of: int | None = None,
        prefix: str = "",
    ) -> list[Bucket]:
        """Live buckets by name, strictly after `after`."""
        wanted = "AND b.name>? "
        arguments: tuple[Any, ...] = (after,)
        if forks_of is not None:
            wanted += "AND b.parent_id=? "
            arguments += (forks_of,)
        elif only_forks:
            wanted += "AND b.parent_id IS NOT NULL "
        if prefix:
            wanted += "AND substr(b.name, 1, ?)=? "
            arguments += (len(prefix), prefix)
        sql = f"{_COLUMNS}{wanted}ORDER BY b.name LIMIT ?"
        return [_bucket(row) for row in self._ledger.read().execute(sql, (*arguments, limit))]

    def create(
        self, name: str, *, snapshots_on: bool = False, settings: Mapping[str, Any] | None = None
    ) -> Bucket:
        check_bucket_name(name)

        def job(tx: Transaction) -> None:
            check_free(tx, name)
            insert_bucket(tx, name, tx.tick(), snapshots_on, settings)

        self._ledger.write(job)
        self._forget()
        return self.get(name)

    def fork(
        self, source: str, name: str, at: int | None = None, *, settings: Mapping[str, Any] | None = None
    ) -> Bucket:
        """A bucket that starts as `source` was at `at`; without `at` a snapshot is taken now and pinned."""
        check_bucket_name(name)

        def job(tx: Transaction) -> None:
            parent = find_bucket(tx, source)
            if not keeps_snapshots(tx, parent):
                raise Refusal("InvalidRequest", "Source bucket must be of snapshot type", BucketName=source)
            check_free(tx, name)
            now = tx.tick()
            cut = now if at is None else min(at, now)
            if at is None:
                tx.execute("INSERT INTO snapshot VALUES(?,?,NULL)", (parent, cut))
            id_ = insert_bucket(tx, name, tx.tick(), True, settings, (parent, cut))
            tx.execute(
                """INSERT INTO lineage SELECT ?, depth+1, ancestor_id, min(cut_ns, ?)
                FROM lineage WHERE bucket_id=?""",
                (id_, cut, parent),
            )

        self._ledger.write(job)
        self._forget()
        return self.get(name)

    def delete(self, name: str, *, force: bool = False) -> None:
        """Remove a bucket. Forks of it always forbid that; objects and snapshots do unless `force`."""

        def job(tx: Transaction) -> None:
            id_ = find_bucket(tx, name)
            if tx.execute("SELECT 1 FROM bucket WHERE parent_id=? AND deleted_ns IS NULL", (id_,)).fetchone():
                raise Refusal(
                    "BucketNotEmpty",
                    "The bucket has forks that depend on it; delete those first.",
                    BucketName=name,
                )
            if not force:
                if tx.execute("SELECT 1 FROM snapshot WHERE bucket_id=?", (id_,)).fetchone():
                    raise Refusal(
                        "BucketNotEmpty", "The bucket has snapshots; delete those first.", BucketName=name
                    )
                if not is_empty(tx, id_):
                    raise Refusal(
                        "BucketNotEmpty", "The bucket you tried to delete is not empty", BucketName=name
                    )
            tx.execute("UPDATE bucket SET deleted_ns=? WHERE id=?", (tx.tick(), id_))
            tx.execute(
                "DELETE FROM part WHERE upload_id IN (SELECT id FROM upload WHERE bucket_id=?)", (id_,)
            )
            tx.execute("DELETE FROM upload WHERE bucket_id=?", (id_,))

        self._ledger.write(job)
        self._forget()

    def change(
        self, name: str, *, snapshots_on: bool | None = None, settings: Mapping[str, Any] | None = None
    ) -> Bucket:
        """Turn snapshots on or off, and merge `settings` into the ones it has (None removes one)."""

        def job(tx: Transaction) -> None:
            id_ = find_bucket(tx, name)
            if snapshots_on is False and keeps_snapshots(tx, id_):
                check_may_turn_off(tx, id_)
            if snapshots_on is not None:
                tx.execute("UPDATE bucket SET snapshots_on=? WHERE id=?", (snapshots_on, id_))
            if settings:
                (text,) = tx.execute("SELECT settings FROM bucket WHERE id=?", (id_,)).fetchone()
                merged = {k: v for k, v in {**json.loads(text), **settings}.items() if v is not None}
                tx.execute("UPDATE bucket SET settings=? WHERE id=?", (json.dumps(merged), id_))
            tx.execute("UPDATE bucket SET changed_ns=? WHERE id=?", (tx.tick(), id_))

        self._ledger.write(job)
        self._forget()
        return self.get(name)

    def snapshot(self, name: str, label: str | None = None) -> Snapshot:
        """Freeze the bucket as it is now."""

        def job(tx: Transaction) -> int:
            id_ = find_bucket(tx, name)
            if not keeps_snapshots(tx, id_):
                raise Refusal("InvalidRequest", "Bucket must be of snapshot type", BucketName=name)
            ts = tx.tick()
            tx.execute("INSERT INTO snapshot VALUES(?,?,?)", (id_, ts, label))
            return ts

        return Snapshot(self._ledger.write(job), label)

    def snapshots(self, bucket: Bucket, *, before: int = FOREVER, limit: int) -> list[Snapshot]:
        """Newest first, strictly older than `before`."""
        sql = "SELECT ts, name FROM snapshot WHERE bucket_id=? AND ts<? ORDER BY ts DESC LIMIT ?"
        rows = self._ledger.read().execute(sql, (bucket.id, before, limit))
        return [Snapshot(ts, name) for ts, name in rows]

    def delete_snapshot(self, name: str, ts: int) -> None:
        """Forget the snapshot; forks made from it have pinned its time and keep theirs."""

        def job(tx: Transaction) -> None:
            id_ = find_bucket(tx, name)
            if tx.execute("DELETE FROM snapshot WHERE bucket_id=? AND ts=?", (id_, ts)).rowcount == 0:
                raise Refusal("NoSuchSnapshot", "The specified snapshot does not exist", Snapshot=str(ts))

        self._ledger.write(job)
        self._forget()
