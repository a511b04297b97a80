"""The aws-chunked encoding: chunks that may be signed, and trailers behind them.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html and …/sigv4-streaming-trailers.html
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from explorer.localstore.refusals import Refusal
from explorer.localstore.wire.auth import Proof

UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
KINDS = (UNSIGNED_TRAILER, SIGNED, SIGNED_TRAILER)

_MAX_LINE = 16 << 10
_MAX_CHUNK = 64 << 20
_EMPTY = hashlib.sha256(b"").hexdigest()


class ChunkSigner:
    """The chain of chunk signatures: each covers the one before it."""

    def __init__(self, proof: Proof) -> None:
        self._key = proof.key
        self._time = proof.claim.time
        self._scope = proof.claim.scope
        self._previous = proof.claim.signature

    def _sign(self, algorithm: str, *hashes: str) -> str:
        to_sign = "\n".join((algorithm, self._time, self._scope, self._previous, *hashes))
        return hmac.digest(self._key, to_sign.encode(), "sha256").hex()

    def check_chunk(self, sha256: str, signature: str) -> None:
        self._check(self._sign("AWS4-HMAC-SHA256-PAYLOAD", _EMPTY, sha256), signature)

    def check_trailer(self, lines: bytes, signature: str) -> None:
        self._check(self._sign("AWS4-HMAC-SHA256-TRAILER", hashlib.sha256(lines).hexdigest()), signature)

    def _check(self, expected: str, signature: str) -> None:
        if not hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace")):
            raise Refusal("SignatureDoesNotMatch", "A chunk's signature does not match.")
        self._previous = expected


@dataclass
class ChunkedBody:
    """Decodes one body; `trailers` is filled when the data has been read to its end."""

    source: AsyncIterator[bytes]
    signer: ChunkSigner | None
    trailers: dict[str, str] = field(default_factory=dict)
    _data: bytes = b""
    _at: int = 0
    """The piece of the source at hand, and how far it has been read: data is passed on without a copy."""
    _has_ended: bool = False

    async def data(self) -> AsyncIterator[memoryview]:
        while True:
            size, signature = _parse_head(await self._line())
            running = hashlib.sha256() if self.signer else None
            left = size
            while left:
                if self._at == len(self._data):
                    await self._more()
                piece = memoryview(self._data)[self._at : self._at + left]
                self._at += len(piece)
                left -= len(piece)
                if running is not None:
                    running.update(piece)
                yield piece
            if self.signer is not None and running is not None:
                self.signer.check_chunk(running.hexdigest(), signature)
            if size == 0:
                break
            if await self._line():
                raise _malformed("a chunk is longer than it says")
        await self._read_trailers()

    async def _read_trailers(self) -> None:
        signed = b""
        while not self._has_ended or self._at < len(self._data):
            line = await self._line(may_end=True)
            if not line:
                break
            name, colon, value = line.decode("latin-1").partition(":")
            if not colon:
                raise _malformed("a trailer is not a header")
            name, value = name.strip().lower(), value.strip()
            if name == "x-amz-trailer-signature":
                if self.signer is not None:
                    self.signer.check_trailer(signed, value)
                    self.signer = None
            else:
                self.trailers[name] = value
                signed += f"{name}:{value}\n".encode("latin-1")
        if self.signer is not None and self.trailers:
            raise Refusal("SignatureDoesNotMatch", "The trailers are not signed.")

    async def _more(self, *, may_end: bool = False) -> None:
        piece = await anext(self.source, b"")
        if not piece:
            self._has_ended = True
            if not may_end:
                raise Refusal("IncompleteBody", "The request body terminated unexpectedly")
        self._data, self._at = self._data[self._at :] + piece, 0

    async def _line(self, *, may_end: bool = False) -> bytes:
        """Up to the next CR LF, which is taken away."""
        while (end := self._data.find(b"\r\n", self._at, self._at + _MAX_LINE)) < 0:
            if len(self._data) - self._at >= _MAX_LINE:
                raise _malformed("a line is too long")
            if self._has_ended:
                end = len(self._data)
                break
            await self._more(may_end=may_end)
        line = self._data[self._at : end]
        self._at = min(end + 2, len(self._data))
        return line


def _parse_head(line: bytes) -> tuple[int, str]:
    """`<hex size>[;chunk-signature=<hex>]`"""
    text, _, extension = line.decode("latin-1").partition(";")
    try:
        size = int(text, 16) if text and text[0] not in "+-_ " and "_" not in text else -1
    except ValueError:
        size = -1
    if not 0 <= size <= _MAX_CHUNK:
        raise _malformed("a chunk's size is not a number we take")
    return size, extension.removeprefix("chunk-signature=")


def _malformed(why: str) -> Refusal:
    return Refusal("InvalidRequest", f"The aws-chunked body is malformed: {why}.")
