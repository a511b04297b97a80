from __future__ import annotations

import os
import threading
import time

from explorer.localstore.engine.engine import Engine
from explorer.localstore.engine.records import Attributes
from tests.localstore.conftest import put_bytes


def test_what_a_fork_sees_of_a_deleted_key_is_kept(engine: Engine) -> None:
    bucket = engine.buckets.create("one", snapshots_on=True)
    made = put_bytes(engine, bucket, b"k", b"data")
    fork = engine.buckets.fork("one", "two")
    engine.objects.delete(bucket, b"k")
    engine.sweep(grace_s=0, history_days=0)
    found = engine.objects.find(fork, b"k")
    assert found is not None
    assert found.blob == made.blob
    assert engine.check(deep=True).problems == []
    assert engine.blobs.path(made.blob or "").read_bytes() == b"data"


def test_a_deleted_bucket_goes_and_shared_bytes_stay(engine: Engine) -> None:
    one, two = (engine.buckets.create(name, snapshots_on=True) for name in ("one", "two"))
    put_bytes(engine, one, b"k", b"shared")
    put_bytes(engine, two, b"k", b"shared")
    alone = put_bytes(engine, two, b"alone", b"not shared")
    engine.buckets.delete("two", force=True)
    would = engine.sweep(dry_run=True, grace_s=0)
    assert (would.buckets, would.versions, would.blobs, would.bytes) == (1, 2, 1, 10)
    done = engine.sweep(grace_s=0)
    assert (done.buckets, done.versions, done.blobs, done.bytes) == (1, 2, 1, 10)
    assert not engine.blobs.path(alone.blob or "").exists()
    found = engine.check(deep=True)
    assert (found.problems, found.blobs, found.orphans) == ([], 1, 0)


def test_grace_spares_what_is_young(engine: Engine) -> None:
    bucket = engine.buckets.create("one")
    put_bytes(engine, bucket, b"k", b"1")
    put_bytes(engine, bucket, b"k", b"2")
    assert engine.sweep().blobs == 0
    assert engine.sweep(grace_s=0).blobs == 1


def test_history_that_nothing_pins_is_forgotten(engine: Engine) -> None:
    bucket = engine.buckets.create("one", snapshots_on=True)
    for n in range(4):
        put_bytes(engine, bucket, b"k", str(n).encode())
        if n == 1:
            snapshot = engine.buckets.snapshot("one")
    assert engine.sweep(grace_s=0).versions == 0
    assert engine.sweep(dry_run=True, grace_s=0, history_days=0).versions == 2
    assert engine.sweep(grace_s=0, history_days=0).versions == 2
    pinned = engine.objects.find(bucket, b"k", at=snapshot.ts)
    assert pinned is not None
    assert engine.blobs.path(pinned.blob or "").read_bytes() == b"1"
    assert engine.check(deep=True).problems == []


def test_a_reader_that_found_a_swept_blob_can_still_open_it(engine: Engine) -> None:
    bucket = engine.buckets.create("one")
    made = put_bytes(engine, bucket, b"k", b"data")
    engine.objects.delete(bucket, b"k")
    engine.ledger.write(lambda tx: tx.execute("UPDATE blob SET created_ns=0") and None)
    os.utime(engine.blobs.path(made.blob or ""), (0, 0))
    engine.sweep(grace_s=60)
    fd = engine.blobs.open(made.blob or "")
    assert os.read(fd, 10) == b"data"
    os.close(fd)


def test_a_writer_that_counts_on_a_blob_as_it_is_swept_writes_it_again(engine: Engine) -> None:
    bucket = engine.buckets.create("one")
    made = put_bytes(engine, bucket, b"k", b"data")
    sink = engine.blobs.create()
    sink.write(b"data")
    engine.objects.delete(bucket, b"k")
    real, done = engine.ledger.write, threading.Event()

    def sweep_first(job):
        if not done.is_set():
            done.set()
            engine.sweep(grace_s=0)
            with engine.blobs.held_still():
                real(lambda tx: tx.execute("DELETE FROM blob") and None)
        return real(job)

    engine.ledger.write = sweep_first  # the sweep lands between the writer's look and its commit
    engine.objects.put(bucket, b"again", sink, Attributes())
    sink.close()
    engine.ledger.write = real
    assert engine.check(deep=True).problems == []
    assert engine.blobs.path(made.blob or "").read_bytes() == b"data"


def test_sweeping_beside_writers_takes_nothing_that_lives(engine: Engine) -> None:
    bucket = engine.buckets.create("one")
    end = time.monotonic() + 2

    def write(who: int) -> None:
        n = 0
        while time.monotonic() < end:
            put_bytes(engine, bucket, f"{who}-{n % 3}".encode(), str(n % 5).encode())
            n += 1

    writers = [threading.Thread(target=write, args=(who,)) for who in range(4)]
    for writer in writers:
        writer.start()
    while time.monotonic() < end:
        engine.sweep(grace_s=0)
    for writer in writers:
        writer.join()
    assert engine.check(deep=True).problems == []


def test_stale_uploads_and_their_parts_go(engine: Engine) -> None:
    bucket = engine.buckets.create("one")
    id_ = engine.uploads.begin(bucket, b"k", Attributes(), None, "FULL_OBJECT")
    upload = engine.uploads.get(bucket, b"k", id_)
    sink = engine.blobs.create()
    sink.write(b"part")
    engine.uploads.add_part(upload, 1, sink)
    sink.close()
    assert engine.sweep(grace_s=0).uploads == 0
    engine.ledger.write(lambda tx: tx.execute("UPDATE upload SET started_ns=0") and None)
    engine.ledger.write(lambda tx: tx.execute("UPDATE part SET written_ns=0") and None)
    done = engine.sweep(grace_s=0)
    assert (done.uploads, done.blobs) == (1, 1)


def test_what_lives_does_not_hold_up_the_writers(engine: Engine) -> None:
    """Looking for what is dead is a reader's work: the writer's does not grow with what is kept."""

    def steps_of_the_writer() -> int:
        steps = 0

        def count() -> int:
            nonlocal steps
            steps += 1
            return 0

        engine.ledger._writer_connection.set_progress_handler(count, 20)
        engine.sweep(grace_s=0)
        engine.ledger._writer_connection.set_progress_handler(None, 0)
        return steps

    bucket = engine.buckets.create("one", snapshots_on=True)
    for n in range(20):
        put_bytes(engine, bucket, b"%d" % n, b"kept %d" % n)
    few = steps_of_the_writer()
    for n in range(20, 600):
        put_bytes(engine, bucket, b"%d" % n, b"kept %d" % n)
    assert steps_of_the_writer() <= few + 2


def test_parts_that_no_version_names_go(engine: Engine) -> None:
    bucket = engine.buckets.create("one", snapshots_on=True)
    id_ = engine.uploads.begin(bucket, b"k", Attributes(), None, "COMPOSITE")
    upload = engine.uploads.get(bucket, b"k", id_)
    sink = engine.blobs.create()
    sink.write(b"part")
    part = engine.uploads.add_part(upload, 1, sink)
    sink.close()
    made = engine.uploads.complete(bucket, b"k", id_, [(1, part.etag)])
    assert engine.sweep(grace_s=0).blobs == 0
    engine.objects.delete_version(bucket, b"k", made.ts)
    done = engine.sweep(grace_s=0, trash_s=0)
    assert (done.blobs, done.bytes, done.files) == (1, 4, 1)
    (left,) = engine.ledger.read().execute("SELECT count(*) FROM segment").fetchone()
    assert left == 0
    assert engine.check(deep=True).problems == []
