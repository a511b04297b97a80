"""A copy taken while the store works: the database first, by SQLite, then the files, which never change."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from itertools import count
from pathlib import Path

from explorer.localstore.engine.engine import Engine
from explorer.localstore.engine.records import Entry
from tests.localstore.conftest import put_bytes


def test_a_copy_of_a_store_at_work_is_a_store(engine: Engine, tmp_path: Path) -> None:
    bucket = engine.buckets.create("one", snapshots_on=True)
    ended = threading.Event()
    written: list[Entry] = []

    def write() -> None:
        for n in count():
            written.append(put_bytes(engine, bucket, b"k%d" % (n % 50), b"%d" % n * 200))
            if n % 10 == 0:
                engine.buckets.snapshot("one")
            if ended.is_set():
                return

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while len(written) < 30:
            ended.wait(0.01)
        before = list(written)
        copy = tmp_path / "copy"
        copy.mkdir()
        source = sqlite3.connect(engine.folder / "meta.db")
        source.execute("VACUUM INTO ?", (str(copy / "meta.db"),))
        source.close()
        shutil.copytree(engine.folder / "blob", copy / "blob")
    finally:
        ended.set()
        writer.join()
    restored = Engine(copy)
    try:
        assert restored.check(deep=True).problems == []
        for entry in before:
            found = restored.objects.find(restored.buckets.get("one"), entry.key, version=entry.ts)
            assert found is not None
            assert found.etag == entry.etag
        later = put_bytes(restored, restored.buckets.get("one"), b"k", b"goes on")
        assert later.ts > before[-1].ts
    finally:
        restored.close()
