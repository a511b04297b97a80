"""tigris-boto3-ext, unmodified: every helper that touches buckets, snapshots, forks and objects."""

from __future__ import annotations

import io
import tarfile
import urllib.request
from typing import Any

import pytest
import tigris_boto3_ext as tigris
from botocore.exceptions import ClientError

from explorer.localstore import Running
from tests.localstore.wire import send


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return error.value.response["Error"]["Code"]


def take(client: Any, bucket: str, name: str | None = None) -> str:
    version = tigris.get_snapshot_version(tigris.create_snapshot(client, bucket, name))
    assert version is not None
    assert len(version) == 19
    return version


def test_buckets_with_and_without_snapshots(client: Any, name: str) -> None:
    assert tigris.create_snapshot_bucket(client, f"{name}-s")["Location"] == f"/{name}-s"
    tigris.create_bucket(client, f"{name}-r", default_storage_class="STANDARD_IA", regions=["iad", "sjc"])
    assert tigris.has_snapshot_enabled(client, f"{name}-s")
    assert not tigris.has_snapshot_enabled(client, f"{name}-r")
    told = tigris.get_bucket_metadata(client, f"{name}-r", with_size=True)
    assert (told["storage_class"], told["regions"], told["snapshot_enabled"]) == (
        "STANDARD_IA",
        ["iad", "sjc"],
        False,
    )
    client.put_object(Bucket=f"{name}-r", Key="k", Body=b"12345")
    assert client.head_object(Bucket=f"{name}-r", Key="k")["StorageClass"] == "STANDARD_IA"
    assert tigris.get_bucket_metadata(client, f"{name}-r", with_size=True)["size"]["bytes"] == 5
    with pytest.raises(ClientError) as error:
        tigris.create_snapshot(client, f"{name}-r")
    assert code(error) == "InvalidRequest"
    with pytest.raises(ClientError, match="Source bucket must be of snapshot type"):
        tigris.create_fork(client, f"{name}-f", f"{name}-r")
    with pytest.raises(ClientError) as error:
        client.create_bucket(Bucket=f"{name}-r")
    assert code(error) == "BucketAlreadyOwnedByYou"


def test_snapshots_are_listed_newest_first_and_read(client: Any, bucket: str) -> None:
    client.put_object(Bucket=bucket, Key="k", Body=b"1")
    one = take(client, bucket, "epoch 1; lr=3")
    client.put_object(Bucket=bucket, Key="k", Body=b"22")
    client.put_object(Bucket=bucket, Key="new", Body=b"n")
    two = take(client, bucket)
    client.delete_object(Bucket=bucket, Key="k")
    listed = tigris.list_snapshots(client, bucket)["Buckets"]
    assert [each["Name"] for each in listed] == [two, f"{one}; name=epoch 1; lr=3"]
    assert tigris.get_object_from_snapshot(client, bucket, "k", one)["Body"].read() == b"1"
    assert tigris.get_object_from_snapshot(client, bucket, "k", two)["Body"].read() == b"22"
    assert tigris.head_object_from_snapshot(client, bucket, "k", two)["ContentLength"] == 2

    def keys(version: str) -> list[str]:
        return [o["Key"] for o in tigris.list_objects_from_snapshot(client, bucket, version)["Contents"]]

    assert keys(one) == ["k"]
    assert keys(two) == ["k", "new"]
    assert keys(str(int(two) - 1)) == ["k", "new"]
    with pytest.raises(ClientError) as error:
        tigris.get_object_from_snapshot(client, bucket, "new", one)
    assert code(error) == "NoSuchKey"


def test_snapshots_page_by_page(client: Any, bucket: str, server: Running) -> None:
    made = [take(client, bucket, f"s{n}") for n in range(5)]
    got, token = [], ""
    while token is not None:
        answer = send(
            server,
            "GET",
            f"/?max-buckets=2{token and f'&continuation-token={token}'}",
            headers={"x-tigris-snapshot": bucket},
        )
        got += [each.partition(";")[0] for each in all_texts(answer.body, "Name")]
        token = answer.text("ContinuationToken")
    assert got == made[::-1]


def all_texts(body: bytes, name: str) -> list[str]:
    from xml.etree import ElementTree

    return [each.text or "" for each in ElementTree.fromstring(body).findall(f".//{{*}}{name}")]


def test_deleting_a_snapshot_leaves_bucket_and_forks(client: Any, bucket: str, name: str) -> None:
    client.put_object(Bucket=bucket, Key="k", Body=b"1")
    version = take(client, bucket, "one")
    tigris.create_fork(client, f"{name}-f", bucket, version)
    client.put_object(Bucket=bucket, Key="k", Body=b"2")
    tigris.delete_snapshot(client, bucket, version)
    assert (
        "Buckets" not in tigris.list_snapshots(client, bucket)
        or not tigris.list_snapshots(client, bucket)["Buckets"]
    )
    assert client.get_object(Bucket=bucket, Key="k")["Body"].read() == b"2"
    assert client.get_object(Bucket=f"{name}-f", Key="k")["Body"].read() == b"1"
    with pytest.raises(ClientError) as error:
        tigris.delete_snapshot(client, bucket, version)
    assert code(error) == "NoSuchSnapshot"
    with pytest.raises(ClientError) as error:
        tigris.delete_snapshot(client, "no-such-bucket", version)
    assert code(error) == "NoSuchBucket"


def test_forks_of_forks(client: Any, bucket: str, name: str) -> None:
    client.put_object(Bucket=bucket, Key="k", Body=b"0")
    version = take(client, bucket, "base")
    tigris.create_fork(client, f"{name}-1", bucket, version)
    client.put_object(Bucket=f"{name}-1", Key="k1", Body=b"1")
    tigris.create_fork(client, f"{name}-2", f"{name}-1")
    client.put_object(Bucket=bucket, Key="unseen", Body=b"x")
    client.delete_object(Bucket=f"{name}-1", Key="k")
    assert [o["Key"] for o in client.list_objects_v2(Bucket=f"{name}-2")["Contents"]] == ["k", "k1"]
    assert client.get_object(Bucket=f"{name}-2", Key="k")["Body"].read() == b"0"
    info = tigris.get_bucket_info(client, f"{name}-1")
    assert (info["fork_source_bucket"], info["fork_source_snapshot"]) == (bucket, version)
    assert info["snapshot_enabled"]
    head = client.head_bucket(Bucket=bucket)["ResponseMetadata"]["HTTPHeaders"]
    assert head["x-tigris-is-fork-parent"] == "true"
    (fork,) = tigris.list_forks(client, bucket)["buckets"]
    assert fork["name"] == f"{name}-1"
    (parent,) = fork["fork_parents"]
    assert (parent["bucket"], parent["snapshot"], parent["snapshot_name"]) == (bucket, version, "base")
    (grandchild,) = tigris.list_forks(client, f"{name}-1")["buckets"]
    implicit = tigris.get_bucket_info(client, f"{name}-2")["fork_source_snapshot"]
    assert grandchild["fork_parents"][0]["snapshot"] == implicit
    assert implicit in [each["Name"] for each in tigris.list_snapshots(client, f"{name}-1")["Buckets"]]
    assert tigris.list_forks(client, f"{name}-2")["buckets"] == []
    with pytest.raises(tigris.TigrisAPIError) as error:
        tigris.list_forks(client, "no-such-bucket")
    assert (error.value.status_code, error.value.code) == (403, "AccessDenied")


def test_a_bucket_with_forks_is_never_deleted(client: Any, bucket: str, name: str, server: Running) -> None:
    version = take(client, bucket)
    tigris.create_fork(client, f"{name}-f", bucket, version)
    for delete in (
        lambda: client.delete_bucket(Bucket=bucket),
        lambda: tigris.force_delete_bucket(client, bucket),
    ):
        with pytest.raises(ClientError) as error:
            delete()
        assert code(error) == "BucketNotEmpty"
    assert (
        send(server, "DELETE", f"/{bucket}", headers={"tigris-force-delete": "true"}).code == "BucketNotEmpty"
    )
    client.delete_bucket(Bucket=f"{name}-f")
    with pytest.raises(ClientError, match="snapshots"):
        client.delete_bucket(Bucket=bucket)
    assert send(server, "DELETE", f"/{bucket}", headers={"tigris-force-delete": "true"}).status == 204
    with pytest.raises(ClientError):
        client.head_bucket(Bucket=bucket)


def test_force_is_needed_for_objects(client: Any, bucket: str) -> None:
    client.put_object(Bucket=bucket, Key="k", Body=b"1")
    with pytest.raises(ClientError) as error:
        client.delete_bucket(Bucket=bucket)
    assert code(error) == "BucketNotEmpty"
    tigris.force_delete_bucket(client, bucket)
    tigris.create_snapshot_bucket(client, bucket)
    assert "Contents" not in client.list_objects_v2(Bucket=bucket), "a new bucket by an old name is empty"


def test_the_listing_tells_the_lineage(client: Any, bucket: str, name: str) -> None:
    version = take(client, bucket, "base")
    tigris.create_fork(client, f"{name}-f", bucket, version)
    told: dict[str, Any] = {}
    token = None
    while True:
        page = tigris.list_buckets(
            client,
            include_regions=True,
            include_type=True,
            include_visibility=True,
            include_fork_info=True,
            include_owner=True,
            include_stats=True,
            max_buckets=3,
            continuation_token=token,
        )
        told |= {each["name"]: each for each in page["buckets"]}
        token = page["continuation_token"]
        if not token:
            break
    assert told[bucket]["is_fork_parent"]
    assert told[bucket]["snapshot_enabled"]
    assert told[bucket]["visibility"] == "private"
    assert told[f"{name}-f"]["fork_parents"][0]["snapshot"] == version
    forks = tigris.list_buckets(client, only_forks=True)["buckets"]
    assert f"{name}-f" in [each["name"] for each in forks]
    assert bucket not in [each["name"] for each in forks]
    assert tigris.get_stats(client)["active_buckets"] == len(told)
    assert sorted(told) == sorted(each["Name"] for each in client.list_buckets()["Buckets"])


def test_turning_snapshots_on_and_off(client: Any, name: str) -> None:
    client.create_bucket(Bucket=name)
    tigris.update_bucket(client, name, snapshot_enabled=True)
    assert tigris.has_snapshot_enabled(client, name)
    version = take(client, name)
    tigris.create_fork(client, f"{name}-f", name, version)
    for each in (name, f"{name}-f"):
        with pytest.raises(tigris.TigrisAPIError) as error:
            tigris.update_bucket(client, each, snapshot_enabled=False)
        assert (error.value.status_code, error.value.code) == (400, "InvalidArgument")
    client.delete_bucket(Bucket=f"{name}-f")
    tigris.update_bucket(client, name, snapshot_enabled=False, default_storage_class="GLACIER_IR")
    assert not tigris.has_snapshot_enabled(client, name)
    with pytest.raises(tigris.TigrisAPIError) as error:
        tigris.update_bucket(client, name, custom_domain="example.com")
    assert error.value.status_code == 501
    with pytest.raises(tigris.TigrisAPIError) as error:
        tigris.get_bucket_metadata(client, "no-such-bucket")
    assert (error.value.code, error.value.status_code) == ("NoSuchBucket", 404)


def test_rename_and_presign(client: Any, bucket: str) -> None:
    client.put_object(Bucket=bucket, Key="old", Body=b"1", Metadata={"m": "1"})
    version = take(client, bucket)
    tigris.rename_object(client, bucket, "old", "dir/new")
    assert [o["Key"] for o in client.list_objects_v2(Bucket=bucket)["Contents"]] == ["dir/new"]
    assert client.head_object(Bucket=bucket, Key="dir/new")["Metadata"] == {"m": "1"}
    url = tigris.presign(client, bucket, "old", snapshot_version=version)["url"]
    assert urllib.request.urlopen(url).read() == b"1"
    put = tigris.presign(client, bucket, "up", "put")["url"]
    urllib.request.urlopen(urllib.request.Request(put, data=b"2", method="PUT"))
    assert client.get_object(Bucket=bucket, Key="up")["Body"].read() == b"2"


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_bundles(client: Any, bucket: str, compression: str) -> None:
    long = "deep/" * 40 + "ü"
    held = {"a": b"1", "empty": b"", long: b"x" * 3_000_000}
    for key, data in held.items():
        client.put_object(Bucket=bucket, Key=key, Body=data)
    with tigris.bundle_objects(
        client, bucket, [long, "missing", "a", "empty"], compression=compression
    ) as bundle:
        assert (bundle.object_count, bundle.bundle_bytes, bundle.skipped_count) == (3, 3_000_001, 1)
        data = bundle.read()
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        assert archive.getnames() == [long, "a", "empty", "__bundle_errors.json"]
        for key, want in held.items():
            member = archive.extractfile(key)
            assert member is not None
            assert member.read() == want
    with pytest.raises(tigris.BundleError) as error:
        tigris.bundle_objects(client, bucket, ["missing"], on_error="fail")
    assert error.value.code == "NoSuchKey"


@pytest.mark.parametrize(
    "helper",
    [
        lambda c, b: tigris.create_soft_delete_bucket(c, f"{b}-soft"),
        lambda c, b: tigris.list_deleted_buckets(c),
        lambda c, b: tigris.restore_bucket(c, b),
        lambda c, b: tigris.set_bucket_soft_delete(c, b, True),
        lambda c, b: tigris.set_bucket_notifications(c, b, "https://example.com/hook"),
        lambda c, b: tigris.list_deleted_objects(c, b),
        lambda c, b: tigris.list_deleted_object_versions(c, b),
        lambda c, b: tigris.restore_deleted_object(c, b, "k"),
        lambda c, b: tigris.restore_object(c, b, "k"),
        lambda c, b: tigris.update_bucket(c, b, access="public"),
        lambda c, b: tigris.list_objects_from_source(c, b, "shadow"),
    ],
)
def test_what_only_tigris_has_is_refused_by_name(client: Any, bucket: str, helper: Any) -> None:
    with pytest.raises((ClientError, tigris.TigrisAPIError)) as error:
        helper(client, bucket)
    assert "NotImplemented" in str(error.value)
