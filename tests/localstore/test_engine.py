from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from explorer.localstore.engine.engine import Engine
from explorer.localstore.engine.finding import FIND
from explorer.localstore.engine.records import Attributes, Entry
from explorer.localstore.refusals import Refusal
from tests.localstore.conftest import put_bytes


def keys(page) -> list[bytes]:
    return [each.key if isinstance(each, Entry) else each for each in page.items]


def test_time_that_steps_back_never_reorders_versions(tmp_path: Path) -> None:
    now = 10**18
    engine = Engine(tmp_path / "s", now_ns=lambda: now)
    bucket = engine.buckets.create("one", snapshots_on=True)
    first = put_bytes(engine, bucket, b"k", b"1")
    snapshot = engine.buckets.snapshot("one")
    engine.close()
    now -= 3600 * 10**9
    engine = Engine(tmp_path / "s", now_ns=lambda: now)
    bucket = engine.buckets.get("one")
    second = put_bytes(engine, bucket, b"k", b"2")
    assert first.ts < snapshot.ts < second.ts
    found = engine.objects.find(bucket, b"k", at=snapshot.ts)
    assert found is not None
    assert found.etag == first.etag
    engine.close()


def test_a_snapshot_during_writes_never_changes_afterwards(engine: Engine) -> None:
    bucket = engine.buckets.create("one", snapshots_on=True)
    stop = threading.Event()

    def write(who: int) -> None:
        n = 0
        while not stop.is_set():
            put_bytes(engine, bucket, f"{who}".encode(), f"{who}-{n}".encode())
            n += 1

    with ThreadPoolExecutor(4) as pool:
        for who in range(4):
            pool.submit(write, who)
        seen = []
        for _ in range(10):
            ts = engine.buckets.snapshot("one").ts
            seen.append((ts, [(e.key, e.ts) for e in engine.listing.page(bucket, at=ts).items]))
        stop.set()
    for ts, held in seen:
        assert [(e.key, e.ts) for e in engine.listing.page(bucket, at=ts).items] == held
        assert all(version <= ts for _, version in held)


def test_forks_made_while_writing_equal_their_cut(engine: Engine) -> None:
    bucket = engine.buckets.create("one", snapshots_on=True)
    stop = threading.Event()

    def write() -> None:
        n = 0
        while not stop.is_set():
            put_bytes(engine, bucket, f"k{n % 7}".encode(), str(n).encode())
            n += 1

    def fork(n: int) -> tuple[str, int]:
        made = engine.buckets.fork("one", f"fork-{n}")
        assert made.parent_cut_ns is not None
        return made.name, made.parent_cut_ns

    writer = threading.Thread(target=write)
    writer.start()
    with ThreadPoolExecutor(8) as pool:
        forks = list(pool.map(fork, range(60)))
    stop.set()
    writer.join()
    for name, cut in forks:
        ours = [(e.key, e.ts) for e in engine.listing.page(engine.buckets.get(name)).items]
        assert ours == [(e.key, e.ts) for e in engine.listing.page(bucket, at=cut).items]
    assert engine.check().problems == []


def test_a_hundred_forks_deep_with_deletes_in_the_middle(engine: Engine) -> None:
    bucket = engine.buckets.create("level-0", snapshots_on=True)
    held = {f"d{i}/{j}".encode(): b"0" for i in range(5) for j in range(3)}
    for key, data in held.items():
        put_bytes(engine, bucket, key, data)
    for depth in range(1, 101):
        bucket = engine.buckets.fork(f"level-{depth - 1}", f"level-{depth}")
        if depth % 10 == 0:
            key = sorted(held)[depth % len(held)]
            engine.objects.delete(bucket, key)
            del held[key]
        if depth % 25 == 0:
            for key in [key for key in held if key.startswith(b"d1/")]:
                engine.objects.delete(bucket, key)
                del held[key]
        if depth % 7 == 0:
            key = f"d{depth % 4}/new-{depth}".encode()
            put_bytes(engine, bucket, key, b"n")
            held[key] = b"n"
    assert keys(engine.listing.page(bucket)) == sorted(held)
    assert keys(engine.listing.page(bucket, delimiter=b"/")) == sorted({k[:3] for k in held})
    for key in held:
        found = engine.objects.find(bucket, key)
        assert found is not None
        assert not found.deleted
    found = engine.objects.find(bucket, b"d1/0")
    assert found is not None
    assert found.deleted


def test_finding_walks_from_the_nearest_ancestor(engine: Engine) -> None:
    """The first row wins only if SQLite goes through the chain in order, without sorting afterwards."""
    plan = engine.ledger.read().execute("EXPLAIN QUERY PLAN " + FIND, (1, b"k", 1)).fetchall()
    said = " | ".join(row[3] for row in plan)
    assert "SEARCH l USING PRIMARY KEY" in said
    assert "TEMP B-TREE" not in said


def test_deleting_a_version_takes_it_from_snapshots_and_forks(engine: Engine) -> None:
    bucket = engine.buckets.create("one", snapshots_on=True)
    old = put_bytes(engine, bucket, b"k", b"old")
    bad = put_bytes(engine, bucket, b"k", b"bad")
    snapshot = engine.buckets.snapshot("one")
    fork = engine.buckets.fork("one", "two", snapshot.ts)
    with pytest.raises(Refusal, match="AccessDenied"):
        engine.objects.delete_version(fork, b"k", bad.ts)
    engine.objects.delete_version(bucket, b"k", bad.ts)
    for each, at in ((bucket, None), (bucket, snapshot.ts), (fork, None)):
        found = engine.objects.find(each, b"k", at=at)
        assert found is not None
        assert found.ts == old.ts


def test_the_same_bytes_written_at_once_are_one_blob(engine: Engine) -> None:
    bucket = engine.buckets.create("one", snapshots_on=True)
    data = b"x" * 100_000
    with ThreadPoolExecutor(16) as pool:
        made = list(pool.map(lambda n: put_bytes(engine, bucket, f"k{n}".encode(), data), range(100)))
    assert len({each.blob for each in made}) == 1
    found = engine.check(deep=True)
    assert (found.blobs, found.versions, found.orphans, found.problems) == (1, 100, 0, [])


def test_a_regular_bucket_keeps_no_versions(engine: Engine) -> None:
    bucket = engine.buckets.create("one")
    for n in range(3):
        put_bytes(engine, bucket, b"k", str(n).encode())
    assert engine.check().versions == 1
    assert engine.objects.delete(bucket, b"k") is None
    assert engine.check().versions == 0
    with pytest.raises(Refusal, match="snapshot type"):
        engine.buckets.fork("one", "two")


def test_turning_snapshots_off_keeps_what_they_saw(engine: Engine) -> None:
    bucket = engine.buckets.create("one", snapshots_on=True)
    first = put_bytes(engine, bucket, b"k", b"1")
    snapshot = engine.buckets.snapshot("one")
    bucket = engine.buckets.change("one", snapshots_on=False)
    put_bytes(engine, bucket, b"k", b"2")
    engine.objects.delete(bucket, b"k")
    found = engine.objects.find(bucket, b"k", at=snapshot.ts)
    assert found is not None
    assert found.ts == first.ts
    assert engine.objects.find(bucket, b"k").deleted


def test_of_two_writers_with_one_condition_one_wins(engine: Engine) -> None:
    bucket = engine.buckets.create("one", snapshots_on=True)

    def absent(current: Entry | None) -> None:
        if current is not None:
            raise Refusal("PreconditionFailed", "taken")

    def take(n: int) -> bool:
        try:
            put_bytes(engine, bucket, b"lease", str(n).encode(), absent)
        except Refusal:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(take, range(32))) == 1


def test_renaming_moves_in_one_step(engine: Engine) -> None:
    bucket = engine.buckets.create("one", snapshots_on=True)
    made = put_bytes(engine, bucket, b"old", b"data")
    moved = engine.objects.copy(made, bucket, b"new", Attributes(), remove_source=True)
    assert keys(engine.listing.page(bucket)) == [b"new"]
    assert keys(engine.listing.page(bucket, at=moved.ts)) == [b"new"]
    assert keys(engine.listing.page(bucket, at=moved.ts - 1)) == [b"old"]


def test_many_deletes_are_one_commit_and_one_that_is_refused_is_so_alone(engine: Engine) -> None:
    bucket = engine.buckets.create("one", snapshots_on=True)
    made = {key: put_bytes(engine, bucket, key, b"data") for key in (b"a", b"b", b"c")}

    def refuse(current: Entry | None) -> None:
        raise Refusal("PreconditionFailed", f"it is {current and current.etag}")

    before = engine.ledger.generation
    wanted = [(b"a", None, None), (b"b", None, refuse), (b"c", made[b"c"].ts, None), (b"none", 5, None)]
    marker, refused, removed, nothing = engine.objects.delete_all(bucket, wanted)
    assert engine.ledger.generation == before + 1
    found = marker.result()
    assert found is not None
    assert found.deleted
    assert isinstance(refused.exception(), Refusal)
    assert removed.result() == made[b"c"]
    assert nothing.result() is None
    assert [each.key for each in engine.listing.everything(bucket)] == [b"b"]
    assert engine.objects.delete_all(bucket, []) == []
