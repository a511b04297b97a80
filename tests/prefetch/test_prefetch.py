"""Fetching: whole, once, and safely through every kind of end."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from explorer.errors import BadInput, Conflict, NotFound, StoreTrouble, Unreachable
from explorer.lineage.address import Node
from explorer.lineage.values import ObjectInfo, Progress
from explorer.prefetch import Cache, Prefetcher
from explorer.storage import open_store
from tests.prefetch.conftest import NODE, PART_BYTES

CHILD = Path(__file__).with_name("child.py")
BIG = 9 * PART_BYTES + 123


def start_child(shelf, folder: Path, item: ObjectInfo) -> subprocess.Popen[str]:
    argv = [
        sys.executable,
        str(CHILD),
        shelf.endpoint,
        str(folder),
        item.key,
        str(item.size_bytes),
        item.etag,
    ]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def until(condition, timeout_s=20):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def test_objects_arrive_whole(shelf, cache, fetch):
    items = [shelf.put("a", BIG), shelf.put("b/c", 5), shelf.put("empty", 0), shelf.put("part", PART_BYTES)]
    assert fetch(*items) == Progress(sum(i.size_bytes for i in items), sum(i.size_bytes for i in items))
    for item in items:
        assert cache.blob(item).read_bytes() == shelf.objects[item.key]
        assert cache.blob(item).stat().st_mode & 0o777 == 0o444
    assert cache.folder.stat().st_mode & 0o777 == 0o700
    assert shelf.served == 10 + 1 + 1
    assert all(asked.headers["if-match"] for asked in shelf.script.seen)
    assert fetch(*items).complete
    assert shelf.served == 12


def test_what_a_fork_inherited_is_cached_already(shelf, cache, fetch):
    item = shelf.put("a", 1000)
    fetch(item)
    moved = ObjectInfo("other/name", item.size_bytes, item.etag, item.modified_ns + 99 * 10**9)
    assert cache.has(moved)
    assert fetch(moved, node=Node("fork", "1751631910140685999")).complete
    assert shelf.served == 1
    assert not Cache.open(cache.folder, 2**30, "another store").has(item)


def test_heads_are_not_prefetched(shelf, fetch):
    with pytest.raises(BadInput):
        fetch(shelf.put("a", 10), node=Node("bucket"))
    assert shelf.served == 0


def test_killed_and_started_again_it_fetches_the_rest(shelf, cache, fetch):
    item = shelf.put("big", 24 * PART_BYTES)
    shelf.gate.clear()
    shelf.free_answers = 14
    child = start_child(shelf, cache.folder, item)
    until(lambda: cache.done_bytes(item) >= 4 * PART_BYTES)
    until(lambda: shelf.served >= 14)
    child.kill()
    assert child.wait() == -9
    kept = cache.done_bytes(item)
    assert not cache.has(item)
    shelf.gate.set()
    shelf.free_answers = 10**9
    before = shelf.served
    assert fetch(item).complete
    assert shelf.served - before == 24 - kept // PART_BYTES <= 20
    assert cache.blob(item).read_bytes() == shelf.objects["big"]
    assert cache.verify(item)


def test_two_processes_fetch_one_object_once(shelf, cache, fetch):
    item = shelf.put("big", BIG)
    shelf.gate.clear()
    shelf.free_answers = 2
    child = start_child(shelf, cache.folder, item)
    until(lambda: shelf.served >= 2)
    ours = threading.Thread(target=fetch, args=(item,))
    ours.start()
    shelf.free_answers = 10**9
    shelf.gate.set()
    out, err = child.communicate(timeout=30)
    ours.join()
    assert (out.split(), err) == ([str(BIG), "True"], "")
    assert shelf.served == 10
    assert cache.verify(item)


def test_the_work_of_a_process_that_died_is_taken_over(shelf, cache, fetch):
    item = shelf.put("big", 3 * PART_BYTES)
    shelf.gate.clear()
    shelf.free_answers = 0
    child = start_child(shelf, cache.folder, item)
    until(lambda: shelf.served >= 3)
    told = []
    ours = threading.Thread(target=lambda: told.append(fetch(item)))
    ours.start()
    time.sleep(0.3)
    assert shelf.served == 3
    child.kill()
    child.wait()
    shelf.free_answers = 10**9
    shelf.gate.set()
    ours.join()
    assert told[0].complete


def test_cancelled_it_keeps_what_is_here(shelf, store, cache):
    item = shelf.put("big", 20 * PART_BYTES)
    cancel = threading.Event()
    seen = []

    def moved(progress: Progress) -> None:
        seen.append(progress)
        if progress.done_bytes:
            cancel.set()

    progress = Prefetcher(store, cache).prefetch(NODE, [item], moved, cancel)
    assert progress.done_bytes > 0
    assert not progress.active
    assert progress.done_bytes == cache.done_bytes(item)
    assert all(p.active for p in seen[:-1])
    assert [p.done_bytes for p in seen[:-1]] == sorted(p.done_bytes for p in seen[:-1])


@pytest.mark.parametrize("change", ["overwritten", "grown"])
def test_an_object_changed_under_us_is_a_conflict_and_leaves_nothing_wrong(shelf, cache, fetch, change):
    item = shelf.put("big", 6 * PART_BYTES)
    other = shelf.put("other", 10)
    if change == "overwritten":
        shelf.put("big", 6 * PART_BYTES, seed=2)
    else:
        item = ObjectInfo("big", item.size_bytes - 1, item.etag, item.modified_ns)
    with pytest.raises(Conflict):
        fetch(other, item)
    assert not cache.has(item)
    assert cache.done_bytes(item) == 0
    now = shelf.put("big", 6 * PART_BYTES, seed=2)
    assert fetch(other, now).complete
    assert cache.blob(now).read_bytes() == shelf.objects["big"]


def test_a_missing_object_and_a_silent_store_keep_the_rest(shelf, store, cache, fetch, tmp_path):
    here, gone = shelf.put("here", 200 * PART_BYTES), ObjectInfo("gone", 10, "e", 0)
    with pytest.raises(NotFound):
        fetch(gone, here)
    dead = Prefetcher(open_store("http://127.0.0.1:9", access_key="a", secret_key="b"), cache)
    kept = cache.done_bytes(here)
    assert not cache.has(here)
    with pytest.raises(Unreachable):
        dead.prefetch(NODE, [here], lambda _: None, threading.Event())
    assert cache.done_bytes(here) == kept
    assert fetch(here).complete
    assert cache.verify(here)


def test_a_full_disk_is_told_before_the_first_byte(shelf, store, fetch, tmp_path):
    huge = ObjectInfo("huge", 2**60, "e", 0)
    cache = Cache.open(tmp_path / "huge", 2**62)
    with pytest.raises(StoreTrouble, match="no room") as full:
        fetch(huge, into=cache)
    assert "explorer cache clear" in full.value.hint
    assert shelf.served == 0
    assert cache.entries() == ()


def test_a_disk_that_fills_up_meanwhile_leaves_no_half_blob(shelf, store, tmp_path, monkeypatch):
    item = shelf.put("big", 4 * PART_BYTES)
    cache = Cache.open(tmp_path / "cache", 2**30, part_bytes=PART_BYTES)

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    with pytest.raises(StoreTrouble, match="no room"):
        Prefetcher(store, cache).prefetch(NODE, [item], lambda _: None, threading.Event())
    assert shelf.served == 0
    assert [path for path in cache.folder.rglob("*") if path.is_file()] == []
    monkeypatch.undo()
    assert Prefetcher(store, cache).prefetch(NODE, [item], lambda _: None, threading.Event()).complete
