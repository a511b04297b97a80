"""What a request asks for besides its operation, and cannot have: never left out in silence."""

from __future__ import annotations

import pytest

from explorer.localstore import Running
from tests.localstore.s3_operations import Place, keys
from tests.localstore.wire import send


@pytest.mark.parametrize(
    ("method", "path", "named"),
    [
        ("PUT", "/{bucket}/k?annotation&annotationName=x", "PutObjectAnnotation"),
        ("PUT", "/{bucket}/k?something-new", "PutObject with the parameter something-new"),
        ("DELETE", "/{bucket}/k?something-new", "DeleteObject with the parameter something-new"),
        ("DELETE", "/{bucket}?something-new", "DeleteBucket with the parameter something-new"),
        ("PUT", "/{bucket}-n?something-new=1", "CreateBucket with the parameter something-new"),
    ],
)
def test_a_parameter_that_nobody_knows_is_not_taken_for_none(
    server: Running, place: Place, method: str, path: str, named: str
) -> None:
    """`DELETE key?annotation` is not `DELETE key`: what S3 adds tomorrow must not delete anything today."""
    answer = send(server, method, path.format(bucket=place.bucket))
    assert (answer.status, answer.code) == (501, "NotImplemented")
    assert named in (answer.text("Message") or "")
    assert keys(place) == ["k"]
    assert send(server, "PUT", f"/{place.bucket}/k2?x-id=PutObject&X-Custom=1", b"x").status == 200


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"x-amz-expected-bucket-owner": "123456789012"}, "AccessDenied"),
        ({"x-amz-checksum-xxhash64": "AAAAAAAAAAA="}, "NotImplemented"),
        ({"x-amz-server-side-encryption": "aws:kms"}, "NotImplemented"),
        ({"x-amz-server-side-encryption-customer-algorithm": "AES256"}, "NotImplemented"),
        ({"x-amz-acl": "public-read"}, "NotImplemented"),
    ],
)
def test_a_header_that_cannot_be_honoured_is_refused(
    server: Running, place: Place, headers: dict[str, str], code: str
) -> None:
    assert send(server, "PUT", f"/{place.bucket}/k", b"other", headers=headers).code == code
    assert place.client.get_object(Bucket=place.bucket, Key="k")["Body"].read() == b"12345"
    mine = send(
        server, "PUT", f"/{place.bucket}/k", b"mine", headers={"x-amz-expected-bucket-owner": "local"}
    )
    assert mine.status == 200


def test_the_encryption_that_tigris_has_always_on_is_taken_and_told(place: Place) -> None:
    asked = {"ServerSideEncryption": "AES256"}
    made = place.client.put_object(Bucket=place.bucket, Key="s", Body=b"x", **asked)
    copied = place.client.copy_object(
        Bucket=place.bucket, Key="c", CopySource=f"{place.bucket}/k", Metadata={}, **asked
    )
    started = place.client.create_multipart_upload(Bucket=place.bucket, Key="m", **asked)
    upload = {"Bucket": place.bucket, "Key": "m", "UploadId": started["UploadId"]}
    part = place.client.upload_part(**upload, PartNumber=1, Body=b"x")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    whole = place.client.complete_multipart_upload(**upload, MultipartUpload=parts)
    heads = [place.client.head_object(Bucket=place.bucket, Key=key) for key in ("s", "c", "m")]
    for answer in (made, copied, started, part, whole, *heads):
        assert answer["ServerSideEncryption"] == "AES256"
    assert "ServerSideEncryption" not in place.client.head_object(Bucket=place.bucket, Key="k")
