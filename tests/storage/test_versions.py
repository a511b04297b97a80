"""What objects were: listed, read by version id, copied, deleted under a condition."""

from __future__ import annotations

import pytest

from explorer.errors import Conflict, NotFound
from explorer.lineage.address import Node, version_order
from explorer.storage import Store
from explorer.storage.labels import Labels
from tests.storage.conftest import Names

SAID = Labels({"ContentType": "text/x-model"}, {"run": "r1"}, {"team": "a b"})


def test_every_version_is_listed_and_read_as_it_was(tigris: Store, names: Names) -> None:
    bucket = names.new(tigris)
    tigris.write(bucket, "k", b"first", labels=SAID)
    tigris.write(bucket, "k", b"second")
    tigris.delete_object(bucket, "k")
    tigris.write(bucket, "k/ü +", b"x")
    found = list(tigris.list_versions(bucket))
    assert [(v.key, v.item and v.item.size_bytes) for v in found] == [
        ("k", None),
        ("k", 6),
        ("k", 5),
        ("k/ü +", 1),
    ]
    assert len({v.version for v in found}) == 4
    ids = [version_order(v.version) for v in found[:3]]
    assert ids == sorted(ids, reverse=True)
    first = found[2]
    data, item, labels = tigris.read_version(bucket, "k", first.version)
    assert (data, labels) == (b"first", SAID)
    assert first.item is not None
    assert (item.etag, item.size_bytes) == (first.item.etag, 5)
    assert tigris.read_version_labels(bucket, "k", first.version) == SAID
    assert tigris.read_version_part(bucket, "k", first.version, 1, 3) == b"irs"
    with pytest.raises(Conflict):
        tigris.read_version_part(bucket, "k", first.version, 3, 3)
    for ask in (tigris.read_version, tigris.read_version_labels):
        with pytest.raises(NotFound):
            ask(bucket, "k", str(int(first.version) + 1))


def test_pages_of_versions_lose_none(tigris: Store, names: Names) -> None:
    bucket = names.new(tigris)
    for n in range(700):
        tigris.write(bucket, "hot", b"")
        if n % 2:
            tigris.delete_object(bucket, "hot")
    found = list(tigris.list_versions(bucket))
    assert len(found) == len({v.version for v in found}) == 1050
    assert sum(v.item is None for v in found) == 350
    ids = [version_order(v.version) for v in found]
    assert ids == sorted(ids, reverse=True)


def test_versions_of_a_bucket_that_is_not_there(tigris: Store, names: Names) -> None:
    with pytest.raises(NotFound):
        list(tigris.list_versions(names.new(tigris, create=False)))


def test_a_copy_is_pinned_and_says_what_it_is_told_to(store: Store, names: Names) -> None:
    bucket, other = names.new(store), names.new(store)
    item = store.write(bucket, "a/ü +", b"bytes", labels=SAID)
    said = Labels({"ContentType": "text/y"}, {"later": "1"}, {"t": "2"})
    made = store.copy(Node(bucket), item, other, "b", labels=said)
    assert (made.key, made.etag, made.size_bytes) == ("b", item.etag, 5)
    assert store.read_object(Node(other), "b")[0] == b"bytes"
    assert store.read_labels(Node(other), made) == said
    made = store.copy(Node(bucket), item, bucket, item.key, labels=said)
    assert store.read_labels(Node(bucket), made) == said
    kept = store.copy(Node(bucket), item, other, "c")
    assert store.read_labels(Node(other), kept) == said
    store.write(bucket, item.key, b"other bytes")
    with pytest.raises(Conflict):
        store.copy(Node(bucket), item, other, "b", labels=said)
    store.delete_object(bucket, item.key)
    with pytest.raises(NotFound):
        store.copy(Node(bucket), item, other, "b", labels=said)


def test_a_deletion_can_be_made_to_depend_on_what_is_there(tigris: Store, names: Names) -> None:
    bucket = names.new(tigris)
    old = tigris.write(bucket, "k", b"old")
    new = tigris.write(bucket, "k", b"new")
    with pytest.raises(Conflict):
        tigris.delete_object(bucket, "k", if_match=old.etag)
    assert tigris.read_object(Node(bucket), "k")[0] == b"new"
    tigris.delete_object(bucket, "k", if_match=new.etag)
    assert tigris.list_objects(Node(bucket)) == ()
