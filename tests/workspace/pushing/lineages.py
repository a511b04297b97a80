"""A lineage worth pushing, and what it must look like over there."""

from __future__ import annotations

import json
import random
import tempfile
from pathlib import Path

from explorer.lineage.address import Node
from explorer.lineage.values import Bucket
from explorer.localstore import ensure_running
from explorer.storage import Store, open_store
from explorer.storage.labels import Labels
from explorer.workspace.pushing.objects import rewrite
from explorer.workspace.pushing.push import Push
from explorer.workspace.pushing.record import PushMap
from explorer.workspace.pushing.report import PushReport

SMALL = ("grandchild", "from-a-cut")
"""With their ancestors: all but the big ones."""
LABELS = Labels({"ContentType": "text/x-model", "CacheControl": "no-store"}, {"run": "r1", "epoch": "3"})
BIG = random.Random(7).randbytes(17 << 20)  # more than one part


def opened(folder: Path) -> Store:
    running = ensure_running(folder)
    return open_store(
        running.endpoint, access_key=running.access_key, secret_key=running.secret_key, is_local=True
    )


def drop(store: Store, bucket: Bucket) -> None:
    for other in store.list_buckets():
        if other.parent is not None and other.parent.bucket == bucket.name:
            drop(store, other)
    if bucket.name in {b.name for b in store.list_buckets()}:
        store.delete_bucket(bucket.name, force=True)


def build(store: Store) -> None:
    """base: three snapshots that add, change and delete; a fork of the second, a fork of the fork, a cut.
    big: a model of several parts, and a fork that has it too."""
    store.create_bucket("base")
    store.write("base", "checkpoints/step-1/model", b"one")
    store.write("base", "old", b"to be deleted")
    first = store.take_snapshot("base", "step-1")
    store.write("base", "checkpoints/step-2/model", b"two")
    store.delete_object("base", "old")
    run = {"run": "r1", "bucket": "base", "source": None, "config": {"lr": 0.1}}
    store.write("base", "runs/r1/run.json", json.dumps(run).encode())
    store.write("base", ".explorer/lease.json", b'{"run": "r1", "host": "here", "pid": 1}')
    second = store.take_snapshot("base", "step-2")
    store.fork(second.node, "fork")
    note = {
        "bucket": "fork",
        "parent": {"bucket": "base", "version": second.version},
        "overrides": {"lr": 3e-5},
    }
    store.write("fork", ".explorer/fork.json", json.dumps(note).encode())
    run = {"run": "r2", "bucket": "fork", "source": {"bucket": "base", "version": second.version}}
    store.write("fork", "runs/r2/run.json", json.dumps(run).encode())
    store.write("fork", "checkpoints/step-3/model", b"three of the fork")
    fork = store.take_snapshot("fork", "step-3")
    store.fork(fork.node, "grandchild")
    store.write("grandchild", "only/here", b"x")
    store.write("base", "checkpoints/step-1/model", b"one, rewritten")
    store.take_snapshot("base")
    store.fork(first.node, "from-a-cut")
    store.delete_snapshot(first.node)
    store.write("base", "head/only", b"")
    store.create_bucket("big")
    with tempfile.NamedTemporaryFile() as file:
        file.write(BIG)
        file.flush()
        store.upload("big", "model", Path(file.name), labels=LABELS)
    store.fork(store.take_snapshot("big").node, "big-fork")
    store.write("big-fork", "small", b"x", labels=LABELS)


def pushed(
    source: Store, target: Store, folder: Path, *wanted: str, prefix: str = "", name: str = "other"
) -> PushReport:
    record = PushMap.open(folder, "local", f"http://{name}", prefix)
    try:
        return Push(source, target, record, prefix=prefix).run(wanted or SMALL)
    finally:
        record.close()


def contents(store: Store, node: Node) -> dict[str, bytes]:
    skipped = (".explorer/lease.json", ".explorer/push.json")
    return {
        item.key: store.read_object(node, item.key)[0] if item.size_bytes < 2**20 else item.etag.encode()
        for item in store.list_objects(node)
        if item.key not in skipped
    }


def check_equal(source: Store, target: Store, report: PushReport, prefix: str = "") -> None:
    """Every snapshot and head holds the same over there, and the tree has the same shape."""
    here = {b.name: b for b in source.list_lineage()}
    there = {b.name: b for b in target.list_lineage()}
    renamed = {b.bucket: (b.name, dict(b.versions)) for b in report.buckets}

    def over_there(bucket: str, version: str | None) -> tuple[str, str | None]:
        name, versions = renamed[bucket]
        return name, None if version is None else versions[version]

    for pushed_bucket in report.buckets:
        bucket, copy = here[pushed_bucket.bucket], there[prefix + pushed_bucket.bucket]
        if bucket.parent is None:
            assert copy.parent is None
        else:
            assert copy.parent == Node(*over_there(*bucket.parent.address.split("@")))
        names = {s.version: s.name for s in copy.snapshots}
        versions = dict(pushed_bucket.versions)
        assert [names[versions[s.version]] for s in bucket.snapshots] == [s.name for s in bucket.snapshots]
        assert sorted(versions.values(), key=int) == [versions[v] for v in sorted(versions, key=int)]
        assert len(copy.snapshots) == len(versions)
        for version in (*versions, None):
            expected = contents(source, Node(bucket.name, version))
            for key in expected:
                if key.startswith(("runs/", ".explorer/")):
                    expected[key] = rewrite(expected[key], over_there)
            assert contents(target, Node(copy.name, version and versions[version])) == expected


def forget(store: Store, prefix: str) -> None:
    for bucket in reversed(store.list_buckets()):
        if bucket.name.startswith(prefix):
            drop(store, bucket)
