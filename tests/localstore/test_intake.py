"""Large bodies: through blocks, by several threads, past the page cache."""

from __future__ import annotations

import errno
import hashlib
import os
import random
import zlib
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from explorer.localstore.engine import sinks as sinks_module
from explorer.localstore.engine.blobs import Blobs
from explorer.localstore.engine.engine import Engine
from explorer.localstore.engine.intake import BLOCK_BYTES, Intake, Lane
from explorer.localstore.engine.records import Attributes, Bucket, Entry
from explorer.localstore.engine.sinks import DIRECT_FROM, PAGE
from explorer.localstore.refusals import Refusal


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


def wait(work: Any) -> None:
    futures: list[Future[Any]] = list(work)
    for each in futures:
        each.exception()
    for each in futures:
        each.result()


def take_in(engine: Engine, bucket: Bucket, key: bytes, data: bytes, threads: Executor, piece: int) -> Entry:
    sink = engine.blobs.create(["CRC32"], sha256=True, expected_bytes=len(data))
    intake = Intake(sink, threads)
    try:
        try:
            for begin in range(0, len(data), piece):
                rest = memoryview(data)[begin : begin + piece]
                while rest:
                    wait(intake.unfinished)
                    rest = rest[intake.fill(rest) :]
        finally:
            wait(intake.finish())
            intake.release()
        assert sink.digests.md5 == hashlib.md5(data).digest()
        assert sink.digests.payload_sha256 == hashlib.sha256(data).hexdigest()
        assert zlib.crc32(data).to_bytes(4, "big") == sink.digests._checksums["CRC32"].digest()
        return engine.objects.put(bucket, key, sink, Attributes())
    finally:
        sink.close()


@pytest.mark.parametrize(
    "size",
    [
        1,
        DIRECT_FROM - 1,
        DIRECT_FROM,
        DIRECT_FROM + 1,
        DIRECT_FROM + PAGE - 1,
        5 * BLOCK_BYTES,
        5 * BLOCK_BYTES + 3 * PAGE,
        7 * BLOCK_BYTES + 12345,
    ],
)
def test_what_goes_in_comes_out(engine: Engine, threads: Executor, size: int) -> None:
    data = random.Random(size).randbytes(size)
    bucket = engine.buckets.create("one")
    for piece in (417_792, 3 * BLOCK_BYTES + 7):
        made = take_in(engine, bucket, b"k", data, threads, piece)
        assert made.size == size
        assert engine.blobs.path(made.blob or "").read_bytes() == data
        assert made.etag == hashlib.md5(data).hexdigest()
        engine.objects.delete(bucket, b"k")
        engine.sweep(grace_s=0)
    assert engine.check(deep=True).problems == []


def test_many_bodies_at_once_do_not_mix(engine: Engine) -> None:
    bucket = engine.buckets.create("one", snapshots_on=True)
    bodies = {b"%d" % n: random.Random(n).randbytes(DIRECT_FROM + n * 70_001) for n in range(12)}
    with ThreadPoolExecutor(4) as workers, ThreadPoolExecutor(12) as clients:
        puts = [clients.submit(take_in, engine, bucket, k, d, workers, 300_001) for k, d in bodies.items()]
        for each in puts:
            each.result()
    for key, data in bodies.items():
        found = engine.objects.find(bucket, key)
        assert found is not None
        assert engine.blobs.path(found.blob or "").read_bytes() == data


def test_a_lane_keeps_its_order_and_outlives_a_failure(threads: Executor) -> None:
    lane, did = Lane(threads), list[int]()

    def work(n: int) -> None:
        did.append(n)
        if n == 50:
            raise ValueError(n)

    futures = [lane.submit(work, n) for n in range(200)]
    assert [n for n, each in enumerate(futures) if each.exception() is not None] == [50]
    assert did == list(range(200))


@pytest.fixture
def flaky(monkeypatch: pytest.MonkeyPatch) -> Any:
    def make(name: str, number: int, *, times: int) -> None:
        real, left = getattr(os, name), iter(range(times))

        def call(*args: Any) -> Any:
            if next(left, None) is not None:
                raise OSError(number, os.strerror(number))
            return real(*args)

        monkeypatch.setattr(sinks_module.os, name, call)

    return make


def test_room_is_reserved_before_the_first_byte(engine: Engine, flaky: Any) -> None:
    flaky("posix_fallocate", errno.ENOSPC, times=1)
    with pytest.raises(Refusal, match="InsufficientStorage"):
        engine.blobs.create(expected_bytes=DIRECT_FROM)
    assert list((engine.folder / "tmp").iterdir()) == []
    engine.blobs.create(expected_bytes=DIRECT_FROM).close()


@pytest.mark.parametrize(("call", "number"), [("posix_fallocate", errno.EOPNOTSUPP), ("write", errno.EINVAL)])
def test_a_disk_that_cannot_do_it_directly_does_it_the_usual_way(
    engine: Engine, threads: Executor, flaky: Any, call: str, number: int
) -> None:
    data = random.Random(0).randbytes(DIRECT_FROM + 5)
    bucket = engine.buckets.create("one")
    flaky(call, number, times=1)
    made = take_in(engine, bucket, b"k", data, threads, 100_000)
    assert engine.blobs.path(made.blob or "").read_bytes() == data


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
def test_a_sync_that_failed_once_is_not_asked_again(
    engine: Engine, threads: Executor, flaky: Any, number: int
) -> None:
    """The kernel reports such a failure once; the sync after it would succeed, and the bytes be lost."""
    flaky("fdatasync", number, times=1)
    bucket = engine.buckets.create("one")
    with pytest.raises(Refusal, match=r"InsufficientStorage|ServiceUnavailable"):
        take_in(engine, bucket, b"k", bytes(16 * BLOCK_BYTES), threads, BLOCK_BYTES)
    assert engine.objects.find(bucket, b"k") is None
    assert list((engine.folder / "tmp").iterdir()) == []


def test_bytes_are_on_disk_before_they_have_a_name(
    engine: Engine, threads: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    did: list[tuple[str, int]] = []
    written = 0
    real_write, real_sync, real_rename = os.write, os.fdatasync, Path.rename

    def write(fd: int, data: Any) -> int:
        nonlocal written
        done = real_write(fd, data)
        written += done
        return done

    def sync(fd: int) -> None:
        covers = written
        real_sync(fd)
        did.append(("sync", covers))

    def rename(path: Path, target: Path) -> Path:
        did.append(("rename", written))
        return real_rename(path, target)

    monkeypatch.setattr(sinks_module.os, "write", write)
    monkeypatch.setattr(sinks_module.os, "fdatasync", sync)
    monkeypatch.setattr(Path, "rename", rename)
    size = 20 * BLOCK_BYTES + 1
    take_in(engine, engine.buckets.create("one"), b"k", random.Random(1).randbytes(size), threads, 417_792)
    names = [what for what, _ in did]
    assert did[-1] == ("rename", size)
    assert did[-2] == ("sync", size), "the last sync began when everything had been written"
    assert names.count("rename") == 1
    assert names.count("sync") > 1, "a large body is synced while it comes in"


def test_where_there_is_no_direct_writing_a_large_body_goes_the_usual_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "O_DIRECT")
    monkeypatch.delattr(os, "posix_fallocate")
    blobs = Blobs(tmp_path, lambda why: None)
    blobs.prepare()
    body = os.urandom(5 * 2**20 + 1)
    sink = blobs.create(expected_bytes=len(body))
    sink.write(body)
    sink.sync()
    assert sink.path.read_bytes() == body
    sink.close()
