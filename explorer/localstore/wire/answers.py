"""What is sent back: small bodies as bytes, objects as stretches of files."""

from __future__ import annotations

import asyncio
import functools
import json
import os
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from explorer.localstore.engine.blobs import Blobs
from explorer.localstore.engine.records import Segment
from explorer.localstore.refusals import Refusal
from explorer.localstore.wire import xml

Send = Callable[[Mapping[str, Any]], Awaitable[None]]
CHUNK = 1 << 20
IAM_NAMESPACE = "https://iam.amazonaws.com/doc/2010-05-08/"
_INLINE = 64 << 10
"""Up to here a read from the page cache is cheaper than a hop to another thread."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(slots=True)
class Answer:
    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    segments: list[Segment] | None = None
    """Instead of `body`: stretches of blobs, `length` bytes in all."""
    length: int | None = None
    """What Content-Length says if it is not the body's, as for HEAD."""
    whole_file: bool = False


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


async def send_answer(
    answer: Answer, send: Send, blobs: Blobs, request_id: str, *, head: bool, path_send: bool
) -> None:
    length = len(answer.body) if answer.length is None else answer.length
    headers = [encode_header(name, value) for name, value in answer.headers]
    headers.append((b"x-amz-request-id", request_id.encode()))
    headers.append((b"server", b"explorer"))
    if answer.status not in (204, 304):
        headers.append((b"content-length", str(length).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if head or answer.segments is None:
        await send({"type": "http.response.body", "body": b"" if head else answer.body})
    elif (
        answer.whole_file
        and path_send
        and length > CHUNK
        and os.path.exists(  # noqa: PTH110 - no Path needed
            place := blobs.place(answer.segments[0].blob)
        )
    ):
        await send({"type": "http.response.pathsend", "path": place})
    else:
        await _send_segments(answer.segments, send, blobs)


async def _send_segments(segments: list[Segment], send: Send, blobs: Blobs) -> None:
    loop = asyncio.get_running_loop()
    for segment in segments:
        fd = blobs.open(segment.blob)
        try:
            offset, left = segment.offset, segment.size
            while left:
                size = min(CHUNK, left)
                if segment.size <= _INLINE:
                    data = os.pread(fd, size, offset)
                else:
                    data = await loop.run_in_executor(None, os.pread, fd, size, offset)
                if not data:
                    raise OSError(f"blob {segment.blob} is shorter than its row says")
                offset, left = offset + len(data), left - len(data)
                await send({"type": "http.response.body", "body": data, "more_body": True})
        finally:
            os.close(fd)
    await send({"type": "http.response.body", "body": b""})
