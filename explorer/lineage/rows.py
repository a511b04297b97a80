"""The tree as rows, newest first, one lane per bucket: what both screens draw.

A bucket's lane runs from its head down to the snapshot it was forked from, where it joins its
parent's lane. Forks never merge, so the picture is a forest and a lane is an interval of rows;
columns are given to intervals greedily, a fork always to the right of its parent.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from immutables import Map

from explorer.lineage.address import Node, version_order
from explorer.lineage.values import Bucket

HEAD, NODE, LINE, RIGHT, CORNER, TEE, CROSS = "○●│─┘┴┼"
ASCII = str.maketrans("○●│─┘┴┼", "o*|-/+|")


@dataclass(frozen=True, slots=True)
class _Lane:
    """Rows `first..last` of one column belong to one bucket; `last` is where it joins its parent."""

    column: int
    first: int
    last: int


_Entry = tuple[int, int, str, str, Node]
"""What rows are sorted by, newest last: time, whether it is a head, bucket, version; and the node."""


class Rows:
    """The rows of a lineage: built once per tree revision in O(n log n); a row's graph is O(columns).

    With the rows of an older revision at hand only what changed since is dated and sorted anew.
    """

    def __init__(self, buckets: Map[str, Bucket], older: Rows | None = None) -> None:
        self._buckets = buckets
        self._entries = _ordered(buckets, older)
        self._nodes = [entry[4] for entry in reversed(self._entries)]
        self._own: dict[str, list[int]] = {name: [] for name in buckets}
        for row, node in enumerate(self._nodes):
            self._own[node.bucket].append(row)
        self._joins = {name: self._join_row(buckets, bucket) for name, bucket in buckets.items()}
        self._lanes: dict[str, _Lane] = {}
        self._columns: list[list[tuple[int, int]]] = []
        self._closing: dict[int, list[int]] = {}
        self._forks: dict[int, list[int]] = {}
        for name in _parents_first(buckets):
            self._place(buckets[name])
        self._fork_points = sorted(self._forks)

    def __len__(self) -> int:
        return len(self._nodes)

    def __iter__(self) -> Iterator[Node]:
        return iter(self._nodes)

    @property
    def columns(self) -> int:
        """How many lanes stand side by side at the widest place."""
        return len(self._columns)

    def node(self, row: int) -> Node:
        return self._nodes[row]

    def index(self, node: Node) -> int | None:
        """The row of a node, found in O(log n); None when it is not in the tree."""
        bucket = self._buckets.get(node.bucket)
        if bucket is None:
            return None
        if node.version is None:
            return self._own[node.bucket][0]
        at = bisect_left(
            bucket.snapshots, version_order(node.version), key=lambda s: version_order(s.version)
        )
        if at == len(bucket.snapshots) or bucket.snapshots[at].version != node.version:
            return None
        return self._own[node.bucket][len(bucket.snapshots) - at]

    def column(self, row: int) -> int:
        """The column of the row's own lane: screens colour by it."""
        return self._lanes[self._nodes[row].bucket].column

    def parent(self, row: int) -> int | None:
        """The row of what this node grew from: the next older snapshot, or the fork point."""
        node = self._nodes[row]
        own = self._own[node.bucket]
        if row != own[-1]:
            return own[bisect_right(own, row)]
        return self._joins[node.bucket]

    def origin(self, row: int) -> int | None:
        """The row of the parent's snapshot that this row's bucket was forked from."""
        return self._joins[self._nodes[row].bucket]

    def forks(self, row: int) -> tuple[int, ...]:
        """The rows of the heads of the forks made from this node, leftmost lane first."""
        return tuple(self._forks.get(row, ()))

    @property
    def fork_points(self) -> Sequence[int]:
        """The rows that something was forked from, topmost first."""
        return self._fork_points

    def graph(self, row: int, first: int = 0, stop: int | None = None) -> str:
        """The lanes at this row, columns `first` to `stop`: two cells a column, `│ ●─┘` and the like."""
        node = self._nodes[row]
        own = self._lanes[node.bucket].column
        closing = self._closing.get(row, [])
        last = closing[-1] if closing else own
        cells = []
        for column in range(first, len(self._columns) if stop is None else min(stop, len(self._columns))):
            lanes = self._columns[column]
            if column == own:
                glyph = HEAD if node.is_head else NODE
            elif column in closing:
                glyph = CORNER if column == last else TEE
            elif own < column < last:
                glyph = CROSS if _covers(lanes, row) else RIGHT
            else:
                glyph = LINE if _covers(lanes, row) else " "
            cells.append(glyph)
            cells.append(RIGHT if own <= column < last else " ")
        return "".join(cells).rstrip()

    def _join_row(self, buckets: Map[str, Bucket], bucket: Bucket) -> int | None:
        """A fork of a version that no snapshot names joins the newest snapshot before it."""
        if bucket.parent is None or bucket.parent.bucket not in buckets:
            return None
        exact = self.index(bucket.parent)
        if exact is not None and not bucket.parent.is_head:
            return exact
        parent = buckets[bucket.parent.bucket]
        cut = int(bucket.parent.version or 0) or _born(bucket)
        before = bisect_right(parent.snapshots, cut, key=lambda s: s.created_ns)
        return self._own[parent.name][len(parent.snapshots) - max(before - 1, 0)]

    def _place(self, bucket: Bucket) -> None:
        first = self._own[bucket.name][0]
        join = self._joins[bucket.name]
        last = self._own[bucket.name][-1] if join is None else join
        parent = bucket.parent.bucket if bucket.parent is not None and join is not None else None
        column = self._lanes[parent].column + 1 if parent is not None else 0
        while column < len(self._columns) and not _free(self._columns[column], first, last):
            column += 1
        while column >= len(self._columns):
            self._columns.append([])
        insort(self._columns[column], (first, last))
        self._lanes[bucket.name] = _Lane(column, first, last)
        if join is not None:
            insort(self._closing.setdefault(join, []), column)
            self._forks.setdefault(join, []).append(first)


def _born(bucket: Bucket) -> int:
    """A fork is younger than the snapshot it came from, whatever coarse clock dated it."""
    cut = int(bucket.parent.version or 0) if bucket.parent is not None else 0
    return max(bucket.created_ns, cut + 1)


def _ordered(buckets: Map[str, Bucket], older: Rows | None) -> list[_Entry]:
    entries: list[_Entry] = []
    changed: Iterable[Bucket] = buckets.values()
    if older is not None:
        # buckets that did not change are the very same values, and what stayed is in order already
        same = {name for name, bucket in buckets.items() if older._buckets.get(name) is bucket}
        entries = [entry for entry in older._entries if entry[2] in same]
        changed = [bucket for name, bucket in buckets.items() if name not in same]
    for bucket in changed:
        newest = bucket.snapshots[-1].created_ns if bucket.snapshots else 0
        entries.append((max(newest, _born(bucket)), 1, bucket.name, "", bucket.head))
        entries.extend((s.created_ns, 0, bucket.name, s.version, s.node) for s in bucket.snapshots)
    entries.sort()
    return entries


def _parents_first(buckets: Map[str, Bucket]) -> Iterator[str]:
    """Roots, each followed by its forks: the oldest line of a family keeps the leftmost lane."""
    children: dict[str | None, list[Bucket]] = {}
    for bucket in buckets.values():
        known = bucket.parent is not None and bucket.parent.bucket in buckets
        children.setdefault(bucket.parent.bucket if known and bucket.parent else None, []).append(bucket)
    for family in children.values():
        family.sort(key=lambda b: (_born(b), b.name), reverse=True)  # popped from the end: oldest first
    waiting = list(children.get(None, []))
    while waiting:
        bucket = waiting.pop()
        yield bucket.name
        waiting.extend(children.get(bucket.name, []))


def _covers(lanes: list[tuple[int, int]], row: int) -> bool:
    at = bisect_right(lanes, (row, 1 << 62)) - 1
    return at >= 0 and lanes[at][1] >= row


def _free(lanes: list[tuple[int, int]], first: int, last: int) -> bool:
    at = bisect_right(lanes, (last, 1 << 62)) - 1
    return at < 0 or lanes[at][1] < first
