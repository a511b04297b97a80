"""ListParts and ListMultipartUploads."""

from __future__ import annotations

from explorer.localstore.engine.records import Upload
from explorer.localstore.engine.uploads import MAX_PARTS
from explorer.localstore.engine.walks import PAST
from explorer.localstore.wire.answers import Answer, iso_ms, xml_answer
from explorer.localstore.wire.call import Call
from explorer.localstore.wire.listings import OWNER, encoder, marks_a_prefix
from explorer.localstore.wire.multipart import open_upload

_NO_MORE = "\x7f"
"""Greater than every upload id: behind all uploads of a key."""


async def list_parts(call: Call) -> Answer:
    call.authorise()
    request = call.request
    upload = open_upload(call)
    after, limit = request.number("part-number-marker", 0, high=MAX_PARTS), request.number("max-parts", 1000)
    found = call.engine.uploads.parts(upload, after=after, limit=limit + 1)
    parts = found[:limit]
    fields: list[tuple[str, object]] = [
        ("Bucket", request.bucket),
        ("Key", upload.key.decode()),
        ("UploadId", upload.id),
        ("Initiator", OWNER),
        ("Owner", OWNER),
        ("StorageClass", upload.attributes.storage_class),
        ("PartNumberMarker", after),
        ("NextPartNumberMarker", parts[-1].n if parts else after),
        ("MaxParts", limit),
        ("IsTruncated", len(found) > limit),
        ("ChecksumAlgorithm", upload.algorithm),
        ("ChecksumType", upload.checksum_type if upload.algorithm else None),
    ]
    for part in parts:
        described: list[tuple[str, object]] = [
            ("PartNumber", part.n),
            ("LastModified", iso_ms(part.written_ns)),
            ("ETag", f'"{part.etag}"'),
            ("Size", part.size),
        ]
        if upload.algorithm:
            described.append((f"Checksum{upload.algorithm}", part.checksum))
        fields.append(("Part", described))
    return xml_answer("ListPartsResult", fields)


async def list_multipart_uploads(call: Call) -> Answer:
    call.authorise()
    request, bucket, encode = call.request, call.bucket(), encoder(call)
    query = request.query
    limit = request.number("max-uploads", 1000)
    prefix, delimiter = query.get("prefix", "").encode(), query.get("delimiter", "").encode()
    key_marker, id_marker = query.get("key-marker", "").encode(), query.get("upload-id-marker", "")
    if marks_a_prefix(key_marker, prefix, delimiter):
        after = (key_marker + PAST, "")
    else:
        after = (key_marker, id_marker or (_NO_MORE if key_marker else ""))
    found: list[Upload | bytes] = []
    # one more than is shown, to know whether there are more
    while len(found) <= limit and (uploads := _next(call, prefix, after, limit + 1 - len(found))):
        for upload in uploads:
            split = upload.key.find(delimiter, len(prefix)) if delimiter else -1
            if split >= 0:
                group = upload.key[: split + len(delimiter)]
                found.append(group)
                after = (group + PAST, "")
                break
            found.append(upload)
            after = (upload.key, upload.id)
    page, more = found[:limit], len(found) > limit
    last = page[-1] if more and page else None
    fields: list[tuple[str, object]] = [
        ("Bucket", bucket.name),
        ("KeyMarker", encode(key_marker)),
        ("UploadIdMarker", id_marker),
        ("NextKeyMarker", None if last is None else encode(last if isinstance(last, bytes) else last.key)),
        ("NextUploadIdMarker", last.id if isinstance(last, Upload) else None),
        ("Delimiter", encode(delimiter) if delimiter else None),
        ("EncodingType", query.get("encoding-type")),
        ("Prefix", encode(prefix)),
        ("MaxUploads", limit),
        ("IsTruncated", more),
        *(("Upload", _describe(item, encode(item.key))) for item in page if isinstance(item, Upload)),
        *(("CommonPrefixes", [("Prefix", encode(item))]) for item in page if isinstance(item, bytes)),
    ]
    return xml_answer("ListMultipartUploadsResult", fields)


def _next(call: Call, prefix: bytes, after: tuple[bytes, str], limit: int) -> list[Upload]:
    return call.engine.uploads.list(call.bucket(), prefix=prefix, after=after, limit=limit)


def _describe(upload: Upload, key: str) -> list[tuple[str, object]]:
    return [
        ("Key", key),
        ("UploadId", upload.id),
        ("Initiator", OWNER),
        ("Owner", OWNER),
        ("StorageClass", upload.attributes.storage_class),
        ("Initiated", iso_ms(upload.started_ns)),
        ("ChecksumAlgorithm", upload.algorithm),
    ]
