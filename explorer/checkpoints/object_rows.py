"""The objects that differ as rows: each by itself, or folder by folder where they are many."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from explorer.checkpoints.folding import Row
from explorer.checkpoints.printable import NAME_WIDTH, printable
from explorer.wording import size

if TYPE_CHECKING:
    from explorer.checkpoints.diffs import Diff

_FEW = 40
"""So many rows are read one by one; of more the folders are told."""
_TOO_FEW = 3
"""Of a folder with less the objects themselves are told."""
_MAX_DEPTH = 12


@dataclass(frozen=True, slots=True)
class _Changed:
    mark: str
    key: str
    a_bytes: int = 0
    b_bytes: int = 0
    old: str = ""
    """The key on a's side of a renamed one."""

    def row(self) -> Row:
        if self.mark == "→":
            return Row("→", printable(self.key, NAME_WIDTH), printable(self.old, NAME_WIDTH), "renamed")
        return _row(self.mark, self.key, size(self.a_bytes), size(self.b_bytes))


def object_rows(diff: Diff, *, folded: bool = True, unchanged: bool = False) -> tuple[Row, ...]:
    """Added, removed, changed and renamed objects, in this order, with `unchanged` also those that are equal.

    With `folded`, more than 40 become one row for each folder, as deep as 40 rows allow, that keeps its
    members. Cost: O(objects).
    """
    changed = (*_changed(diff), *(_equal(diff) if unchanged else ()))
    if not folded or len(changed) <= _FEW:
        return tuple(item.row() for item in changed)
    for depth in range(_MAX_DEPTH, -1, -1):
        groups: dict[tuple[str, str], list[_Changed]] = {}
        for item in changed:
            groups.setdefault((item.mark, _folder(item.key, depth)), []).append(item)
        if len(groups) <= _FEW or not depth:
            break
    return tuple(row for (mark, folder), members in groups.items() for row in _rows(mark, folder, members))


def _changed(diff: Diff) -> Iterator[_Changed]:
    a = {info.key: info.size_bytes for info in diff.a.objects}
    b = {info.key: info.size_bytes for info in diff.b.objects}
    o = diff.objects
    yield from (_Changed("+", key, 0, b[key]) for key in o.added)
    yield from (_Changed("-", key, a[key]) for key in o.removed)
    yield from (_Changed("~", key, a[key], b[key]) for key in o.changed)
    yield from (_Changed("→", new, a[old], b[new], old) for old, new in o.renamed)


def _equal(diff: Diff) -> Iterator[_Changed]:
    before = {info.key: (info.etag, info.size_bytes) for info in diff.a.objects}
    for info in diff.b.objects:
        if before.get(info.key) == (info.etag, info.size_bytes):
            yield _Changed("=", info.key, info.size_bytes, info.size_bytes)


def _folder(key: str, depth: int) -> str:
    """The first `depth` folders of a key, or all that it has."""
    folders = key.split("/")[:-1][:depth]
    return "/".join(folders) + "/" if folders else ""


def _rows(mark: str, folder: str, members: Sequence[_Changed]) -> tuple[Row, ...]:
    rows = tuple(member.row() for member in members)
    if len(members) < _TOO_FEW:
        return rows
    a, b = (sum(sizes) for sizes in zip(*((m.a_bytes, m.b_bytes) for m in members), strict=True))
    return (replace(_row(mark, folder or "(root)", size(a), size(b)), count=len(rows), rows=rows),)


def _row(mark: str, key: str, a: str, b: str) -> Row:
    return Row(mark, printable(key, NAME_WIDTH), "" if mark in "+→=" else a, "" if mark == "-" else b)


def objects_in_words(diff: Diff) -> str:
    """`3 added, 1 changed; 1.2 GB shared, 40 MB own`."""
    o = diff.objects
    counts: Iterable[tuple[str, Sequence[object]]] = (
        ("added", o.added), ("removed", o.removed), ("changed", o.changed), ("renamed", o.renamed),
    )  # fmt: skip
    told = [f"{len(group)} {word}" for word, group in counts if group]
    sizes = f"{size(o.shared_bytes)} shared, {size(o.b_only_bytes)} own"
    return f"{', '.join(told) or 'none differ'}; {sizes}"
