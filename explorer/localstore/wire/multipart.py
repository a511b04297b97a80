"""Multipart uploads."""

from __future__ import annotations

import os
import re

from explorer.localstore.engine.digests import ALGORITHMS
from explorer.localstore.engine.records import Entry, Upload
from explorer.localstore.engine.sinks import Sink
from explorer.localstore.engine.uploads import MAX_PARTS
from explorer.localstore.refusals import Refusal
from explorer.localstore.wire import conditions, xml
from explorer.localstore.wire.answers import CHUNK, Answer, iso_ms, xml_answer
from explorer.localstore.wire.attributes import encryption_headers, read_attributes, version_headers
from explorer.localstore.wire.bodies import receive_object
from explorer.localstore.wire.call import Call
from explorer.localstore.wire.claims import Claims
from explorer.localstore.wire.copies import find_source

_COPIED = re.compile(r"bytes=(\d{1,19})-(\d{1,19})", re.ASCII)


async def create_multipart_upload(call: Call) -> Answer:
    call.authorise()
    request, bucket = call.request, call.bucket()
    algorithm = request.headers.get("x-amz-checksum-algorithm", "").upper() or None
    if algorithm is not None and algorithm not in ALGORITHMS:
        raise Refusal("InvalidRequest", "Checksum algorithm provided is unsupported.")
    kind = request.headers.get("x-amz-checksum-type", "").upper()
    kind = kind or ("FULL_OBJECT" if algorithm in (None, "CRC64NVME") else "COMPOSITE")
    fits = {"COMPOSITE": algorithm != "CRC64NVME", "FULL_OBJECT": algorithm not in ("SHA1", "SHA256")}
    if not fits.get(kind, False):
        raise Refusal(
            "InvalidRequest", f"The {kind} checksum type cannot be used with the {algorithm} algorithm."
        )
    id_ = await call.run(
        call.engine.uploads.begin,
        bucket,
        request.object_key,
        read_attributes(request, bucket),
        algorithm,
        kind,
    )
    headers = [("x-amz-checksum-algorithm", algorithm), ("x-amz-checksum-type", kind)] if algorithm else []
    fields = [("Bucket", bucket.name), ("Key", request.object_key.decode()), ("UploadId", id_)]
    return xml_answer("InitiateMultipartUploadResult", fields, headers)


def open_upload(call: Call) -> Upload:
    id_ = call.request.query.get("uploadId", "")
    return call.engine.uploads.get(call.bucket(), call.request.object_key, id_)


def _part_number(call: Call) -> int:
    text = call.request.query.get("partNumber", "")
    if not (text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= MAX_PARTS):
        raise Refusal(
            "InvalidArgument",
            f"Part number must be an integer between 1 and {MAX_PARTS}, inclusive",
            ArgumentName="partNumber",
        )
    return int(text)


async def upload_part(call: Call) -> Answer:
    call.authorise()
    request, engine = call.request, call.engine
    engine.ledger.check_writable()
    upload, n = open_upload(call), _part_number(call)
    claims = Claims(request, call.proof, upload.algorithm)
    sink = await receive_object(request, call.proof, claims, engine.blobs, call.executor)
    try:
        part = await call.run(engine.uploads.add_part, upload, n, sink)
        checksums = [
            (f"x-amz-checksum-{name.lower()}", sink.digests.checksum(name)) for name in claims.algorithms
        ]
    finally:
        sink.close()
    return Answer(200, [("etag", f'"{part.etag}"'), *checksums, *encryption_headers(upload.attributes)])


async def upload_part_copy(call: Call) -> Answer:
    source_bucket, found = find_source(call)
    upload, n = open_upload(call), _part_number(call)
    start, stop = _copied_range(call.request.headers.get("x-amz-copy-source-range"), found.size)
    call.engine.blobs.check_space(stop - start)
    sink = call.engine.blobs.create([upload.algorithm] if upload.algorithm else [])
    try:
        await call.run(_copy_bytes, call, found, start, stop, sink)
        part = await call.run(call.engine.uploads.add_part, upload, n, sink)
    finally:
        sink.close()
    headers = encryption_headers(upload.attributes)
    if source_bucket.snapshots_on:
        headers.append(("x-amz-copy-source-version-id", str(found.ts)))
    checksum = (f"Checksum{upload.algorithm}", part.checksum or None)
    fields = [("LastModified", iso_ms(part.written_ns)), ("ETag", f'"{part.etag}"'), checksum]
    return xml_answer("CopyPartResult", fields, headers)


def _copied_range(text: str | None, size: int) -> tuple[int, int]:
    """(start, stop). Unlike a read, which takes what there is, a copy wants all of what it names."""
    if text is None:
        return 0, size
    match = _COPIED.fullmatch(text)
    if match is None:
        raise Refusal(
            "InvalidArgument", "The x-amz-copy-source-range value must be of the form bytes=first-last"
        )
    start, stop = int(match[1]), int(match[2]) + 1
    if not start < stop <= size:
        raise Refusal("InvalidArgument", f"Range specified is not valid for source object of size: {size}")
    return start, stop


def _copy_bytes(call: Call, found: Entry, start: int, stop: int, sink: Sink) -> None:
    """A part's ETag is the MD5 of its bytes, so they are read; the blob is shared if they are a whole one."""
    for segment in call.engine.objects.segments(found, start, stop):
        fd = call.engine.blobs.open(segment.blob)
        try:
            offset, left = segment.offset, segment.size
            while left:
                data = os.pread(fd, min(CHUNK, left), offset)
                if not data:
                    raise OSError(f"blob {segment.blob} is shorter than its row says")
                sink.write(data)
                offset, left = offset + len(data), left - len(data)
        finally:
            os.close(fd)


async def complete_multipart_upload(call: Call) -> Answer:
    call.authorise()
    request, bucket = call.request, call.bucket()
    key = request.object_key
    wanted: list[tuple[int, str]] = []
    named = xml.parse(await call.document(of_object=True), "CompleteMultipartUpload").all("Part")
    for part in named:
        number, etag = part.value("PartNumber") or "", part.value("ETag")
        if etag is None or not (number.isascii() and number.isdigit() and len(number) < 6):
            raise Refusal("MalformedXML", "A part needs a PartNumber and an ETag.")
        wanted.append((int(number), etag.strip().strip('"')))
    await _check_parts(call, named)
    claimed = next(
        (
            (name, v)
            for name in ALGORITHMS
            if (v := request.headers.get(f"x-amz-checksum-{name.lower()}")) is not None
        ),
        None,
    )
    made = await call.run(
        call.engine.uploads.complete,
        bucket,
        key,
        request.query.get("uploadId", ""),
        wanted,
        claimed,
        conditions.for_write(request.headers, key),
    )
    attributes = made.attributes
    fields: list[tuple[str, object]] = [
        ("Location", f"http://{request.headers.get('host', '')}/{bucket.name}/{key.decode()}"),
        ("Bucket", bucket.name),
        ("Key", key.decode()),
        ("ETag", f'"{made.etag}"'),
        *((f"Checksum{name}", value) for name, value in attributes.checksums.items()),
    ]
    if attributes.checksums:
        fields.append(("ChecksumType", attributes.checksum_type))
    headers = [*version_headers(bucket, made), *encryption_headers(attributes)]
    return xml_answer("CompleteMultipartUploadResult", fields, headers)


async def _check_parts(call: Call, named: list[xml.Element]) -> None:
    """What the client says of the parts besides their ETags: checksums, and the size of all together."""
    expected = call.request.headers.get("x-amz-mp-object-size")
    try:
        upload = open_upload(call)
    except Refusal:
        return  # completed already, maybe, by this client, which lost our answer: the engine knows
    claimed = {
        int(each.value("PartNumber") or 0): each.value(f"Checksum{upload.algorithm}") for each in named
    }
    if expected is None and not any(claimed.values()):
        return
    parts = [part for part in await call.run(call.engine.uploads.parts, upload) if part.n in claimed]
    if any(claimed[part.n] not in (None, part.checksum) for part in parts):
        raise Refusal("InvalidPart", "One or more of the specified parts could not be found.")
    if expected is not None and expected != str(sum(part.size for part in parts)):
        raise Refusal("InvalidRequest", "The x-amz-mp-object-size is not the size of the parts together.")


async def abort_multipart_upload(call: Call) -> Answer:
    call.authorise()
    id_ = call.request.query.get("uploadId", "")
    await call.run(call.engine.uploads.abort, call.bucket(), call.request.object_key, id_)
    return Answer(204)
