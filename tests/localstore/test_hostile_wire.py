"""Requests that no client library makes: headers that would be two, bodies that are not as long as they say,
and documents that grow while they are read. The store answers with S3's word for it and is unharmed.
"""

from __future__ import annotations

import hashlib
import random
import socket
import time
import zlib
from base64 import b64encode
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree

import pytest

from explorer.localstore import Running
from explorer.localstore.engine.sinks import DIRECT_FROM
from tests.localstore.test_bodies import Chunks, send_chunks
from tests.localstore.wire import send

LARGE = random.Random(0).randbytes(DIRECT_FROM + 12_345)
"""As large as what is taken in by several threads, past the page cache."""


@pytest.fixture(autouse=True)
def unharmed(server: Running, bucket: str, client: Any) -> Iterator[None]:
    """What was there before is there afterwards, and nothing half written is."""
    client.put_object(Bucket=bucket, Key="before", Body=b"as it was")
    yield
    assert client.get_object(Bucket=bucket, Key="before")["Body"].read() == b"as it was"
    assert [each["Key"] for each in client.list_objects_v2(Bucket=bucket)["Contents"]] == ["before"]
    deadline = time.monotonic() + 5
    while left := list((server.folder / "tmp").iterdir()):
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


def exchange(running: Running, request: bytes) -> bytes:
    """Send bytes as they are, and take what comes until the server hangs up or is silent."""
    parts = urlsplit(running.endpoint)
    got = b""
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=5) as wire:
        wire.sendall(request)
        wire.shutdown(socket.SHUT_WR)
        while piece := wire.recv(65536):
            got += piece
    return got


@pytest.mark.parametrize("injected", ["a\r\nx-evil: 1", "a\nx-evil: 1", "a\rx-evil: 1", "a\x00b", "\x1b[31m"])
@pytest.mark.parametrize("parameter", ["content-disposition", "content-type", "cache-control", "expires"])
def test_a_query_cannot_add_a_header_to_the_answer(
    server: Running, bucket: str, parameter: str, injected: str
) -> None:
    answer = send(server, "GET", f"/{bucket}/before?response-{parameter}={quote(injected, safe='')}")
    assert (answer.status, answer.code) == (400, "InvalidArgument")
    assert "x-evil" not in answer.headers


@pytest.mark.parametrize("line", ["x-amz-meta-a: 1\r\n x-evil: 2", "x-amz-meta-a: 1\x00", "x amz: 1", ": 1"])
def test_a_header_that_is_not_one_does_not_reach_the_store(server: Running, bucket: str, line: str) -> None:
    head = f"PUT /{bucket}/k HTTP/1.1\r\nHost: x\r\n{line}\r\nContent-Length: 1\r\n\r\nx"
    assert exchange(server, head.encode("latin-1")).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "lengths",
    [
        "Content-Length: 1\r\nContent-Length: 2\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 1x\r\n",
        "Content-Length: 99999999999999999999999\r\n",
        "Transfer-Encoding: gzip\r\n",
    ],
)
def test_a_length_that_is_none_does_not_reach_the_store(server: Running, bucket: str, lengths: str) -> None:
    answer = exchange(server, f"PUT /{bucket}/k HTTP/1.1\r\nHost: x\r\n{lengths}\r\nxx".encode())
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1") == 1, "what follows is not taken for another request"


def test_two_lengths_do_not_make_two_requests_of_one(server: Running, bucket: str) -> None:
    inner = f"DELETE /{bucket}/before HTTP/1.1\r\nHost: x\r\n\r\n"
    head = f"PUT /{bucket}/k HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
    answers = exchange(server, (head + "0\r\n\r\n" + inner).encode())
    assert all(each.split()[0] in (b"400", b"403") for each in answers.split(b"HTTP/1.1 ")[1:])


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"content-md5": b64encode(hashlib.md5(LARGE[1:]).digest()).decode()}, "BadDigest"),
        ({"x-amz-checksum-crc32": b64encode(zlib.crc32(LARGE[1:]).to_bytes(4, "big")).decode()}, "BadDigest"),
        ({"x-amz-checksum-crc32c": "AAAAAA=="}, "BadDigest"),
        ({"x-amz-checksum-crc64nvme": "AAAAAAAAAAA="}, "BadDigest"),
        ({"x-amz-checksum-sha1": b64encode(bytes(20)).decode()}, "BadDigest"),
        ({"x-amz-checksum-sha256": b64encode(bytes(32)).decode()}, "BadDigest"),
    ],
)
def test_a_large_body_that_is_another(
    server: Running, bucket: str, headers: dict[str, str], code: str
) -> None:
    assert send(server, "PUT", f"/{bucket}/k", LARGE, headers).code == code


def test_one_flipped_bit_in_a_large_body(server: Running, bucket: str) -> None:
    for place in (0, DIRECT_FROM - 1, DIRECT_FROM, len(LARGE) - 1):
        sent = LARGE[:place] + bytes([LARGE[place] ^ 1]) + LARGE[place + 1 :]
        answer = send(server, "PUT", f"/{bucket}/k", LARGE, sent_body=sent)
        assert answer.code == "XAmzContentSHA256Mismatch"


def test_a_client_that_hangs_up_in_a_large_body(server: Running, bucket: str, client: Any) -> None:
    url = client.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "k"})
    parts = urlsplit(url)
    head = f"PUT {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: {len(LARGE)}\r\n\r\n"
    for sent in (1, 3 * 2**20, len(LARGE) - 1):
        with socket.create_connection((parts.hostname or "", parts.port or 0)) as wire:
            wire.sendall(head.encode() + LARGE[:sent])


@pytest.mark.parametrize("said", [len(LARGE) - 1, len(LARGE) + 1, 0, 1, 3 * len(LARGE)])
@pytest.mark.parametrize("kind", ["STREAMING-UNSIGNED-PAYLOAD-TRAILER", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"])
def test_a_chunked_body_that_is_not_as_long_as_it_says(
    server: Running, bucket: str, kind: str, said: int
) -> None:
    made = Chunks(server, f"/{bucket}/k", kind, said, {})
    for begin in range(0, len(LARGE), 1 << 20):
        made.add(LARGE[begin : begin + (1 << 20)])
    assert send_chunks(server, f"/{bucket}/k", made.add(b"").end()).code == "IncompleteBody"


@pytest.mark.parametrize("said", ["-1", "1e3", "x", "", "9" * 30, "0x10", "1 0"])
def test_a_decoded_length_that_is_no_number(server: Running, bucket: str, said: Any) -> None:
    made = Chunks(server, f"/{bucket}/k", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", said, {})
    answer = send_chunks(server, f"/{bucket}/k", made.add(b"data").add(b"").end())
    assert (answer.status, answer.code) == (400, "InvalidArgument")


@pytest.mark.parametrize(
    "word", ["STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", "unsigned-payload", "x" * 64, "-"]
)
def test_a_way_of_sending_that_is_not_known(server: Running, bucket: str, word: str) -> None:
    made = Chunks(server, f"/{bucket}/k", word, 4, {})
    answer = send_chunks(server, f"/{bucket}/k", made.add(b"data").add(b"").end())
    assert (answer.status, answer.code) == (400, "InvalidArgument")


LAUGHS = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 30))
DOCUMENTS = [
    f'<!DOCTYPE x [<!ENTITY e0 "ha">{LAUGHS}]><{{0}}>&e29;</{{0}}>',
    '<!DOCTYPE x SYSTEM "file:///etc/passwd"><{0}/>',
    '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><{0}>&e;</{0}>',
    "<{0}>" * 50_000,
    "<{0}><a " + " ".join(f'b{n}=""' for n in range(50_000)) + "/>",
    "<{0}>\x00</{0}>",
    "<{0}",
    "",
]


@pytest.mark.parametrize("text", DOCUMENTS, ids=range(len(DOCUMENTS)))
@pytest.mark.parametrize(
    ("method", "path", "root"),
    [
        ("POST", "?delete", "Delete"),
        ("PUT", "/before?tagging", "Tagging"),
        ("POST", "/k?uploadId={upload}", "CompleteMultipartUpload"),
        ("PUT", "-new", "CreateBucketConfiguration"),
    ],
)
def test_documents_that_grow(
    server: Running, bucket: str, method: str, path: str, root: str, text: str
) -> None:
    if path == "-new":
        text = text or "<"  # a bucket may be created without a document
    if "{upload}" in path:
        begun = ElementTree.fromstring(send(server, "POST", f"/{bucket}/k?uploads").body)
        path = path.format(upload=begun.findtext("{*}UploadId"))
    answer = send(server, method, f"/{bucket}{path}", text.replace("{0}", root).encode())
    assert (answer.status, answer.code) == (400, "MalformedXML")


def test_ten_thousand_parts_that_were_never_sent(server: Running, bucket: str) -> None:
    begun = ElementTree.fromstring(send(server, "POST", f"/{bucket}/k?uploads").body)
    upload = begun.findtext("{*}UploadId")
    part = f"<ETag>&quot;{'0' * 32}&quot;</ETag><ChecksumSHA256>{'A' * 44}</ChecksumSHA256>"
    parts = "".join(f"<Part><PartNumber>{n}</PartNumber>{part}</Part>" for n in range(1, 10_001))
    body = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()
    assert send(server, "POST", f"/{bucket}/k?uploadId={upload}", body).code == "InvalidPart"
    assert send(server, "DELETE", f"/{bucket}/k?uploadId={upload}").status == 204


@pytest.mark.parametrize("plane", range(17))
def test_keys_from_every_plane(server: Running, bucket: str, client: Any, plane: int) -> None:
    key = "".join(chr(plane << 16 | low) for low in (0x0041, 0x1234, 0xFFFD))
    client.put_object(Bucket=bucket, Key=key, Body=b"x", Metadata={"n": str(plane)})
    assert client.head_object(Bucket=bucket, Key=key)["Metadata"] == {"n": str(plane)}
    assert client.list_objects_v2(Bucket=bucket, Prefix=key)["Contents"][0]["Key"] == key
    client.delete_object(Bucket=bucket, Key=key)
