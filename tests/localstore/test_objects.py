from __future__ import annotations

import io
import os
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from explorer.localstore import Running
from tests.localstore.wire import send

MIB = 2**20


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return error.value.response["Error"]["Code"]


def test_what_was_put_is_what_is_got(client: Any, bucket: str) -> None:
    said = {
        "ContentType": "text/x-thing",
        "CacheControl": "max-age=3",
        "ContentDisposition": 'attachment; filename="x"',
        "ContentLanguage": "de",
        "ContentEncoding": "gzip",
        "Metadata": {"step": "100", "note": "a  b"},
        "StorageClass": "STANDARD_IA",
    }
    put = client.put_object(Bucket=bucket, Key="a/ü b+c%.bin", Body=b"data", **said)
    got = client.get_object(Bucket=bucket, Key="a/ü b+c%.bin")
    assert got["Body"].read() == b"data"
    assert {name: got[name] for name in said if name != "Metadata"} == {
        name: value for name, value in said.items() if name != "Metadata"
    }
    assert got["Metadata"]["step"] == "100"
    assert got["ETag"] == put["ETag"] == '"8d777f385d3dfec8815d20f7496026dc"'
    assert got["VersionId"] == put["VersionId"]
    head = client.head_object(Bucket=bucket, Key="a/ü b+c%.bin")
    assert head["ContentLength"] == 4
    assert head["LastModified"] > datetime.now(UTC) - timedelta(minutes=1)


@pytest.mark.parametrize("size", [0, 1, 65_536, 65_537, MIB, MIB + 1, 3 * MIB])
def test_every_size_around_our_thresholds(client: Any, bucket: str, size: int) -> None:
    data = os.urandom(size)
    client.put_object(Bucket=bucket, Key="k", Body=data)
    assert client.get_object(Bucket=bucket, Key="k")["Body"].read() == data


@pytest.fixture(scope="module")
def large(client: Any) -> tuple[str, bytes]:
    """An object of three parts."""
    client.create_bucket(Bucket="ranges")
    data = os.urandom(12 * MIB)
    made = client.create_multipart_upload(Bucket="ranges", Key="k")["UploadId"]
    parts = []
    for n, (start, stop) in enumerate(((0, 5 * MIB), (5 * MIB, 10 * MIB), (10 * MIB, 12 * MIB)), 1):
        piece = data[start:stop]
        part = client.upload_part(Bucket="ranges", Key="k", UploadId=made, PartNumber=n, Body=piece)
        parts.append({"PartNumber": n, "ETag": part["ETag"]})
    client.complete_multipart_upload(
        Bucket="ranges", Key="k", UploadId=made, MultipartUpload={"Parts": parts}
    )
    client.put_object(Bucket="ranges", Key="empty", Body=b"")
    client.put_object(Bucket="ranges", Key="plain", Body=data[: 2 * MIB])
    return "k", data


END = 12 * MIB


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-", 0, END),
        ("bytes=5-9", 5, 10),
        (f"bytes={5 * MIB - 3}-{5 * MIB + 2}", 5 * MIB - 3, 5 * MIB + 3),
        (f"bytes={4 * MIB}-{11 * MIB}", 4 * MIB, 11 * MIB + 1),
        ("bytes=-5", END - 5, END),
        (f"bytes=-{END * 2}", 0, END),
        (f"bytes={END - 1}-{END * 9}", END - 1, END),
    ],
)
def test_ranges(client: Any, large: tuple[str, bytes], asked: str, start: int, stop: int) -> None:
    key, data = large
    got = client.get_object(Bucket="ranges", Key=key, Range=asked)
    assert got["Body"].read() == data[start:stop]
    assert got["ContentRange"] == f"bytes {start}-{stop - 1}/{END}"
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert not [name for name in got["ResponseMetadata"]["HTTPHeaders"] if "checksum" in name]


@pytest.mark.parametrize("asked", [f"bytes={END}-", "bytes=-0", f"bytes={END * 2}-{END * 3}"])
def test_ranges_beyond_the_end(client: Any, large: tuple[str, bytes], asked: str) -> None:
    with pytest.raises(ClientError) as error:
        client.get_object(Bucket="ranges", Key="k", Range=asked)
    assert code(error) == "InvalidRange"
    assert error.value.response["ResponseMetadata"]["HTTPHeaders"]["content-range"] == f"bytes */{END}"


@pytest.mark.parametrize("asked", ["bytes=5-2", "lines=1-2", "bytes=a-b", "bytes=-", "bytes=0-1,3-4"])
def test_ranges_that_say_nothing_are_ignored(client: Any, large: tuple[str, bytes], asked: str) -> None:
    got = client.get_object(Bucket="ranges", Key="plain", Range=asked)
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert len(got["Body"].read()) == 2 * MIB


def test_parts_by_number(client: Any, large: tuple[str, bytes]) -> None:
    got = client.get_object(Bucket="ranges", Key="k", PartNumber=2)
    assert got["Body"].read() == large[1][5 * MIB : 10 * MIB]
    assert got["PartsCount"] == 3
    assert client.head_object(Bucket="ranges", Key="plain", PartNumber=1)["ContentLength"] == 2 * MIB
    with pytest.raises(ClientError) as error:
        client.get_object(Bucket="ranges", Key="k", PartNumber=4)
    assert code(error) == "InvalidPartNumber"


def test_conditions_of_readers(client: Any, bucket: str) -> None:
    etag = client.put_object(Bucket=bucket, Key="k", Body=b"1")["ETag"]
    past, future = (datetime.now(UTC) + timedelta(hours=hours) for hours in (-1, 1))
    get = lambda **how: client.get_object(Bucket=bucket, Key="k", **how)  # noqa: E731
    for fine in ({"IfMatch": etag}, {"IfMatch": "*"}, {"IfNoneMatch": '"x"'}, {"IfModifiedSince": past}):
        assert get(**fine)["Body"].read() == b"1"
    for how, status in (
        ({"IfMatch": '"x"'}, 412),
        ({"IfUnmodifiedSince": past}, 412),
        ({"IfNoneMatch": etag}, 304),
        ({"IfModifiedSince": future}, 304),
    ):
        with pytest.raises(ClientError) as error:
            get(**how)
        assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert get(IfMatch=etag, IfUnmodifiedSince=past)["Body"].read() == b"1"


def test_conditions_of_writers(client: Any, bucket: str) -> None:
    put = lambda **how: client.put_object(Bucket=bucket, Key="k", Body=b"1", **how)  # noqa: E731
    with pytest.raises(ClientError) as error:
        put(IfMatch='"x"')
    assert code(error) == "NoSuchKey"
    etag = put(IfNoneMatch="*")["ETag"]
    for how in ({"IfNoneMatch": "*"}, {"IfMatch": '"x"'}):
        with pytest.raises(ClientError) as error:
            put(**how)
        assert code(error) == "PreconditionFailed"
    put(IfMatch=etag)
    with pytest.raises(ClientError) as error:
        client.delete_object(Bucket=bucket, Key="k", IfMatch='"x"')
    assert code(error) == "PreconditionFailed"
    client.delete_object(Bucket=bucket, Key="k", IfMatch=etag)
    put(IfNoneMatch="*")


def test_versions_and_markers(client: Any, bucket: str) -> None:
    one, two = (client.put_object(Bucket=bucket, Key="k", Body=data)["VersionId"] for data in (b"1", b"2"))
    marker = client.delete_object(Bucket=bucket, Key="k")
    assert marker["DeleteMarker"] is True
    with pytest.raises(ClientError) as error:
        client.get_object(Bucket=bucket, Key="k")
    assert code(error) == "NoSuchKey"
    assert client.get_object(Bucket=bucket, Key="k", VersionId=one)["Body"].read() == b"1"
    with pytest.raises(ClientError) as error:
        client.get_object(Bucket=bucket, Key="k", VersionId=marker["VersionId"])
    assert code(error) == "MethodNotAllowed"
    with pytest.raises(ClientError) as error:
        client.get_object(Bucket=bucket, Key="k", VersionId="123")
    assert code(error) == "NoSuchVersion"
    listed = client.list_object_versions(Bucket=bucket)
    assert [v["VersionId"] for v in listed["Versions"]] == [two, one]
    assert [(m["VersionId"], m["IsLatest"]) for m in listed["DeleteMarkers"]] == [(marker["VersionId"], True)]
    gone = client.delete_object(Bucket=bucket, Key="k", VersionId=marker["VersionId"])
    assert gone["DeleteMarker"] is True
    assert client.get_object(Bucket=bucket, Key="k")["Body"].read() == b"2"
    client.delete_object(Bucket=bucket, Key="k", VersionId=two)
    assert client.get_object(Bucket=bucket, Key="k")["Body"].read() == b"1"


def test_deleting_many(client: Any, bucket: str) -> None:
    for n in range(3):
        client.put_object(Bucket=bucket, Key=f"k{n}", Body=b"x")
    gone = client.delete_objects(
        Bucket=bucket,
        Delete={"Objects": [{"Key": "k0"}, {"Key": "never there"}, {"Key": "k1", "VersionId": "abc"}]},
    )
    assert [each["Key"] for each in gone["Deleted"]] == ["k0", "never there"]
    assert [(each["Key"], each["Code"]) for each in gone["Errors"]] == [("k1", "InvalidArgument")]
    quiet = client.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k1"}], "Quiet": True})
    assert "Deleted" not in quiet
    assert [each["Key"] for each in client.list_objects_v2(Bucket=bucket)["Contents"]] == ["k2"]


def test_copies(client: Any, bucket: str, server: Running) -> None:
    client.put_object(Bucket=bucket, Key="a b/ü", Body=b"1", ContentType="text/a", Metadata={"m": "1"})
    version = client.head_object(Bucket=bucket, Key="a b/ü")["VersionId"]
    client.put_object(Bucket=bucket, Key="a b/ü", Body=b"2")
    source = {"Bucket": bucket, "Key": "a b/ü"}
    client.copy_object(Bucket=bucket, Key="new", CopySource=source)
    assert client.get_object(Bucket=bucket, Key="new")["Body"].read() == b"2"
    old = client.copy_object(Bucket=bucket, Key="old", CopySource={**source, "VersionId": version})
    assert old["CopySourceVersionId"] == version
    got = client.get_object(Bucket=bucket, Key="old")
    assert (got["Body"].read(), got["ContentType"], got["Metadata"]) == (b"1", "text/a", {"m": "1"})
    client.copy_object(
        Bucket=bucket,
        Key="old",
        CopySource={"Bucket": bucket, "Key": "old"},
        MetadataDirective="REPLACE",
        Metadata={"m": "2"},
    )
    assert client.head_object(Bucket=bucket, Key="old")["Metadata"] == {"m": "2"}
    with pytest.raises(ClientError) as error:
        client.copy_object(Bucket=bucket, Key="old", CopySource={"Bucket": bucket, "Key": "old"})
    assert code(error) == "InvalidRequest"
    with pytest.raises(ClientError) as error:
        client.copy_object(Bucket=bucket, Key="x", CopySource=source, CopySourceIfMatch='"x"')
    assert code(error) == "PreconditionFailed"
    back = {"x-amz-copy-source": f"{bucket}/a%20b/%C3%BC", "x-tigris-snapshot-version": version}
    assert send(server, "PUT", f"/{bucket}/then", headers=back).status == 200
    assert client.get_object(Bucket=bucket, Key="then")["Body"].read() == b"1"


def test_tags(client: Any, bucket: str) -> None:
    client.put_object(Bucket=bucket, Key="k", Body=b"1", Tagging="a=1&b=x%20y")
    tags = client.get_object_tagging(Bucket=bucket, Key="k")["TagSet"]
    assert tags == [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "x y"}]
    client.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": [{"Key": "c", "Value": ""}]})
    assert client.head_object(Bucket=bucket, Key="k")["TagCount"] == 1
    client.delete_object_tagging(Bucket=bucket, Key="k")
    assert client.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []


def test_tagging_a_fork_leaves_the_parent_alone(client: Any, bucket: str, server: Running) -> None:
    client.put_object(Bucket=bucket, Key="k", Body=b"1")
    fork = {"x-tigris-fork-source-bucket": bucket}
    assert send(server, "PUT", f"/{bucket}-fork", headers=fork).status == 200
    tags = {"TagSet": [{"Key": "mine", "Value": "1"}]}
    client.put_object_tagging(Bucket=f"{bucket}-fork", Key="k", Tagging=tags)
    assert client.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []
    assert client.get_object_tagging(Bucket=f"{bucket}-fork", Key="k")["TagSet"] == tags["TagSet"]


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_checksums_come_back(client: Any, bucket: str, algorithm: str) -> None:
    import base64

    from explorer.localstore.engine.digests import new_checksum

    data = os.urandom(200_000)
    checksum = new_checksum(algorithm)
    checksum.update(data)
    said = base64.b64encode(checksum.digest()).decode()
    field = f"Checksum{algorithm}"
    put = client.put_object(Bucket=bucket, Key="k", Body=data, **{field: said})
    got = client.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert put[field] == got[field] == said
    assert got["Body"].read() == data
    with pytest.raises(ClientError) as error:
        client.put_object(Bucket=bucket, Key="k2", Body=data[:-1], **{field: said})
    assert code(error) == "BadDigest"


def test_presigned_urls(client: Any, bucket: str) -> None:
    put = client.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "a b"}, ExpiresIn=60)
    urllib.request.urlopen(urllib.request.Request(put, data=b"data", method="PUT"))
    get = client.generate_presigned_url(
        "get_object",
        Params={
            "Bucket": bucket,
            "Key": "a b",
            "ResponseContentType": "text/own",
            "ResponseCacheControl": "none",
        },
    )
    with urllib.request.urlopen(get) as answer:
        assert answer.read() == b"data"
        assert answer.headers["content-type"] == "text/own"


def test_a_header_cannot_be_smuggled_in_through_the_query(client: Any, bucket: str) -> None:
    client.put_object(Bucket=bucket, Key="k", Body=b"data")
    with pytest.raises(ClientError) as error:
        client.get_object(Bucket=bucket, Key="k", ResponseContentType="a\r\nx-evil: 1")
    assert code(error) == "InvalidArgument"


def test_transfers_in_parts(client: Any, bucket: str) -> None:
    data = os.urandom(20 * MIB)
    client.upload_fileobj(io.BytesIO(data), bucket, "k")
    back = io.BytesIO()
    client.download_fileobj(bucket, "k", back)
    assert back.getvalue() == data
