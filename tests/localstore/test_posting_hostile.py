"""Forms that somebody changed, and forms that are none."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from explorer.localstore import Running
from tests.localstore.posts import LATER, Put, anything_goes, changed, encode, resign, sign
from tests.localstore.wire import raw


@pytest.mark.parametrize("name", ["x-amz-signature", "policy", "x-amz-date", "x-amz-credential"])
def test_another_signature(
    post: Put, bucket: str, client: Any, untouched: Callable[[], bool], name: str
) -> None:
    parts = sign(client, bucket)
    for at in (5, -5):
        value = bytearray(dict(parts)[name])
        value[at] = ord("1") if value[at] != ord("1") else ord("2")
        answer = post([*changed(parts, name, bytes(value)), ("file", b"data")])
        expected = {"SignatureDoesNotMatch", "InvalidAccessKeyId", "InvalidRequest", "AccessDenied"}
        assert answer.code in expected, answer.body
        assert answer.status in (400, 403)
    assert untouched()


@pytest.mark.parametrize("left_out", ["x-amz-signature", "policy", "x-amz-algorithm", "key"])
def test_a_field_that_is_missing(
    post: Put, bucket: str, client: Any, untouched: Callable[[], bool], left_out: str
) -> None:
    parts = [each for each in sign(client, bucket) if each[0] != left_out]
    assert post([*parts, ("file", b"data")]).status in (400, 403)
    assert untouched()


def test_no_key_and_no_signature(server: Running, post: Put, untouched: Callable[[], bool]) -> None:
    assert post([("key", b"k"), ("file", b"data")]).code == "AccessDenied"
    assert post([("key", b"k"), ("AWSAccessKeyId", b"x"), ("signature", b"y"), ("file", b"")]).status == 400
    stranger = [
        (n, b"NOBODY/20200101/auto/s3/aws4_request" if n == "x-amz-credential" else v)
        for n, v in resign(server, {})
    ]
    assert post(changed([*stranger, ("file", b"")], "x-amz-date", b"20200101T000000Z")).code == (
        "InvalidAccessKeyId"
    )
    assert untouched()


def test_a_policy_that_has_expired(
    post: Put, bucket: str, client: Any, untouched: Callable[[], bool]
) -> None:
    made = client.generate_presigned_post(bucket, "k", ExpiresIn=1)
    parts = [(name, value.encode()) for name, value in made["fields"].items()]
    time.sleep(1.1)
    answer = post([*parts, ("file", b"data")])
    assert (answer.status, answer.code) == (403, "AccessDenied")
    assert "expired" in (answer.text("Message") or "")
    assert untouched()


@pytest.mark.parametrize(
    "more",
    [
        ("acl", b"private"),
        ("x-amz-meta-a", b"1"),
        ("Content-Type", b"text/html"),
        ("success_action_redirect", b"https://evil.example"),
        ("anything", b""),
        ("x-amz-storage-class", b"STANDARD"),
    ],
)
def test_a_field_without_a_condition(
    post: Put, bucket: str, client: Any, untouched: Callable[[], bool], more: tuple[str, bytes]
) -> None:
    answer = post([*sign(client, bucket), more, ("file", b"data")])
    assert (answer.status, answer.code) == (403, "AccessDenied")
    assert more[0].lower() in (answer.text("Message") or "")
    assert untouched()


def test_other_values_than_were_signed(
    server: Running, post: Put, bucket: str, client: Any, name: str, untouched: Callable[[], bool]
) -> None:
    for at, value in (("key", b"k2"), ("x-amz-meta-a", b"2"), ("success_action_status", b"201")):
        parts = sign(client, bucket, **{"x-amz-meta-a": "1", "success_action_status": "200"})
        assert post([*changed(parts, at, value), ("file", b"x")]).code == "AccessDenied"
    below = sign(client, bucket, "user/${filename}")
    assert post([*changed(below, "key", b"other/${filename}"), ("file", b"x")]).code == "AccessDenied"
    # A name with a path in it does not leave the folder that was signed.
    assert post([*below, ("file", b"x")], filename="../../up").status == 204
    assert client.head_object(Bucket=bucket, Key="user/up")["ContentLength"] == 1
    client.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "user/up"}]})
    # And a form for one bucket is none for another.
    other = f"{name}-other"
    client.create_bucket(Bucket=other)
    body = encode([*sign(client, bucket), ("file", b"x")])
    headers = {"Content-Type": "multipart/form-data; boundary=x-y-z"}
    assert raw(server, "POST", f"/{other}", body, headers).code == "AccessDenied"
    assert client.list_objects_v2(Bucket=other)["KeyCount"] == 0
    assert untouched()


def test_not_one_file(post: Put, bucket: str, client: Any, untouched: Callable[[], bool]) -> None:
    parts = sign(client, bucket)
    assert post(parts).code == "IncorrectNumberOfFilesInPostRequest"
    twice = [*parts, ("file", b"one"), ("file", b"two")]
    assert post(twice).code == "IncorrectNumberOfFilesInPostRequest"
    late = [*parts, ("file", b"x" * 3_000_000), ("file", b"two")]
    assert post(late).code == "IncorrectNumberOfFilesInPostRequest"
    assert untouched()


def test_a_field_twice(post: Put, bucket: str, client: Any, untouched: Callable[[], bool]) -> None:
    """Conditions must not be held against one and the other be used."""
    parts = sign(client, bucket)
    assert post([("key", b"other"), *parts, ("file", b"data")]).code == "InvalidArgument"
    assert post([*parts, ("KEY", b"other"), ("file", b"data")]).code == "InvalidArgument"
    assert untouched()


def test_huge_fields(post: Put, bucket: str, client: Any, untouched: Callable[[], bool]) -> None:
    parts = sign(client, bucket)
    for more in (
        [("x-ignore-a", b"x" * 21_000)],
        [(f"x-ignore-{n}", b"x" * 1000) for n in range(30)],
        [(f"x-ignore-{n}", b"") for n in range(1000)],
    ):
        answer = post([*parts, *more, ("file", b"data")])
        assert (answer.status, answer.code) == (400, "MaxPostPreDataLengthExceeded")
    assert post(b"\r\n" * (8 << 20)).code == "MaxPostPreDataLengthExceeded"
    assert post([("x-ignore-" + "a" * 9000, b""), *parts, ("file", b"data")]).code == "MalformedPOSTRequest"
    assert untouched()


@pytest.mark.parametrize("size", [10, 5_000_000])
def test_a_body_that_does_not_end(
    post: Put, bucket: str, client: Any, untouched: Callable[[], bool], size: int
) -> None:
    body = encode([*sign(client, bucket), ("file", b"x" * size)])
    for cut in (5, 12, 20, len(body) - 30):
        assert post(body[:-cut]).code in ("MalformedPOSTRequest", "IncorrectNumberOfFilesInPostRequest")
    assert untouched()


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("multipart/form-data", 400),
        ("multipart/form-data; boundary=", 400),
        ("multipart/form-data; boundary=" + "b" * 300, 400),
        ("multipart/form-data; boundary=another", 400),
        ("application/x-www-form-urlencoded", 412),
        ("multipart/mixed; boundary=x-y-z", 412),
        ("", 412),
    ],
)
def test_a_body_that_is_no_form(
    post: Put, bucket: str, client: Any, untouched: Callable[[], bool], kind: str, status: int
) -> None:
    answer = post(encode([*sign(client, bucket), ("file", b"data")]), kind)
    assert answer.status == status, answer.body
    assert untouched()


def test_parts_that_are_no_fields(post: Put, bucket: str, client: Any, untouched: Callable[[], bool]) -> None:
    body = encode([*sign(client, bucket), ("file", b"data")])
    for hostile in (
        body.replace(b"Content-Disposition: form-data", b"Content-Disposition: attachment", 1),
        body.replace(b'; name="key"', b"", 1),
        body.replace(b"Content-Disposition", b"Content Disposition", 1),
        b"junk before" + body,
        b"",
        b"--x-y-z--\r\n",
    ):
        assert post(hostile).code in ("MalformedPOSTRequest", "IncorrectNumberOfFilesInPostRequest")
    assert untouched()


@pytest.mark.parametrize(
    "document",
    [
        b"not json",
        b"[" * 5000,
        [],
        {},
        {"expiration": LATER},
        {"conditions": []},
        {"expiration": "tomorrow", "conditions": []},
        {"expiration": 5, "conditions": []},
        {"expiration": LATER, "conditions": {}},
        {"expiration": LATER, "conditions": [["matches", "$key", ".*"]]},
        {"expiration": LATER, "conditions": [["eq", "key", "k"]]},
        {"expiration": LATER, "conditions": [["eq", "$key", 5]]},
        {"expiration": LATER, "conditions": [["eq", "$key"]]},
        {"expiration": LATER, "conditions": [{}]},
        {"expiration": LATER, "conditions": [["content-length-range", -1, 5]]},
        {"expiration": LATER, "conditions": [["content-length-range", True, "x"]]},
        {"expiration": LATER, "conditions": [], "Condition": []},
    ],
)
def test_a_policy_that_cannot_be_read(
    server: Running, post: Put, untouched: Callable[[], bool], document: object
) -> None:
    answer = post([*resign(server, document, key=b"k"), ("file", b"data")])
    assert (answer.status, answer.code) == (400, "InvalidPolicyDocument")
    assert untouched()


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("acl", b"public-read", "NotImplemented"),
        ("x-amz-website-redirect-location", b"/x", "NotImplemented"),
        ("x-amz-server-side-encryption", b"aws:kms", "NotImplemented"),
        ("x-amz-copy-source", b"/b/k", "NotImplemented"),
        ("x-amz-checksum-crc32", b"AAAAAA==", "BadDigest"),
        ("content-md5", b"AAAAAAAAAAAAAAAAAAAAAA==", "BadDigest"),
        ("x-amz-meta-a", b"1\r\nset-cookie: x", "InvalidArgument"),
        ("content-type", b"text/html\x00", "InvalidArgument"),
        ("success_action_redirect", b"https://a.example/\r\nx: y", "InvalidArgument"),
        pytest.param("x-amz-meta-a", b"x" * 3000, "MetadataTooLarge", id="long"),
        ("x-amz-meta-a", b"\xff\xfe", "InvalidArgument"),
        ("x-amz-storage-class", b"CHEAPEST", "InvalidArgument"),
        ("tagging", b"a=b", "MalformedXML"),
        ("x-tigris-snapshot-version", b"5", "InvalidRequest"),
    ],
)
def test_fields_that_say_what_a_put_may_not(
    server: Running,
    post: Put,
    bucket: str,
    untouched: Callable[[], bool],
    field: str,
    value: bytes,
    code: str,
) -> None:
    parts = resign(server, anything_goes(bucket, field), key=b"k")
    answer = post([(field, value), *parts, ("file", b"data")])
    assert answer.code == code, answer.body
    assert untouched()


@pytest.mark.parametrize(
    ("key", "filename", "code"),
    [
        (b"", "f", "UserKeyMustBeSpecified"),
        (b"${filename}", "", "UserKeyMustBeSpecified"),
        (b"${filename}", None, "UserKeyMustBeSpecified"),
        pytest.param(b"k" * 1025, "f", "KeyTooLongError", id="long"),
        (b"\xff", "f", "InvalidArgument"),
    ],
)
def test_keys_that_are_none(
    server: Running,
    post: Put,
    bucket: str,
    untouched: Callable[[], bool],
    key: bytes,
    filename: str | None,
    code: str,
) -> None:
    parts = resign(server, anything_goes(bucket), key=key)
    assert post([*parts, ("file", b"data")], filename=filename).code == code
    assert untouched()


def test_a_bucket_that_is_not_there_and_a_key_in_the_path(
    server: Running, bucket: str, client: Any, name: str
) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x-y-z"}
    gone = encode([*sign(client, f"{name}-gone"), ("file", b"x")])
    assert raw(server, "POST", f"/{name}-gone", gone, headers).code == "NoSuchBucket"
    body = encode([*sign(client, bucket), ("file", b"x")])
    assert raw(server, "POST", f"/{bucket}/k", body, headers).code == "MethodNotAllowed"
    assert raw(server, "POST", f"/{bucket}?something-new", body, headers).code == "NotImplemented"
