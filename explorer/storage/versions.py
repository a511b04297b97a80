"""A bucket's past: every version of every key listed, one read by its id, one copied inside the store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from explorer.errors import Conflict
from explorer.lineage.address import Node
from explorer.lineage.values import ObjectInfo
from explorer.storage.labels import Labels
from explorer.storage.listing import answered_object, nanoseconds
from explorer.storage.wire import Wire


@dataclass(frozen=True, slots=True)
class ObjectVersion:
    """A version of a key; `item` None is a delete marker. Ids are ordered as snapshot versions are."""

    key: str
    version: str
    item: ObjectInfo | None


class Versions(Wire):
    """The part of `Store` that knows what objects were."""

    def list_versions(self, bucket: str) -> Iterator[ObjectVersion]:
        """Every version in key order, newest first within a key; one request for every 1000.

        The local store lists a fork's inherited versions too, with the ids they have in its parent. Where
        none are kept there is one a key, and its id is `null`.

        Raises:
            NotFound: there is no such bucket.
        """
        asked: dict[str, Any] = {"Bucket": bucket}
        while True:
            with self._speaking(Node(bucket)) as client:
                page = client.list_object_versions(**asked)
            entries = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
            # The answer's two lists are parts of one: id order within a key is all that is left of it.
            found = [_version_of(entry) for entry in entries]
            found.sort(key=lambda v: (len(v.version), v.version), reverse=True)
            found.sort(key=lambda v: v.key.encode())
            yield from found
            if not page.get("IsTruncated") or not page.get("NextKeyMarker"):
                return
            asked["KeyMarker"] = page["NextKeyMarker"]
            asked["VersionIdMarker"] = page.get("NextVersionIdMarker", "")

    def read_version(self, bucket: str, key: str, version: str) -> tuple[bytes, ObjectInfo, Labels]:
        """A whole, small version and its labels: one GET, and one more if it has tags. Raises NotFound."""
        node = Node(bucket)
        with self._speaking(node, key) as client:
            answer = client.get_object(Bucket=bucket, Key=key, VersionId=version)
            data: bytes = answer["Body"].read()
            labels = Labels.of(answer, _read_tags(client, bucket, key, version, answer))
        return data, answered_object(key, answer, len(data)), labels

    def read_version_part(self, bucket: str, key: str, version: str, start: int, length: int) -> bytes:
        """Part of a version, never short. Raises NotFound; Conflict where it ends before."""
        asked = {"Bucket": bucket, "Key": key, "VersionId": version}
        with self._speaking(Node(bucket), key) as client:
            answer = client.get_object(**asked, Range=f"bytes={start}-{start + length - 1}")
            data: bytes = answer["Body"].read()
        if len(data) != length:
            raise Conflict(
                f"Asked for {length} bytes at {start}, got {len(data)}.",
                hint="the answer was cut off; try again",
                where=f"{bucket}/{key}?versionId={version}",
            )
        return data

    def read_version_labels(self, bucket: str, key: str, version: str) -> Labels:
        """The content headers, metadata and tags of a version. Raises NotFound."""
        with self._speaking(Node(bucket), key) as client:
            answer = client.head_object(Bucket=bucket, Key=key, VersionId=version)
            return Labels.of(answer, _read_tags(client, bucket, key, version, answer))

    def copy(
        self, source: Node, item: ObjectInfo, bucket: str, key: str, *, labels: Labels | None = None
    ) -> ObjectInfo:
        """Copy an object inside the store, pinned by its ETag; with `labels` in place of those it has.

        Raises:
            NotFound: it is gone. Conflict: it has another ETag by now.
        """
        asked: dict[str, Any] = {
            "Bucket": bucket,
            "Key": key,
            "CopySource": {"Bucket": source.bucket, "Key": item.key},
            "CopySourceIfMatch": f'"{item.etag}"',
        }
        if labels is not None:
            asked |= {"MetadataDirective": "REPLACE", "TaggingDirective": "REPLACE"} | labels.arguments()
        with self._speaking(source, item.key) as client:
            told = client.copy_object(**asked)["CopyObjectResult"]
        etag = str(told.get("ETag", "")).strip('"')
        if etag != item.etag and "-" not in item.etag:  # of several parts: it may be copied as one
            raise Conflict(
                f"The copy has the ETag `{etag}`, not `{item.etag}`.",
                hint="the object changed, and this store does not pin what it copies; copy it again",
                where=f"{bucket}/{key}",
            )
        return ObjectInfo(key, item.size_bytes, etag, nanoseconds(told.get("LastModified")))


def _version_of(entry: Mapping[str, Any]) -> ObjectVersion:
    key, version = entry["Key"], str(entry["VersionId"])
    if "ETag" not in entry:
        return ObjectVersion(key, version, None)
    etag, modified = entry["ETag"].strip('"'), nanoseconds(entry.get("LastModified"))
    return ObjectVersion(key, version, ObjectInfo(key, int(entry["Size"]), etag, modified))


def _read_tags(client: Any, bucket: str, key: str, version: str, answer: Mapping[str, Any]) -> dict[str, str]:
    if not answer.get("TagCount"):
        return {}
    told = client.get_object_tagging(Bucket=bucket, Key=key, VersionId=version)
    return {tag["Key"]: tag["Value"] for tag in told["TagSet"]}
