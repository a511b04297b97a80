"""Snapshots and forks, on every store that has them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from explorer.errors import BadInput, Conflict, NameTaken, NotFound
from explorer.lineage.address import Node
from explorer.lineage.values import Range
from explorer.storage import Store
from tests.storage.conftest import Names


def test_a_snapshot_stays_as_it_was(tigris: Store, names: Names) -> None:
    bucket = names.new(tigris)
    tigris.write(bucket, "k", b"then")
    then = tigris.take_snapshot(bucket, "step-100")
    tigris.write(bucket, "k", b"now, longer")
    tigris.write(bucket, "new", b"")
    assert tigris.read(then.node, Range("k")) == b"then"
    assert tigris.read_object(then.node, "k")[1].size_bytes == 4
    assert tigris.head_object(then.node, "k").size_bytes == 4
    assert [item.key for item in tigris.list_objects(then.node)] == ["k"]
    assert tigris.read_many(then.node, [Range("k", 0, 2), Range("k", 2)] * 9) == (b"th", b"en") * 9
    assert tigris.read(Node(bucket), Range("k")) == b"now, longer"
    with pytest.raises(NotFound):
        tigris.read(then.node, Range("new"))


def test_snapshots_are_listed_oldest_first_with_their_names(tigris: Store, names: Names) -> None:
    bucket = names.new(tigris)
    taken = [
        tigris.take_snapshot(bucket, name) for name in ("step-100", None, "step-100", "a; name=b", " c ")
    ]
    assert [snapshot.name for snapshot in taken] == ["step-100", None, "step-100", "a; name=b", "c"]
    assert tigris.list_snapshots(bucket) == tuple(taken)
    listed = next(b for b in tigris.list_lineage() if b.name == bucket)
    assert listed.snapshots == tuple(taken)
    assert listed.snapshots_on
    with pytest.raises(NotFound):
        tigris.take_snapshot(bucket + "-x")
    with pytest.raises(NotFound):
        tigris.list_snapshots(bucket + "-x")


def test_forks_see_their_snapshot_and_write_for_themselves(tigris: Store, names: Names) -> None:
    parent = names.new(tigris)
    item = tigris.write(parent, "k", b"parent")
    then = tigris.take_snapshot(parent)
    tigris.write(parent, "k", b"parent later")
    child, grandchild = names.new(tigris, create=False), names.new(tigris, create=False)
    made = tigris.fork(then.node, child)
    assert (made.name, made.parent, made.snapshots_on) == (child, then.node, True)
    inherited = tigris.read_object(Node(child), "k")
    assert inherited[0] == b"parent"
    assert (inherited[1].etag, inherited[1].size_bytes) == (item.etag, item.size_bytes)
    tigris.write(child, "k", b"child")
    from_head = tigris.fork(Node(child), grandchild)
    assert from_head.parent is not None
    assert from_head.parent.bucket == child
    assert from_head.parent.version is not None
    tigris.write(child, "k", b"child later")
    assert tigris.read(Node(grandchild), Range("k")) == b"child"
    assert tigris.read(then.node, Range("k")) == b"parent"
    listed = {bucket.name: bucket for bucket in tigris.list_buckets()}
    assert listed[child] == made
    assert listed[grandchild] == from_head
    assert tigris.read_bucket(child) == made
    assert listed[parent].created_ns <= made.created_ns <= from_head.created_ns


def test_a_fork_name_can_be_taken_and_must_be_a_name(tigris: Store, names: Names) -> None:
    parent, other = names.new(tigris), names.new(tigris)
    then = tigris.take_snapshot(parent)
    with pytest.raises(NameTaken) as taken:
        tigris.fork(then.node, other)
    assert "is free" in taken.value.hint
    with pytest.raises(NameTaken):
        tigris.create_bucket(other)
    for name in ("a", "UPPER", "a_b", "192.168.0.1"):
        with pytest.raises(BadInput):
            tigris.fork(then.node, name)
    with pytest.raises(NotFound):
        tigris.fork(Node(parent + "-x", then.version), names.new(tigris, create=False))


def test_a_bucket_with_forks_outlives_force(tigris: Store, names: Names) -> None:
    parent, child = names.new(tigris), names.new(tigris, create=False)
    tigris.write(parent, "k", b"kept")
    tigris.fork(tigris.take_snapshot(parent).node, child)
    with pytest.raises(Conflict):
        tigris.delete_bucket(parent, force=True)
    assert tigris.read(Node(parent), Range("k")) == b"kept"
    tigris.delete_bucket(child, force=True)
    with pytest.raises(NotFound):
        tigris.read_bucket(child)


def test_deleting_a_snapshot_deletes_nothing_else(tigris: Store, names: Names) -> None:
    bucket = names.new(tigris)
    tigris.write(bucket, "k", b"v")
    first, second = tigris.take_snapshot(bucket, "first"), tigris.take_snapshot(bucket, "second")
    child = names.new(tigris, create=False)
    tigris.fork(first.node, child)
    tigris.delete_snapshot(first.node)
    assert tigris.list_snapshots(bucket) == (second,)
    assert tigris.read(Node(bucket), Range("k")) == b"v"
    assert tigris.read(Node(child), Range("k")) == b"v"
    with pytest.raises(NotFound) as gone:
        tigris.delete_snapshot(first.node)
    assert second.version in gone.value.hint
    with pytest.raises(BadInput):
        tigris.delete_snapshot(Node(bucket))


def test_180_concurrent_reads_over_versions_are_not_mixed(tigris: Store, names: Names) -> None:
    bucket = names.new(tigris)
    told: dict[Node, bytes] = {}
    for i in range(9):
        tigris.write(bucket, "k", b"%d" % i * 500)
        told[tigris.take_snapshot(bucket).node] = b"%d" % i * 500
    tigris.write(bucket, "k", b"h" * 500)
    told[Node(bucket)] = b"h" * 500
    nodes = list(told)

    def read(i: int) -> bool:
        node = nodes[i % len(nodes)]
        ways = (
            tigris.read(node, Range("k", 10, 400)),
            tigris.read_many(node, [Range("k", 10, 400)] * 2)[0],
            tigris.read_many(node, [Range("k", 10, 400)] * 8)[-1],
            tigris.read_object(node, "k")[0][10:410],
        )
        return all(data == told[node][10:410] for data in ways)

    with ThreadPoolExecutor(12) as threads:
        assert sum(threads.map(read, range(180))) == 180
