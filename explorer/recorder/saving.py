"""A save: upload everything, freeze the bucket, read it back at that version, and only then believe it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from explorer.errors import BadCheckpoint
from explorer.jobs.lease import renew_lease
from explorer.jobs.record import Record, SavedFile, record_key
from explorer.jobs.status import write_json
from explorer.lineage.address import Node
from explorer.lineage.values import ObjectInfo
from explorer.recorder.rows import Rows
from explorer.recorder.staging import Save
from explorer.storage import Store

_PARALLEL = 4
ROWS_FILE = "metrics.jsonl"


@dataclass(frozen=True, slots=True)
class Saved:
    """A save. `node` is None while the store is away: the files are kept and sent when it is back."""

    step: int
    prefix: str
    node: Node | None

    @property
    def restorable(self) -> bool:
        """Whether the snapshot was read back and is complete."""
        return self.node is not None


class BucketWriter:
    """Everything that a run writes to its bucket goes through here, one thing at a time."""

    def __init__(
        self,
        store: Store,
        record: Record,
        rows: Rows,
        lease: str,
        local: Path,
        trackers: Callable[[], Mapping[str, Any]] = dict,
    ) -> None:
        self.store = store
        self.record = record
        self.local = local
        """The run's folder on this disk."""
        self._rows = rows
        self._trackers = trackers
        self._lease = lease
        self._lock = threading.Lock()
        self._flushed = -1

    def commit(self, save: Save) -> Saved:
        """Do a whole save, or raise and leave `save.done` as far as it came.

        Raises:
            BadCheckpoint: the snapshot does not hold what was uploaded.
            ExplorerError: what the store said; the save can be committed again later.
        """
        with self._lock:
            self._upload(save)
            self._write_rows(save.rows_bytes)
            files = {name: SavedFile(info.size_bytes, info.etag) for name, info in save.done.items()}
            self.record = replace(
                self.record, saved_prefix=save.prefix, saved_files=files, tracker=self._trackers()
            )
            written = self._write_record()
            snapshot = self.store.take_snapshot(self.record.bucket, save.name)
            self._read_back(snapshot.node, save, written)
            snapshots = {**self.record.snapshots, save.step: snapshot.version}
            self.record = replace(self.record, snapshots=snapshots)
            self.write_local_record()
            return Saved(save.step, save.prefix, snapshot.node)

    def flush(self) -> None:
        """Upload the rows if there are new ones: the whole object, since S3 cannot append."""
        with self._lock:
            if len(self._rows) != self._flushed:
                self._write_rows(len(self._rows))

    @property
    def dirty(self) -> bool:
        return len(self._rows) != max(self._flushed, 0)

    def change(self, record: Record, *, remote: bool = True) -> None:
        """Replace the record, on this disk and in the bucket."""
        with self._lock:
            self.record = record
            self.write_local_record()
            if remote:
                self._write_record()

    def renew(self, *, release: bool = False) -> None:
        """Raises Conflict if the bucket has got another writer."""
        with self._lock:
            self._lease = renew_lease(
                self.store, self.record.bucket, self.record.run, self._lease, release=release
            )

    def keep_rows(self, folder: Path) -> None:
        """Rows that the bucket does not have yet, on this disk: a later process may deliver them."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ROWS_FILE).write_bytes(self._rows.head(len(self._rows)))

    def write_local_record(self) -> None:
        write_json(self.local / "record.json", self.record.to_json(local=True))

    def _upload(self, save: Save) -> None:
        def upload(name: str) -> tuple[str, ObjectInfo]:
            content, key = save.files[name], save.prefix + name
            if isinstance(content, bytes):
                return name, self.store.write(self.record.bucket, key, content)
            return name, self.store.upload(self.record.bucket, key, content)

        left = [name for name in save.files if name not in save.done]
        with ThreadPoolExecutor(_PARALLEL, thread_name_prefix="explorer-save") as pool:
            futures = [pool.submit(upload, name) for name in left]
        for future in futures:
            if future.exception() is None:
                name, info = future.result()
                save.done[name] = info
        for future in futures:
            future.result()

    def _write_rows(self, size: int) -> None:
        key = f"runs/{self.record.run}/{ROWS_FILE}"
        self.store.write(self.record.bucket, key, self._rows.head(size))
        self._flushed = size

    def _write_record(self) -> ObjectInfo:
        text = json.dumps(self.record.to_json(), indent=1).encode()
        return self.store.write(self.record.bucket, record_key(self.record.run), text)

    def _read_back(self, node: Node, save: Save, written: ObjectInfo) -> None:
        """List at the version: every key must be there, with the size and the ETag of its upload."""
        wanted = {save.prefix + name: info for name, info in save.done.items()} | {written.key: written}
        found = {
            info.key: info
            for prefix in (save.prefix, f"runs/{self.record.run}/")
            for info in self.store.list_objects(node, prefix)
        }
        for key, info in wanted.items():
            there = found.get(key)
            if there is None or there.size_bytes != info.size_bytes or there.etag != info.etag:
                what = "lacks" if there is None else "holds another"
                save.done.clear()  # whoever tries again must not trust these uploads
                raise BadCheckpoint(
                    f"The snapshot of step {save.step} {what} `{key}`.",
                    hint="somebody else changes this bucket; give each training a fork of its own",
                    where=node.address,
                )
