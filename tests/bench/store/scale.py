"""Does size matter? Snapshots, forks, GETs and listings with few and many versions, shallow and deep.

    python -m tests.bench.store.scale [--versions 1000000]

Goals: snapshot and fork over HTTP p50 <= 2 ms and the ratio of many to 1,000 versions <= 1.3; GET at depth
100 <= 3x depth 0; delimiter listing at depth 100 <= 5x depth 0, hidden keys included. Merges and rebases:
`merging`, which is also a bench of its own.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import tigris_boto3_ext as tigris

from explorer.localstore.engine.engine import Engine
from explorer.localstore.places import store_folder
from tests.bench.store import merging, servers, thin

RUNS, STEPS = 50, 200


def key(n: int) -> bytes:
    return f"runs/{n % RUNS:03d}/step-{n // RUNS % STEPS:06d}/shard-{n // (RUNS * STEPS):05d}".encode()


def fill(engine: Engine, name: str, versions: int, keys: int) -> None:
    """Versions of `keys` keys, written as rows: what is measured does not look at bytes."""
    bucket = engine.buckets.create(name, snapshots_on=True)
    sink = engine.blobs.create()
    sink.write(b"x")
    from explorer.localstore.engine.records import Attributes

    made = engine.objects.put(bucket, b"first", sink, Attributes())
    sink.close()

    def some(begin: int, end: int) -> Callable[..., None]:
        def job(tx) -> None:
            rows = (
                (bucket.id, key(n % keys), -tx.tick(), 0, 1, made.etag, made.blob, None, None)
                for n in range(begin, end)
            )
            tx.executemany("INSERT INTO version VALUES(?,?,?,?,?,?,?,?,?)", rows)

        return job

    for begin in range(0, versions, 50_000):
        engine.ledger.write(some(begin, min(begin + 50_000, versions)))


def deepen(engine: Engine, root: str, depth: int, keys: int) -> None:
    """A chain of forks; each overwrites 20 keys, deletes 2, and one in ten deletes a whole step."""
    pick = random.Random(1)
    for level in range(1, depth + 1):
        parent = root if level == 1 else f"deep-{level - 1:03d}"
        bucket = engine.buckets.fork(parent, f"deep-{level:03d}")
        source = engine.objects.find(engine.buckets.get(root), b"first")
        assert source is not None

        def job(tx, bucket=bucket, source=source, level=level) -> None:
            chosen = [key(n) for n in pick.sample(range(keys), 22)]
            rows = [
                (
                    bucket.id,
                    each,
                    -tx.tick(),
                    int(n < 2),
                    1,
                    source.etag,
                    None if n < 2 else source.blob,
                    None,
                    None,
                )
                for n, each in enumerate(chosen)
            ]
            if level % 10 == 0:
                step = (RUNS * STEPS // 200) * level
                gone = {
                    key(n) for n in range(keys) if key(n).rpartition(b"/")[0] == key(step).rpartition(b"/")[0]
                }
                rows += [(bucket.id, e, -tx.tick(), 1, 0, "", None, None, None) for e in gone - set(chosen)]
            tx.executemany("INSERT INTO version VALUES(?,?,?,?,?,?,?,?,?)", rows)

        engine.ledger.write(job)


def p50_ms(work: Callable[[], object], times: int) -> float:
    took = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return statistics.median(took) * 1000


def over_http(data: Path, buckets: list[str]) -> None:
    """Snapshots and forks with a client that costs nothing, with boto3, and with boto3 and no server."""
    with servers.nothing() as idle, servers.ours(data) as peer:
        for what in ("snapshot", "fork"):
            found = [p50_ms(thin_call(peer, what, bucket), 400) for bucket in buckets]
            for bucket, ms in zip(buckets, found, strict=True):
                print(f"{what} of {bucket}: p50 {ms:.2f} ms over HTTP")
            print(f"  many to few: x{found[1] / found[0]:.2f}")
            by_boto3 = p50_ms(boto3_call(peer, what, buckets[1]), 400)
            alone = p50_ms(boto3_call(idle, what, buckets[1]), 400)
            print(f"  by boto3 {by_boto3:.2f} ms, of which it needs {alone:.2f} ms without a server")
        s3, found = servers.client(peer), []
        for bucket in (buckets[1], "deep-100"):
            names = iter([key(n).decode() for n in random.Random(2).sample(range(2000), 400)] * 2)

            def get(bucket=bucket, names=names) -> None:
                try:
                    s3.head_object(Bucket=bucket, Key=next(names))
                except s3.exceptions.ClientError:
                    return

            found.append(p50_ms(get, 400))
            print(f"HEAD of an object in {bucket}: p50 {found[-1]:.2f} ms by boto3")
        print(f"  depth 100 to depth 0: x{found[1] / found[0]:.2f}")


def thin_call(peer: servers.Peer, what: str, bucket: str) -> Callable[[], object]:
    if what == "snapshot":
        url, connection = peer.url("create_bucket", Bucket=bucket), thin.Connection(peer.endpoint)
        return lambda: connection.ask("PUT", url, headers="X-Tigris-Snapshot: true; name=x\r\n")
    urls = iter([peer.url("create_bucket", Bucket=f"thin-{bucket}-{n}") for n in range(400)])
    connection = thin.Connection(peer.endpoint)
    return lambda: connection.ask("PUT", next(urls), headers=f"X-Tigris-Fork-Source-Bucket: {bucket}\r\n")


def boto3_call(peer: servers.Peer, what: str, bucket: str) -> Callable[[], object]:
    s3 = servers.client(peer)
    if what == "snapshot":
        return lambda: tigris.create_snapshot(s3, bucket, "x")
    version = tigris.get_snapshot_version(tigris.create_snapshot(s3, bucket))
    names = iter(f"boto3-{bucket}-{n}" for n in range(400))
    return lambda: tigris.create_fork(s3, next(names), bucket, version)


def in_process(engine: Engine, root: str) -> None:
    at = {0: root, 1: "deep-001", 10: "deep-010", 100: "deep-100"}
    for prefix in (b"runs/", b"runs/001/"):
        found = {}
        for depth, name in at.items():
            bucket = engine.buckets.get(name)
            found[depth] = p50_ms(
                lambda b=bucket, p=prefix: engine.listing.page(b, prefix=p, delimiter=b"/"), 9
            )
            number = len(engine.listing.page(bucket, prefix=prefix, delimiter=b"/").items)
            print(
                f"delimiter listing of {prefix.decode()} at depth {depth}: {number} names, {found[depth]:.1f} ms"
            )
        print(f"  depth 100 to depth 0: x{found[100] / found[0]:.1f}")
    for depth, name in at.items():
        bucket = engine.buckets.get(name)
        print(
            f"flat listing of 1000 keys at depth {depth}: {p50_ms(lambda b=bucket: engine.listing.page(b), 9):.1f} ms"
        )
        keys = [key(n) for n in random.Random(3).sample(range(2000), 500)] * 2
        names = iter(keys)
        print(
            f"find at depth {depth}: {p50_ms(lambda b=bucket, n=names: engine.objects.find(b, next(n)), 900) * 1000:.0f} us"
        )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--versions", type=int, default=1_000_000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        data = Path(name)
        engine = Engine(store_folder(data))
        keys = args.versions // 10
        fill(engine, "few", 1000, 1000)
        fill(engine, "many", args.versions, keys)
        deepen(engine, "many", 100, keys)
        in_process(engine, "many")
        engine.close()
        over_http(data, ["few", "many"])
    merging.report([10_000, 100_000])


if __name__ == "__main__":
    main()
