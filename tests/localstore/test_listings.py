from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from explorer.localstore import Running
from tests.localstore.wire import send

KEYS = sorted(
    ["a", "a/1", "a/2", "a/b/1", "a/b/2", "b/1", "c", "d//1", "d/2", "é/1", "é/2", "z"],
    key=lambda key: key.encode(),
)


@pytest.fixture(scope="module")
def full(client: Any) -> str:
    client.create_bucket(Bucket="listings")
    for key in KEYS:
        client.put_object(Bucket="listings", Key=key, Body=key.encode())
    return "listings"


def grouped(prefix: str, delimiter: str) -> list[str]:
    names = set()
    for key in KEYS:
        if key.startswith(prefix):
            split = key.find(delimiter, len(prefix)) if delimiter else -1
            names.add(key if split < 0 else key[: split + len(delimiter)])
    return sorted(names, key=lambda name: name.encode())


def names(pages: Any) -> list[str]:
    out = []
    for page in pages:
        found = [each["Key"] for each in page.get("Contents", [])]
        found += [each["Prefix"] for each in page.get("CommonPrefixes", [])]
        out += sorted(found, key=lambda name: name.encode())
    return out


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["list_objects", "list_objects_v2"]),
    st.sampled_from(["", "a", "a/", "a/b", "d/", "é", "nothing"]),
    st.sampled_from(["", "/", "//", "b"]),
    st.integers(1, 4),
)
def test_pages_add_up(client: Any, full: str, verb: str, prefix: str, delimiter: str, size: int) -> None:
    pages = client.get_paginator(verb).paginate(
        Bucket=full, Prefix=prefix, Delimiter=delimiter, PaginationConfig={"PageSize": size}
    )
    assert names(pages) == grouped(prefix, delimiter)


def test_what_a_listing_says(client: Any, full: str) -> None:
    page = client.list_objects_v2(Bucket=full, MaxKeys=2, FetchOwner=True)
    first = page["Contents"][0]
    head = client.head_object(Bucket=full, Key="a")
    assert (first["Key"], first["Size"], first["ETag"]) == ("a", 1, head["ETag"])
    assert first["LastModified"].replace(microsecond=0) == head["LastModified"]
    assert first["StorageClass"] == "STANDARD"
    assert "Owner" in first
    assert (page["KeyCount"], page["IsTruncated"], page["MaxKeys"]) == (2, True, 2)
    assert client.list_objects_v2(Bucket=full, MaxKeys=0)["KeyCount"] == 0
    assert client.list_objects_v2(Bucket=full, MaxKeys=5000)["MaxKeys"] == 1000


def test_starting_after(client: Any, full: str) -> None:
    after = client.list_objects_v2(Bucket=full, StartAfter="a/b/1")["Contents"]
    assert [each["Key"] for each in after] == KEYS[KEYS.index("a/b/1") + 1 :]
    marked = client.list_objects(Bucket=full, Marker="a/b/1")["Contents"]
    assert marked[0]["Key"] == "a/b/2"


def test_pages_are_of_one_moment(client: Any, bucket: str) -> None:
    for n in range(4):
        client.put_object(Bucket=bucket, Key=f"k{n}", Body=b"1")
    first = client.list_objects_v2(Bucket=bucket, MaxKeys=2)
    client.delete_object(Bucket=bucket, Key="k2")
    client.put_object(Bucket=bucket, Key="k25", Body=b"1")
    rest = client.list_objects_v2(Bucket=bucket, ContinuationToken=first["NextContinuationToken"])
    assert [each["Key"] for each in rest["Contents"]] == ["k2", "k3"]


def test_versions_page_by_page(client: Any, bucket: str) -> None:
    made = []
    for n in range(3):
        for key in ("a", "b/1", "b/2"):
            made.append((key, client.put_object(Bucket=bucket, Key=key, Body=str(n).encode())["VersionId"]))
    marker = client.delete_object(Bucket=bucket, Key="a")["VersionId"]
    want = sorted([*made, ("a", marker)], key=lambda each: (each[0], -int(each[1])))
    for size in (1, 2, 3, 100):
        got, latest = [], []
        pages = client.get_paginator("list_object_versions").paginate(
            Bucket=bucket, PaginationConfig={"PageSize": size}
        )
        for page in pages:
            both = page.get("Versions", []) + page.get("DeleteMarkers", [])
            got += [(each["Key"], each["VersionId"]) for each in both]
            latest += [each["VersionId"] for each in both if each["IsLatest"]]
        assert sorted(got, key=lambda each: (each[0], -int(each[1]))) == want
        assert sorted(latest) == sorted([marker, made[-1][1], made[-2][1]])
    grouped = client.list_object_versions(Bucket=bucket, Delimiter="/")
    assert [each["Prefix"] for each in grouped["CommonPrefixes"]] == ["b/"]
    assert len(grouped["Versions"]) == 3


def test_a_fork_lists_inherited_versions(client: Any, bucket: str, server: Running) -> None:
    one = client.put_object(Bucket=bucket, Key="k", Body=b"1")["VersionId"]
    assert send(server, "PUT", f"/{bucket}-f", headers={"x-tigris-fork-source-bucket": bucket}).status == 200
    client.put_object(Bucket=bucket, Key="k", Body=b"unseen")
    two = client.put_object(Bucket=f"{bucket}-f", Key="k", Body=b"2")["VersionId"]
    found = client.list_object_versions(Bucket=f"{bucket}-f")["Versions"]
    assert [(each["VersionId"], each["IsLatest"]) for each in found] == [(two, True), (one, False)]


def test_a_missing_bucket(client: Any) -> None:
    for verb in ("list_objects", "list_objects_v2", "list_object_versions", "list_multipart_uploads"):
        with pytest.raises(ClientError) as error:
            getattr(client, verb)(Bucket="no-such-bucket")
        assert error.value.response["Error"]["Code"] == "NoSuchBucket"
