"""Small things that S3 clients rely on, found by Ceph's s3-tests: each with the answer that S3 documents."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from explorer.localstore import Running
from tests.localstore.wire import send


def refused(call: Any, **arguments: Any) -> tuple[str, int]:
    with pytest.raises(ClientError) as error:
        call(**arguments)
    answer = error.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


def test_an_empty_continuation_token_is_none(client: Any, bucket: str) -> None:
    client.put_object(Bucket=bucket, Key="k", Body=b"")
    told = client.list_objects_v2(Bucket=bucket, ContinuationToken="")
    assert ([each["Key"] for each in told["Contents"]], told["ContinuationToken"]) == (["k"], "")


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("aws-chunked, deflate, gzip", "deflate, gzip"),
        ("gzip,aws-chunked", "gzip"),
        ("gzip , zstd", "gzip , zstd"),
    ],
)
def test_a_content_encoding_is_kept_to_the_letter(
    server: Running, client: Any, bucket: str, sent: str, kept: str
) -> None:
    assert send(server, "PUT", f"/{bucket}/k", b"x", {"content-encoding": sent}).status == 200
    assert client.head_object(Bucket=bucket, Key="k")["ContentEncoding"] == kept


@pytest.mark.parametrize("asked", ["bytes=0-5", "bytes=5-5", "bytes=3-2", "bytes=0-", "bytes=-2", "0-1", ""])
def test_a_part_is_copied_from_all_of_a_range_or_not_at_all(client: Any, bucket: str, asked: str) -> None:
    client.put_object(Bucket=bucket, Key="source", Body=b"12345")
    where = {"Bucket": bucket, "Key": "k"}
    where["UploadId"] = client.create_multipart_upload(**where)["UploadId"]
    copy = {**where, "PartNumber": 1, "CopySource": f"{bucket}/source"}
    assert refused(client.upload_part_copy, **copy, CopySourceRange=asked) == ("InvalidArgument", 400)
    client.upload_part_copy(**copy, CopySourceRange="bytes=1-4")
    assert client.list_parts(**where)["Parts"][0]["Size"] == 4


def test_a_part_that_an_object_does_not_have(client: Any, bucket: str) -> None:
    client.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert refused(client.get_object, Bucket=bucket, Key="k", PartNumber=2) == ("InvalidPartNumber", 416)
    assert client.get_object(Bucket=bucket, Key="k", PartNumber=1)["Body"].read() == b"x"


@pytest.mark.parametrize(
    "tags",
    [[("k" * 129, "v")], [("k", "v" * 257)], [("", "v")], [("k", "1"), ("k", "2")], [("k%d", "v")] * 11],
)
def test_tags_that_cannot_be(client: Any, bucket: str, tags: list[tuple[str, str]]) -> None:
    client.put_object(Bucket=bucket, Key="k", Body=b"x", Tagging="a=1")
    tag_set = [{"Key": k % n if "%" in k else k, "Value": v} for n, (k, v) in enumerate(tags)]
    unchecked = {"Tagging": {"TagSet": tag_set}}
    if all(k for k, _ in tags):  # botocore itself refuses an empty one
        assert refused(client.put_object_tagging, Bucket=bucket, Key="k", **unchecked)[0] == "InvalidTag"
    text = "&".join(f"{tag['Key']}={tag['Value']}" for tag in tag_set)
    assert refused(client.put_object, Bucket=bucket, Key="k", Body=b"y", Tagging=text)[0] == "InvalidTag"
    assert client.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [{"Key": "a", "Value": "1"}]
    assert client.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"


def test_a_version_is_deleted_on_its_condition_only(server: Running, client: Any, bucket: str) -> None:
    made = client.put_object(Bucket=bucket, Key="k", Body=b"x")
    version = {"Bucket": bucket, "Key": "k", "VersionId": made["VersionId"]}
    client.put_object(Bucket=bucket, Key="k", Body=b"y")
    assert refused(client.delete_object, **version, IfMatch='"other"') == ("PreconditionFailed", 412)
    for condition, code in (
        ({"ETag": "other"}, "PreconditionFailed"),
        ({"Size": 2}, "NotImplemented"),
        ({"LastModifiedTime": 0}, "NotImplemented"),
    ):
        item = {"Key": "k", "VersionId": made["VersionId"], **condition}
        (error,) = client.delete_objects(Bucket=bucket, Delete={"Objects": [item]})["Errors"]
        assert error["Code"] == code
    assert client.get_object(**version)["Body"].read() == b"x"
    client.delete_object(**version, IfMatch=made["ETag"])
    assert refused(client.get_object, **version) == ("NoSuchVersion", 404)
    client.delete_object(**version, IfMatch='"other"')  # what is gone meets every condition


def test_the_null_version_is_the_only_one_or_none(client: Any, bucket: str, name: str) -> None:
    client.create_bucket(Bucket=f"{name}-r")
    for each in (bucket, f"{name}-r"):
        client.put_object(Bucket=each, Key="k", Body=b"x")
    null = {"Key": "k", "VersionId": "null"}
    assert refused(client.get_object, Bucket=bucket, **null) == ("NoSuchVersion", 404)
    copied = {"Bucket": f"{name}-r", "Key": "c"}
    assert refused(client.copy_object, CopySource=f"{bucket}/k?versionId=null", **copied)[1] == 404
    client.copy_object(CopySource=f"{name}-r/k?versionId=null", **copied)
    assert client.get_object(Bucket=f"{name}-r", **null)["Body"].read() == b"x"
    for each in (bucket, f"{name}-r"):
        client.delete_object(Bucket=each, **null)
    assert client.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
    assert refused(client.get_object, Bucket=f"{name}-r", Key="k") == ("NoSuchKey", 404)


def test_the_checksum_of_a_part_is_looked_at_when_it_is_named(client: Any, bucket: str) -> None:
    where = {"Bucket": bucket, "Key": "k"}
    where["UploadId"] = client.create_multipart_upload(**where, ChecksumAlgorithm="CRC32")["UploadId"]
    part = client.upload_part(**where, PartNumber=1, Body=b"x", ChecksumAlgorithm="CRC32")
    named = {"PartNumber": 1, "ETag": part["ETag"]}
    wrong = {"Parts": [{**named, "ChecksumCRC32": "AAAAAA=="}]}
    assert refused(client.complete_multipart_upload, **where, MultipartUpload=wrong) == ("InvalidPart", 400)
    right = {"Parts": [{**named, "ChecksumCRC32": part["ChecksumCRC32"]}]}
    client.complete_multipart_upload(**where, MultipartUpload=right)
    assert client.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
