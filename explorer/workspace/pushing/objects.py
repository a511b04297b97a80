"""One object's way from one store to another."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.errors import Conflict, StoreTrouble
from explorer.lineage.address import Node
from explorer.lineage.values import ObjectInfo, Range

if TYPE_CHECKING:
    from explorer.storage import Store

PART_BYTES = 16 * 2**20
_REFERRING = re.compile(r"\.explorer/fork\.json|runs/[^/]+/run\.json")
_RESERVE_BYTES = 256 * 2**20

Renamed = Callable[[str, str | None], tuple[str, str | None] | None]
"""(bucket, version) here -> the same over there; None where it was not pushed."""


def refers(key: str, size_bytes: int) -> bool:
    """Whether this is one of the recorder's documents that name buckets and versions."""
    return _REFERRING.fullmatch(key) is not None and size_bytes <= 2**20


def is_big(item: ObjectInfo) -> bool:
    return item.size_bytes > PART_BYTES


def content_of(item: ObjectInfo) -> str:
    """What makes two objects here the same over there, whatever their bucket."""
    content = f"{item.etag}:{item.size_bytes}"
    return f"{content}:rewritten" if refers(item.key, item.size_bytes) else content


def rewrite(data: bytes, renamed: Renamed) -> bytes:
    """The same document with the names and versions that hold over there; anything else word for word."""
    try:
        told = json.loads(data)
    except (ValueError, RecursionError):
        return data
    if not isinstance(told, dict):
        return data
    changed = dict(told)
    place = renamed(told["bucket"], None) if isinstance(told.get("bucket"), str) else None
    if place is not None:
        changed["bucket"] = place[0]
    changed |= {name: _reference(told[name], renamed) for name in ("parent", "source") if name in told}
    return data if changed == told else json.dumps(changed, indent=1).encode()


def _reference(told: Any, renamed: Renamed) -> Any:
    if not isinstance(told, dict) or not isinstance(told.get("bucket"), str):
        return told
    version = told.get("version")
    place = renamed(told["bucket"], str(version) if version is not None else None)
    return told if place is None else told | {"bucket": place[0], "version": place[1]}


def copy_object(
    source: Store,
    node: Node,
    item: ObjectInfo,
    target: Store,
    bucket: str,
    scratch: Path,
    on_read: Callable[[int], None],
) -> ObjectInfo:
    """Copy an object with its headers and metadata, pinned by its ETag.

    A big one goes by way of a file in `scratch`, in parts of 16 MiB; `on_read` is told the bytes of each.

    Raises:
        Conflict: it changed while it was read. StoreTrouble: no room for the file.
    """
    labels = source.read_labels(node, item)
    if not is_big(item):
        return target.write(bucket, item.key, read_whole(source, node, item), labels=labels)
    if shutil.disk_usage(scratch).free < item.size_bytes + _RESERVE_BYTES:
        raise StoreTrouble(
            f"There is no room to copy {item.size_bytes} bytes through this disk.",
            hint="free some space, then push again: it goes on where it stopped",
            where=str(scratch),
        )
    with tempfile.NamedTemporaryFile(dir=scratch, prefix="object-") as file:
        for start in range(0, item.size_bytes, PART_BYTES):
            length = min(PART_BYTES, item.size_bytes - start)
            file.write(source.read_part(node, item, start, length))
            on_read(length)
        file.flush()
        return target.upload(bucket, item.key, Path(file.name), labels=labels)


def read_whole(source: Store, node: Node, item: ObjectInfo) -> bytes:
    """A small object, pinned. Raises Conflict when it is another one by now."""
    if item.size_bytes == 0:
        return b""
    (data,) = source.read_many(node, [Range(item.key, 0, item.size_bytes)], expect={item.key: item})
    if len(data) != item.size_bytes:
        raise Conflict(
            f"Asked for {item.size_bytes} bytes, got {len(data)}.",
            hint="the object changed; push again",
            where=f"{node}/{item.key}",
        )
    return data
