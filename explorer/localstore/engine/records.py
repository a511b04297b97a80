"""The values that the engine hands out."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Bucket:
    """A live bucket. `parent_cut_ns` is the time at which a fork sees its parent."""

    id: int
    name: str
    created_ns: int
    changed_ns: int
    snapshots_on: bool
    parent: str | None = None
    parent_cut_ns: int | None = None
    parent_snapshot_name: str | None = None
    has_forks: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Snapshot:
    ts: int
    name: str | None


@dataclass(frozen=True, slots=True)
class Attributes:
    """What a client said about an object, kept word for word."""

    headers: Mapping[str, str] = field(default_factory=dict)
    """content-type, cache-control and the like, lower-case."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """x-amz-meta-…, without the prefix."""
    checksums: Mapping[str, str] = field(default_factory=dict)
    """Algorithm -> base64."""
    checksum_type: str = "FULL_OBJECT"
    tags: Mapping[str, str] = field(default_factory=dict)
    storage_class: str = "STANDARD"

    def to_text(self) -> str:
        said = {name: getattr(self, name) for name in self.__slots__}
        return json.dumps({name: value for name, value in said.items() if value}, separators=(",", ":"))

    @classmethod
    @functools.lru_cache(4096)
    def from_text(cls, text: str | None) -> Attributes:
        return cls(**json.loads(text)) if text else cls()


@dataclass(frozen=True, slots=True)
class Entry:
    """One version of one key. `ts` is its version id; `size` and `etag` mean nothing when `deleted`."""

    bucket_id: int
    key: bytes
    ts: int
    deleted: bool
    size: int
    etag: str
    blob: str | None
    manifest: int | None
    attributes_text: str | None = None

    @property
    def attributes(self) -> Attributes:
        return Attributes.from_text(self.attributes_text)


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a body: `size` bytes of `blob` from `offset`."""

    blob: str
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a listing in key order: entries, and common prefixes as bytes; `last` resumes after it."""

    items: tuple[Entry | bytes, ...]
    last: bytes | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an object that was uploaded in parts."""

    n: int
    size: int
    checksum: str


@dataclass(frozen=True, slots=True)
class Upload:
    id: str
    bucket_id: int
    key: bytes
    started_ns: int
    attributes: Attributes
    algorithm: str | None
    checksum_type: str


@dataclass(frozen=True, slots=True)
class Part:
    n: int
    blob: str
    size: int
    etag: str
    checksum: str
    written_ns: int
