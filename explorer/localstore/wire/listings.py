"""ListObjects (both kinds) and ListObjectVersions."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from urllib.parse import quote_from_bytes

from explorer.localstore.engine.records import Bucket, Entry
from explorer.localstore.engine.versions import Version
from explorer.localstore.engine.walks import PAST
from explorer.localstore.refusals import Refusal
from explorer.localstore.wire import xml
from explorer.localstore.wire.answers import Answer, iso_ms, xml_answer
from explorer.localstore.wire.call import Call

_OWNER = "<Owner><ID>local</ID><DisplayName>local</DisplayName></Owner>"
Encode = Callable[[bytes], str]
OWNER: list[tuple[str, object]] = [("ID", "local"), ("DisplayName", "local")]


def encoder(call: Call) -> Encode:
    """How keys are written: percent-encoded when the client asks, which every SDK does."""
    wanted = call.request.query.get("encoding-type")
    if wanted is None:
        return lambda key: key.decode("utf-8", "replace")
    if wanted != "url":
        raise Refusal(
            "InvalidArgument", "Invalid Encoding Method specified in Request", ArgumentName="encoding-type"
        )
    return lambda key: quote_from_bytes(key, safe="/-_.~*!'()")


def _contents(found: Entry, encode: Encode, owner: str) -> tuple[str, object]:
    """One object, written by hand: a page has a thousand of them."""
    attributes = found.attributes
    checksum = ""
    if attributes.checksums:
        checksum = "".join(f"<ChecksumAlgorithm>{name}</ChecksumAlgorithm>" for name in attributes.checksums)
        checksum += f"<ChecksumType>{attributes.checksum_type}</ChecksumType>"
    return "Contents", xml.Written(
        f"<Contents><Key>{xml.escape(encode(found.key))}</Key><LastModified>{iso_ms(found.ts)}</LastModified>"
        f"<ETag>&quot;{found.etag}&quot;</ETag>{checksum}<Size>{found.size}</Size>{owner}"
        f"<StorageClass>{attributes.storage_class}</StorageClass></Contents>"
    )


def _prefixes(items: tuple[object, ...], encode: Encode) -> list[tuple[str, object]]:
    return [("CommonPrefixes", [("Prefix", encode(item))]) for item in items if isinstance(item, bytes)]


def marks_a_prefix(marker: bytes, prefix: bytes, delimiter: bytes) -> bool:
    """Whether a marker is a common prefix that ended the last page: go on behind everything below it."""
    grouped = delimiter != b"" and marker.startswith(prefix) and marker.endswith(delimiter)
    return grouped and len(marker) > len(prefix)


def write_token(last: bytes, at: int | None) -> str:
    """A continuation token: where to go on, and the time at which the first page was read."""
    place = base64.b85encode(last).decode()
    return base64.urlsafe_b64encode(json.dumps([place, at]).encode()).decode().rstrip("=")


def read_token(text: str) -> tuple[bytes, int | None]:
    try:
        place, at = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if not isinstance(at, int | None) or isinstance(at, bool):
            raise ValueError("not a time")
        return base64.b85decode(place), at
    except (ValueError, TypeError, binascii.Error):
        raise Refusal(
            "InvalidArgument",
            "The continuation token provided is incorrect",
            ArgumentName="continuation-token",
        ) from None


def frozen_time(call: Call, bucket: Bucket) -> int | None:
    """The time all pages of a listing are read at: the one asked for, or now where history is kept."""
    at = call.at(bucket)
    return call.engine.ledger.clock.peek() if at is None and bucket.snapshots_on else at


async def list_objects_v2(call: Call) -> Answer:
    call.authorise()
    request, bucket, encode = call.request, call.bucket(), encoder(call)
    query = request.query
    prefix, delimiter = query.get("prefix", "").encode(), query.get("delimiter", "").encode()
    limit = request.number("max-keys", 1000)
    token = query.get("continuation-token")
    if token:
        after, at = read_token(token)
        at = call.at(bucket) if call.at(bucket) is not None else at
    else:
        after, at = query.get("start-after", "").encode(), frozen_time(call, bucket)
    page = await call.run(
        call.engine.listing.page, bucket, prefix=prefix, delimiter=delimiter, after=after, at=at, limit=limit
    )
    owner = _OWNER if query.get("fetch-owner") == "true" else ""
    fields: list[tuple[str, object]] = [
        ("Name", bucket.name),
        ("Prefix", encode(prefix)),
        ("Delimiter", encode(delimiter) if delimiter else None),
        ("MaxKeys", limit),
        ("EncodingType", query.get("encoding-type")),
        ("KeyCount", len(page.items)),
        ("IsTruncated", page.last is not None),
        ("ContinuationToken", token),
        ("NextContinuationToken", None if page.last is None else write_token(page.last, at)),
        ("StartAfter", encode(query["start-after"].encode()) if query.get("start-after") else None),
        *(_contents(item, encode, owner) for item in page.items if isinstance(item, Entry)),
        *_prefixes(page.items, encode),
    ]
    return xml_answer("ListBucketResult", fields)


async def list_objects(call: Call) -> Answer:
    call.authorise()
    request, bucket, encode = call.request, call.bucket(), encoder(call)
    query = request.query
    prefix, delimiter = query.get("prefix", "").encode(), query.get("delimiter", "").encode()
    marker = query.get("marker", "").encode()
    limit = request.number("max-keys", 1000)
    page = await call.run(
        call.engine.listing.page,
        bucket,
        prefix=prefix,
        delimiter=delimiter,
        after=marker + PAST if marks_a_prefix(marker, prefix, delimiter) else marker,
        at=call.at(bucket),
        limit=limit,
    )
    last = page.last.removesuffix(PAST) if page.last is not None and delimiter else None
    fields: list[tuple[str, object]] = [
        ("Name", bucket.name),
        ("Prefix", encode(prefix)),
        ("Marker", encode(marker)),
        ("Delimiter", encode(delimiter) if delimiter else None),
        ("MaxKeys", limit),
        ("EncodingType", query.get("encoding-type")),
        ("IsTruncated", page.last is not None),
        ("NextMarker", None if last is None else encode(last)),
        *(_contents(item, encode, _OWNER) for item in page.items if isinstance(item, Entry)),
        *_prefixes(page.items, encode),
    ]
    return xml_answer("ListBucketResult", fields)


def _version(item: Version, encode: Encode, *, kept: bool) -> tuple[str, object]:
    found = item.entry
    fields: list[tuple[str, object]] = [
        ("Key", encode(found.key)),
        ("VersionId", str(found.ts) if kept else "null"),
        ("IsLatest", item.is_latest),
        ("LastModified", iso_ms(found.ts)),
    ]
    if found.deleted:
        return "DeleteMarker", [*fields, ("Owner", OWNER)]
    fields += [("ETag", f'"{found.etag}"'), ("Size", found.size), ("Owner", OWNER)]
    return "Version", [*fields, ("StorageClass", found.attributes.storage_class)]


async def list_object_versions(call: Call) -> Answer:
    call.authorise()
    request, bucket, encode = call.request, call.bucket(), encoder(call)
    query = request.query
    prefix, delimiter = query.get("prefix", "").encode(), query.get("delimiter", "").encode()
    limit = request.number("max-keys", 1000)
    key_marker, id_marker = query.get("key-marker", ""), query.get("version-id-marker", "")
    if id_marker and not key_marker:
        raise Refusal("InvalidArgument", "A version-id marker cannot be specified without a key marker.")
    key = key_marker.encode()
    if id_marker and id_marker != "null":
        after: tuple[bytes, int | None] = (key, _version_marker(id_marker))
    else:
        after = (key + PAST if marks_a_prefix(key, prefix, delimiter) else key, None)
    page = await call.run(
        call.engine.versions.page,
        bucket,
        prefix=prefix,
        delimiter=delimiter,
        after=after,
        at=call.at(bucket),
        limit=limit,
    )
    more = page.more_after
    next_key = None if more is None else encode(more[0].removesuffix(PAST))
    next_id = None if more is None or more[1] is None else str(more[1]) if bucket.snapshots_on else "null"
    fields: list[tuple[str, object]] = [
        ("Name", bucket.name),
        ("Prefix", encode(prefix)),
        ("KeyMarker", encode(key)),
        ("VersionIdMarker", id_marker),
        ("Delimiter", encode(delimiter) if delimiter else None),
        ("MaxKeys", limit),
        ("EncodingType", query.get("encoding-type")),
        ("IsTruncated", more is not None),
        ("NextKeyMarker", next_key),
        ("NextVersionIdMarker", next_id),
        *(
            _version(item, encode, kept=bucket.snapshots_on)
            for item in page.items
            if isinstance(item, Version)
        ),
        *_prefixes(page.items, encode),
    ]
    return xml_answer("ListVersionsResult", fields)


def _version_marker(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        raise Refusal("InvalidArgument", "Invalid version id specified", ArgumentName="version-id-marker")
    return int(text)
