"""A fork's changes brought into its parent, and its parent's into a fork: rows that name the same bytes.

Both compare with the state that fork and parent last had in common: the fork's cut, or where they last met.
Of a key that only one side changed since, the other side gets a new version (or a delete marker); the past of
both stays as it was, so every snapshot goes on seeing what it saw. What Tigris does with a key that both
changed is documented nowhere: then nothing is done.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from explorer.localstore.engine.finding import find
from explorer.localstore.engine.ledger import Ledger, Transaction
from explorer.localstore.engine.records import Entry
from explorer.localstore.refusals import Refusal, no_such_bucket


@dataclass(frozen=True, slots=True)
class _Pair:
    """A fork and its parent, and the bucket and time that tell what they had in common."""

    fork: int
    parent: int
    cut: int
    base: int
    base_ts: int


class Merging:
    """Each call is one transaction; it costs some 0.1 ms for each key that the changing side wrote."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def merge(self, fork: str, parent: str) -> int:
        """Bring into `parent` what its direct fork changed; the version of both right after it.

        Raises:
            Refusal: no such bucket, not a direct fork, or a key that both changed.
        """

        def job(tx: Transaction) -> int:
            pair = _pair(tx, fork)
            if pair is None or pair.parent != _bucket(tx, parent)[0]:
                raise Refusal("InvalidArgument", "merge source must be a direct fork of target")
            since = pair.base_ts if pair.base == pair.fork else 0
            _bring(tx, pair, "MergeFork", source=pair.fork, target=pair.parent, since=since)
            ts = _snapshot_both(tx, pair)
            _remember_base(tx, pair, pair.fork, ts)
            return ts

        return self._ledger.write(job)

    def rebase(self, fork: str) -> int:
        """Bring into `fork` what its parent changed; the version of both right after it.

        Raises:
            Refusal: no such bucket, not a fork, or a key that both changed.
        """

        def job(tx: Transaction) -> int:
            pair = _pair(tx, fork)
            if pair is None:
                raise Refusal("InvalidArgument", "only a fork can be rebased", BucketName=fork)
            since = pair.base_ts if pair.base == pair.parent else pair.cut
            _bring(tx, pair, "RebaseFork", source=pair.parent, target=pair.fork, since=since)
            ts = _snapshot_both(tx, pair)
            _remember_base(tx, pair, pair.parent, ts)
            return ts

        return self._ledger.write(job)

    def parent_of(self, fork: str) -> str | None:
        """The name of the bucket that a rebase reads."""
        sql = """SELECT p.name FROM bucket b JOIN bucket p ON p.id=b.parent_id
          WHERE b.name=? AND b.deleted_ns IS NULL"""
        row = self._ledger.read().execute(sql, (fork,)).fetchone()
        return None if row is None else str(row[0])


def _bucket(tx: Transaction, name: str) -> tuple[int, int | None, int | None]:
    sql = "SELECT id, parent_id, parent_cut_ns FROM bucket WHERE name=? AND deleted_ns IS NULL"
    row: tuple[int, int | None, int | None] | None = tx.execute(sql, (name,)).fetchone()
    if row is None:
        raise no_such_bucket(name)
    return row


def _pair(tx: Transaction, fork: str) -> _Pair | None:
    id_, parent, cut = _bucket(tx, fork)
    if parent is None or cut is None:
        return None
    base = tx.execute("SELECT base_id, ts FROM merge_base WHERE bucket_id=?", (id_,)).fetchone()
    return _Pair(id_, parent, cut, *(base or (parent, cut)))


def _bring(tx: Transaction, pair: _Pair, operation: str, *, source: int, target: int, since: int) -> None:
    """Write into `target` what `source` changed after `since`, all at one time."""
    ts = tx.tick()
    rows: list[tuple[object, ...]] = []
    conflicts: list[bytes] = []
    for key in _keys_written(tx, source, since):
        before = _seen(find(tx, pair.base, key, pair.base_ts))
        there, here = _seen(find(tx, source, key)), _seen(find(tx, target, key))
        if _same(there, before) or _same(there, here):
            continue
        if not _same(here, before):
            conflicts.append(key)
        elif there is None:
            rows.append((target, key, -ts, True, 0, "", None, None, None))
        else:
            body = (there.size, there.etag, there.blob, there.manifest, there.attributes_text)
            rows.append((target, key, -ts, False, *body))
    if conflicts:
        raise _conflict(operation, conflicts)
    tx.executemany("INSERT INTO version VALUES(?,?,?,?,?,?,?,?,?)", rows)


def _keys_written(tx: Transaction, bucket: int, since: int) -> Iterable[bytes]:
    sql = "SELECT DISTINCT key FROM version WHERE bucket_id=? AND nts<? ORDER BY key"
    return [key for (key,) in tx.execute(sql, (bucket, -since))]


def _seen(found: Entry | None) -> Entry | None:
    return None if found is None or found.deleted else found


def _same(a: Entry | None, b: Entry | None) -> bool:
    if a is None or b is None:
        return a is b
    return (a.blob, a.manifest, a.attributes_text) == (b.blob, b.manifest, b.attributes_text)


def _conflict(operation: str, keys: list[bytes]) -> Refusal:
    named = keys[0].decode("utf-8", "replace")
    more = f" and {len(keys) - 1} more" if len(keys) > 1 else ""
    return Refusal(
        "NotImplemented",
        f"{operation} of keys that the fork and its parent both changed is not implemented by the local "
        f"store: {named}{more}. Nothing was changed.",
        Key=named,
    )


def _snapshot_both(tx: Transaction, pair: _Pair) -> int:
    """Where they met, as a snapshot of each: the client is told one version, and finds it in both."""
    ts = tx.tick()
    tx.executemany("INSERT INTO snapshot VALUES(?,?,NULL)", [(pair.fork, ts), (pair.parent, ts)])
    return ts


def _remember_base(tx: Transaction, pair: _Pair, base: int, ts: int) -> None:
    tx.execute("INSERT OR REPLACE INTO merge_base VALUES(?,?,?)", (pair.fork, base, ts))
