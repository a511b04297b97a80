"""Requests whose answer was lost: the second try meets what the first has done."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from explorer.errors import Conflict, NameTaken, NotFound
from explorer.lineage.address import Node
from explorer.storage import open_store
from tests.storage.scripted import LOST, Asked, Told, as_json, error, serving

SOURCE = Node("parent", "1751631910140685342")


def forked(name: str, parent: str = "parent", version: str = SOURCE.version, age_s: float = 0) -> Told:
    at = (datetime.now(UTC) - timedelta(seconds=age_s)).isoformat().replace("+00:00", "Z")
    parents = [{"BucketName": parent, "Snapshot": f"{version}; name=s", "ForkCreatedAt": at}]
    return as_json({"name": name, "created_at": at, "type": 1, "ForkInfo": {"Parents": parents}})


class Losing:
    """Loses the answers to the first `times` writes; later ones are told that it is done already."""

    def __init__(self, metadata: Told, times: int = 1, then: Told | None = None) -> None:
        self.metadata, self.left = metadata, times
        self.then = then or error(409, "BucketAlreadyOwnedByYou")

    def __call__(self, asked: Asked) -> Told | None:
        if asked.method in ("PUT", "DELETE"):
            self.left -= 1
            return LOST if self.left >= 0 else self.then
        if asked.method == "HEAD":
            return Told(200, headers={"X-Tigris-Enable-Snapshot": "true"})
        if "metadata" in asked.query:
            return self.metadata
        return as_json({"Buckets": {"Bucket": [{"Name": "parent", "Type": "Snapshot"}]}})


def fork(losing: Losing):
    with serving(losing) as script:
        store = open_store(script.endpoint, access_key="a", secret_key="b")
        try:
            return store.fork(SOURCE, "child"), script
        finally:
            store.close()


def test_a_fork_whose_answer_was_lost_is_ours():
    made, script = fork(Losing(forked("child")))
    assert (made.name, made.parent) == ("child", SOURCE)
    assert script.count("PUT", "/child") == 2


def test_a_fork_is_ours_though_every_answer_was_lost():
    made, script = fork(Losing(forked("child"), times=9))
    assert made.parent == SOURCE
    assert script.count("PUT", "/child") == 3


@pytest.mark.parametrize(
    "metadata",
    [
        forked("child", parent="other"),
        forked("child", version="1751631910140685343"),
        forked("child", age_s=3600),
        as_json({"name": "child", "type": 1}),
    ],
    ids=["other parent", "other version", "older", "no fork"],
)
def test_a_name_that_was_taken_before_stays_taken(metadata):
    with pytest.raises(NameTaken) as taken:
        fork(Losing(metadata))
    assert "`child-2` is free" in taken.value.hint


def test_a_name_taken_at_the_first_try_is_taken_even_by_a_twin():
    with pytest.raises(NameTaken):
        fork(Losing(forked("child"), times=0))


def test_a_bucket_deleted_by_a_lost_request_is_deleted():
    with serving(Losing(forked("child"), then=error(404, "NoSuchBucket"))) as script:
        store = open_store(script.endpoint, access_key="a", secret_key="b")
        store.delete_bucket("child")
        assert script.count("DELETE", "/child") == 2
        with pytest.raises(NotFound):
            store.delete_bucket("child")


def test_listings_are_asked_for_again():
    left = [2]

    def answer(asked: Asked) -> Told | None:
        left[0] -= 1
        return (LOST, error(503, "SlowDown"))[left[0]] if left[0] >= 0 else as_json({"Buckets": {}})

    with serving(answer) as script:
        assert open_store(script.endpoint, access_key="a", secret_key="b").list_buckets() == ()
        assert len(script.seen) == 3


@pytest.mark.parametrize(("stored", "ours"), [(b"me", True), (b"you", False)])
def test_a_lease_written_by_a_lost_request_is_ours(stored, ours):
    left = [1]

    def answer(asked: Asked) -> Told | None:
        if asked.method == "PUT":
            left[0] -= 1
            return LOST if left[0] >= 0 else error(412, "PreconditionFailed")
        return Told(200, stored, {"ETag": '"e"'})

    with serving(answer) as script:
        store = open_store(script.endpoint, access_key="a", secret_key="b")
        if ours:
            assert store.write("bucket", "lease", b"me", if_none_match=True).etag == "e"
        else:
            with pytest.raises(Conflict):
                store.write("bucket", "lease", b"me", if_none_match=True)
