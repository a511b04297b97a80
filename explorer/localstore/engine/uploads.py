"""Multipart uploads: parts are sealed blobs, and completing one only writes rows that name them in order."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from explorer.localstore.engine.finding import find
from explorer.localstore.engine.ledger import Ledger, Transaction
from explorer.localstore.engine.names import check_key
from explorer.localstore.engine.objects import Condition, Objects, check_snapshots, insert_version
from explorer.localstore.engine.records import Attributes, Bucket, Entry, Part, Upload
from explorer.localstore.engine.sinks import Sink
from explorer.localstore.engine.whole import whole_checksum
from explorer.localstore.refusals import Refusal

MIN_PART_BYTES = 5 * 2**20
MAX_PARTS = 10_000

_UPLOAD = "SELECT id, bucket_id, key, started_ns, attributes, algorithm, checksum_type FROM upload "


def _upload(row: tuple[Any, ...]) -> Upload:
    id_, bucket_id, key, started, attributes, algorithm, type_ = row
    return Upload(id_, bucket_id, key, started, Attributes.from_text(attributes), algorithm, type_)


class Uploads:
    def __init__(self, ledger: Ledger, objects: Objects) -> None:
        self._ledger = ledger
        self._objects = objects

    def begin(
        self, bucket: Bucket, key: bytes, attributes: Attributes, algorithm: str | None, checksum_type: str
    ) -> str:
        """A new upload's id."""
        check_key(key)
        id_ = secrets.token_urlsafe(24)

        def job(tx: Transaction) -> None:
            check_snapshots(tx, bucket)
            tx.execute(
                "INSERT INTO upload VALUES(?,?,?,?,?,?,?,NULL)",
                (id_, bucket.id, key, tx.tick(), attributes.to_text(), algorithm, checksum_type),
            )

        self._ledger.write(job)
        return id_

    def get(self, bucket: Bucket, key: bytes, id_: str) -> Upload:
        """An upload that is still open.

        Raises:
            Refusal: NoSuchUpload.
        """
        sql = _UPLOAD + "WHERE id=? AND bucket_id=? AND key=? AND done_ns IS NULL"
        row = self._ledger.read().execute(sql, (id_, bucket.id, key)).fetchone()
        if row is None:
            raise _no_such_upload(id_)
        return _upload(row)

    def add_part(self, upload: Upload, n: int, sink: Sink) -> Part:
        """Seal one part; sending a number again replaces it."""
        if not 1 <= n <= MAX_PARTS:
            raise Refusal(
                "InvalidArgument", f"Part number must be an integer between 1 and {MAX_PARTS}, inclusive"
            )
        digests = sink.digests
        checksum = digests.checksum(upload.algorithm) if upload.algorithm else ""
        part = Part(n, digests.blob, digests.size, digests.etag, checksum, 0)

        def job(tx: Transaction) -> Entry:
            if not tx.execute("SELECT 1 FROM upload WHERE id=? AND done_ns IS NULL", (upload.id,)).fetchone():
                raise _no_such_upload(upload.id)
            row = (upload.id, n, part.blob, part.size, part.etag, part.checksum, tx.tick())
            tx.execute("INSERT OR REPLACE INTO part VALUES(?,?,?,?,?,?,?)", row)
            return Entry(0, b"", row[-1], False, part.size, part.etag, part.blob, None)

        return replace(part, written_ns=self._objects.keep(sink, job).ts)

    def parts(self, upload: Upload, *, after: int = 0, limit: int = MAX_PARTS) -> list[Part]:
        sql = """SELECT n, blob, size, etag, checksum, written_ns FROM part WHERE upload_id=? AND n>?
          ORDER BY n LIMIT ?"""
        return [Part(*row) for row in self._ledger.read().execute(sql, (upload.id, after, limit))]

    def complete(
        self,
        bucket: Bucket,
        key: bytes,
        id_: str,
        wanted: Sequence[tuple[int, str]],
        claimed: tuple[str, str] | None = None,
        condition: Condition | None = None,
    ) -> Entry:
        """Make the parts `wanted`, (number, etag) in order, one object; O(parts), no byte is copied.

        `claimed` is the checksum that the whole must have: (algorithm, base64).

        Raises:
            Refusal: NoSuchUpload, InvalidPart, InvalidPartOrder, EntityTooSmall, BadDigest.
        """

        def job(tx: Transaction) -> Entry:
            row = tx.execute(
                "SELECT done_ns FROM upload WHERE id=? AND bucket_id=? AND key=?", (id_, bucket.id, key)
            ).fetchone()
            if row is None:
                raise _no_such_upload(id_)
            if row[0] is not None:
                return _already_done(tx, bucket, key, id_, row[0])
            upload = _upload(tx.execute(_UPLOAD + "WHERE id=?", (id_,)).fetchone())
            chosen = _choose(tx, id_, wanted)
            made = insert_version(tx, bucket, _assemble(tx, upload, chosen, claimed), condition)
            tx.execute("UPDATE upload SET done_ns=? WHERE id=?", (made.ts, id_))
            tx.execute("DELETE FROM part WHERE upload_id=?", (id_,))
            return made

        return self._ledger.write(job)

    def abort(self, bucket: Bucket, key: bytes, id_: str) -> None:
        def job(tx: Transaction) -> None:
            sql = "DELETE FROM upload WHERE id=? AND bucket_id=? AND key=? AND done_ns IS NULL"
            if tx.execute(sql, (id_, bucket.id, key)).rowcount == 0:
                raise _no_such_upload(id_)
            tx.execute("DELETE FROM part WHERE upload_id=?", (id_,))

        self._ledger.write(job)

    def list(
        self, bucket: Bucket, *, prefix: bytes = b"", after: tuple[bytes, str] = (b"", ""), limit: int = 1000
    ) -> list[Upload]:
        """Open uploads by key, then id."""
        sql = (
            _UPLOAD
            + """WHERE bucket_id=? AND done_ns IS NULL AND (key, id) > (?, ?)
          AND substr(key, 1, ?)=? ORDER BY key, id LIMIT ?"""
        )
        arguments = (bucket.id, *after, len(prefix), prefix, limit)
        return [_upload(row) for row in self._ledger.read().execute(sql, arguments)]


def _no_such_upload(id_: str) -> Refusal:
    return Refusal(
        "NoSuchUpload",
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been "
        "aborted or completed.",
        UploadId=id_[:64],
    )


def _already_done(tx: Transaction, bucket: Bucket, key: bytes, id_: str, ts: int) -> Entry:
    """A client that lost our answer asks again: give it once more, as long as the version is there."""
    made = find(tx, bucket.id, key, ts)
    if made is None or made.ts != ts:
        raise _no_such_upload(id_)
    return made


def _choose(tx: Transaction, id_: str, wanted: Sequence[tuple[int, str]]) -> list[Part]:
    if not wanted:
        raise Refusal("MalformedXML", "You must specify at least one part")
    sql = "SELECT n, blob, size, etag, checksum, written_ns FROM part WHERE upload_id=?"
    there = {row[0]: Part(*row) for row in tx.execute(sql, (id_,))}
    chosen: list[Part] = []
    for n, etag in wanted:
        if chosen and n <= chosen[-1].n:
            raise Refusal("InvalidPartOrder", "The list of parts was not in ascending order.")
        part = there.get(n)
        if part is None or part.etag != etag.strip('"'):
            raise Refusal(
                "InvalidPart", "One or more of the specified parts could not be found.", PartNumber=str(n)
            )
        chosen.append(part)
    for part in chosen[:-1]:
        if part.size < MIN_PART_BYTES:
            raise Refusal(
                "EntityTooSmall",
                "Your proposed upload is smaller than the minimum allowed size",
                PartNumber=str(part.n),
                ProposedSize=str(part.size),
                MinSizeAllowed=str(MIN_PART_BYTES),
            )
    return chosen


def _assemble(tx: Transaction, upload: Upload, chosen: list[Part], claimed: tuple[str, str] | None) -> Entry:
    digest = hashlib.md5(b"".join(bytes.fromhex(part.etag) for part in chosen), usedforsecurity=False)
    attributes = upload.attributes
    if claimed is not None and claimed[0] != upload.algorithm:
        raise Refusal("InvalidRequest", f"The upload was not begun with the checksum algorithm {claimed[0]}.")
    if upload.algorithm:
        checksum = whole_checksum(upload.algorithm, upload.checksum_type, chosen)
        if claimed is not None and claimed[1].split("-")[0] != checksum.split("-")[0]:
            raise Refusal(
                "BadDigest", f"The {upload.algorithm} you specified did not match what we received."
            )
        attributes = replace(
            attributes, checksums={upload.algorithm: checksum}, checksum_type=upload.checksum_type
        )
    manifest, start, rows = tx.tick(), 0, []
    for n, part in enumerate(chosen, 1):
        rows.append((manifest, n, start, part.size, part.blob, part.checksum))
        start += part.size
    tx.executemany("INSERT INTO segment VALUES(?,?,?,?,?,?)", rows)
    etag = f"{digest.hexdigest()}-{len(chosen)}"
    return Entry(upload.bucket_id, upload.key, 0, False, start, etag, None, manifest, attributes.to_text())
