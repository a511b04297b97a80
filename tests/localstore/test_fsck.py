"""Every kind of damage that the check promises to find, done on purpose."""

from __future__ import annotations

from pathlib import Path

import pytest

from explorer.localstore import ensure_running, stop
from explorer.localstore.engine.engine import Engine
from explorer.localstore.engine.records import Attributes, Entry
from tests.localstore.conftest import make_client, put_bytes


@pytest.fixture
def entry(engine: Engine) -> Entry:
    bucket = engine.buckets.create("one", snapshots_on=True)
    made = put_bytes(engine, bucket, b"k", b"some data")
    engine.buckets.fork("one", "two")
    id_ = engine.uploads.begin(bucket, b"m", Attributes(), None, "FULL_OBJECT")
    sink = engine.blobs.create()
    sink.write(b"part")
    part = engine.uploads.add_part(engine.uploads.get(bucket, b"m", id_), 1, sink)
    sink.close()
    engine.uploads.complete(bucket, b"m", id_, [(1, part.etag)])
    assert engine.check(deep=True).problems == []
    return made


def path(engine: Engine, entry: Entry) -> Path:
    return engine.blobs.path(entry.blob or "")


def test_a_missing_file(engine: Engine, entry: Entry) -> None:
    path(engine, entry).unlink()
    assert "missing" in engine.check().problems[0]


def test_a_short_file(engine: Engine, entry: Entry) -> None:
    path(engine, entry).write_bytes(b"some")
    assert "has 4 bytes instead of 9" in engine.check().problems[0]


def test_a_flipped_bit_is_found_by_the_deep_check(engine: Engine, entry: Entry) -> None:
    path(engine, entry).write_bytes(b"some datA")
    assert engine.check().problems == []
    assert "does not hold" in engine.check(deep=True).problems[0]


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("DELETE FROM blob", "names bytes that are not in the store"),
        ("UPDATE version SET manifest=1 WHERE blob IS NOT NULL", "neither bytes nor parts, or both"),
        ("UPDATE version SET size=99 WHERE manifest IS NOT NULL", "not as long as its parts"),
        ("UPDATE segment SET start=5", "does not follow the one before it"),
        ("UPDATE bucket SET deleted_ns=1 WHERE name='one'", "fork of a bucket that is gone"),
        ("UPDATE lineage SET cut_ns=cut_ns-1 WHERE depth=1", "chain of bucket"),
        ("DELETE FROM lineage WHERE depth=1", "chain of bucket"),
    ],
)
def test_rows_that_do_not_add_up(engine: Engine, entry: Entry, sql: str, words: str) -> None:
    engine.ledger.write(lambda tx: tx.execute(sql) and None)
    assert any(words in problem for problem in engine.check().problems)


def test_a_version_from_the_future(engine: Engine, entry: Entry) -> None:
    engine.ledger.write(
        lambda tx: tx.execute("UPDATE version SET nts=-(1<<61) WHERE key=?", (b"k",)) and None
    )
    assert any("later than the clock" in problem for problem in engine.check().problems)


def test_an_orphan_is_no_damage(engine: Engine, entry: Entry) -> None:
    name = "ab" + "0" * 62
    engine.blobs.path(name).write_bytes(b"left by a crash")
    found = engine.check()
    assert (found.problems, found.orphans, found.orphan_bytes) == ([], 1, 15)


def test_bytes_that_are_gone_are_an_error_and_not_an_empty_object(tmp_path: Path) -> None:
    running = ensure_running(tmp_path)
    try:
        s3 = make_client(running)
        s3.create_bucket(Bucket="damaged")
        for key, size in (("inline", 100), ("short", 100_000)):
            s3.put_object(Bucket="damaged", Key=key, Body=key.encode() * size)
        for blob in (running.folder / "blob").glob("*/*"):
            blob.write_bytes(b"") if blob.stat().st_size > 10_000 else blob.unlink()
        for key in ("inline", "short"):
            with pytest.raises(s3.exceptions.ClientError) as caught:
                s3.get_object(Bucket="damaged", Key=key)
            assert caught.value.response["Error"]["Code"] == "InternalError"
    finally:
        stop(tmp_path)
