"""GetObjectAttributes: size, ETag, checksum, storage class and parts, as many as are asked for."""

from __future__ import annotations

from explorer.localstore.engine.records import Entry
from explorer.localstore.refusals import Refusal
from explorer.localstore.wire.answers import Answer, http_date, xml_answer
from explorer.localstore.wire.attributes import version_headers
from explorer.localstore.wire.call import Call
from explorer.localstore.wire.objects import find

_KNOWN = frozenset({"ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"})
_MOST_PARTS = 1000


async def get_object_attributes(call: Call) -> Answer:
    call.authorise()
    bucket = call.bucket()
    asked = {word.strip() for word in call.request.headers.get("x-amz-object-attributes", "").split(",")}
    if not asked or not asked <= _KNOWN:
        raise Refusal(
            "InvalidArgument", "Invalid attribute name specified.", ArgumentName="x-amz-object-attributes"
        )
    found = find(call, bucket, call.request.object_key)
    attributes = found.attributes
    checksums: list[tuple[str, object]] = [(f"Checksum{n}", v) for n, v in attributes.checksums.items()]
    if checksums:
        checksums.append(("ChecksumType", attributes.checksum_type))
    fields: list[tuple[str, object]] = []
    if "ETag" in asked:
        fields.append(("ETag", found.etag))
    if "Checksum" in asked and checksums:
        fields.append(("Checksum", checksums))
    if "ObjectParts" in asked and found.manifest is not None:
        fields.append(("ObjectParts", _parts(call, found)))
    if "StorageClass" in asked:
        fields.append(("StorageClass", attributes.storage_class))
    if "ObjectSize" in asked:
        fields.append(("ObjectSize", found.size))
    headers = [("last-modified", http_date(found.ts)), *version_headers(bucket, found)]
    return xml_answer("GetObjectAttributesResponse", fields, headers)


def _parts(call: Call, found: Entry) -> list[tuple[str, object]]:
    """S3 lists parts only where they have checksums; their number it tells always."""
    manifests, algorithm = call.engine.manifests, next(iter(found.attributes.checksums), None)
    fields: list[tuple[str, object]] = [("PartsCount", manifests.count(found))]
    if algorithm is None:
        return fields
    after, limit = _number(call, "part-number-marker", 0), _number(call, "max-parts", _MOST_PARTS)
    pieces = manifests.pieces(found, after=after, limit=limit + 1)
    shown = pieces[:limit]
    fields += [
        ("PartNumberMarker", after),
        ("NextPartNumberMarker", shown[-1].n if shown else after),
        ("MaxParts", limit),
        ("IsTruncated", len(pieces) > limit),
    ]
    for piece in shown:
        part = [("PartNumber", piece.n), ("Size", piece.size), (f"Checksum{algorithm}", piece.checksum)]
        fields.append(("Part", part))
    return fields


def _number(call: Call, name: str, default: int) -> int:
    text = call.request.headers.get(f"x-amz-{name}")
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Refusal("InvalidArgument", f"x-amz-{name} is not a number.", ArgumentName=name)
    return int(text) if name == "part-number-marker" else min(int(text), _MOST_PARTS)
