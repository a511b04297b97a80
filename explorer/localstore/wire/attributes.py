"""What a request says about an object, and what an answer says of it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import parse_qsl

from explorer.localstore.engine.records import Attributes, Bucket, Entry
from explorer.localstore.refusals import Refusal
from explorer.localstore.wire.answers import http_date
from explorer.localstore.wire.request import Request

ENCRYPTION = "x-amz-server-side-encryption"
"""Taken as AES256 and told again, as Tigris does: at rest, it is the disk's matter."""
_KEPT = (
    "content-type",
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "expires",
    ENCRYPTION,
)
_META = "x-amz-meta-"
MAX_METADATA_BYTES = 2048
STORAGE_CLASSES = ("STANDARD", "STANDARD_IA", "GLACIER", "GLACIER_IR")


def read_attributes(request: Request, bucket: Bucket) -> Attributes:
    """The headers of a PUT, of a copy that replaces, or of a new multipart upload."""
    headers = request.headers
    kept = {name: headers[name] for name in _KEPT if headers.get(name)}
    if "content-encoding" in kept:
        # aws-chunked describes the transfer, not the object.
        rest = [word for word in kept["content-encoding"].split(",") if word.strip() != "aws-chunked"]
        kept["content-encoding"] = ",".join(rest).strip()
    metadata = {name.removeprefix(_META): value for name, value in headers.items() if name.startswith(_META)}
    if sum(len(name) + len(value) for name, value in metadata.items()) > MAX_METADATA_BYTES:
        raise Refusal("MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size.")
    return Attributes(
        headers={name: value for name, value in kept.items() if value},
        metadata=metadata,
        tags=parse_tags(headers.get("x-amz-tagging", "")),
        storage_class=read_storage_class(headers, bucket),
    )


def read_storage_class(headers: Mapping[str, str], bucket: Bucket) -> str:
    wanted = headers.get("x-amz-storage-class") or str(bucket.settings.get("storage_class", "STANDARD"))
    if wanted not in STORAGE_CLASSES:
        raise Refusal("InvalidArgument", "The storage class you specified is not valid", StorageClass=wanted)
    return wanted


def parse_tags(text: str) -> dict[str, str]:
    """`a=1&b=2`, as x-amz-tagging carries it."""
    return check_tags(parse_qsl(text, keep_blank_values=True, max_num_fields=64)) if text else {}


def check_tags(pairs: list[tuple[str, str]]) -> dict[str, str]:
    tags = dict(pairs)
    ok = len(tags) == len(pairs) <= 10 and all(0 < len(k) <= 128 and len(v) <= 256 for k, v in pairs)
    if not ok:
        raise Refusal("InvalidTag", "The tags are too many, too long, or not unique.")
    return tags


def with_checksums(attributes: Attributes, checksums: Mapping[str, str]) -> Attributes:
    return replace(attributes, checksums=dict(checksums)) if checksums else attributes


def version_headers(bucket: Bucket, version: Entry | None) -> list[tuple[str, str]]:
    """`x-amz-version-id`, where versions are kept."""
    if version is None or not bucket.snapshots_on:
        return []
    return [("x-amz-version-id", str(version.ts))]


def encryption_headers(attributes: Attributes) -> list[tuple[str, str]]:
    return [(name, value) for name, value in attributes.headers.items() if name == ENCRYPTION]


def checksum_headers(attributes: Attributes) -> list[tuple[str, str]]:
    found = [(f"x-amz-checksum-{name.lower()}", value) for name, value in attributes.checksums.items()]
    return [*found, ("x-amz-checksum-type", attributes.checksum_type)] if found else []


_OVERRIDES = {
    "response-cache-control": "cache-control",
    "response-content-disposition": "content-disposition",
    "response-content-encoding": "content-encoding",
    "response-content-language": "content-language",
    "response-content-type": "content-type",
    "response-expires": "expires",
}


def object_headers(request: Request, bucket: Bucket, found: Entry) -> list[tuple[str, str]]:
    """Everything GET and HEAD say of an object, checksums and length aside."""
    attributes = found.attributes
    headers = {"content-type": "binary/octet-stream", **attributes.headers}
    for parameter, name in _OVERRIDES.items():
        if parameter in request.query:
            headers[name] = request.query[parameter]
    out = list(headers.items())
    out += [(_META + name, value) for name, value in attributes.metadata.items()]
    out += [
        ("etag", f'"{found.etag}"'),
        ("last-modified", http_date(found.ts)),
        ("accept-ranges", "bytes"),
        *version_headers(bucket, found),
    ]
    if attributes.tags:
        out.append(("x-amz-tagging-count", str(len(attributes.tags))))
    if attributes.storage_class != "STANDARD":
        out.append(("x-amz-storage-class", attributes.storage_class))
    return out
