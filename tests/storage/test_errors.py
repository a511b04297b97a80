"""Every refusal names what to do."""

from __future__ import annotations

import socket

import pytest

from explorer.errors import (
    BadInput,
    Conflict,
    NameTaken,
    NotAllowed,
    NotFound,
    SnapshotsOff,
    StoreTrouble,
    Unreachable,
)
from explorer.lineage.address import Node
from explorer.lineage.values import Range
from explorer.storage import open_store
from tests.storage.scripted import LOST, Told, error, serving

NODE = Node("bucket", "1751631910140685342")


def reads(store):
    return {
        "boto3": lambda: store.read(NODE, Range("k", 0, 1)),
        "obstore": lambda: store.read_many(NODE, [Range("k", 0, 1)] * 9),
        "tigris": lambda: store.probe(),
        "list": lambda: store.list_objects(NODE),
    }


@pytest.mark.parametrize("way", ["boto3", "obstore", "tigris", "list"])
@pytest.mark.parametrize(
    ("answer", "kind", "says"),
    [
        (error(403, "AccessDenied", "Access Denied"), NotAllowed, "the keys given for 127.0.0.1"),
        (error(403, "InvalidAccessKeyId", "no such key"), NotAllowed, "the keys given"),
        (error(403, "RequestTimeTooSkewed"), NotAllowed, "clock"),
        (error(400, "AuthorizationHeaderMalformed", "expecting 'us-east-1'"), BadInput, "region"),
        (error(400, "InvalidArgument", "odd"), BadInput, "check"),
        (error(507, "InsufficientStorage", "disk full"), StoreTrouble, "free"),
        (error(503, "SlowDown"), Unreachable, "endpoint"),
        (error(409, "OperationAborted"), Conflict, "again"),
        (LOST, Unreachable, "endpoint"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_refusals_become_ours_whichever_library_met_them(way, answer, kind, says):
    with serving(lambda asked: answer) as script:
        store = open_store(script.endpoint, access_key="a", secret_key="b")
        with pytest.raises(kind) as refused:
            reads(store)[way]()
        assert says in refused.value.hint
        store.close()


def test_a_server_that_is_no_store_is_told_apart():
    nginx = Told(404, b"<html>nginx</html>")
    with serving(lambda asked: nginx) as script, pytest.raises(NotFound, match="not as an S3 store"):
        open_store(script.endpoint, access_key="a", secret_key="b").probe()


@pytest.mark.parametrize("way", ["boto3", "obstore", "tigris", "list"])
def test_a_dead_endpoint_is_named(way):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    store = open_store(f"http://127.0.0.1:{port}", access_key="a", secret_key="b")
    with pytest.raises(Unreachable, match=f"127.0.0.1:{port}") as dead:
        reads(store)[way]()
    assert "local store" in dead.value.hint


@pytest.mark.parametrize(
    ("answer", "kind", "says"),
    [
        (error(409, "BucketAlreadyExists"), NameTaken, "`run-4` is free"),
        (
            error(400, "InvalidRequest", "Source bucket must be of snapshot type"),
            SnapshotsOff,
            "enable-snapshots",
        ),
        (error(404, "NoSuchBucket"), NotFound, "explorer tree"),
        (error(404, "NoSuchSnapshot"), NotFound, "explorer snapshots list bucket"),
    ],
    ids=["taken", "off", "no bucket", "no snapshot"],
)
def test_refused_forks(answer, kind, says):
    def told(asked):
        return answer if asked.method == "PUT" else Told(200, headers={"X-Tigris-Enable-Snapshot": "true"})

    with serving(told) as script:
        store = open_store(script.endpoint, access_key="a", secret_key="b")
        with pytest.raises(kind) as refused:
            store.fork(NODE, "run-3")
        assert says in refused.value.hint


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (error(409, "BucketNotEmpty", "The bucket you tried to delete is not empty"), "--force"),
        (error(409, "BucketNotEmpty", "forked buckets depend on it"), "forks first"),
    ],
)
def test_buckets_that_cannot_be_deleted(answer, says):
    with serving(lambda asked: answer) as script, pytest.raises(Conflict) as refused:
        open_store(script.endpoint, access_key="a", secret_key="b").delete_bucket("bucket")
    assert says in refused.value.hint
