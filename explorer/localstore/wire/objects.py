"""PUT, GET, HEAD and DELETE of objects."""

from __future__ import annotations

import re

from explorer.localstore.engine.names import parse_version
from explorer.localstore.engine.objects import Condition
from explorer.localstore.engine.records import Attributes, Bucket, Entry
from explorer.localstore.engine.sinks import Sink
from explorer.localstore.refusals import Refusal, no_such_key, not_implemented
from explorer.localstore.wire import conditions, xml
from explorer.localstore.wire.answers import Answer, xml_answer
from explorer.localstore.wire.attributes import (
    checksum_headers,
    object_headers,
    read_attributes,
    version_headers,
    with_checksums,
)
from explorer.localstore.wire.bodies import receive_object
from explorer.localstore.wire.call import Call
from explorer.localstore.wire.claims import Claims

_RANGE = re.compile(r"bytes=(\d*)-(\d*)", re.ASCII)
MAX_DELETES = 1000


async def put_object(call: Call) -> Answer:
    call.authorise()
    request, engine = call.request, call.engine
    bucket, key = call.bucket(), request.object_key
    engine.ledger.check_writable()
    attributes = read_attributes(request, bucket)
    condition = conditions.for_write(request.headers, key)
    claims = Claims(request, call.proof)
    sink = await receive_object(request, call.proof, claims, engine.blobs, call.executor)
    _, headers = await keep_object(call, bucket, key, sink, claims, attributes, condition)
    return Answer(200, headers)


async def keep_object(
    call: Call,
    bucket: Bucket,
    key: bytes,
    sink: Sink,
    claims: Claims,
    attributes: Attributes,
    condition: Condition | None,
) -> tuple[Entry, list[tuple[str, str]]]:
    """Make a verified body the key's newest version, durably: it, and what the answer says of it."""
    try:
        checksums = {name: sink.digests.checksum(name) for name in claims.algorithms}
        attributes = with_checksums(attributes, checksums)
        made = await call.run(call.engine.objects.put, bucket, key, sink, attributes, condition)
    finally:
        sink.close()
    return made, [
        ("etag", f'"{made.etag}"'),
        *checksum_headers(attributes),
        *version_headers(bucket, made),
    ]


def find(call: Call, bucket: Bucket, key: bytes) -> Entry:
    """The version that the request wants.

    Raises:
        Refusal: NoSuchKey, NoSuchVersion; MethodNotAllowed for a delete marker asked for by its id.
    """
    wanted = call.request.query.get("versionId")
    if wanted is None or (wanted == "null" and not bucket.snapshots_on):
        found = call.engine.objects.find(bucket, key, at=call.at(bucket))
        if found is None:
            raise no_such_key(key)
        if found.deleted:
            refusal = no_such_key(key)
            refusal.headers = (("x-amz-delete-marker", "true"), *version_headers(bucket, found))
            raise refusal
        return found
    number = None if wanted == "null" else parse_version(wanted, "version id")
    found = None if number is None else call.engine.objects.find(bucket, key, version=number)
    if found is None:
        raise Refusal("NoSuchVersion", "The specified version does not exist.", VersionId=wanted)
    if found.deleted:
        headers = (("x-amz-delete-marker", "true"), ("allow", "DELETE"), *version_headers(bucket, found))
        raise Refusal(
            "MethodNotAllowed", "The specified method is not allowed against this resource.", headers=headers
        )
    return found


async def get_object(call: Call) -> Answer:
    call.authorise()
    bucket, key = call.bucket(), call.request.object_key
    found = find(call, bucket, key)
    conditions.check_read(call.request.headers, found)
    return read_answer(call, bucket, found)


def read_answer(call: Call, bucket: Bucket, found: Entry) -> Answer:
    """200 with all of it, or 206 with a range: then never with a checksum, which is of the whole."""
    request, objects = call.request, call.engine.objects
    headers = object_headers(request, bucket, found)
    if "partNumber" in request.query:
        n = request.number("partNumber", 1, low=1, high=10_000)
        start, stop, count = objects.part_range(found, n)
        headers.append(("x-amz-mp-parts-count", str(count)))
        part = True
    else:
        asked = parse_range(request.headers.get("range"), request.headers.get("if-range"), found)
        part = asked is not None
        start, stop = asked or (0, found.size)
    if part and found.size:
        headers.append(("content-range", f"bytes {start}-{stop - 1}/{found.size}"))
    elif request.headers.get("x-amz-checksum-mode", "").upper() == "ENABLED":
        headers += checksum_headers(found.attributes)
    answer = Answer(206 if part and found.size else 200, headers, length=stop - start)
    if request.method == "GET" and stop > start:
        answer.segments = list(objects.segments(found, start, stop))
        if not part:
            answer.whole_blob = found.blob
    return answer


def parse_range(text: str | None, if_range: str | None, found: Entry) -> tuple[int, int] | None:
    """(start, stop) of the one range S3 takes; None for what it cannot read, which HTTP says to ignore.

    Raises:
        Refusal: InvalidRange, when nothing of the object is in it.
    """
    size = found.size
    match = _RANGE.fullmatch(text or "")
    if match is None or (match[1] == "" and match[2] == ""):
        return None
    if if_range is not None and if_range.strip('"') != found.etag:
        return None
    first, last = match[1][:20], match[2][:20]
    if first and last and int(last) < int(first):
        return None
    start = int(first) if first else max(0, size - int(last))
    stop = min(size, int(last) + 1) if first and last else size
    if start >= size or start >= stop:
        raise Refusal(
            "InvalidRange",
            "The requested range is not satisfiable",
            headers=(("content-range", f"bytes */{size}"),),
            RangeRequested=(text or "")[:64],
            ActualObjectSize=str(size),
        )
    return start, stop


async def delete_object(call: Call) -> Answer:
    call.authorise()
    request = call.request
    bucket, key = call.bucket(), request.object_key
    headers = await _delete(
        call,
        bucket,
        key,
        request.query.get("versionId"),
        conditions.for_write(request.headers, key, deleting=True),
    )
    return Answer(204, headers)


async def _delete(
    call: Call, bucket: Bucket, key: bytes, version: str | None, condition: Condition | None = None
) -> list[tuple[str, str]]:
    objects = call.engine.objects
    if version == "null" and bucket.snapshots_on:
        return [("x-amz-version-id", version)]  # every version has a number here: there is nothing to delete
    if version is not None and version != "null":
        number = parse_version(version, "version id")
        removed = await call.run(objects.delete_version, bucket, key, number, condition)
        headers = [("x-amz-version-id", version)]
        return (
            [*headers, ("x-amz-delete-marker", "true")]
            if removed is not None and removed.deleted
            else headers
        )
    marker = await call.run(objects.delete, bucket, key, condition)
    return (
        [("x-amz-delete-marker", "true"), *version_headers(bucket, marker)]
        if marker and bucket.snapshots_on
        else []
    )


async def delete_objects(call: Call) -> Answer:
    bucket = call.bucket()
    wanted = xml.parse(await call.document(), "Delete")
    quiet = wanted.value("Quiet") == "true"
    items = wanted.all("Object")
    if not 0 < len(items) <= MAX_DELETES:
        raise Refusal("MalformedXML", f"Between 1 and {MAX_DELETES} keys can be deleted at once.")
    fields: list[tuple[str, object]] = []
    for item in items:
        text, version = item.value("Key") or "", item.value("VersionId") or None
        key = text.encode()
        try:
            call.authorise(key=key)
            for name in ("LastModifiedTime", "Size"):
                if item.get(name) is not None:
                    raise not_implemented(f"DeleteObjects with the condition {name}")
            etag = item.value("ETag")
            condition = conditions.for_write({"if-match": etag}, key, deleting=True) if etag else None
            headers = dict(await _delete(call, bucket, key, version, condition))
        except Refusal as refusal:
            fields.append(
                (
                    "Error",
                    [
                        ("Key", text),
                        ("VersionId", version),
                        ("Code", refusal.code),
                        ("Message", refusal.message),
                    ],
                )
            )
            continue
        if quiet:
            continue
        marker = headers.get("x-amz-delete-marker")
        made = headers.get("x-amz-version-id")
        deleted: list[tuple[str, object]] = [("Key", text), ("VersionId", version)]
        if marker:
            deleted += [("DeleteMarker", "true"), ("DeleteMarkerVersionId", made)]
        fields.append(("Deleted", deleted))
    return xml_answer("DeleteResult", fields)
