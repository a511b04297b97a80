"""What differs between two listings: by key, size and ETag, without reading anything."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from explorer.lineage.values import ObjectInfo


@dataclass(frozen=True, slots=True)
class ObjectChanges:
    """Keys in order; `renamed` are pairs (key in a, key in b) with one ETag and size."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    shared_bytes: int = 0
    """Bytes that both sides hold under one key and ETag."""
    a_only_bytes: int = 0
    b_only_bytes: int = 0

    @property
    def any(self) -> bool:
        return bool(self.added or self.removed or self.changed or self.renamed)

    def to_json(self) -> dict[str, Any]:
        return {
            "added": list(self.added),
            "removed": list(self.removed),
            "changed": list(self.changed),
            "renamed": [{"a": a, "b": b} for a, b in self.renamed],
            "shared_bytes": self.shared_bytes,
            "a_only_bytes": self.a_only_bytes,
            "b_only_bytes": self.b_only_bytes,
        }


def compare_objects(a: Sequence[ObjectInfo], b: Sequence[ObjectInfo]) -> ObjectChanges:
    """Added, removed, changed and renamed keys. Cost: O(objects)."""
    left = {info.key: info for info in a}
    right = {info.key: info for info in b}
    changed = [k for k in left.keys() & right.keys() if _content(left[k]) != _content(right[k])]
    removed = left.keys() - right.keys()
    added = right.keys() - left.keys()
    by_content: dict[tuple[str, int], list[str]] = defaultdict(list)
    for key in sorted(removed, reverse=True):
        if left[key].size_bytes:  # empty objects all look alike
            by_content[_content(left[key])].append(key)
    renamed = [
        (by_content[content].pop(), key)
        for key in sorted(added)
        if by_content.get(content := _content(right[key]))
    ]
    old_names, new_names = {old for old, _ in renamed}, {new for _, new in renamed}
    shared = [k for k in left.keys() & right.keys() if _content(left[k]) == _content(right[k])]
    shared_bytes = sum(left[k].size_bytes for k in shared) + sum(left[k].size_bytes for k in old_names)
    return ObjectChanges(
        tuple(sorted(added - new_names)),
        tuple(sorted(removed - old_names)),
        tuple(sorted(changed)),
        tuple(renamed),
        shared_bytes,
        sum(info.size_bytes for info in a) - shared_bytes,
        sum(info.size_bytes for info in b) - shared_bytes,
    )


def _content(info: ObjectInfo) -> tuple[str, int]:
    return info.etag, info.size_bytes
