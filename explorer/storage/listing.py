"""Answers of the store turned into values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from explorer.lineage.address import Node, is_version, version_order
from explorer.lineage.values import Bucket, ObjectInfo, Snapshot


def nanoseconds(moment: datetime | None) -> int:
    """UNIX nanoseconds of a moment (to the microsecond), 0 for none."""
    if moment is None:
        return 0
    return int(moment.timestamp()) * 10**9 + moment.microsecond * 1000


def bucket_of(entry: Mapping[str, Any]) -> Bucket:
    """A bucket from tigris-boto3-ext's listing or metadata; both give the same value for the same bucket."""
    parents = entry.get("fork_parents") or []
    parent, forked_at = None, None
    if parents and parents[0].get("bucket"):
        parent = Node(parents[0]["bucket"], parents[0].get("snapshot"))
        forked_at = parents[0].get("forked_at")
    # The listing tells a creation to the second and the metadata to the nanosecond: whole seconds agree. A
    # fork's moment is told in full by both.
    created = nanoseconds(forked_at) or nanoseconds(entry.get("created_at")) // 10**9 * 10**9
    snapshots_on = bool(entry.get("snapshot_enabled")) or parent is not None
    return Bucket(str(entry["name"]), created, parent, snapshots_on)


def plain_bucket_of(entry: Mapping[str, Any]) -> Bucket:
    """A bucket from plain S3's listing."""
    return Bucket(str(entry["Name"]), nanoseconds(entry.get("CreationDate")), snapshots_on=False)


def snapshots_of(bucket: str, names: Iterable[str]) -> tuple[Snapshot, ...] | None:
    """Snapshots, oldest first, from the pseudo-bucket names `version; name=text`; None if these are no such
    names.

    A server without snapshots answers the same request with its buckets.
    """
    found: dict[str, Snapshot] = {}
    for text in names:
        version, _, name = text.partition("; name=")  # the first one: the name itself may contain it
        if not is_version(version):
            return None
        found[version] = Snapshot(bucket, version, name or None)
    return tuple(found[version] for version in sorted(found, key=version_order))


def object_of(entry: Mapping[str, Any]) -> ObjectInfo:
    """One entry of ListObjectsV2."""
    return ObjectInfo(
        entry["Key"], int(entry["Size"]), entry["ETag"].strip('"'), nanoseconds(entry.get("LastModified"))
    )


def answered_object(key: str, answer: Mapping[str, Any], size: int | None = None) -> ObjectInfo:
    """The object behind an answer to GET, HEAD or PUT; after a PUT its time is that of the answer."""
    total = whole_size(answer) if size is None else size
    modified = answer.get("LastModified")
    if modified is None:
        modified = date_of(answer)
    return ObjectInfo(key, total, str(answer.get("ETag", "")).strip('"'), nanoseconds(modified))


def whole_size(answer: Mapping[str, Any]) -> int:
    """The size of the whole object, also where the answer is a part of it."""
    told = str(answer.get("ContentRange", "")).rpartition("/")[2]
    return int(told) if told.isdigit() else int(answer["ContentLength"])


def date_of(answer: Mapping[str, Any]) -> datetime | None:
    """The server's clock at its answer."""
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
    except (KeyError, TypeError, ValueError):
        return None
