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
    version = request.query.get("versionId")
    condition = conditions.for_write(request.headers, key, deleting=True)
    if _names_nothing(bucket, version):
        return Answer(204, _deleted_headers(bucket, version, None))
    wanted = [(key, _version_number(version), condition)]
    (done,) = await call.run(call.engine.objects.delete_all, bucket, wanted)
    return Answer(204, _deleted_headers(bucket, version, done.result()))


def _names_nothing(bucket: Bucket, version: str | None) -> bool:
    """Every version has a number where they are kept: of `null` there is nothing to delete."""
    return version == "null" and bucket.snapshots_on


def _version_number(version: str | None) -> int | None:
    return None if version in (None, "null") else parse_version(version or "", "version id")


def _deleted_headers(bucket: Bucket, version: str | None, found: Entry | None) -> list[tuple[str, str]]:
    """`found` is the marker that was put, or the version that was removed."""
    marker = [("x-amz-delete-marker", "true")] if found is not None and found.deleted else []
    if _names_nothing(bucket, version) or _version_number(version) is not None:
        return [("x-amz-version-id", version or ""), *marker]
    return [*marker, *version_headers(bucket, found)] if bucket.snapshots_on else []


async def delete_objects(call: Call) -> Answer:
    bucket = call.bucket()
    named = xml.parse(await call.document(), "Delete")
    quiet = named.value("Quiet") == "true"
    items = named.all("Object")
    if not 0 < len(items) <= MAX_DELETES:
        raise Refusal("MalformedXML", f"Between 1 and {MAX_DELETES} keys can be deleted at once.")
    told: list[Entry | Refusal | None] = [None] * len(items)
    wanted: list[tuple[bytes, int | None, Condition | None]] = []
    places: list[int] = []
    for n, item in enumerate(items):
        try:
            each = _read_deletion(call, bucket, item)
        except Refusal as refusal:
            told[n] = refusal
            continue
        if each is not None:
            wanted.append(each)
            places.append(n)
    # One commit for all of them: one by one, each would wait for the disk.
    for n, done in zip(places, await call.run(call.engine.objects.delete_all, bucket, wanted), strict=True):
        error = done.exception()
        if error is not None and not isinstance(error, Refusal):
            raise error
        told[n] = done.result() if error is None else error
    fields = [_deletion_field(bucket, item, found) for item, found in zip(items, told, strict=True)]
    return xml_answer("DeleteResult", [field for field in fields if field[0] == "Error" or not quiet])


def _read_deletion(
    call: Call, bucket: Bucket, item: xml.Element
) -> tuple[bytes, int | None, Condition | None] | None:
    """What `delete_all` takes; None where there is nothing to do."""
    version = item.value("VersionId") or None
    key = (item.value("Key") or "").encode()
    call.authorise(key=key)
    for name in ("LastModifiedTime", "Size"):
        if item.get(name) is not None:
            raise not_implemented(f"DeleteObjects with the condition {name}")
    etag = item.value("ETag")
    condition = conditions.for_write({"if-match": etag}, key, deleting=True) if etag else None
    return None if _names_nothing(bucket, version) else (key, _version_number(version), condition)


def _deletion_field(
    bucket: Bucket, item: xml.Element, found: Entry | Refusal | None
) -> tuple[str, list[tuple[str, object]]]:
    version = item.value("VersionId") or None
    named: list[tuple[str, object]] = [("Key", item.value("Key") or ""), ("VersionId", version)]
    if isinstance(found, Refusal):
        return "Error", [*named, ("Code", found.code), ("Message", found.message)]
    headers = dict(_deleted_headers(bucket, version, found))
    if headers.get("x-amz-delete-marker"):
        named += [("DeleteMarker", "true"), ("DeleteMarkerVersionId", headers.get("x-amz-version-id"))]
    return "Deleted", named
