"""What a comparison draws: inherited history once, each checkpoint once, groups of curves as their mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from explorer.checkpoints.printable import printable
from explorer.notebook.averages import Average, averages
from explorer.notebook.colours import inks, parts
from explorer.notebook.pen import NAME, Pen, Trace, plain
from explorer.notebook.polyline import same_bits

if TYPE_CHECKING:
    from explorer.lineage.address import Node
    from explorer.metrics import Comparison, NodeCurve
    from explorer.notebook.look import Look
    from explorer.notebook.polyline import Polylines


def traces(
    comparison: Comparison, look: Look, shown: frozenset[str], lines: Polylines, panel: int = 0
) -> tuple[Trace, ...]:
    """What one panel draws of the curves whose labels are in `shown`; the others stay, empty.

    Every trace that newer numbers may need is there from the beginning: a figure that still loads loses
    those that come later.
    """
    ink = inks(comparison, look.colour_by or look.group_by)
    axes = {} if not panel else {"yaxis": f"y{panel + 1}"}
    covered = _covered(comparison.nodes, shown)
    owners = _owners(comparison, shown)
    pens = [
        Pen(comparison.metric, look, curve, ink[at], lines, shown=curve.label in shown, first=panel == 0)
        for at, curve in enumerate(comparison.nodes)
    ]
    found = [
        trace
        for at, pen in enumerate(pens)
        for trace in pen.traces(inherited=not look.delta and at in covered, owned=owners[at])
    ]
    if look.group_by:
        means = averages(comparison, look.group_by, [pen.own for pen in pens], shown)
        found += [trace for mean in means for trace in _average(mean, ink[mean.first].colour, panel == 0)]
    return tuple(replace(t, key=f"{panel} {t.key}", style={**t.style, **axes}) for t in found)


def _average(mean: Average, colour: str, first: bool) -> tuple[Trace, Trace]:
    name = plain(printable(mean.label, NAME)) + f" (n={mean.members})"
    band = {
        "mode": "lines", "fill": "toself", "fillcolor": _faint(colour), "showlegend": False,
        "line": {"width": 0, "color": colour}, "hoverinfo": "skip", "zorder": 1, "legendgroup": mean.label,
    }  # fmt: skip
    line = {
        "name": name, "mode": "lines", "line": {"color": colour, "width": 2.5}, "zorder": 3,
        "legendgroup": mean.label, "showlegend": first and mean.members > 0,
        "hovertemplate": f"%{{y:.5g}}<br><b>{name}</b><extra></extra>",
    }  # fmt: skip
    return Trace(f"band {mean.label}", mean.band, band), Trace(f"mean {mean.label}", mean.line, line)


def _covered(curves: Sequence[NodeCurve], shown: frozenset[str]) -> set[int]:
    """Which curves draw the history that they inherited: none whose history another one shows."""
    drawing: set[int] = set()
    seen = [(curve, len(curve.x)) for curve in curves if curve.label in shown and not curve.own_at]
    # the longest history first: it holds those of its ancestors
    for at in sorted(range(len(curves)), key=lambda i: -curves[i].own_at):
        curve = curves[at]
        if curve.label not in shown or not curve.own_at:
            continue
        if not any(_same(other, curve, upto) for other, upto in seen):
            drawing.add(at)
            seen.append((curve, curve.own_at))
    return drawing


def _same(other: NodeCurve, curve: NodeCurve, upto: int) -> bool:
    """Whether `other`, of which `upto` rows are drawn, shows all that `curve` inherited, bit for bit."""
    n = curve.own_at
    if upto < n or other.x[n - 1] != curve.x[n - 1]:
        return False
    return same_bits(other.x, curve.x, n) and same_bits(other.values, curve.values, n)


def _owners(comparison: Comparison, shown: frozenset[str]) -> list[tuple[tuple[float, Node], ...]]:
    """Each checkpoint at one curve: that of its own bucket, else the first one that has it in its lineage."""
    own = {c.node.bucket: i for i, c in reversed(tuple(enumerate(comparison.nodes))) if c.label in shown}
    told: set[Node] = set()
    found: list[list[tuple[float, Node]]] = [[] for _ in comparison.nodes]
    for i, curve in enumerate(comparison.nodes):
        if curve.label not in shown:
            continue
        for x, node in curve.checkpoints:
            if own.get(node.bucket, i) == i and node not in told:
                told.add(node)
                found[i].append((x, node))
    return [tuple(several) for several in found]


def _faint(colour: str) -> str:
    red, green, blue = parts(colour)
    return f"rgba({red},{green},{blue},0.18)"
