"""Bodies on their way in: decoded, counted, hashed into a sink, held against what the client claimed."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from concurrent.futures import Executor, Future
from functools import partial
from typing import Any

from explorer.localstore.engine.blobs import Blobs
from explorer.localstore.engine.digests import Buffer, Digests
from explorer.localstore.engine.intake import Intake
from explorer.localstore.engine.sinks import Sink
from explorer.localstore.refusals import Refusal
from explorer.localstore.wire.auth import Proof
from explorer.localstore.wire.chunked import SIGNED, SIGNED_TRAILER, ChunkedBody, ChunkSigner
from explorer.localstore.wire.claims import Claims
from explorer.localstore.wire.request import Request

MAX_OBJECT_BYTES = 5 * 2**30
MAX_DOCUMENT_BYTES = 4 * 2**20
_MAX_AHEAD_BYTES = 256 << 10
_INLINE = 64 << 10
_DRAIN_BYTES = 64 << 20
_DRAIN_IDLE_S = 0.5


async def raw_body(request: Request) -> AsyncIterator[bytes]:
    """The body as it comes; a client that hangs up ends it with a Refusal.

    Where its length is known nobody is asked whether more comes: that costs a change of thread.
    """
    left = None if "transfer-encoding" in request.headers else request.content_length() or 0
    request.body_ended = left == 0
    while not request.body_ended:
        message = await request.receive()
        piece = message.get("body") or b""
        left = None if left is None else left - len(piece)
        hung_up = message["type"] == "http.disconnect"
        request.body_ended = hung_up or not message.get("more_body") or left == 0
        if hung_up:
            raise Refusal("IncompleteBody", "The client closed the connection.")
        if piece:
            yield piece


async def drain(request: Request) -> None:
    """Take in what is left of a refused body, within reason, so that the client gets to read why.

    One that waits for a 100 before it sends needs no such thing: it is told at once.
    """
    if request.body_ended or "100-continue" in request.headers.get("expect", "").lower():
        return
    taken = 0
    with contextlib.suppress(Refusal, TimeoutError):
        async with asyncio.timeout(_DRAIN_IDLE_S) as patience:
            async for piece in raw_body(request):
                taken += len(piece)
                if taken > _DRAIN_BYTES:
                    return
                patience.reschedule(asyncio.get_running_loop().time() + _DRAIN_IDLE_S)


async def read_ahead(request: Request) -> None:
    """For services that sign the body without saying its hash: hash it before the signature is looked at.

    Raises:
        Refusal: EntityTooLarge; nobody has proven anything yet, so little is read.
    """
    if "x-amz-content-sha256" in request.headers:
        return
    out = bytearray()
    async for piece in raw_body(request):
        out += piece
        if len(out) > _MAX_AHEAD_BYTES:
            raise Refusal("EntityTooLarge", "The document is too large.")
    body = bytes(out)

    async def again() -> Mapping[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    request.receive = again
    request.headers["x-amz-content-sha256"] = hashlib.sha256(body).hexdigest()


def _open(request: Request, proof: Proof, claims: Claims) -> tuple[AsyncIterator[Buffer], dict[str, str]]:
    """The decoded body, and the trailers that will be there at its end."""
    raw = raw_body(request)
    if claims.chunked is None:
        return raw, {}
    signed = claims.chunked in (SIGNED, SIGNED_TRAILER)
    body = ChunkedBody(raw, ChunkSigner(proof) if signed else None)
    return body.data(), body.trailers


async def receive_object(
    request: Request, proof: Proof, claims: Claims, blobs: Blobs, threads: Executor
) -> Sink:
    """Stream the body into a sink and verify it. The caller puts or closes the sink.

    Raises:
        Refusal: too large, no space, or a claim that does not hold; nothing is left behind.
    """
    if claims.length > MAX_OBJECT_BYTES:
        raise Refusal("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
    blobs.check_space(claims.length)
    body, trailers = _open(request, proof, claims)
    create = partial(
        blobs.create, claims.algorithms, sha256=claims.signs_payload, expected_bytes=claims.length
    )
    is_small = claims.length <= _INLINE
    # To reserve the room of a large one may take some disks a while.
    sink = create() if is_small else await asyncio.get_running_loop().run_in_executor(threads, create)
    try:
        if is_small:
            sink.write(b"".join([piece async for piece in _limited(body, claims.length)]))
        else:
            await take_in(_limited(body, claims.length), sink, threads)
        claims.check(sink.digests, trailers)
        return sink
    except BaseException:
        sink.close()
        raise


async def _limited(body: AsyncIterator[Buffer], length: int) -> AsyncIterator[Buffer]:
    total = 0
    async for piece in body:
        total += len(piece)
        if total > length:
            raise Refusal("IncompleteBody", "The body is longer than the request says.")
        yield piece


async def take_in(body: AsyncIterator[Buffer], sink: Sink, threads: Executor) -> None:
    """What has come is hashed and written in threads while more comes in; at the end it is on disk."""
    intake = Intake(sink, threads)
    try:
        async for piece in body:
            rest = memoryview(piece)
            while rest:
                await _done(intake.unfinished)
                rest = rest[intake.fill(rest) :]
        await _done(intake.finish())
    finally:
        # Whatever went wrong, the memory is the next one's only when nobody is at work on it any more.
        await _settled(intake.under_way)
        intake.release()


async def _settled(work: Iterable[Future[Any]]) -> None:
    left = [asyncio.wrap_future(each) for each in work if not each.done()]
    if left:
        await asyncio.wait(left)


async def _done(work: Sequence[Future[Any]]) -> None:
    """Wait for all of it, then raise what went wrong first."""
    await _settled(work)
    for each in work:
        each.result()


async def receive_document(request: Request, proof: Proof, *, of_object: bool = False) -> bytes:
    """A small body, whole: XML, JSON or a form; verified like any other, `of_object` as in `Claims`."""
    if request.content_length() is None and "transfer-encoding" not in request.headers:
        return b""
    claims = Claims(request, proof, of_object=of_object)
    if claims.length > MAX_DOCUMENT_BYTES:
        raise Refusal("EntityTooLarge", "The document is too large.")
    body, trailers = _open(request, proof, claims)
    digests = Digests(claims.algorithms, sha256=claims.signs_payload)
    out = bytearray()
    async for piece in body:
        out += piece
        if len(out) > claims.length:
            raise Refusal("IncompleteBody", "The body is longer than the request says.")
    digests.update(bytes(out))
    claims.check(digests, trailers)
    return bytes(out)
