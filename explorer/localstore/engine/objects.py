"""Objects: put, find at a time through the chain of forks, delete, copy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import replace

from explorer.localstore.engine.blobs import Blobs
from explorer.localstore.engine.finding import FIND_VERSION, entry, find
from explorer.localstore.engine.ledger import Job, Ledger, Transaction
from explorer.localstore.engine.names import check_key
from explorer.localstore.engine.records import Attributes, Bucket, Entry, Segment
from explorer.localstore.engine.schema import FOREVER
from explorer.localstore.engine.sinks import Sink
from explorer.localstore.refusals import Refusal, no_such_bucket

Condition = Callable[[Entry | None], None]
"""Looks at what is there now (None: nothing) and raises a Refusal to stop a write."""


class BlobGone(Exception):
    """The sweep took a blob between our look and our commit: write it again."""


class Objects:
    def __init__(self, ledger: Ledger, blobs: Blobs, *, on_version_deleted: Callable[[], None]) -> None:
        self._ledger = ledger
        self._blobs = blobs
        self._on_version_deleted = on_version_deleted

    def find(
        self, bucket: Bucket, key: bytes, *, at: int | None = None, version: int | None = None
    ) -> Entry | None:
        """A version, maybe a delete marker: the head's, the one seen `at` a time, or exactly `version`."""
        connection = self._ledger.read()
        if version is None:
            return find(connection, bucket.id, key, FOREVER if at is None else at)
        row = connection.execute(FIND_VERSION, (bucket.id, key, version)).fetchone()
        return None if row is None else entry(row)

    def segments(self, found: Entry, start: int, stop: int) -> Iterator[Segment]:
        """Where the bytes `start` to `stop` are, in order."""
        if found.blob is not None:
            yield Segment(found.blob, start, stop - start)
            return
        sql = """SELECT blob, start, size FROM segment WHERE manifest=? AND start<? AND start+size>?
          AND size>0 ORDER BY n"""
        for blob, begin, size in self._ledger.read().execute(sql, (found.manifest, stop, start)).fetchall():
            low, high = max(start, begin), min(stop, begin + size)
            yield Segment(blob, low - begin, high - low)

    def part_range(self, found: Entry, n: int) -> tuple[int, int, int]:
        """(start, stop, number of parts) of one part of a multipart object; any other object is one part."""
        if found.manifest is None:
            if n != 1:
                raise Refusal("InvalidPartNumber", "The requested partnumber is not satisfiable")
            return 0, found.size, 1
        connection = self._ledger.read()
        (count,) = connection.execute(
            "SELECT count(*) FROM segment WHERE manifest=?", (found.manifest,)
        ).fetchone()
        row = connection.execute(
            "SELECT start, start+size FROM segment WHERE manifest=? AND n=?", (found.manifest, n)
        ).fetchone()
        if row is None:
            raise Refusal("InvalidPartNumber", "The requested partnumber is not satisfiable")
        return row[0], row[1], count

    def put(
        self,
        bucket: Bucket,
        key: bytes,
        sink: Sink,
        attributes: Attributes,
        condition: Condition | None = None,
    ) -> Entry:
        """Seal a verified body and make it the key's newest version; durable when this returns."""
        check_key(key)

        def job(tx: Transaction) -> Entry:
            return insert_version(
                tx,
                bucket,
                Entry(
                    bucket.id,
                    key,
                    0,
                    False,
                    sink.digests.size,
                    sink.digests.etag,
                    sink.digests.blob,
                    None,
                    attributes.to_text(),
                ),
                condition,
            )

        return self.keep(sink, job)

    def keep(self, sink: Sink, job: Callable[[Transaction], Entry]) -> Entry:
        """Seal the sink's bytes unless the store has them, then commit `job` with their row."""
        blob, size = sink.digests.blob, sink.digests.size
        self._ledger.check_writable()
        with self._blobs.in_flight(blob):
            # That the bytes are durable is known from the committed row, never from the file's being there.
            known = self._ledger.read().execute("SELECT 1 FROM blob WHERE hash=?", (blob,)).fetchone()
            while True:
                if not known:
                    sink.sync()
                    self._blobs.seal(sink.path, blob)

                def guarded(tx: Transaction, known: bool = bool(known)) -> Entry:
                    if known and not tx.execute("SELECT 1 FROM blob WHERE hash=?", (blob,)).fetchone():
                        raise BlobGone
                    tx.execute("INSERT OR IGNORE INTO blob VALUES(?,?,?)", (blob, size, tx.tick()))
                    return job(tx)

                try:
                    return self._ledger.write(guarded)
                except BlobGone:
                    known = None

    def delete(self, bucket: Bucket, key: bytes, condition: Condition | None = None) -> Entry | None:
        """Put a delete marker on the key and return it; a bucket without history loses the object (None)."""
        return self._ledger.write(_deletion(bucket, key, None, condition))

    def delete_version(
        self, bucket: Bucket, key: bytes, version: int, condition: Condition | None = None
    ) -> Entry | None:
        """Remove one version for good, from snapshots and forks too; one that is a parent's is refused.

        The condition is about that version. Returns the one that was removed, or None if there was none.
        """
        return self.delete_all(bucket, [(key, version, condition)])[0].result()

    def delete_all(
        self, bucket: Bucket, wanted: Sequence[tuple[bytes, int | None, Condition | None]]
    ) -> list[Future[Entry | None]]:
        """Many of both in one commit, (key, version, condition) each; one that is refused is so alone."""
        done = self._ledger.write_all([_deletion(bucket, *each) for each in wanted])
        if any(version is not None for _, version, _ in wanted):
            self._on_version_deleted()
        return done

    def copy(
        self,
        found: Entry,
        bucket: Bucket,
        key: bytes,
        attributes: Attributes,
        condition: Condition | None = None,
        *,
        remove_source: bool = False,
    ) -> Entry:
        """A new version with the same bytes; nothing is read or written but rows. `remove_source` renames."""
        check_key(key)

        def job(tx: Transaction) -> Entry:
            live = tx.execute(
                "SELECT 1 FROM version WHERE bucket_id=? AND key=? AND nts=?",
                (found.bucket_id, found.key, -found.ts),
            ).fetchone()
            if live is None:
                raise Refusal("NoSuchKey", "The source of the copy is gone.")
            wanted = replace(found, bucket_id=bucket.id, key=key, attributes_text=attributes.to_text())
            made = insert_version(tx, bucket, wanted, condition)
            if remove_source and found.key != key:
                marker = Entry(bucket.id, found.key, 0, True, 0, "", None, None)
                insert_version(tx, bucket, marker, ts=made.ts)
            return made

        return self._ledger.write(job)

    def change_tags(self, bucket: Bucket, found: Entry, attributes: Attributes) -> Entry:
        """Say something new of the head's version.

        Where versions are kept that makes a new one of the same bytes: a snapshot or a fork that sees the
        old one must go on seeing it as it was.
        """

        def job(tx: Transaction) -> Entry:
            head = find(tx, bucket.id, found.key)
            if head is None or head.ts != found.ts:
                raise Refusal("NotImplemented", "Tagging a version other than the newest is not implemented.")
            return insert_version(tx, bucket, replace(head, attributes_text=attributes.to_text()))

        return self._ledger.write(job)


def _deletion(
    bucket: Bucket, key: bytes, version: int | None, condition: Condition | None
) -> Job[Entry | None]:
    def mark(tx: Transaction) -> Entry | None:
        marker = Entry(bucket.id, key, 0, True, 0, "", None, None)
        if check_snapshots(tx, bucket) or has_history(tx, bucket):
            return insert_version(tx, bucket, marker, condition)
        if condition is not None:
            condition(_visible(find(tx, bucket.id, key)))
        tx.tick()
        tx.execute("DELETE FROM version WHERE bucket_id=? AND key=?", (bucket.id, key))
        return None

    def remove(tx: Transaction) -> Entry | None:
        check_snapshots(tx, bucket)
        row = tx.execute(FIND_VERSION, (bucket.id, key, version)).fetchone()
        if row is None:
            return None
        found = entry(row)
        if found.bucket_id != bucket.id:
            raise Refusal("AccessDenied", "The version belongs to the parent of this fork.")
        if condition is not None:
            condition(_visible(found))
        tx.execute("DELETE FROM version WHERE bucket_id=? AND key=? AND nts=?", (bucket.id, key, -found.ts))
        return found

    return mark if version is None else remove


def _visible(found: Entry | None) -> Entry | None:
    return None if found is None or found.deleted else found


def check_snapshots(tx: Transaction, bucket: Bucket) -> bool:
    """Whether the bucket keeps versions now; refuses if it was deleted since the request looked."""
    row = tx.execute(
        "SELECT snapshots_on FROM bucket WHERE id=? AND deleted_ns IS NULL", (bucket.id,)
    ).fetchone()
    if row is None:
        raise no_such_bucket(bucket.name)
    return bool(row[0])


def has_history(tx: Transaction, bucket: Bucket) -> bool:
    """A regular bucket that once kept snapshots: those must go on seeing what they saw."""
    return tx.execute("SELECT 1 FROM snapshot WHERE bucket_id=?", (bucket.id,)).fetchone() is not None


def insert_version(
    tx: Transaction,
    bucket: Bucket,
    wanted: Entry,
    condition: Condition | None = None,
    *,
    ts: int | None = None,
) -> Entry:
    """Write the newest version of a key, inside a job: at the next tick, or at `ts`, that of another key."""
    keeps = check_snapshots(tx, bucket) or has_history(tx, bucket)
    if condition is not None:
        condition(_visible(find(tx, bucket.id, wanted.key)))
    if not keeps:
        tx.execute("DELETE FROM version WHERE bucket_id=? AND key=?", (bucket.id, wanted.key))
    made = replace(wanted, ts=tx.tick() if ts is None else ts)
    if keeps or not wanted.deleted:
        tx.execute(
            "INSERT INTO version VALUES(?,?,?,?,?,?,?,?,?)",
            (
                bucket.id,
                made.key,
                -made.ts,
                made.deleted,
                made.size,
                made.etag,
                made.blob,
                made.manifest,
                made.attributes_text,
            ),
        )
    return made
