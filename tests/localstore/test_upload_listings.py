"""Open uploads, listed page by page, with and without a delimiter."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

KEYS = ("a/1", "a/1", "a/2", "b", "c/d/1", "c/d/2", "c/e", "d ü")


@pytest.mark.parametrize("page", [1, 2, 3, 1000])
@pytest.mark.parametrize(
    ("prefix", "delimiter", "expected"),
    [
        ("", "", list(KEYS)),
        ("", "/", ["a/", "b", "c/", "d ü"]),
        ("c/", "/", ["c/d/", "c/e"]),
        ("c", "/", ["c/"]),
        ("a/1", "/", ["a/1", "a/1"]),
        ("", "d/", ["a/1", "a/1", "a/2", "b", "c/d/", "c/e", "d ü"]),
        ("none", "/", []),
    ],
)
def test_uploads_in_order_and_grouped(
    client: Any, bucket: str, prefix: str, delimiter: str, expected: list[str], page: int
) -> None:
    for key in KEYS:
        client.create_multipart_upload(Bucket=bucket, Key=key)
    pages = client.get_paginator("list_multipart_uploads").paginate(
        Bucket=bucket, Prefix=prefix, Delimiter=delimiter, PaginationConfig={"PageSize": page}
    )
    seen: list[str] = []
    ids: list[str] = []
    for told in pages:
        uploads, groups = told.get("Uploads", []), told.get("CommonPrefixes", [])
        assert len(uploads) + len(groups) <= page
        assert told.get("Delimiter", "") == delimiter
        seen += sorted([*(each["Key"] for each in uploads), *(each["Prefix"] for each in groups)])
        ids += [each["UploadId"] for each in uploads]
    assert seen == expected
    assert len(set(ids)) == len(ids)


def test_the_size_that_is_expected_of_the_whole(client: Any, bucket: str) -> None:
    started = {"Bucket": bucket, "Key": "k"}
    started["UploadId"] = client.create_multipart_upload(**started)["UploadId"]
    part = client.upload_part(**started, PartNumber=1, Body=b"12345")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    with pytest.raises(ClientError, match="InvalidRequest"):
        client.complete_multipart_upload(**started, MultipartUpload=parts, MpuObjectSize=6)
    client.complete_multipart_upload(**started, MultipartUpload=parts, MpuObjectSize=5)
    assert client.head_object(Bucket=bucket, Key="k")["ContentLength"] == 5
