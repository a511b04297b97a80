"""What jobs ask of the rows of buckets, and write there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from explorer.localstore.engine.ledger import Transaction
from explorer.localstore.engine.schema import FOREVER
from explorer.localstore.refusals import Refusal, no_such_bucket


def find_bucket(tx: Transaction, name: str) -> int:
    row = tx.execute("SELECT id FROM bucket WHERE name=? AND deleted_ns IS NULL", (name,)).fetchone()
    if row is None:
        raise no_such_bucket(name)
    return int(row[0])


def keeps_snapshots(tx: Transaction, id_: int) -> bool:
    return bool(tx.execute("SELECT snapshots_on FROM bucket WHERE id=?", (id_,)).fetchone()[0])


def check_free(tx: Transaction, name: str) -> None:
    if tx.execute("SELECT 1 FROM bucket WHERE name=? AND deleted_ns IS NULL", (name,)).fetchone():
        raise Refusal(
            "BucketAlreadyOwnedByYou",
            "Your previous request to create the named bucket succeeded and you already own it.",
            BucketName=name,
        )


def check_may_turn_off(tx: Transaction, id_: int) -> None:
    sql = """SELECT parent_id IS NOT NULL OR EXISTS(SELECT 1 FROM bucket f WHERE f.parent_id=b.id
      AND f.deleted_ns IS NULL) FROM bucket b WHERE id=?"""
    if tx.execute(sql, (id_,)).fetchone()[0]:
        raise Refusal(
            "InvalidArgument",
            "Bucket type cannot be changed from Snapshot to Regular while it is part of a fork",
        )


def insert_bucket(
    tx: Transaction,
    name: str,
    now: int,
    snapshots_on: bool,
    settings: Mapping[str, Any] | None,
    parent: tuple[int, int] | tuple[None, None] = (None, None),
) -> int:
    cursor = tx.execute(
        """INSERT INTO bucket(name, created_ns, changed_ns, snapshots_on, settings, parent_id, parent_cut_ns)
           VALUES(?,?,?,?,?,?,?)""",
        (name, now, now, snapshots_on, json.dumps(dict(settings or {})), *parent),
    )
    id_ = int(cursor.lastrowid or 0)
    tx.execute("INSERT INTO lineage VALUES(?,0,?,?)", (id_, id_, FOREVER))
    return id_


def is_empty(tx: Transaction, id_: int) -> bool:
    """Nothing visible at the head, own or inherited."""
    sql = """SELECT 1 FROM lineage l CROSS JOIN version v ON v.bucket_id=l.ancestor_id AND v.nts>=-l.cut_ns
      WHERE l.bucket_id=?1 AND v.deleted=0 AND v.nts=(
        SELECT w.nts FROM version w WHERE w.bucket_id=l.ancestor_id AND w.key=v.key AND w.nts>=-l.cut_ns
        ORDER BY w.nts LIMIT 1)
      AND NOT EXISTS(
        SELECT 1 FROM lineage n JOIN version x
        ON x.bucket_id=n.ancestor_id AND x.key=v.key AND x.nts>=-n.cut_ns
        WHERE n.bucket_id=?1 AND n.depth<l.depth) LIMIT 1"""
    return tx.execute(sql, (id_,)).fetchone() is None
