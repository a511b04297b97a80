"""Put an answer on the wire; large ones in pieces, for as long as somebody takes them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any

from explorer.localstore.engine.blobs import Blobs
from explorer.localstore.engine.records import Segment
from explorer.localstore.refusals import Refusal
from explorer.localstore.wire.answers import CHUNK, Answer, encode_header
from explorer.localstore.wire.request import Receive

log = logging.getLogger("explorer.localstore")
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
_INLINE = 64 << 10
"""Up to here a read from the page cache is cheaper than a hop to another thread."""


async def send_answer(
    answer: Answer,
    send: Send,
    receive: Receive,
    blobs: Blobs,
    request_id: str,
    *,
    head: bool,
    path_send: bool,
) -> None:
    length = len(answer.body) if answer.length is None else answer.length
    headers = [encode_header(name, value) for name, value in answer.headers]
    headers.append((b"x-amz-request-id", request_id.encode()))
    headers.append((b"server", b"explorer"))
    if answer.status not in (204, 304) and not answer.gzipped:
        headers.append((b"content-length", str(length).encode()))
    segments = answer.segments
    body = b"" if head else answer.body
    if segments is not None and not head and length <= CHUNK and not answer.gzipped:
        # Read first, while an error can still be answered as one.
        body, segments = await _read_whole(segments, length, blobs), None
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if head or segments is None:
        await send({"type": "http.response.body", "body": body})
    elif path_send and (place := _whole_file(answer, blobs)) is not None:
        await send({"type": "http.response.pathsend", "path": place})
    else:
        # A server goes on taking pieces for a client that has left; only a watch on its side tells.
        streaming = asyncio.ensure_future(_stream(answer, segments, send, blobs))
        leaving = asyncio.ensure_future(_wait_until_gone(receive))
        await asyncio.wait((streaming, leaving), return_when=asyncio.FIRST_COMPLETED)
        leaving.cancel()
        if not streaming.done():
            streaming.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await streaming


async def _wait_until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _stream(answer: Answer, segments: Sequence[Segment | bytes], send: Send, blobs: Blobs) -> None:
    compressor = zlib.compressobj(wbits=31) if answer.gzipped else None
    async for data in _read(segments, blobs):
        piece = data if compressor is None else compressor.compress(data)
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": compressor.flush() if compressor else b""})


def _whole_file(answer: Answer, blobs: Blobs) -> str | None:
    place = blobs.place(answer.whole_blob) if answer.whole_blob is not None else None
    # One that was just swept is still in the trash, where only we find it.
    return place if place is not None and os.path.exists(place) else None  # noqa: PTH110


async def _read_whole(segments: Sequence[Segment | bytes], length: int, blobs: Blobs) -> bytes:
    try:
        if length <= _INLINE:
            return b"".join(_read_now(segments, blobs))
        return await asyncio.get_running_loop().run_in_executor(None, b"".join, _read_now(segments, blobs))
    except OSError as error:
        log.exception("a blob cannot be read")
        raise Refusal("InternalError", "The bytes of the object cannot be read.") from error


def _read_now(segments: Sequence[Segment | bytes], blobs: Blobs) -> Iterator[bytes]:
    for segment in segments:
        if isinstance(segment, bytes):
            yield segment
            continue
        fd = blobs.open(segment.blob)
        try:
            data = os.pread(fd, segment.size, segment.offset)
        finally:
            os.close(fd)
        if len(data) != segment.size:
            raise OSError(f"blob {segment.blob} is shorter than its row says")
        yield data


async def _read(segments: Sequence[Segment | bytes], blobs: Blobs) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    for segment in segments:
        if isinstance(segment, bytes):
            yield segment
            continue
        fd = blobs.open(segment.blob)
        try:
            offset, left = segment.offset, segment.size
            while left:
                data = await loop.run_in_executor(None, os.pread, fd, min(CHUNK, left), offset)
                if not data:
                    raise OSError(f"blob {segment.blob} is shorter than its row says")
                offset, left = offset + len(data), left - len(data)
                yield data
        finally:
            os.close(fd)
