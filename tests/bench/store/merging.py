"""What merging a fork and rebasing it cost over HTTP, by how many keys changed and how many there are.

    python -m tests.bench.store.merging [--keys 10000 100000]

Goal: the cost is that of the changed keys (some 0.1 ms each), and does not depend on the keys that are there.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from explorer.localstore.engine.engine import Engine
from explorer.localstore.engine.records import Attributes, Bucket, Entry
from explorer.localstore.places import store_folder
from tests.bench.store import servers, thin


def body(engine: Engine, bucket: Bucket, data: bytes) -> Entry:
    sink = engine.blobs.create()
    sink.write(data)
    made = engine.objects.put(bucket, b"body", sink, Attributes())
    sink.close()
    return made


def write(engine: Engine, bucket: Bucket, number: int, made: Entry) -> None:
    """A new version of `number` keys, as rows: what is measured does not look at bytes."""

    def job(tx) -> None:
        rows = (
            (bucket.id, b"k%07d" % n, -tx.tick(), 0, 1, made.etag, made.blob, None, None)
            for n in range(number)
        )
        tx.executemany("INSERT INTO version VALUES(?,?,?,?,?,?,?,?,?)", rows)

    engine.ledger.write(job)


def ask(peer: servers.Peer, bucket: str, headers: str) -> float:
    connection = thin.Connection(peer.endpoint)
    ms = connection.ask("PUT", peer.url("create_bucket", Bucket=bucket), headers=headers) * 1000
    connection.close()
    return ms


def measure(data: Path, keys: int, changed: int) -> tuple[float, float, float, float]:
    """ms of a merge, of one more with nothing new, of a rebase, of one more with nothing new."""
    engine = Engine(store_folder(data))
    base = engine.buckets.create("base", snapshots_on=True)
    write(engine, base, keys, body(engine, base, b"old"))
    merged = engine.buckets.fork("base", "merged")
    engine.buckets.fork("base", "rebased")
    write(engine, merged, changed, body(engine, merged, b"new"))
    rebase = "X-Tigris-Rebase: true\r\n"
    merge = "X-Tigris-Merge-Source-Bucket: merged\r\n"
    engine.close()
    with servers.ours(data) as peer:
        # the merge is what the parent changes since `rebased` was made, so its rebase brings the same keys
        return (
            ask(peer, "base", merge),
            ask(peer, "base", merge),
            ask(peer, "rebased", rebase),
            ask(peer, "rebased", rebase),
        )


def report(sizes: list[int]) -> None:
    for keys in sizes:
        for changed in (1, keys // 10, keys):
            with tempfile.TemporaryDirectory() as name:
                found = measure(Path(name), keys, changed)
            told = "merge {:.1f} ms, again {:.1f}; rebase {:.1f} ms, again {:.1f}".format(*found)
            each = (found[0] + found[2]) / 2 / changed
            print(f"{changed} changed of {keys} keys: {told}; {each:.3f} ms a changed key", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--keys", type=int, nargs="+", default=[10_000, 100_000])
    report(parser.parse_args().keys)


if __name__ == "__main__":
    main()
