"""What every store must do, whoever serves it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from explorer.errors import BadInput, Conflict, NotFound, SnapshotsOff
from explorer.lineage.address import Node
from explorer.lineage.values import Range
from explorer.storage import Store
from tests.storage.conftest import Names


def test_objects_come_back_as_written(store: Store, names: Names) -> None:
    bucket = names.new(store)
    written = store.write(bucket, "a/one", b"0123456789")
    data, item = store.read_object(Node(bucket), "a/one")
    assert data == b"0123456789"
    assert (item.key, item.size_bytes, item.etag) == ("a/one", 10, hashlib.md5(data).hexdigest())
    assert written.etag == item.etag
    head = store.head_object(Node(bucket), "a/one")
    assert (head.size_bytes, head.etag) == (10, item.etag)
    (listed,) = store.list_objects(Node(bucket))
    assert replace(listed, modified_ns=head.modified_ns) == head
    assert abs(listed.modified_ns - head.modified_ns) < 10**9  # headers tell whole seconds
    assert abs(written.modified_ns - head.modified_ns) < 5 * 10**9


@pytest.mark.parametrize(
    ("want", "expected"),
    [
        (Range("k"), b"0123456789"),
        (Range("k", 2, 3), b"234"),
        (Range("k", 4), b"456789"),
        (Range("k", -3), b"789"),
        (Range("k", -3, 2), b"78"),
        (Range("k", -30), b"0123456789"),
        (Range("k", 8, 100), b"89"),
        (Range("k", 10, 5), b""),
        (Range("k", 99), b""),
        (Range("k", 3, 0), b""),
    ],
)
def test_ranges_read_like_a_file(store: Store, names: Names, want: Range, expected: bytes) -> None:
    bucket = names.new(store)
    item = store.write(bucket, "k", b"0123456789")
    assert store.read(Node(bucket), want) == expected
    assert store.read(Node(bucket), want, if_match=item.etag) == expected
    assert store.read_many(Node(bucket), [want]) == (expected,)
    assert store.read_many(Node(bucket), [want] * 9, expect={"k": item}) == (expected,) * 9


def test_many_ranges_keep_their_order(store: Store, names: Names) -> None:
    bucket = names.new(store)
    for i in range(5):
        store.write(bucket, f"k{i}", bytes([i]) * 1000)
    wants = [Range(f"k{i % 5}", i, 3) for i in range(60)]
    assert store.read_many(Node(bucket), wants) == tuple(bytes([i % 5]) * 3 for i in range(60))
    with pytest.raises(NotFound) as lost:
        store.read_many(Node(bucket), [*wants, Range("k9", 0, 1)])
    assert "k" in lost.value.hint


@pytest.mark.parametrize(
    "key",
    [
        "a b+c&d=e#f?.bin",
        "ünï/çø∂é.bin",
        "a//b",
        "/front",
        "back/",
        "a/../b",
        "./x",
        "pct%20%2F",
        "q*'()\"<>",
    ],
)
def test_odd_keys_are_keys(store: Store, names: Names, key: str) -> None:
    bucket = names.new(store)
    store.write(bucket, key, b"odd" + key.encode())
    expected = b"odd" + key.encode()
    assert [item.key for item in store.list_objects(Node(bucket))] == [key]
    assert store.read(Node(bucket), Range(key)) == expected
    for count in (1, 9):  # few go through boto3, many through obstore
        wants = [Range(key, 0, 4), Range(key, 1)] * count
        assert store.read_many(Node(bucket), wants) == (expected[:4], expected[1:]) * count
    assert store.head_object(Node(bucket), key).size_bytes == len(expected)


def test_listings_are_sorted_prefixed_and_limited(store: Store, names: Names) -> None:
    bucket = names.new(store)
    for key in ("q", "p/2", "p/10", "p/1"):
        store.write(bucket, key, b"")
    assert [item.key for item in store.list_objects(Node(bucket))] == ["p/1", "p/10", "p/2", "q"]
    assert [item.key for item in store.list_objects(Node(bucket), "p/1")] == ["p/1", "p/10"]
    assert [item.key for item in store.list_objects(Node(bucket), limit=3)] == ["p/1", "p/10", "p/2"]
    assert store.list_objects(Node(bucket), "none") == ()


def test_conditional_writes(store: Store, names: Names) -> None:
    bucket = names.new(store)
    first = store.write(bucket, "lease", b"mine", if_none_match=True)
    with pytest.raises(Conflict):
        store.write(bucket, "lease", b"yours", if_none_match=True)
    second = store.write(bucket, "lease", b"renewed", if_match=first.etag)
    with pytest.raises(Conflict):
        store.write(bucket, "lease", b"late", if_match=first.etag)
    assert store.read_object(Node(bucket), "lease") == (b"renewed", store.head_object(Node(bucket), "lease"))
    assert second.etag != first.etag


def test_a_pinned_read_refuses_another_object(store: Store, names: Names) -> None:
    bucket = names.new(store)
    old = store.write(bucket, "k", b"old bytes")
    assert bytes(store.read_part(Node(bucket), old, 0, 9)) == b"old bytes"
    store.write(bucket, "k", b"new bytes")
    for read in (
        lambda: store.read(Node(bucket), Range("k", 0, 3), if_match=old.etag),
        lambda: store.read_many(Node(bucket), [Range("k", 0, 3)] * 3, expect={"k": old}),
        lambda: store.read_many(Node(bucket), [Range("k", 0, 3)] * 9, expect={"k": old}),
        lambda: store.read_part(Node(bucket), old, 0, 3),
    ):
        with pytest.raises(Conflict):
            read()


def test_files_are_uploaded_in_parts(store: Store, names: Names, tmp_path: Path) -> None:
    bucket = names.new(store)
    data = bytes(range(256)) * 4 * (17 * 1024)  # 17 MiB: two parts
    path = tmp_path / "big"
    path.write_bytes(data)
    item = store.upload(bucket, "big", path)
    assert item == store.head_object(Node(bucket), "big")
    assert item.size_bytes == len(data)
    assert item.etag.endswith("-2")
    assert hashlib.md5(store.read(Node(bucket), Range("big"))).digest() == hashlib.md5(data).digest()
    path.write_bytes(b"small")
    assert store.upload(bucket, "big", path).etag == hashlib.md5(b"small").hexdigest()
    with pytest.raises(NotFound):
        store.upload(bucket, "none", tmp_path / "none")


def test_what_is_not_there_names_the_nearest(store: Store, names: Names) -> None:
    bucket = names.new(store)
    store.write(bucket, "runs/metrics.jsonl", b"{}")
    store.list_buckets()
    for ask in (
        lambda: store.read(Node(bucket), Range("runs/metric.jsonl")),
        lambda: store.read_object(Node(bucket), "runs/metric.jsonl"),
        lambda: store.head_object(Node(bucket), "runs/metric.jsonl"),
        lambda: store.read_many(Node(bucket), [Range("runs/metric.jsonl", 0, 1)]),
        lambda: store.read_many(Node(bucket), [Range("runs/metric.jsonl", 0, 1)] * 9),
    ):
        with pytest.raises(NotFound) as lost:
            ask()
        assert "runs/metrics.jsonl" in lost.value.hint
    for ask in (
        lambda: store.list_objects(Node(bucket + "x")),
        lambda: store.read_bucket(bucket + "x"),
        lambda: store.write(bucket + "x", "k", b""),
        lambda: store.delete_bucket(bucket + "x"),
    ):
        with pytest.raises(NotFound) as lost:
            ask()
        assert bucket in lost.value.hint


def test_buckets_are_listed_and_deleted(store: Store, names: Names) -> None:
    bucket = names.new(store)
    made = store.read_bucket(bucket)
    assert made in store.list_buckets()
    assert made in store.list_lineage()
    store.write(bucket, "k", b"")
    with pytest.raises(Conflict):
        store.delete_bucket(bucket)
    store.delete_object(bucket, "k")
    store.delete_object(bucket, "k")
    with pytest.raises(BadInput):
        store.create_bucket("No_Name")


def test_a_plain_bucket_is_deleted_only_as_a_bucket(plain_store: Store, names: Names) -> None:
    bucket = names.new(plain_store)
    version = "1751631910140685342"
    for ask in (
        lambda: plain_store.take_snapshot(bucket, "x"),
        lambda: plain_store.delete_snapshot(Node(bucket, version)),
        lambda: plain_store.fork(Node(bucket, version), f"{bucket}-f"),
        lambda: plain_store.list_snapshots(bucket),
        lambda: plain_store.create_bucket(f"{bucket}-f"),
    ):
        with pytest.raises(SnapshotsOff) as off:
            ask()
        assert off.value.hint
    assert not plain_store.info.snapshots
    assert [b.name for b in plain_store.list_buckets() if b.name.startswith(bucket)] == [bucket]
