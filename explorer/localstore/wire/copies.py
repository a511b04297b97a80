"""CopyObject, rename, and where a copy reads from."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import unquote_to_bytes

from explorer.localstore.engine.names import check_key, parse_version
from explorer.localstore.engine.records import Bucket, Entry
from explorer.localstore.refusals import Refusal, no_such_key
from explorer.localstore.wire import conditions
from explorer.localstore.wire.answers import Answer, iso_ms, xml_answer
from explorer.localstore.wire.attributes import (
    ENCRYPTION,
    parse_tags,
    read_attributes,
    read_storage_class,
    version_headers,
)
from explorer.localstore.wire.call import Call

_NULL = 0
"""The version `null`: the only one where none are kept, and where they are, none."""


def parse_source(call: Call) -> tuple[str, bytes, int | None]:
    """(bucket, key, version) of `x-amz-copy-source: [/]bucket/key[?versionId=…]`."""
    text = call.request.headers["x-amz-copy-source"]
    path, _, version = text.partition("?versionId=")
    bucket, slash, key = unquote_to_bytes(path.removeprefix("/")).partition(b"/")
    if not slash or not key or not bucket:
        raise Refusal(
            "InvalidArgument", "Copy Source must mention the source bucket and key: sourcebucket/sourcekey"
        )
    return (
        bucket.decode("utf-8", "replace"),
        check_key(key),
        _NULL if version == "null" else parse_version(version, "version id") if version else None,
    )


def find_source(call: Call) -> tuple[Bucket, Entry]:
    """What to copy, after checking that it may be read and is what the client expects.

    The snapshot header of the request is about the source: it is the only thing that is read.
    """
    name, key, version = parse_source(call)
    call.authorise(source=(name, key))
    bucket = call.engine.buckets.get(name)
    if version == _NULL and not bucket.snapshots_on:
        version = None
    at = None if version is not None else call.at(bucket)
    found = call.engine.objects.find(bucket, key, at=at, version=version)
    if found is None or found.deleted:
        raise no_such_key(key)
    conditions.check_copy_source(call.request.headers, found)
    return bucket, found


async def copy_object(call: Call) -> Answer:
    request, engine = call.request, call.engine
    source_bucket, found = find_source(call)
    bucket, key = call.bucket(), request.object_key
    renames = call.operation == "RenameObject"
    if renames and source_bucket.id != bucket.id:
        raise Refusal("InvalidRequest", "An object can only be renamed within its bucket.")
    attributes = found.attributes
    replaces = request.headers.get("x-amz-metadata-directive", "COPY").upper() == "REPLACE"
    if replaces:
        said = read_attributes(request, bucket)
        attributes = replace(
            said, checksums=attributes.checksums, checksum_type=attributes.checksum_type, tags=attributes.tags
        )
    elif source_bucket.id == bucket.id and found.key == key and _says_nothing_new(call):
        raise Refusal(
            "InvalidRequest",
            "This copy request is illegal because it is trying to copy an object to itself without changing "
            "the object's metadata, storage class, website redirect location or encryption attributes.",
        )
    if request.headers.get("x-amz-tagging-directive", "COPY").upper() == "REPLACE":
        attributes = replace(attributes, tags=parse_tags(request.headers.get("x-amz-tagging", "")))
    if ENCRYPTION in request.headers:
        said_again = {**attributes.headers, ENCRYPTION: request.headers[ENCRYPTION]}
        attributes = replace(attributes, headers=said_again)
    if "x-amz-storage-class" in request.headers:
        attributes = replace(attributes, storage_class=read_storage_class(request.headers, bucket))
    condition = conditions.for_write(request.headers, key)
    made = await call.run(
        engine.objects.copy, found, bucket, key, attributes, condition, remove_source=renames
    )
    checksums = [(f"Checksum{name}", value) for name, value in attributes.checksums.items()]
    headers = version_headers(bucket, made)
    if source_bucket.snapshots_on:
        headers.append(("x-amz-copy-source-version-id", str(found.ts)))
    return xml_answer(
        "CopyObjectResult",
        [("LastModified", iso_ms(made.ts)), ("ETag", f'"{made.etag}"'), *checksums],
        headers,
    )


def _says_nothing_new(call: Call) -> bool:
    """A copy onto itself brings an old version back; only one of the head to itself is a mistake."""
    headers = call.request.headers
    return (
        "?versionId=" not in headers["x-amz-copy-source"]
        and "x-tigris-snapshot-version" not in headers
        and "x-amz-storage-class" not in headers
        and ENCRYPTION not in headers
        and headers.get("x-amz-tagging-directive", "COPY").upper() != "REPLACE"
    )
