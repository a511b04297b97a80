"""What is sent back: small bodies as bytes, objects as stretches of files."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime

from explorer.localstore.engine.records import Segment
from explorer.localstore.refusals import Refusal
from explorer.localstore.wire import xml

CHUNK = 1 << 20
IAM_NAMESPACE = "https://iam.amazonaws.com/doc/2010-05-08/"
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(slots=True)
class Answer:
    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    segments: Sequence[Segment | bytes] | None = None
    """Instead of `body`: stretches of blobs, and bytes between them, `length` bytes in all."""
    length: int | None = None
    """What Content-Length says if it is not the body's, as for HEAD."""
    whole_blob: str | None = None
    """The blob that the segments are the whole of: its file can be sent by the server itself."""
    gzipped: bool = False
    """Compress the segments on their way; then nobody knows the length."""


def xml_answer(
    root: str, fields: Iterable[tuple[str, object]], headers: Iterable[tuple[str, str]] = ()
) -> Answer:
    return Answer(200, [("content-type", "application/xml"), *headers], xml.document(root, fields))


def json_answer(document: object, headers: Iterable[tuple[str, str]] = ()) -> Answer:
    text = json.dumps(document, separators=(",", ":"))
    return Answer(200, [("content-type", "application/json"), *headers], text.encode())


def refused(
    refusal: Refusal,
    *,
    request_id: str,
    resource: str,
    as_json: bool,
    head: bool,
    query_protocol: bool = False,
) -> Answer:
    """The error document; HEAD and 304 have none, IAM's has a shape of its own."""
    headers = list(refusal.headers)
    if head or refusal.status == 304:
        return Answer(refusal.status, headers)
    if as_json:
        document = {"Code": refusal.code, "Message": refusal.message, "RequestId": request_id}
        return Answer(
            refusal.status, [("content-type", "application/json"), *headers], json.dumps(document).encode()
        )
    if query_protocol:
        kind = "Receiver" if refusal.status >= 500 else "Sender"
        error = [("Type", kind), ("Code", refusal.code), ("Message", refusal.message)]
        nested: list[tuple[str, object]] = [("Error", error), ("RequestId", request_id)]
        body = xml.document("ErrorResponse", nested, namespace=IAM_NAMESPACE)
        return Answer(refusal.status, [("content-type", "text/xml"), *headers], body)
    fields = [("Code", refusal.code), ("Message", refusal.message), *refusal.details.items()]
    fields += [("Resource", resource), ("RequestId", request_id)]
    body = xml.document("Error", [(name, xml.plain(value)) for name, value in fields], namespace="")
    return Answer(refusal.status, [("content-type", "application/xml"), *headers], body)


def http_date(ns: int) -> str:
    return _http_second(ns // 10**9)


@functools.lru_cache(4096)
def _http_second(second: int) -> str:
    return format_datetime(datetime.fromtimestamp(second, UTC), usegmt=True)


@functools.lru_cache(4096)
def _iso_second(second: int) -> str:
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}"


def iso_ms(ns: int) -> str:
    """As S3 writes times in XML."""
    return f"{_iso_second(ns // 10**9)}.{ns // 10**6 % 1000:03d}Z"


def iso_ns(ns: int) -> str:
    """As Tigris writes times: RFC 3339 to the nanosecond."""
    return f"{_iso_second(ns // 10**9)}.{ns % 10**9:09d}Z"


def encode_header(name: str, value: str) -> tuple[bytes, bytes]:
    """A header for the wire; control characters, which could start another header, are refused."""
    if _CONTROL.search(value):
        raise Refusal("InvalidArgument", f"The header {name} would hold control characters.")
    return name.encode("latin-1"), value.encode("latin-1", "replace")
