"""Ways through the tree: to where a bucket was forked, to its forks, from fork point to fork point. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from explorer.lineage.address import Node
from explorer.lineage.rows import Rows


def origin(rows: Rows, row: int) -> Node | None:
    """The snapshot that the row's bucket was forked from."""
    at = rows.origin(row)
    return rows.node(at) if at is not None else None


def child(rows: Rows, row: int, last: Node | None) -> Node | None:
    """A fork made from this row: the one after `last`, where that was visited before, round and round."""
    forks = [rows.node(at) for at in rows.forks(row)]
    if not forks:
        return None
    at = forks.index(last) + 1 if last in forks else 0
    return forks[at % len(forks)]


def fork_point(rows: Rows, shown: Sequence[int], start: int, step: int) -> int | None:
    """The index in `shown` of the next row that something was forked from, upwards or downwards."""
    if not 0 <= start < len(shown):
        return None
    points, row = rows.fork_points, shown[start]
    on = bisect_right(points, row) if step > 0 else bisect_left(points, row) - 1
    # from point to point, not from row to row: the next may be 30,000 rows away
    while 0 <= on < len(points):
        at = bisect_left(shown, points[on])
        if at < len(shown) and shown[at] == points[on]:
            return at
        on += step
    return None


def related(rows: Rows, row: int) -> list[Node]:
    """What a node is naturally compared with: a fork point's bucket and its forks, or parent and fork.

    Heads stand for buckets: a snapshot's own curve would end where the forks begin.
    """
    node = rows.node(row)
    forks = [rows.node(at) for at in rows.forks(row)]
    if forks:
        return [Node(node.bucket), *forks]
    came_from = origin(rows, row)
    return [Node(came_from.bucket), node] if came_from is not None else [node]
