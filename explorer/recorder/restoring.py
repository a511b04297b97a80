"""Where a training starts from: a pinned snapshot, checked to be complete, its files on this disk."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from explorer.errors import BadCheckpoint, NotFound, StoreTrouble
from explorer.jobs.preflight import Start, check_start
from explorer.lineage.address import Address, Node, is_version
from explorer.lineage.values import ObjectInfo, Range
from explorer.prefetch.linking import inside
from explorer.storage import Store

log = logging.getLogger("explorer.recorder")

_PART_BYTES = 16 * 2**20
_PARALLEL = 4


@dataclass(frozen=True, slots=True)
class Restored:
    """A checkpoint on this disk; the folder belongs to the run and goes when it ends."""

    step: int
    folder: Path
    node: Node
    """The snapshot that it came from."""
    files: tuple[str, ...]
    """Names relative to `folder`."""
    prefetched: bool = False
    """Whether the files were on this disk already."""

    def path(self, name: str) -> Path:
        """The path of one file.

        Raises:
            BadCheckpoint: the checkpoint has no such file.
        """
        if name not in self.files:
            hint = "it has " + ", ".join(self.files[:8])
            raise BadCheckpoint(f"The checkpoint has no `{name}`.", hint=hint, where=self.node.address)
        return self.folder / name


def find_source(store: Store, bucket: str, asked: str | None) -> Node | None:
    """The pinned node to start from: what was asked for, else the bucket's newest snapshot or fork point.

    Raises:
        NotFound: no snapshot of the name that was asked for.
    """
    if asked is not None:
        address = Address.parse(asked)
        if address.at is None:
            return find_source(store, address.bucket, None)
        for snapshot in reversed(store.list_snapshots(address.bucket)):
            if address.at in (snapshot.version, snapshot.name):
                return snapshot.node
        if is_version(address.at):
            return Node(address.bucket, address.at)
        hint = f"`explorer snapshots list {address.bucket}` lists them"
        raise NotFound(f"`{address.bucket}` has no snapshot `{address.at}`.", hint=hint)
    snapshots = store.list_snapshots(bucket)
    return snapshots[-1].node if snapshots else store.read_bucket(bucket).parent


def restore(
    store: Store, node: Node, step: int | None, prefetched: Path | None, scratch: Path
) -> tuple[Restored, Start]:
    """Bring the checkpoint at a pinned node onto this disk, into `scratch` unless it was prefetched.

    Reads with If-Match in parts of 16 MiB, four at a time. A prefetched folder with a file missing or of the
    wrong size is not used at all.

    Raises:
        NotFound, BadCheckpoint: nothing to restore, or not all of it.
        StoreTrouble: this disk has no room.
    """
    start = check_start(store, node, step, read_headers=False)
    prefix = start.checkpoint.prefix[: start.checkpoint.prefix.rfind("/") + 1]
    names = tuple(info.key.removeprefix(prefix) for info in start.objects)
    base = scratch
    ready = prefetched is not None and not _torn(prefetched, start.objects)
    if ready and prefetched is not None:
        base = prefetched
    else:
        _download(store, node, start.objects, scratch)
    found = start.checkpoint.step
    if found is None:
        found = step if step is not None else 0
    return Restored(found, base / prefix, node, names, ready), start


def _torn(folder: Path, objects: Sequence[ObjectInfo]) -> bool:
    for info in objects:
        path = inside(folder, info.key)
        size = path.stat().st_size if path is not None and path.is_file() else None
        if size != info.size_bytes:
            got = "missing" if size is None else f"{size} bytes"
            log.warning(
                "prefetched %s is %s, not %d bytes: reading from the store", info.key, got, info.size_bytes
            )
            return True
    return False


def _file_of(folder: Path, key: str, node: Node) -> Path:
    """Keys come from the bucket: one that would be written outside the folder is refused."""
    path = inside(folder, key)
    if path is None:
        hint = "save the checkpoint again under names without `..`, `.` or empty parts"
        raise BadCheckpoint(f"The key {key!r} cannot be a file on this disk.", hint=hint, where=node.address)
    return path


def _download(store: Store, node: Node, objects: Sequence[ObjectInfo], folder: Path) -> None:
    paths = {info.key: _file_of(folder, info.key, node) for info in objects}
    parts = [(info, start) for info in objects for start in range(0, info.size_bytes, _PART_BYTES)]

    def fetch(part: tuple[ObjectInfo, int]) -> None:
        info, start = part
        length = min(_PART_BYTES, info.size_bytes - start)
        data = store.read(node, Range(info.key, start, length), if_match=info.etag)
        if len(data) != length:
            raise BadCheckpoint(
                f"`{info.key}` ended after {start + len(data)} of {info.size_bytes} bytes.",
                hint="try again; if it stays so, the object is damaged in the store",
                where=node.address,
            )
        with paths[info.key].open("r+b") as file:
            file.seek(start)
            file.write(data)

    try:
        for info in objects:
            path = paths[info.key]
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                file.truncate(info.size_bytes)
        with ThreadPoolExecutor(_PARALLEL, thread_name_prefix="explorer-restore") as pool:
            for _ in pool.map(fetch, parts):
                pass
    except OSError as error:
        raise StoreTrouble(
            f"The checkpoint cannot be put onto this disk: {error.strerror or error}.",
            hint="free some disk space, or move the data folder with EXPLORER_DATA",
            where=str(folder),
        ) from error
