"""What is on the disk stays what it was, or is thrown away."""

from __future__ import annotations

import os

import pytest

from explorer.errors import StoreTrouble
from explorer.lineage.values import ObjectInfo
from explorer.prefetch import Cache
from explorer.prefetch.parts import Parts, parts_path
from tests.prefetch.conftest import PART_BYTES


@pytest.fixture
def item(shelf, fetch):
    item = shelf.put("step-100/model.bin", 5 * PART_BYTES + 7)
    fetch(item)
    return item


def overwrite(path, offset, data, *, times=None):
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)
    if times is not None:
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_a_view_shows_files_at_their_keys_and_takes_no_room(shelf, cache, item, tmp_path):
    assert cache.view(tmp_path / "run", [item]) == ()
    path = tmp_path / "run/step-100/model.bin"
    assert path.read_bytes() == shelf.objects[item.key]
    assert path.stat().st_mtime_ns == item.modified_ns
    assert cache.view(tmp_path / "run", [item]) == ()
    entry = cache.entries()[0]
    assert entry.in_use == (path.stat().st_ino == cache.blob(item).stat().st_ino)


@pytest.mark.parametrize("hidden", [False, True], ids=["written", "rotten"])
def test_flipped_bytes_are_found(shelf, cache, fetch, item, tmp_path, hidden):
    """A write changes the time, and a view looks again; rot does not, and `verify` finds it."""
    blob = cache.blob(item)
    overwrite(blob, 3 * PART_BYTES + 1, b"\0\0", times=blob.stat() if hidden else None)
    if hidden:
        assert not cache.verify(item)
    else:
        assert cache.view(tmp_path / "run", [item]) == (item,)
        assert not (tmp_path / "run/step-100/model.bin").exists()
    assert not cache.has(item)
    assert fetch(item).complete
    assert cache.blob(item).read_bytes() == shelf.objects[item.key]


def test_a_touched_blob_that_is_still_itself_is_shown(cache, item, tmp_path):
    os.utime(cache.blob(item))
    assert cache.view(tmp_path / "run", [item]) == ()


def test_a_job_that_writes_into_its_view_spoils_no_other(shelf, cache, fetch, item, tmp_path):
    cache.view(tmp_path / "one", [item])
    overwrite(tmp_path / "one/step-100/model.bin", 0, b"training")
    if cache.view(tmp_path / "two", [item]):  # a link: the blob itself was written to, and dropped
        fetch(item)
        assert cache.view(tmp_path / "two", [item]) == ()
    assert (tmp_path / "two/step-100/model.bin").read_bytes() == shelf.objects[item.key]


def test_a_truncated_blob_and_a_garbled_record_are_not_trusted(cache, fetch, item, tmp_path):
    blob = cache.blob(item)
    blob.chmod(0o644)
    os.truncate(blob, 100)
    assert cache.view(tmp_path / "run", [item]) == (item,)
    assert fetch(item).complete
    parts_path(blob).write_bytes(b"garbage")
    assert cache.view(tmp_path / "run", [item]) == (item,)
    assert cache.verify_all() != () or not cache.has(item)


@pytest.mark.parametrize(
    "key", ["../up", "/etc/passwd", "a/../../up", "a//b", "dir/", ".", "x\0y", "n" * 300]
)
def test_hostile_keys_never_leave_the_view(shelf, cache, fetch, tmp_path, key):
    fetch(shelf.put("safe", 10))
    item = shelf.put("safe", 10)
    hostile = ObjectInfo(key, item.size_bytes, item.etag, 0)
    dest = tmp_path / "deep/down/run"
    assert cache.view(dest, [hostile, item]) == (hostile,)
    outside = [p for p in tmp_path.rglob("*") if p.is_file() and cache.folder not in p.parents]
    assert outside == [dest / "safe"]


def test_the_least_recently_used_goes_first_but_what_is_in_use_stays(shelf, cache, fetch, tmp_path):
    small = Cache.open(cache.folder, 10 * PART_BYTES, part_bytes=PART_BYTES)
    shown, held, old, new = items = [shelf.put(f"k{i}", 2 * PART_BYTES) for i in range(4)]
    for item in items:
        fetch(item, into=small)
    small.view(tmp_path / "run", [shown])
    for age, item in enumerate(items):
        os.utime(parts_path(small.blob(item)), ns=(0, 10**9 * age))
    lock = Parts.take(parts_path(small.blob(held)))
    linked = small.entries()[0].in_use  # where the disk clones, a view does not need the blob
    fetch(shelf.put("k4", 4 * PART_BYTES), into=small)
    lock.close()
    gone = old if linked else shown
    assert [item for item in items if not small.has(item)] == [gone]
    assert small.has(new)
    with pytest.raises(StoreTrouble, match="do not fit"):
        fetch(shelf.put("too big", 11 * PART_BYTES), into=small)


def test_clear_frees_everything_but_what_is_being_fetched(shelf, cache, fetch, item):
    other = shelf.put("other", 10)
    fetch(other)
    with_lock = Parts.take(parts_path(cache.blob(other)))
    assert cache.clear() >= 5 * PART_BYTES
    assert (cache.has(item), cache.has(other)) == (False, True)
    with_lock.close()
    cache.clear()
    assert [path for path in cache.folder.rglob("*") if path.is_file()] == []
