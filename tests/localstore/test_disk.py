"""Disks that are full, fail, or are not asked in the right order."""

from __future__ import annotations

import errno
import os
import resource
from pathlib import Path
from typing import Any

import pytest

from explorer.localstore.engine import blobs as blobs_module
from explorer.localstore.engine.engine import Engine
from explorer.localstore.engine.records import Attributes
from explorer.localstore.refusals import Refusal
from tests.localstore.conftest import put_bytes


def failing(number: int) -> Any:
    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


def test_a_full_disk_refuses_cleanly_and_deletes_still_work(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = engine.buckets.create("one", snapshots_on=True)
    put_bytes(engine, bucket, b"k", b"data")
    with monkeypatch.context() as patch:
        patch.setattr(blobs_module.os, "write", failing(errno.ENOSPC))
        with pytest.raises(Refusal, match="InsufficientStorage"):
            put_bytes(engine, bucket, b"k2", b"more")
    assert list((engine.folder / "tmp").iterdir()) == []
    assert engine.objects.find(bucket, b"k2") is None
    engine.objects.delete(bucket, b"k")
    put_bytes(engine, bucket, b"k2", b"more")
    assert engine.check(deep=True).problems == []


def test_a_full_database_refuses_cleanly_and_recovers(engine: Engine) -> None:
    bucket = engine.buckets.create("one", snapshots_on=True)
    writer = engine.ledger._writer_connection
    (pages,) = writer.execute("PRAGMA page_count").fetchone()
    writer.execute(f"PRAGMA max_page_count={pages + 2}")

    def fill() -> None:
        for n in range(1000):
            put_bytes(engine, bucket, f"{n}-{'x' * 500}".encode(), b"data")

    with pytest.raises(Refusal, match="InsufficientStorage"):
        fill()
    writer.execute("PRAGMA max_page_count=1000000")
    put_bytes(engine, bucket, b"k", b"data")
    assert engine.check(deep=True).problems == []


def test_no_room_is_seen_before_the_body(engine: Engine) -> None:
    with pytest.raises(Refusal, match="InsufficientStorage"):
        engine.blobs.check_space(1 << 60)


@pytest.mark.parametrize("call", ["fdatasync", "fsync"])
def test_a_failed_sync_makes_the_store_read_only(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    bucket = engine.buckets.create("one", snapshots_on=True)
    put_bytes(engine, bucket, b"k", b"data")
    with monkeypatch.context() as patch:
        patch.setattr(blobs_module.os, call, failing(errno.EIO))
        with pytest.raises(Refusal, match="ServiceUnavailable"):
            put_bytes(engine, bucket, b"lost", b"never acknowledged")
    assert engine.objects.find(bucket, b"lost") is None
    assert engine.objects.find(bucket, b"k") is not None
    with pytest.raises(Refusal, match="read-only"):
        put_bytes(engine, bucket, b"k2", b"the disk seems fine again, but who knows what it kept")
    with pytest.raises(Refusal, match="read-only"):
        engine.buckets.snapshot("one")


def test_too_many_open_files_refuse_and_are_not_held_against_the_disk(engine: Engine) -> None:
    bucket = engine.buckets.create("one", snapshots_on=True)
    put_bytes(engine, bucket, b"k", b"data")
    next_number = os.open(os.devnull, os.O_RDONLY)
    os.close(next_number)
    usual = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (next_number, usual[1]))
    try:
        with pytest.raises(Refusal, match="Too many files") as refused:
            put_bytes(engine, bucket, b"k2", b"more")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, usual)
    assert refused.value.status == 503
    put_bytes(engine, bucket, b"k2", b"more")
    assert engine.check(deep=True).problems == []


def test_a_sink_that_was_given_up_is_not_said_to_be_on_disk(engine: Engine) -> None:
    bucket = engine.buckets.create("one", snapshots_on=True)
    sink = engine.blobs.create()
    sink.write(b"data")
    sink.close()
    with pytest.raises(Refusal, match="given up"):
        engine.objects.put(bucket, b"k", sink, Attributes())
    assert engine.objects.find(bucket, b"k") is None
    put_bytes(engine, bucket, b"k", b"data")


def test_a_read_only_store_reads_and_refuses_to_write(tmp_path: Path) -> None:
    engine = Engine(tmp_path / "s")
    bucket = engine.buckets.create("one", snapshots_on=True)
    put_bytes(engine, bucket, b"k", b"data")
    reader = Engine(tmp_path / "s", read_only=True)
    assert reader.objects.find(reader.buckets.get("one"), b"k") is not None
    with pytest.raises(Refusal, match="read-only"):
        reader.buckets.create("two")
    reader.close()
    engine.close()


def test_bytes_are_on_disk_before_their_name_and_their_name_before_their_row(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = engine.buckets.create("one", snapshots_on=True)
    did: list[str] = []
    record(monkeypatch, blobs_module.os, "write", did, "write")
    record(monkeypatch, blobs_module.os, "fdatasync", did, "sync bytes")
    record(monkeypatch, Path, "rename", did, "rename")
    record(monkeypatch, blobs_module.os, "fsync", did, "sync folder")
    engine.ledger._writer_connection.set_trace_callback(
        lambda sql: did.append("commit") if sql == "COMMIT" else None
    )
    put_bytes(engine, bucket, b"k", b"data")
    did.append("acknowledged")
    assert did == ["write", "sync bytes", "rename", "sync folder", "commit", "acknowledged"]
    did.clear()
    put_bytes(engine, bucket, b"k2", b"data")
    did.append("acknowledged")
    assert did == ["write", "commit", "acknowledged"], "bytes that a row vouches for are not synced again"


def test_a_file_without_a_row_is_not_trusted(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a crash between rename and commit the file is there, but nobody knows that its bytes are."""
    bucket = engine.buckets.create("one", snapshots_on=True)
    made = put_bytes(engine, bucket, b"k", b"data")
    engine.objects.delete_version(bucket, b"k", made.ts)
    engine.ledger.write(lambda tx: tx.execute("DELETE FROM blob") and None)
    did: list[str] = []
    record(monkeypatch, blobs_module.os, "fdatasync", did, "sync bytes")
    put_bytes(engine, bucket, b"k", b"data")
    assert did == ["sync bytes"]


def record(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, did: list[str], word: str) -> None:
    real = getattr(owner, name)

    def watched(*args: Any) -> Any:
        did.append(word)
        return real(*args)

    monkeypatch.setattr(owner, name, watched)


def test_the_database_is_opened_to_survive_power_loss(engine: Engine) -> None:
    writer = engine.ledger._writer_connection
    assert writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert writer.execute("PRAGMA synchronous").fetchone() == (2,)
