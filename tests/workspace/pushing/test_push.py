"""A lineage pushed from one local store to another: equal, in order, nothing twice."""

from __future__ import annotations

import json
import time
from email.header import decode_header, make_header
from pathlib import Path

import pytest

from explorer.errors import Conflict, NotFound
from explorer.lineage.address import Node
from explorer.localstore import ensure_running, stop
from explorer.storage import Store
from explorer.workspace.pushing.push import Push
from explorer.workspace.pushing.record import PushMap
from explorer.workspace.pushing.report import PushProgress
from tests.localstore.wire import send
from tests.workspace.pushing.lineages import BIG, LABELS, check_equal, opened, pushed


def test_everything_arrives_as_it_was_and_nothing_twice(source: Store, target: Store, tmp_path: Path) -> None:
    record = PushMap.open(tmp_path, "local", "http://other")
    told: list[PushProgress] = []
    report = Push(source, target, record, on_progress=told.append).run()
    again = Push(source, target, record).run()
    record.close()
    check_equal(source, target, report)
    assert {b.bucket for b in report.buckets} == {b.name for b in source.list_buckets()}
    # forks send what they changed: the big file of the parent travels once
    assert len(BIG) <= report.sent_bytes == told[-1].done_bytes == told[-1].total_bytes < len(BIG) + 5000
    assert target.read_object(Node("big-fork"), "model")[0] == BIG
    for item in target.list_objects(Node("big-fork")):
        if item.key in ("model", "small"):
            assert target.read_labels(Node("big-fork"), item) == LABELS
    assert report.verified == 5 + 6
    assert (again.objects, again.snapshots, again.verified) == (0, 0, 11)
    note = json.loads(target.read_object(Node("base"), ".explorer/push.json")[0])
    assert note["versions"] == dict(next(b for b in report.buckets if b.bucket == "base").versions)


def test_a_prefix_renames_the_buckets_and_what_refers_to_them(
    source: Store, target: Store, tmp_path: Path
) -> None:
    report = pushed(source, target, tmp_path, prefix="team-")
    check_equal(source, target, report, "team-")
    versions = {b.bucket: dict(b.versions) for b in report.buckets}
    parent = next(b for b in source.list_buckets() if b.name == "fork").parent
    assert parent is not None
    note = json.loads(target.read_object(Node("team-fork"), ".explorer/fork.json")[0])
    assert note["bucket"] == "team-fork"
    assert note["parent"] == {"bucket": "team-base", "version": versions["base"][parent.version or ""]}
    assert note["overrides"] == {"lr": 3e-5}


def test_one_fork_comes_with_its_ancestors_and_no_siblings(
    source: Store, target: Store, tmp_path: Path
) -> None:
    report = pushed(source, target, tmp_path, "grandchild")
    assert [b.bucket for b in report.buckets] == ["base", "fork", "grandchild"]
    check_equal(source, target, report)
    # the sibling's cut is older than what was pushed; it is there all the same
    check_equal(source, target, pushed(source, target, tmp_path, "from-a-cut"))
    with pytest.raises(NotFound, match="grandchidl") as caught:
        pushed(source, target, tmp_path, "grandchidl")
    assert "grandchild" in caught.value.hint


def test_later_only_what_is_new_is_sent(target: Store, tmp_path: Path) -> None:
    folder = tmp_path / "own"
    source = opened(folder)
    try:
        source.create_bucket("base")
        source.write("base", "a", b"a" * 1000)
        source.take_snapshot("base", "step-1")
        source.write("base", "was only at the head", b"h")
        pushed(source, target, tmp_path, "base")
        source.delete_object("base", "was only at the head")
        source.write("base", "b", b"b" * 10)
        second = source.take_snapshot("base", "step-2")
        source.fork(second.node, "fork")
        report = pushed(source, target, tmp_path, "fork")
        assert (report.objects, report.snapshots, report.sent_bytes) == (1, 1, 10)
        check_equal(source, target, report)
        source.delete_bucket("fork", force=True)
        time.sleep(1.1)  # creation times of buckets are told in whole seconds
        source.create_bucket("fork")
        with pytest.raises(Conflict, match="made anew"):
            pushed(source, target, tmp_path, "fork")
    finally:
        source.close()
        stop(folder)


def test_tags_and_what_is_not_ascii_arrive_too(target: Store, tmp_path: Path) -> None:
    """Written by another client: tigris-boto3-ext and botocore would not."""
    folder = tmp_path / "own"
    source = opened(folder)
    try:
        running = ensure_running(folder)
        source.create_bucket("words")
        headers = {
            "x-amz-meta-name": "Größe",
            "x-amz-tagging": "team=a%20b&none=",
            "content-disposition": "attachment; filename=ü",
        }
        assert send(running, "PUT", "/words/k", b"x", headers).status == 200
        for name in ("Größe 1", "größer", "100% x"):
            taken = send(running, "PUT", "/words", headers={"x-tigris-snapshot": f"true; name={name}"})
            assert taken.status == 200
        named = [s.name for s in source.list_snapshots("words")]
        assert named == ["Größe 1", "größer", "100% x"]
        report = pushed(source, target, tmp_path, "words")
        assert pushed(source, target, tmp_path, "words").snapshots == 0
    finally:
        source.close()
        stop(folder)
    (there,) = report.buckets
    names = [s.name for s in target.list_snapshots("words")]
    assert names == ["Gr%C3%B6%C3%9Fe 1", "gr%C3%B6%C3%9Fer", "100% x"]
    for node in (Node("words"), Node("words", there.versions[0][1])):
        (item,) = (o for o in target.list_objects(node) if o.key == "k")
        labels = target.read_labels(node, item)
        assert labels.metadata == {"name": "=?UTF-8?B?R3LDtsOfZQ==?="}
        assert str(make_header(decode_header(labels.metadata["name"]))) == "Größe"
        assert labels.tags == {"team": "a b", "none": ""}
        assert labels.headers["ContentDisposition"] == "attachment; filename=ü".encode().decode("latin-1")
