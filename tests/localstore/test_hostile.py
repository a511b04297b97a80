from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from explorer.localstore import Running
from tests.localstore.wire import raw, send

KEYS = [
    b"..",
    b"../../etc/passwd",
    b".",
    b"/",
    b"//",
    b"a//b",
    b"a/./b",
    b"/leading",
    b"trailing/",
    b" ",
    b"a\x00b",
    b"a\nb\rc\td",
    b"<&>\"'",
    b"%2F%00",
    b"?#&=+",
    b"\x7f",
    b"x" * 1024,
    "é".encode(),
    "\u202egnp.exe".encode(),
    "\ufffe".encode(),
    "\U0001f600\U000e0001\U0010ffff".encode(),
    "e\u0301".encode(),
]


@pytest.mark.parametrize("key", KEYS)
def test_any_key_can_be_written_read_listed_and_deleted(
    server: Running, bucket: str, client: Any, key: bytes
) -> None:
    path = f"/{bucket}/{quote(key, safe='/~')}"
    assert send(server, "PUT", path, b"data").status == 200
    assert send(server, "GET", path).body == b"data"
    listed = send(server, "GET", f"/{bucket}?encoding-type=url&list-type=2")
    assert listed.text("Contents/Key") == quote(key, safe="/-_.~*!'()")
    if b"\x00" not in key and b"\xbf\xbe" not in key:
        assert client.list_objects_v2(Bucket=bucket)["Contents"][0]["Key"].encode() == key
    assert not (server.folder / "blob" / "passwd").exists()
    assert send(server, "DELETE", path).status == 204
    assert send(server, "GET", path).code == "NoSuchKey"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        (b"x" * 1025, "KeyTooLongError"),
        (b"\xff\xfe", "InvalidURI"),
        (b"\xed\xa0\x80", "InvalidURI"),
    ],
)
def test_keys_that_cannot_be(server: Running, bucket: str, path: bytes, code: str) -> None:
    assert send(server, "PUT", f"/{bucket}/{quote(path)}", b"x").code == code


@pytest.mark.parametrize(
    "name",
    [
        "ab",
        "A-bucket",
        "-abc",
        "abc-",
        "a..b",
        "192.168.1.1",
        "a_b",
        "x" * 64,
        "xn--abc",
        "abc-s3alias",
        "b%C3%BC",
        "%00abc",
    ],
)
def test_bucket_names_that_cannot_be(server: Running, name: str) -> None:
    assert send(server, "PUT", f"/{name}").code == "InvalidBucketName"


BOMB = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<Delete><Object><Key>&b;</Key></Object></Delete>"""


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not xml",
        b"<Delete>",
        b"<Other/>",
        b"<Delete/>",
        BOMB,
        BOMB.decode().encode("utf-16"),
        b'<!DOCTYPE d SYSTEM "file:///etc/passwd"><Delete><Object><Key>k</Key></Object></Delete>',
        b"<Delete>" + b"<Object><Key>k</Key></Object>" * 1001 + b"</Delete>",
        b"<Delete>" * 10_000 + b"</Delete>" * 10_000,
    ],
)
def test_documents_that_are_no_documents(server: Running, bucket: str, body: bytes) -> None:
    answer = send(server, "POST", f"/{bucket}?delete", body)
    assert (answer.status, answer.code) == (400, "MalformedXML")


def test_a_document_without_end(server: Running, bucket: str) -> None:
    assert send(server, "POST", f"/{bucket}?delete", b"x" * (5 << 20)).code == "EntityTooLarge"


@pytest.mark.parametrize(
    "version", ["", "abc", "-1", "1e9", "１２３", "9" * 30, "0x10", "12 34", str(1 << 62)]
)
def test_versions_that_are_no_numbers(server: Running, bucket: str, version: str) -> None:
    for method, path in (
        ("GET", f"/{bucket}/k"),
        ("GET", f"/{bucket}?list-type=2"),
        ("DELETE", f"/{bucket}"),
    ):
        headers = {"x-tigris-snapshot-version": version.encode().decode("latin-1")}
        answer = send(server, method, path, after_signing=headers)
        assert (answer.status, answer.code) == (400, "InvalidArgument"), path
    assert send(server, "HEAD", f"/{bucket}").status == 200


def test_a_version_in_the_future_reads_the_head(server: Running, bucket: str, client: Any) -> None:
    client.put_object(Bucket=bucket, Key="k", Body=b"1")
    later = {"x-tigris-snapshot-version": "4000000000000000000"}
    assert send(server, "GET", f"/{bucket}/k", headers=later).body == b"1"
    fork = {
        "x-tigris-fork-source-bucket": bucket,
        "x-tigris-fork-source-bucket-snapshot": "4000000000000000000",
    }
    assert send(server, "PUT", f"/{bucket}-f", headers=fork).status == 200
    client.put_object(Bucket=bucket, Key="k", Body=b"2")
    assert client.get_object(Bucket=f"{bucket}-f", Key="k")["Body"].read() == b"1"


def test_requests_without_or_with_wrong_signatures_learn_nothing(server: Running, bucket: str) -> None:
    for method, path in (
        ("GET", f"/{bucket}"),
        ("GET", "/nothing"),
        ("PUT", "/x"),
        ("PATCH", "/x"),
        ("GET", "/"),
    ):
        answer = raw(server, method, path, b"", {"Host": server.endpoint.removeprefix("http://")})
        assert (answer.status, answer.code) == (403, "AccessDenied")
    for authorization in (
        "",
        "Basic eDp5",
        "AWS4-HMAC-SHA256 ",
        "AWS4-HMAC-SHA256 Credential=a/b",
        "AWS a:b",
    ):
        answer = raw(server, "GET", "/", b"", {"Host": "x", "Authorization": authorization})
        assert answer.status in (400, 403)


@pytest.mark.parametrize(
    "query",
    ["max-keys=-1", "max-keys=x", "max-keys=99999999999999", "encoding-type=no", "continuation-token=%25"],
)
def test_lists_asked_for_in_odd_ways(server: Running, bucket: str, query: str) -> None:
    answer = send(server, "GET", f"/{bucket}?list-type=2&{query}")
    assert (answer.status, answer.code) == (400, "InvalidArgument")


UNOFFERED = [
    ("PUT", "?policy", {}, "PutBucketPolicy"),
    ("PUT", "?cors", {}, "PutBucketCors"),
    ("PUT", "?lifecycle", {}, "PutBucketLifecycleConfiguration"),
    ("POST", "?restore", {}, "RestoreBucket"),
    ("PUT", "-public", {"x-amz-acl": "public-read"}, "CreateBucket"),
    ("PUT", "-soft", {"x-tigris-soft-delete": "true"}, "CreateBucket"),
    ("PUT", "/k", {"x-amz-server-side-encryption": "aws:kms"}, "PutObject"),
    ("GET", "?list-type=2", {"x-tigris-query": "WHERE x"}, "ListObjectsV2"),
    ("POST", "/k?restore", {}, "RestoreObject"),
    ("GET", "/k?torrent", {}, "GetObjectTorrent"),
]


@pytest.mark.parametrize(("method", "suffix", "headers", "operation"), UNOFFERED)
def test_what_is_not_offered_says_so(
    server: Running, bucket: str, method: str, suffix: str, headers: dict[str, str], operation: str
) -> None:
    answer = send(server, method, f"/{bucket}{suffix}", headers=headers)
    assert (answer.status, answer.code) == (501, "NotImplemented")
    assert operation in (answer.text("Message") or "")


def test_a_snapshot_cannot_be_written(server: Running, bucket: str) -> None:
    at = {"x-tigris-snapshot-version": "1700000000000000000"}
    for method, path in (
        ("PUT", f"/{bucket}/k"),
        ("DELETE", f"/{bucket}/k"),
        ("POST", f"/{bucket}/k?uploads"),
    ):
        assert send(server, method, path, headers=at).code == "InvalidRequest"
