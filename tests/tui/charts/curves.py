"""Curves that tests of charts draw."""

from array import array

from explorer.lineage.address import Node
from explorer.metrics import Comparison, NodeCurve


def curve(name, rows, *, own_at=0, fork=None, **told):
    x = array("d", [float(s) for s, _ in rows])
    y = array("d", [float(v) for _, v in rows])
    return NodeCurve(Node(name), name, (), x, y, x, own_at, fork, fork, last=y[-1] if y else None, **told)


PARENT = curve("main", [(s, 10 - s / 20) for s in range(101)])
CHILD = curve("fork", [(s, 10 - s / 10) for s in range(101)], own_at=51, fork=50.0, delta_to_parent=-5.0)
BOTH = Comparison("loss", "step", (PARENT, CHILD))


def text(frame):
    return ["".join(part for part, _ in line) for line in frame.lines]
