"""Bodies that are not what their headers say, and bodies in the aws-chunked encoding."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import socket
import time
import zlib
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from explorer.localstore import Running
from explorer.localstore.wire.chunked import ChunkedBody
from tests.localstore.wire import Answer, raw, send


def is_absent(running: Running, bucket: str, key: str = "k") -> bool:
    left = list((running.folder / "tmp").iterdir())
    return send(running, "HEAD", f"/{bucket}/{key}").status == 404 and left == []


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"content-md5": base64.b64encode(hashlib.md5(b"other").digest()).decode()}, "BadDigest"),
        ({"content-md5": "not base64!"}, "InvalidDigest"),
        ({"content-md5": "AAAA"}, "InvalidDigest"),
        ({"x-amz-checksum-crc32": "AAAAAA=="}, "BadDigest"),
        ({"x-amz-checksum-crc32": "AAAA"}, "InvalidRequest"),
        ({"x-amz-checksum-sha256": base64.b64encode(bytes(32)).decode()}, "BadDigest"),
        ({"x-amz-checksum-crc32": "AAAAAA==", "x-amz-checksum-sha1": "AAAA"}, "InvalidRequest"),
        ({"x-amz-sdk-checksum-algorithm": "CRC99"}, "InvalidRequest"),
        ({"x-amz-storage-class": "CHEAPEST"}, "InvalidArgument"),
        ({"x-amz-meta-long": "x" * 3000}, "MetadataTooLarge"),
        ({"x-amz-tagging": "&".join(f"k{n}=v" for n in range(11))}, "InvalidTag"),
    ],
)
def test_claims_that_do_not_hold(server: Running, bucket: str, headers: dict[str, str], code: str) -> None:
    assert send(server, "PUT", f"/{bucket}/k", b"data", headers).code == code
    assert is_absent(server, bucket)


def test_other_bytes_than_were_signed(server: Running, bucket: str) -> None:
    answer = send(server, "PUT", f"/{bucket}/k", b"data", sent_body=b"DATA")
    assert answer.code == "XAmzContentSHA256Mismatch"
    assert is_absent(server, bucket)


def test_a_client_that_hangs_up(server: Running, bucket: str) -> None:
    for size in (100, 3_000_000):
        request = AWSRequest("PUT", f"{server.endpoint}/{bucket}/k", data=b"")
        signer = S3SigV4Auth(Credentials(server.access_key, server.secret_key), "s3", "auto")
        signer.payload = lambda _: "UNSIGNED-PAYLOAD"
        signer.add_auth(request)
        parts = urlsplit(server.endpoint)
        head = f"PUT /{bucket}/k HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: {size}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
        with socket.create_connection((parts.hostname or "", parts.port or 0)) as half:
            half.sendall(head.encode() + b"\r\n" + b"x" * (size // 2))
            time.sleep(0.1)
        deadline = time.monotonic() + 5
        while not is_absent(server, bucket) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert is_absent(server, bucket)


def test_a_length_is_needed_and_may_not_be_too_much(server: Running, bucket: str) -> None:
    huge = {"content-length": str(6 * 2**30)}
    assert send(server, "PUT", f"/{bucket}/k", b"", after_signing=huge).code == "EntityTooLarge"


class Chunks:
    """An aws-chunked body with its signatures, as the documents describe them."""

    def __init__(self, running: Running, path: str, kind: str, length: int, extra: dict[str, str]) -> None:
        request = AWSRequest("PUT", running.endpoint + path, headers=extra)
        request.headers["x-amz-content-sha256"] = kind
        request.headers["x-amz-decoded-content-length"] = str(length)
        request.headers["content-encoding"] = "aws-chunked"
        signer = S3SigV4Auth(Credentials(running.access_key, running.secret_key), "s3", "auto")
        signer.payload = lambda _: kind
        signer.add_auth(request)
        self.headers = dict(request.headers.items())
        self.signed = "HMAC" in kind
        self.time = self.headers["X-Amz-Date"]
        self.scope = f"{self.time[:8]}/auto/s3/aws4_request"
        self.previous = self.headers["Authorization"].rpartition("Signature=")[2]
        key = b"AWS4" + running.secret_key.encode()
        for word in (self.time[:8], "auto", "s3", "aws4_request"):
            key = hmac.digest(key, word.encode(), "sha256")
        self.key = key
        self.body = b""

    def sign(self, kind: str, *hashes: str) -> str:
        text = "\n".join((kind, self.time, self.scope, self.previous, *hashes))
        self.previous = hmac.digest(self.key, text.encode(), "sha256").hex()
        return self.previous

    def add(self, data: bytes) -> Chunks:
        empty, ours = hashlib.sha256(b"").hexdigest(), hashlib.sha256(data).hexdigest()
        extension = (
            f";chunk-signature={self.sign('AWS4-HMAC-SHA256-PAYLOAD', empty, ours)}" if self.signed else ""
        )
        self.body += f"{len(data):x}{extension}\r\n".encode() + data + (b"\r\n" if data else b"")
        return self

    def trailer(self, name: str, value: str) -> Chunks:
        self.body += f"{name}:{value}\r\n".encode()
        if self.signed:
            digest = hashlib.sha256(f"{name}:{value}\n".encode()).hexdigest()
            self.body += (
                f"x-amz-trailer-signature:{self.sign('AWS4-HMAC-SHA256-TRAILER', digest)}\r\n".encode()
            )
        return self

    def end(self) -> Chunks:
        self.body += b"\r\n"
        return self


def send_chunks(running: Running, path: str, chunks: Chunks) -> Answer:
    return raw(running, "PUT", path, chunks.body, chunks.headers)


DATA = bytes(range(256)) * 600


@pytest.mark.parametrize(
    "kind",
    [
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    ],
)
class TestChunked:
    def chunks(self, server: Running, bucket: str, kind: str, crc: bytes | None = None) -> Chunks:
        trailing = kind.endswith("TRAILER")
        extra = {"x-amz-trailer": "x-amz-checksum-crc32"} if trailing else {}
        made = Chunks(server, f"/{bucket}/k", kind, len(DATA), extra)
        made.add(DATA[:65536]).add(DATA[65536:131072]).add(DATA[131072:]).add(b"")
        if trailing:
            crc = zlib.crc32(DATA).to_bytes(4, "big") if crc is None else crc
            made.trailer("x-amz-checksum-crc32", base64.b64encode(crc).decode())
        return made.end()

    def test_it_is_decoded(self, server: Running, bucket: str, client: Any, kind: str) -> None:
        answer = send_chunks(server, f"/{bucket}/k", self.chunks(server, bucket, kind))
        assert answer.status == 200, answer.body
        got = client.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
        assert got["Body"].read() == DATA
        assert "ContentEncoding" not in got
        assert ("ChecksumCRC32" in got) == kind.endswith("TRAILER")

    def test_a_flipped_byte_is_found(self, server: Running, bucket: str, kind: str) -> None:
        made = self.chunks(server, bucket, kind)
        place = made.body.index(DATA[:64]) + 7
        made.body = made.body[:place] + b"!" + made.body[place + 1 :]
        assert send_chunks(server, f"/{bucket}/k", made).code in ("SignatureDoesNotMatch", "BadDigest")
        assert is_absent(server, bucket)

    def test_a_wrong_trailer_is_found(self, server: Running, bucket: str, kind: str) -> None:
        if kind.endswith("TRAILER"):
            made = self.chunks(server, bucket, kind, crc=b"\0\0\0\0")
            assert send_chunks(server, f"/{bucket}/k", made).code == "BadDigest"
            assert is_absent(server, bucket)

    def test_a_body_that_ends_early_is_found(self, server: Running, bucket: str, kind: str) -> None:
        made = self.chunks(server, bucket, kind)
        for cut in (100, 70_000, len(made.body) - 300):
            short = self.chunks(server, bucket, kind)
            short.body = short.body[:cut]
            assert send_chunks(server, f"/{bucket}/k", short).status in (400, 403)
        assert is_absent(server, bucket)

    @pytest.mark.parametrize("head", [b"zz\r\n", b"-5\r\n", b"ffffffffffff\r\n", b"1_0\r\n", b"x" * 40_000])
    def test_heads_that_are_no_numbers(self, server: Running, bucket: str, kind: str, head: bytes) -> None:
        made = self.chunks(server, bucket, kind)
        made.body = head + made.body
        assert send_chunks(server, f"/{bucket}/k", made).status in (400, 403)
        assert is_absent(server, bucket)


def test_a_signed_trailer_may_not_be_left_unsigned(server: Running, bucket: str) -> None:
    kind = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
    made = Chunks(server, f"/{bucket}/k", kind, 4, {"x-amz-trailer": "x-amz-checksum-crc32"})
    made.add(b"data").add(b"")
    made.signed = False
    made.trailer(
        "x-amz-checksum-crc32", base64.b64encode(zlib.crc32(b"data").to_bytes(4, "big")).decode()
    ).end()
    assert send_chunks(server, f"/{bucket}/k", made).code == "SignatureDoesNotMatch"
    assert is_absent(server, bucket)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 1000, 10**6])
def test_it_does_not_matter_where_the_network_cuts_a_chunked_body(size: int) -> None:
    encoded = b"5\r\nfirst\r\n3e8;x=y\r\n" + b"\r\n" * 500 + b"\r\n1\r\nz\r\n0\r\nx-a: 1\r\nx-b:2\r\n\r\n"

    async def pieces() -> AsyncIterator[bytes]:
        for begin in range(0, len(encoded), size):
            yield encoded[begin : begin + size]

    async def decode() -> tuple[bytes, dict[str, str]]:
        body = ChunkedBody(pieces(), None)
        return b"".join([piece async for piece in body.data()]), body.trailers

    assert asyncio.run(decode()) == (b"first" + b"\r\n" * 500 + b"z", {"x-a": "1", "x-b": "2"})
