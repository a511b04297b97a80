"""What is sent: a state of one key, where its bytes are read, and the documents that are rewritten."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from explorer.errors import Conflict
from explorer.lineage.address import Node
from explorer.lineage.values import ObjectInfo, Range

if TYPE_CHECKING:
    from explorer.storage import Store
    from explorer.storage.labels import Labels

PART_BYTES = 16 * 2**20
_REFERRING = re.compile(r"\.explorer/fork\.json|runs/[^/]+/run\.json")

Renamed = Callable[[str, str | None], tuple[str, str | None] | None]
"""(bucket, version) here -> the same over there; None where it was not pushed."""


class Origin(Protocol):
    """Where an object is read from; raises NotFound where it is gone, Conflict where it is another one."""

    def read(self) -> tuple[bytes, Labels]: ...
    def read_labels(self) -> Labels: ...
    def read_part(self, start: int, length: int) -> bytes | memoryview: ...


@dataclass(frozen=True, slots=True)
class Change:
    """What a key became: `item` None, it was deleted. `version` is our version of it, where that is known."""

    key: str
    item: ObjectInfo | None
    origin: Origin
    version: str | None = None


@dataclass(frozen=True, slots=True)
class AtNode:
    """An object as a snapshot or a head shows it, pinned by its ETag."""

    store: Store
    node: Node
    item: ObjectInfo

    def read(self) -> tuple[bytes, Labels]:
        labels = self.read_labels()
        if self.item.size_bytes == 0:
            return b"", labels
        want = Range(self.item.key, 0, self.item.size_bytes)
        (data,) = self.store.read_many(self.node, [want], expect={self.item.key: self.item})
        return _checked(data, self.item, str(self.node)), labels

    def read_labels(self) -> Labels:
        return self.store.read_labels(self.node, self.item)

    def read_part(self, start: int, length: int) -> bytes | memoryview:
        return self.store.read_part(self.node, self.item, start, length)


@dataclass(frozen=True, slots=True)
class AtVersion:
    """One version of a key, for ever the same."""

    store: Store
    bucket: str
    version: str
    item: ObjectInfo

    def read(self) -> tuple[bytes, Labels]:
        data, _, labels = self.store.read_version(self.bucket, self.item.key, self.version)
        return _checked(data, self.item, self.bucket), labels

    def read_labels(self) -> Labels:
        return self.store.read_version_labels(self.bucket, self.item.key, self.version)

    def read_part(self, start: int, length: int) -> bytes | memoryview:
        return self.store.read_version_part(self.bucket, self.item.key, self.version, start, length)


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


def _checked(data: bytes, item: ObjectInfo, where: str) -> bytes:
    if len(data) != item.size_bytes:
        raise Conflict(
            f"Asked for {item.size_bytes} bytes, got {len(data)}.",
            hint="the object changed; push again",
            where=f"{where}/{item.key}",
        )
    return data
