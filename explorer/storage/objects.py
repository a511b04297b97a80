"""Objects: listed, read at any node, written at a head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from explorer.errors import Conflict, ExplorerError, NotFound
from explorer.lineage.address import Node
from explorer.lineage.values import ObjectInfo, Range
from explorer.storage.bulk import range_header, read_range, speaks_key
from explorer.storage.labels import Labels
from explorer.storage.listing import answered_object, object_of, whole_size
from explorer.storage.translate import read_answer
from explorer.storage.wire import Wire, retries_of

_MULTIPART_BYTES = 16 * 2**20
_BULK_FROM = 8
"""For fewer ranges a warm boto3 connection beats the new one of a store object for this node."""


class Objects(Wire):
    """The half of `Store` that knows objects."""

    def list_objects(
        self, node: Node, prefix: str = "", *, limit: int | None = None
    ) -> tuple[ObjectInfo, ...]:
        """Objects at a node in key order; one request for every 1000.

        Raises:
            NotFound: there is no such bucket.
        """
        found: list[ObjectInfo] = []
        asked: dict[str, Any] = {"Bucket": node.bucket, "Prefix": prefix}
        with self._speaking(node) as client:
            while True:
                if limit is not None:
                    asked["MaxKeys"] = min(1000, limit - len(found))
                page = client.list_objects_v2(**asked)
                found += map(object_of, page.get("Contents", ()))
                token = page.get("NextContinuationToken")
                if not page.get("IsTruncated") or not token or (limit is not None and len(found) >= limit):
                    return tuple(found if limit is None else found[:limit])
                asked["ContinuationToken"] = token

    def read(self, node: Node, want: Range, *, if_match: str | None = None) -> bytes:
        """Part of an object; like a file, a read past the end is short, down to no bytes.

        Raises:
            NotFound: no such key here.
            Conflict: the object is not (or no longer) the one with the ETag `if_match`.
        """
        return self._get(node, want, if_match)[0]

    def _get(self, node: Node, want: Range, if_match: str | None) -> tuple[bytes, int | None]:
        """Bytes and the size of the whole object, None where it was not told."""
        if want.length == 0:
            return b"", None
        asked = {"Bucket": node.bucket, "Key": want.key}
        header = range_header(want)
        if header:
            asked["Range"] = header
        if if_match:
            asked["IfMatch"] = f'"{if_match}"'
        with self._speaking(node, want.key, known=lambda: self._keys_near(node, want.key)) as client:
            try:
                answer = client.get_object(**asked)
            except Exception as error:
                told = read_answer(error)
                if told is not None and told.status == 416:
                    return b"", None
                raise
            data: bytes = answer["Body"].read()
        _check_etag(node, want.key, str(answer.get("ETag", "")).strip('"'), if_match)
        if header and "ContentRange" not in answer:  # a server that does not know ranges sent everything
            data = data[want.start :]
        return (data if want.length is None else data[: want.length]), whole_size(answer)

    def read_object(self, node: Node, key: str) -> tuple[bytes, ObjectInfo]:
        """A whole, small object and what it is. Raises NotFound, naming the nearest keys."""
        with self._speaking(node, key, known=lambda: self._keys_near(node, key)) as client:
            answer = client.get_object(Bucket=node.bucket, Key=key)
            data: bytes = answer["Body"].read()
        return data, answered_object(key, answer, len(data))

    def read_many(
        self, node: Node, wants: Sequence[Range], *, expect: Mapping[str, ObjectInfo] | None = None
    ) -> tuple[bytes, ...]:
        """Ranges in parallel (16 at a time), in the order asked for; short past the end, as `read`.

        Objects in `expect` are pinned: If-Match is sent, and the answer's ETag and whole size are checked.

        Raises:
            NotFound, Conflict: as `read`, for the first range that failed.
        """
        known = expect or {}
        bulk = len(wants) >= _BULK_FROM
        if len(wants) == 1:
            return (bytes(self._read_one(node, wants[0], known.get(wants[0].key), bulk)),)
        pool = self._pool()
        pending = [pool.submit(self._read_one, node, want, known.get(want.key), bulk) for want in wants]
        try:
            return tuple(bytes(future.result()) for future in pending)
        finally:
            for future in pending:
                future.cancel()

    def read_part(self, node: Node, item: ObjectInfo, start: int, length: int) -> memoryview:
        """`length` bytes of an object pinned by a listing; never short, never of another object.

        Raises:
            Conflict: the object has another ETag or size now, or the answer is too short.
        """
        data = self._read_one(node, Range(item.key, start, length), item, bulk=True)
        if len(data) != length:
            raise Conflict(
                f"Asked for {length} bytes at {start}, got {len(data)}.",
                hint="the object changed or the answer was cut off; list it again, then try again",
                where=f"{node}/{item.key}",
            )
        return data

    def _read_one(self, node: Node, want: Range, expected: ObjectInfo | None, bulk: bool) -> memoryview:
        etag = expected.etag if expected else None
        store = self._bulk(node) if bulk and want.length != 0 and speaks_key(want.key) else None
        data: bytes | memoryview
        size: int | None
        if store is None:
            data, size = self._get(node, want, etag)
        else:
            data, size = self._get_bulk(store, node, want, etag)
        if expected is not None and size is not None and size != expected.size_bytes:
            raise Conflict(
                f"The object has {size} bytes, its listing said {expected.size_bytes}.",
                hint="it changed: list it again, then try again",
                where=f"{node}/{want.key}",
            )
        return memoryview(data)

    def _bulk(self, node: Node) -> Any | None:
        try:
            return self._clients.bulk(node)
        except ExplorerError:
            raise
        except Exception as error:
            raise self._translated(error, node, None) from error

    def _get_bulk(
        self, store: Any, node: Node, want: Range, if_match: str | None
    ) -> tuple[memoryview, int | None]:
        try:
            data, told_etag, size = read_range(store, want, if_match)
        except Exception as error:
            told = read_answer(error)
            if told is not None and told.status == 416:
                return memoryview(b""), None
            known = lambda: self._keys_near(node, want.key)  # noqa: E731
            raise self._translated(error, node, want.key, known=known) from error
        _check_etag(node, want.key, told_etag, if_match)
        return data, size

    def head_object(self, node: Node, key: str) -> ObjectInfo:
        """What an object is, without its bytes. Raises NotFound."""
        with self._speaking(node, key, known=lambda: self._keys_near(node, key)) as client:
            return answered_object(key, client.head_object(Bucket=node.bucket, Key=key))

    def read_labels(self, node: Node, item: ObjectInfo) -> Labels:
        """The content headers, metadata and tags of a listed object: one HEAD, and one GET if it has tags.

        Raises:
            NotFound: it is gone. Conflict: it has another ETag by now.
        """
        with self._speaking(node, item.key) as client:
            answer = client.head_object(Bucket=node.bucket, Key=item.key)
            _check_etag(node, item.key, answered_object(item.key, answer).etag, item.etag)
            tags = self._read_tags(client, node, item.key, answer) if answer.get("TagCount") else {}
        return Labels.of(answer, tags)

    def _read_tags(self, client: Any, node: Node, key: str, head: Mapping[str, Any]) -> dict[str, str]:
        of_version = {"VersionId": head["VersionId"]} if head.get("VersionId") else {}
        answer = client.get_object_tagging(Bucket=node.bucket, Key=key, **of_version)
        return {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}

    def write(
        self,
        bucket: str,
        key: str,
        data: bytes,
        *,
        if_none_match: bool = False,
        if_match: str | None = None,
        labels: Labels | None = None,
    ) -> ObjectInfo:
        """Write a small object; with a condition, only if it is new or still has the ETag `if_match`.

        Raises:
            Conflict: the condition does not hold.
        """
        asked: dict[str, Any] = {"Bucket": bucket, "Key": key, "Body": data}
        if if_none_match:
            asked["IfNoneMatch"] = "*"
        if if_match:
            asked["IfMatch"] = f'"{if_match}"'
        asked |= labels.arguments() if labels else {}
        node = Node(bucket)
        try:
            with self._speaking(node, key) as client:
                return answered_object(key, client.put_object(**asked), len(data))
        except Conflict as conflict:
            # A retry after a lost answer meets what the first try has written.
            if retries_of(conflict.__cause__) == 0:
                raise
            stored, item = self.read_object(node, key)
            if stored != data:
                raise
            return item

    def upload(self, bucket: str, key: str, path: Path, *, labels: Labels | None = None) -> ObjectInfo:
        """Write a file as an object, in parts of 16 MiB when it is bigger than that.

        Raises:
            NotFound: there is no such file.
            Conflict: the file changed while it was read.
        """
        try:
            size = path.stat().st_size
            source = path.open("rb")
        except OSError as error:
            raise NotFound(
                f"The file cannot be read: {error.strerror}.", hint="check the path", where=str(path)
            ) from error
        node = Node(bucket)
        said = labels.arguments() if labels else {}
        with source, self._speaking(node, key) as client:
            if size <= _MULTIPART_BYTES:
                answer = client.put_object(Bucket=bucket, Key=key, Body=source, **said)
                item = answered_object(key, answer, size)
            else:
                from boto3.s3.transfer import TransferConfig

                config = TransferConfig(
                    multipart_threshold=_MULTIPART_BYTES,
                    multipart_chunksize=_MULTIPART_BYTES,
                    max_concurrency=4,
                    preferred_transfer_client="classic",  # the CRT one drops our headers and the endpoint
                )
                client.upload_fileobj(source, bucket, key, Config=config, ExtraArgs=said)
                item = answered_object(key, client.head_object(Bucket=bucket, Key=key))
        if item.size_bytes != size or path.stat().st_size != size:
            raise Conflict("The file changed while it was uploaded.", hint="upload it again", where=str(path))
        return item

    def delete_object(self, bucket: str, key: str, *, if_match: str | None = None) -> None:
        """Delete an object at the head; deleting what is not there is no error, as in S3.

        Raises:
            Conflict: it has not (or no longer) the ETag `if_match`.
        """
        condition = {"IfMatch": f'"{if_match}"'} if if_match else {}
        with self._speaking(Node(bucket), key) as client:
            client.delete_object(Bucket=bucket, Key=key, **condition)

    def _keys_near(self, node: Node, key: str) -> tuple[str, ...]:
        folder = key.rpartition("/")[0]
        for prefix in dict.fromkeys((folder, "")):
            try:
                found = self.list_objects(node, prefix, limit=1000)
            except ExplorerError:
                return ()
            if found:
                return tuple(item.key for item in found)
        return ()


def _check_etag(node: Node, key: str, told: str, wanted: str | None) -> None:
    # Not every server knows If-Match on a ranged GET, and a cache in between may answer with the live object.
    if wanted is not None and told != wanted:
        raise Conflict(
            f"The object has the ETag `{told}`, not `{wanted}`.",
            hint="it changed, or a cache answered: list it again, then try again",
            where=f"{node}/{key}",
        )
