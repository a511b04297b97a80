from __future__ import annotations

import base64
import hashlib
import os
import zlib
from typing import Any
from xml.etree import ElementTree

import pytest
from botocore.exceptions import ClientError

from explorer.localstore import Running
from explorer.localstore.engine.engine import Engine
from explorer.localstore.engine.records import Attributes
from tests.localstore.wire import send

MIB = 2**20


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return error.value.response["Error"]["Code"]


class Upload:
    def __init__(self, client: Any, bucket: str, key: str = "k", **how: Any) -> None:
        self.client, self.where = client, {"Bucket": bucket, "Key": key}
        self.id = client.create_multipart_upload(**self.where, **how)["UploadId"]
        self.parts: list[dict[str, Any]] = []

    def add(self, n: int, data: bytes, **how: Any) -> dict[str, Any]:
        made = self.client.upload_part(**self.where, UploadId=self.id, PartNumber=n, Body=data, **how)
        self.parts.append({"PartNumber": n, "ETag": made["ETag"]})
        return made

    def complete(self, **how: Any) -> dict[str, Any]:
        parts = {"Parts": how.pop("parts", self.parts)}
        return self.client.complete_multipart_upload(
            **self.where, UploadId=self.id, MultipartUpload=parts, **how
        )


def test_parts_become_one_object(client: Any, bucket: str) -> None:
    pieces = [os.urandom(5 * MIB), os.urandom(5 * MIB + 1), b"end"]
    upload = Upload(client, bucket, Metadata={"m": "1"}, ContentType="text/x")
    for n, piece in reversed(list(enumerate(pieces, 3))):
        upload.add(n, piece)
    upload.parts.reverse()
    made = upload.complete()
    digest = hashlib.md5(b"".join(hashlib.md5(piece).digest() for piece in pieces)).hexdigest()
    assert made["ETag"] == f'"{digest}-3"'
    got = client.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == b"".join(pieces)
    assert (got["Metadata"], got["ContentType"], got["VersionId"]) == (
        {"m": "1"},
        "text/x",
        made["VersionId"],
    )
    assert upload.complete()["ETag"] == made["ETag"], "a client that lost the answer asks again"


def test_a_copy_shares_the_parts(client: Any, bucket: str) -> None:
    upload = Upload(client, bucket)
    upload.add(1, b"a" * 5 * MIB)
    upload.add(2, b"b")
    upload.complete()
    client.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "k"})
    client.delete_object(Bucket=bucket, Key="k")
    assert client.get_object(Bucket=bucket, Key="copy", Range="bytes=-2")["Body"].read() == b"ab"


def test_what_cannot_be_completed(client: Any, bucket: str) -> None:
    upload = Upload(client, bucket)
    upload.add(1, b"small")
    upload.add(2, b"last")
    one, two = upload.parts
    for parts, expected in (
        ([one, two], "EntityTooSmall"),
        ([two, one], "InvalidPartOrder"),
        ([one, one], "InvalidPartOrder"),
        ([{**one, "ETag": '"x"'}], "InvalidPart"),
        ([{**one, "PartNumber": 7}], "InvalidPart"),
        ([], "MalformedXML"),
    ):
        with pytest.raises(ClientError) as error:
            upload.complete(parts=parts)
        assert code(error) == expected
    upload.complete(parts=[two])
    assert client.get_object(Bucket=bucket, Key="k")["Body"].read() == b"last"


def test_a_part_sent_again_replaces_the_first(client: Any, bucket: str) -> None:
    upload = Upload(client, bucket)
    upload.add(1, b"first")
    upload.add(1, b"second")
    with pytest.raises(ClientError) as error:
        upload.complete(parts=upload.parts[:1])
    assert code(error) == "InvalidPart"
    upload.complete(parts=upload.parts[1:])
    assert client.get_object(Bucket=bucket, Key="k")["Body"].read() == b"second"


def test_listing_and_aborting(client: Any, bucket: str) -> None:
    uploads = [Upload(client, bucket, key) for key in ("a", "a", "b/1", "c")]
    for n in (1, 2, 3):
        uploads[0].add(n, b"x" * n)
    for size in (1, 2, 100):
        pages = client.get_paginator("list_multipart_uploads").paginate(
            Bucket=bucket, PaginationConfig={"PageSize": size}
        )
        found = [(each["Key"], each["UploadId"]) for page in pages for each in page.get("Uploads", [])]
        assert sorted(found) == sorted((u.where["Key"], u.id) for u in uploads)
        pages = client.get_paginator("list_parts").paginate(
            **uploads[0].where, UploadId=uploads[0].id, PaginationConfig={"PageSize": size}
        )
        parts = [(each["PartNumber"], each["Size"]) for page in pages for each in page["Parts"]]
        assert parts == [(1, 1), (2, 2), (3, 3)]
    assert len(client.list_multipart_uploads(Bucket=bucket, Prefix="a")["Uploads"]) == 2
    client.abort_multipart_upload(**uploads[0].where, UploadId=uploads[0].id)
    for verb in ("list_parts", "abort_multipart_upload"):
        with pytest.raises(ClientError) as error:
            getattr(client, verb)(**uploads[0].where, UploadId=uploads[0].id)
        assert code(error) == "NoSuchUpload"
    with pytest.raises(ClientError) as error:
        uploads[0].add(1, b"x")
    assert code(error) == "NoSuchUpload"


def test_parts_copied_from_objects(client: Any, bucket: str) -> None:
    data = os.urandom(6 * MIB)
    client.put_object(Bucket=bucket, Key="source", Body=data)
    upload = Upload(client, bucket, ChecksumAlgorithm="CRC32")
    for n, asked in ((1, None), (2, "bytes=1-10")):
        how = {"CopySourceRange": asked} if asked else {}
        made = client.upload_part_copy(
            **upload.where, UploadId=upload.id, PartNumber=n, CopySource=f"{bucket}/source", **how
        )
        upload.parts.append({"PartNumber": n, "ETag": made["CopyPartResult"]["ETag"]})
    upload.complete()
    assert client.get_object(Bucket=bucket, Key="k")["Body"].read() == data + data[1:11]


@pytest.mark.parametrize(
    ("algorithm", "kind"),
    [
        ("CRC32", "COMPOSITE"),
        ("CRC32", "FULL_OBJECT"),
        ("CRC32C", "FULL_OBJECT"),
        ("CRC64NVME", "FULL_OBJECT"),
        ("SHA256", "COMPOSITE"),
    ],
)
def test_checksums_of_wholes(server: Running, bucket: str, algorithm: str, kind: str) -> None:
    from explorer.localstore.engine.digests import base64_digest, new_checksum

    pieces = [b"a" * 5 * MIB, b"b" * 70_001]

    def digest(data: bytes) -> str:
        checksum = new_checksum(algorithm)
        checksum.update(data)
        return base64_digest(checksum)

    said = {"x-amz-checksum-algorithm": algorithm, "x-amz-checksum-type": kind}
    id_ = send(server, "POST", f"/{bucket}/k?uploads", headers=said).text("UploadId")
    body = ""
    for n, piece in enumerate(pieces, 1):
        etag = send(server, "PUT", f"/{bucket}/k?uploadId={id_}&partNumber={n}", piece).headers["etag"]
        body += f"<Part><PartNumber>{n}</PartNumber><ETag>{etag}</ETag></Part>"
    body = f"<CompleteMultipartUpload>{body}</CompleteMultipartUpload>"
    wrong = {f"x-amz-checksum-{algorithm.lower()}": digest(b"other"), "x-amz-checksum-type": kind}
    assert send(server, "POST", f"/{bucket}/k?uploadId={id_}", body.encode(), wrong).code == "BadDigest"
    if kind == "FULL_OBJECT":
        expected = digest(b"".join(pieces))
    else:
        expected = digest(b"".join(base64.b64decode(digest(piece)) for piece in pieces)) + "-2"
    another = {f"x-amz-checksum-{'sha1' if algorithm == 'CRC32' else 'crc32'}": "AAAAAA=="}
    answer = send(server, "POST", f"/{bucket}/k?uploadId={id_}", body.encode(), another)
    assert answer.code == "InvalidRequest"
    right = {f"x-amz-checksum-{algorithm.lower()}": expected, "x-amz-checksum-type": kind}
    made = send(server, "POST", f"/{bucket}/k?uploadId={id_}", body.encode(), right)
    assert made.text(f"Checksum{algorithm}") == expected
    assert made.text("ChecksumType") == kind
    assert base64.b64encode(zlib.crc32(b"a").to_bytes(4, "big")) != expected


def test_ten_thousand_parts(engine: Engine) -> None:
    """As many as S3 allows; completing them writes rows only."""
    bucket = engine.buckets.create("one")
    id_ = engine.uploads.begin(bucket, b"k", Attributes(), None, "FULL_OBJECT")
    upload = engine.uploads.get(bucket, b"k", id_)
    data = b"x" * 5 * MIB
    sink = engine.blobs.create()
    sink.write(data)
    part = engine.uploads.add_part(upload, 1, sink)
    sink.close()

    def more(tx) -> None:
        rows = [(id_, n, part.blob, part.size, part.etag, "", n) for n in range(2, 10_001)]
        tx.executemany("INSERT INTO part VALUES(?,?,?,?,?,?,?)", rows)

    engine.ledger.write(more)
    made = engine.uploads.complete(bucket, b"k", id_, [(n, part.etag) for n in range(1, 10_001)])
    assert (made.size, made.etag[-6:]) == (50_000 * MIB, "-10000")
    found = list(engine.objects.segments(made, 5 * MIB * 7_000 - 1, 5 * MIB * 7_000 + 1))
    assert [(each.offset, each.size) for each in found] == [(5 * MIB - 1, 1), (0, 1)]
    assert engine.check().problems == []


@pytest.mark.parametrize("n", ["0", "10001", "-1", "x", ""])
def test_part_numbers_that_cannot_be(server: Running, bucket: str, n: str) -> None:
    answer = send(server, "POST", f"/{bucket}/k?uploads")
    id_ = ElementTree.fromstring(answer.body).findtext("{*}UploadId")
    assert send(server, "PUT", f"/{bucket}/k?uploadId={id_}&partNumber={n}", b"x").code == "InvalidArgument"
