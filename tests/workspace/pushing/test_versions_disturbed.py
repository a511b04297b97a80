"""Somebody writes here or over there while versions are pushed, or the push is killed under way."""

from __future__ import annotations

import random
import threading
from pathlib import Path

import pytest

from explorer.errors import Conflict
from explorer.storage import Store
from explorer.workspace.pushing.push import Push
from explorer.workspace.pushing.record import PushMap
from explorer.workspace.pushing.report import PushProgress
from tests.workspace.pushing.histories import (
    Past,
    check_histories,
    client_of,
    histories,
    history,
    push,
)
from tests.workspace.pushing.lineages import check_equal
from tests.workspace.pushing.mortal import Killed, MortalMap


def test_a_big_version_on_its_way_at_a_kill_arrives_once(
    past: Past, target: Store, target_folder: Path, tmp_path: Path
) -> None:
    """Of several parts: its ETag over there is another one than here."""
    past.store.write(past.buckets[0], "runs/r/run.json", b'{"bucket": "%s"}' % past.buckets[0].encode())
    for seed in (1, 2):
        path = tmp_path / "big"
        path.write_bytes(random.Random(seed).randbytes(17 << 20))
        upload = past.client.create_multipart_upload(Bucket=past.buckets[0], Key="k")["UploadId"]
        parts = []
        for number, data in enumerate((path.read_bytes()[: 9 << 20], path.read_bytes()[9 << 20 :]), 1):
            which = {"Bucket": past.buckets[0], "Key": "k", "UploadId": upload}
            etag = past.client.upload_part(**which, PartNumber=number, Body=data)["ETag"]
            parts.append({"PartNumber": number, "ETag": etag})
        past.client.complete_multipart_upload(**which, MultipartUpload={"Parts": parts})
    (path,) = (tmp_path / "map.jsonl",)
    ends = 0
    for _ in range(30):
        record = MortalMap(path, 2 if ends % 2 else 1, before=ends % 3 != 2)
        try:
            report = Push(past.store, target, record, prefix="p-").run(past.buckets)
            break
        except Killed:
            ends += 1
        finally:
            record.close()
    assert ends >= 4
    assert histories(report) == {"equal"}
    there = history(client_of(target_folder), "p-" + past.buckets[0])
    assert [body for body, _ in there["k"]] == [b for b, _ in history(past.client, past.buckets[0])["k"]]
    assert [body for body, _ in there["runs/r/run.json"]] == [
        b'{\n "bucket": "p-%s"\n}' % past.buckets[0].encode()
    ]


@pytest.mark.parametrize("seed", [1, 2])
def test_a_writer_at_work_here_loses_nothing_over_there(
    past: Past, target: Store, target_folder: Path, tmp_path: Path, seed: int
) -> None:
    """Writes, deletions, tags and snapshots go on while it is pushed, again and again."""
    chance, done = random.Random(seed), threading.Event()
    past.put(0, "k0", b"first", 0)
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for n in range(150):
                key = f"k{chance.randrange(4)}"
                verb = chance.choice(["put", "put", "put", "delete", "tag", "snapshot"])
                if verb == "put":
                    past.put(0, key, b"%d" % chance.randrange(3), chance.randrange(3))
                elif verb == "tag":
                    past.tag(0, key, n)
                else:
                    getattr(past, verb)(0, *([key] if verb == "delete" else []))
        except BaseException as error:
            failures.append(error)
        finally:
            done.set()

    writer = threading.Thread(target=work)
    writer.start()
    pushes = 0
    try:
        while not done.is_set():
            report = push(past, target, tmp_path)
            pushes += 1
            assert histories(report) == {"equal"}
    finally:
        writer.join()
    assert not failures
    assert pushes > 1
    report = push(past, target, tmp_path)
    check_equal(past.store, target, report)
    check_histories(past, target, target_folder)
    assert histories(report) == {"equal"}


@pytest.mark.parametrize("meddle", ["put", "delete"])
def test_a_foreign_write_in_the_middle_of_a_push_is_left_alone(
    past: Past, target: Store, target_folder: Path, tmp_path: Path, meddle: str
) -> None:
    name = past.buckets[0]
    past.put(0, "k", b"1", 0)
    push(past, target, tmp_path)
    past.put(0, "k", b"2", 0)
    past.snapshot(0)
    theirs = client_of(target_folder)

    def at(progress: PushProgress) -> None:
        if progress.doing.startswith("sending") and not progress.done_objects:
            if meddle == "put":
                theirs.put_object(Bucket=name, Key="k", Body=b"theirs")
            else:
                theirs.delete_object(Bucket=name, Key="k")

    with pytest.raises(Conflict, match="somebody else"):
        push(past, target, tmp_path, on_progress=at)
    there = [body for body, _ in history(theirs, name)["k"]]
    assert there[-1] == (b"theirs" if meddle == "put" else None)
    assert b"2" not in there


@pytest.mark.parametrize(
    ("body", "sent"), [(b"theirs", False), (b"2", False), (b"theirs", True), (b"2", True)]
)
def test_a_foreign_write_to_what_was_on_its_way_at_a_kill_is_left_alone(
    past: Past, target: Store, target_folder: Path, tmp_path: Path, body: bytes, sent: bool
) -> None:
    """Also where it has the bytes of a version that was to come later."""
    name, theirs = past.buckets[0], client_of(target_folder)
    for each in (b"1", b"2"):
        past.put(0, "k", each, 0)
    path = tmp_path / "map.jsonl"
    # the bucket's making is two lines, the place the third; in the second try the put is done, and not noted
    for left, before in [(3, False), (2, True)] if sent else [(3, False)]:
        record = MortalMap(path, left, before=before)
        with pytest.raises(Killed):
            Push(past.store, target, record).run(past.buckets)
        record.close()
    there = [b for b, _ in history(theirs, name).get("k", [])]
    assert there == ([b"1"] if sent else [])
    theirs.put_object(Bucket=name, Key="k", Body=body)
    record = PushMap(path)
    with pytest.raises(Conflict, match="somebody else"):
        Push(past.store, target, record).run(past.buckets)
    record.close()
    assert [b for b, _ in history(theirs, name)["k"]] == [*there, body]
