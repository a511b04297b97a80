"""What a request says of its body, read before the body is, and held against it afterwards."""

from __future__ import annotations

import base64
import binascii
import re

from explorer.localstore.engine.digests import ALGORITHMS, Digests
from explorer.localstore.refusals import Refusal
from explorer.localstore.wire.auth import Proof
from explorer.localstore.wire.chunked import KINDS
from explorer.localstore.wire.request import Request
from explorer.localstore.wire.sigv4 import UNSIGNED

_HASH = re.compile(r"[0-9a-fA-F]{64}")
_SIZES = {"CRC32": 4, "CRC32C": 4, "CRC64NVME": 8, "SHA1": 20, "SHA256": 32}


class Claims:
    """A body's length, hashes and checksums, as the headers and trailers have them."""

    def __init__(
        self, request: Request, proof: Proof, default_algorithm: str | None = None, *, of_object: bool = False
    ) -> None:
        """`of_object`: the checksum headers are about an object that the body only speaks of."""
        headers = request.headers
        self.payload = proof.claim.payload_hash
        self.chunked = self.payload if self.payload in KINDS else None
        if not (self.chunked or self.payload == UNSIGNED or _HASH.fullmatch(self.payload)):
            # Another streaming encoding than these would be stored with its frames around the data.
            raise Refusal(
                "InvalidArgument",
                f"x-amz-content-sha256 must be {UNSIGNED}, {', '.join(KINDS)}, or a valid sha256 value.",
                ArgumentName="x-amz-content-sha256",
                ArgumentValue=self.payload[:80],
            )
        self.md5 = _base64(headers["content-md5"], 16, "InvalidDigest") if "content-md5" in headers else None
        self.checksums = {
            name: _checksum(name, headers[f"x-amz-checksum-{name.lower()}"])
            for name in ALGORITHMS
            if f"x-amz-checksum-{name.lower()}" in headers and not of_object
        }
        self.trailing = [
            name
            for name in ALGORITHMS
            if f"x-amz-checksum-{name.lower()}"
            in headers.get("x-amz-trailer", "").lower().replace(" ", "").split(",")
        ]
        if len(self.checksums) + len(self.trailing) > 1:
            raise Refusal("InvalidRequest", "Expecting a single x-amz-checksum- header")
        self.algorithms = [*self.checksums, *self.trailing]
        asked = headers.get("x-amz-sdk-checksum-algorithm") or default_algorithm
        if asked and not self.algorithms:
            self.algorithms = [asked.upper()]
        if default_algorithm and default_algorithm not in self.algorithms:
            self.algorithms.append(default_algorithm)
        self.length = self._length(request)

    def _length(self, request: Request) -> int:
        text = request.headers.get("x-amz-decoded-content-length") if self.chunked else None
        if text is not None:
            if not (text.isascii() and text.isdigit() and len(text) < 19):
                raise Refusal("InvalidArgument", "x-amz-decoded-content-length is not a number.")
            return int(text)
        length = request.content_length()
        if length is None or self.chunked:
            raise Refusal("MissingContentLength", "You must provide the Content-Length HTTP header.")
        return length

    @property
    def signs_payload(self) -> bool:
        return not self.chunked and self.payload != UNSIGNED

    def check(self, digests: Digests, trailers: dict[str, str]) -> None:
        """Raises the Refusal that fits the first claim the bytes do not keep."""
        if digests.size != self.length:
            raise Refusal(
                "IncompleteBody",
                "You did not provide the number of bytes specified by the Content-Length HTTP header",
            )
        if self.signs_payload and digests.payload_sha256 != self.payload.lower():
            raise Refusal(
                "XAmzContentSHA256Mismatch",
                "The provided 'x-amz-content-sha256' header does not match what was computed.",
                ClientComputedContentSHA256=self.payload,
                S3ComputedContentSHA256=digests.payload_sha256,
            )
        if self.md5 is not None and self.md5 != digests.md5:
            raise Refusal("BadDigest", "The Content-MD5 you specified did not match what we received.")
        for name in self.trailing:
            value = trailers.get(f"x-amz-checksum-{name.lower()}")
            if value is None:
                raise Refusal("InvalidRequest", "The trailer that was announced did not come.")
            self.checksums[name] = _checksum(name, value)
        for name, value in self.checksums.items():
            if digests.checksum(name) != value:
                raise Refusal("BadDigest", f"The {name} you specified did not match the calculated checksum.")


def _checksum(name: str, value: str) -> str:
    _base64(
        value, _SIZES[name], "InvalidRequest", f"Value for x-amz-checksum-{name.lower()} header is invalid."
    )
    return value


def _base64(
    text: str, size: int, code: str, message: str = "The Content-MD5 you specified is not valid."
) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != size:
        raise Refusal(code, message)
    return raw
