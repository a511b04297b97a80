"""Uploads by forms that boto3 signed, filled in by urllib3 and by curl."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import pytest
import urllib3

from explorer.localstore import Running
from tests.localstore.conftest import make_client
from tests.localstore.posts import Put, anything_goes, resign, sign


def test_a_form_uploads_like_a_put(server: Running, bucket: str, client: Any) -> None:
    fields = {
        "Content-Type": "text/plain",
        "Cache-Control": "no-store",
        "x-amz-meta-run": "grün",
        "tagging": "<Tagging><TagSet><Tag><Key>a b</Key><Value>1&amp;2</Value></Tag></TagSet></Tagging>",
        "x-amz-storage-class": "STANDARD_IA",
        "acl": "private",
        "success_action_status": "201",
    }
    conditions = [{name: value} for name, value in fields.items()]
    made = client.generate_presigned_post(
        bucket, "dir/${filename}", Fields=fields, Conditions=[*conditions, ["content-length-range", 1, 99]]
    )
    data = b"--x\r\n\r\n\x00 not a boundary\r\n--"
    answer = urllib3.request(
        "POST", made["url"], fields={**made["fields"], "file": ("C:\\tmp\\a +%ü.bin", data)}
    )
    assert answer.status == 201, answer.data
    told = {child.tag: child.text for child in ElementTree.fromstring(answer.data)}
    assert told == {
        "Location": f"{server.endpoint}/{bucket}/dir/a%20%2B%25%C3%BC.bin",
        "Bucket": bucket,
        "Key": "dir/a +%ü.bin",
        "ETag": f'"{hashlib.md5(data).hexdigest()}"',
    }
    got = client.get_object(Bucket=bucket, Key="dir/a +%ü.bin")
    assert got["Body"].read() == data
    assert answer.headers["x-amz-version-id"] == got["VersionId"]
    assert answer.headers["etag"] == got["ETag"] == told["ETag"]
    assert (got["ContentType"], got["CacheControl"], got["StorageClass"]) == (
        "text/plain",
        "no-store",
        "STANDARD_IA",
    )
    assert got["Metadata"]["run"].encode("latin-1").decode() == "grün"
    assert client.get_object_tagging(Bucket=bucket, Key="dir/a +%ü.bin")["TagSet"] == [
        {"Key": "a b", "Value": "1&2"}
    ]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("size", [0, 1, 70_000, 9_000_001])
def test_curl_sends_a_file(bucket: str, client: Any, tmp_path: Path, size: int) -> None:
    source = tmp_path / "big file.bin"
    source.write_bytes(hashlib.shake_128(b"seed").digest(size))
    made = client.generate_presigned_post(bucket, "up/${filename}")
    form = [f"-F{name}={value}" for name, value in made["fields"].items()]
    command = ["curl", "-s", "-w", "%{http_code}", *form, f"-Ffile=@{source}", made["url"]]
    assert subprocess.run(command, capture_output=True, check=True, text=True).stdout == "204"
    assert client.get_object(Bucket=bucket, Key="up/big file.bin")["Body"].read() == source.read_bytes()


@pytest.mark.parametrize(("asked", "status"), [("200", 200), ("204", 204), ("418", 204)])
def test_the_status_that_was_asked_for(post: Put, bucket: str, client: Any, asked: str, status: int) -> None:
    answer = post([*sign(client, bucket, success_action_status=asked), ("file", b"x")])
    assert (answer.status, answer.body) == (status, b"")
    assert answer.headers["location"].endswith(f"/{bucket}/k")


def test_the_page_to_go_on_to(post: Put, bucket: str, client: Any) -> None:
    page = "https://example.com/done?a=1#top"
    answer = post([*sign(client, bucket, "a b/ü", success_action_redirect=page), ("file", b"x")])
    assert answer.status == 303
    parts = urlsplit(answer.headers["location"])
    etag = f'"{hashlib.md5(b"x").hexdigest()}"'
    assert (parts.netloc, parts.fragment) == ("example.com", "top")
    assert parse_qs(parts.query) == {"a": ["1"], "bucket": [bucket], "key": ["a b/ü"], "etag": [etag]}
    nowhere = post([*sign(client, bucket, success_action_redirect="javascript:alert(1)"), ("file", b"x")])
    assert nowhere.status == 204


def test_what_comes_behind_the_file_does_not_count(post: Put, bucket: str, client: Any) -> None:
    after = [("x-amz-meta-late", b"1"), ("key", b"other"), ("Content-Type", b"text/html")]
    assert post([*sign(client, bucket), ("file", b"data"), *after]).status == 204
    got = client.get_object(Bucket=bucket, Key="k")
    assert (got["Body"].read(), got["Metadata"], got["ContentType"]) == (b"data", {}, "binary/octet-stream")


def test_the_names_of_fields_have_no_case(post: Put, bucket: str, client: Any) -> None:
    parts = [(name.upper(), value) for name, value in sign(client, bucket)]
    assert post([*parts, ("File", b"data"), ("X-Ignore-me", b"1")]).status == 204


def test_fields_to_ignore_need_no_condition(post: Put, bucket: str, client: Any) -> None:
    assert post([("x-ignore-csrf", b"1"), *sign(client, bucket), ("file", b"data")]).status == 204


@pytest.mark.parametrize(
    ("size", "code"),
    [(0, "EntityTooSmall"), (9, "EntityTooSmall"), (10, ""), (200_000, ""), (200_001, "EntityTooLarge")],
)
def test_the_size_that_was_allowed(
    post: Put, bucket: str, client: Any, untouched: Callable[[], bool], size: int, code: str
) -> None:
    limits = [["content-length-range", 10, 300_000], ["content-length-range", 0, 200_000]]
    made = client.generate_presigned_post(bucket, "k", Conditions=limits)
    parts = [(name, value.encode()) for name, value in made["fields"].items()]
    answer = post([*parts, ("file", b"x" * size)])
    assert (answer.status, answer.code if code else "") == (400 if code else 204, code)
    assert untouched() is bool(code)


def test_a_form_may_what_its_signer_may(server: Running, bucket: str, client: Any, name: str) -> None:
    iam = make_client(server, "iam")
    key = iam.create_access_key(UserName=name)["AccessKey"]
    statement = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/in/*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    arn = iam.create_policy(PolicyName=name, PolicyDocument=document)["Policy"]["Arn"]
    iam.attach_user_policy(UserName=key["AccessKeyId"], PolicyArn=arn)
    theirs = make_client(replace(server, access_key=key["AccessKeyId"], secret_key=key["SecretAccessKey"]))
    for where, status in (("in/${filename}", 204), ("out/${filename}", 403)):
        made = theirs.generate_presigned_post(bucket, where)
        assert (
            urllib3.request("POST", made["url"], fields={**made["fields"], "file": ("f", b"x")}).status
            == status
        )
    assert [each["Key"] for each in client.list_objects_v2(Bucket=bucket)["Contents"]] == ["in/f"]
    made = theirs.generate_presigned_post(bucket, "in/late")
    iam.update_access_key(UserName=key["AccessKeyId"], AccessKeyId=key["AccessKeyId"], Status="Inactive")
    assert urllib3.request("POST", made["url"], fields={**made["fields"], "file": ("f", b"x")}).status == 403


def test_a_list_of_types_is_held_against_the_condition_one_by_one(
    server: Running, post: Put, bucket: str
) -> None:
    document = anything_goes(bucket)
    document["conditions"].append(["starts-with", "$Content-Type", "image/"])
    parts = resign(server, document, key=b"k")
    assert post([("Content-Type", b"image/png, text/html"), *parts, ("file", b"x")]).code == "AccessDenied"
    assert post([("Content-Type", b"image/png, image/gif"), *parts, ("file", b"x")]).status == 204
