"""A comparison as plotly traces: what is inherited once and lighter, forks marked, lost work on request."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from explorer.checkpoints.printable import printable
from explorer.lineage.values import show_overrides
from explorer.metrics import thin
from explorer.notebook.words import loss

if TYPE_CHECKING:
    from explorer.metrics import Comparison
    from explorer.metrics.comparison import NodeCurve

MOST_POINTS = 2000
"""Of one curve, whatever its length: a plot is not wider."""
# middle lightness: each reads on white and on a dark page
COLOURS = (
    "#3584e4", "#e8711a", "#26a269", "#c64fa0", "#8f6ae0",
    "#b58900", "#1c9fb0", "#e0483e", "#7d8a97", "#7f9a2c",
)  # fmt: skip
_DASHES = ("solid", "dash", "dot", "dashdot")
_INHERITED = "#8a8f98"


@dataclass(frozen=True, slots=True)
class Trace:
    """One line of the figure. `key` stays the same as its numbers grow."""

    key: str
    x: array[float]
    y: array[float]
    look: dict[str, Any]

    def thinned(self, low: float, high: float) -> tuple[list[float], list[float | None]]:
        """At most MOST_POINTS points between two x, and the nearest beyond them so that lines reach the edge.

        A value that is not finite breaks the line.
        """
        first = next((i for i, x in enumerate(self.x) if x >= low), len(self.x))
        stop = next((i for i in range(len(self.x) - 1, -1, -1) if self.x[i] <= high), -1) + 1
        start, end = max(0, first - 1), min(len(self.x), max(stop, first) + 1)
        x, y = self.x[start:end], self.y[start:end]
        kept: Sequence[int] = range(len(x))
        if len(x) > MOST_POINTS:
            # a thinned line must still break where the numbers do
            broken = [i for i, v in enumerate(y) if not math.isfinite(v)][: MOST_POINTS // 10]
            kept = sorted({*thin(x, y, MOST_POINTS - len(broken)), *broken})
        return [x[i] for i in kept], [y[i] if math.isfinite(y[i]) else None for i in kept]


def traces(comparison: Comparison) -> tuple[Trace, ...]:
    """The lines to draw, those at the back first."""
    back: list[Trace] = []
    front: list[Trace] = []
    drawn: list[NodeCurve] = []
    for curve in sorted(comparison.nodes, key=lambda curve: -curve.own_at):
        shown = (*drawn, *(other for other in comparison.nodes if other.own_at < curve.own_at))
        if curve.own_at and not any(_covers(other, curve) for other in shown):
            back.append(_inherited(curve))
        drawn.append(curve)
    for at, curve in enumerate(comparison.nodes):
        colour, dash = COLOURS[at % len(COLOURS)], _DASHES[at // len(COLOURS) % len(_DASHES)]
        back += [
            _lost(curve, number, tail.x, tail.values, colour) for number, tail in enumerate(curve.discarded)
        ]
        front.append(_own(curve, colour, dash, comparison))
        if curve.fork_x is not None and curve.own_at:
            front.append(_fork(curve, colour))
    return (*back, *front)


def window(comparison: Comparison) -> tuple[float, float] | None:
    """The x range from a little before the first fork to the end; None where nothing was forked."""
    start = comparison.first_fork
    end = max((curve.x[-1] for curve in comparison.nodes if len(curve.x)), default=None)
    if start is None or end is None or end <= start:
        return None
    return start - 0.08 * (end - start), end + 0.02 * (end - start)


def value_range(shown: Sequence[Trace], low: float, high: float) -> tuple[float, float] | None:
    """The y range of what lies between two x, one spike in a hundred left out."""
    values = sorted(
        y
        for trace in shown
        if trace.look.get("visible", True) is True
        for x, y in zip(trace.x, trace.y, strict=True)
        if low <= x <= high and math.isfinite(y)
    )
    if not values:
        return None
    bottom, top = values[len(values) // 100], values[-1 - len(values) // 100]
    room = 0.06 * (top - bottom) or 0.05 * abs(top) or 1.0
    return bottom - room, top + room


def _covers(other: NodeCurve, curve: NodeCurve) -> bool:
    """Whether `other` shows all that `curve` inherited, so that it need not be drawn twice."""
    n = curve.own_at
    return len(other.x) >= n and other.x[:n] == curve.x[:n] and other.values[:n] == curve.values[:n]


def _own(curve: NodeCurve, colour: str, dash: str, comparison: Comparison) -> Trace:
    start = max(0, curve.own_at - 1)  # from the last inherited point: the line leaves its parent there
    changed = f" · {printable(show_overrides(curve.overrides), 60)}" if curve.overrides else ""
    name = printable(curve.label, 48)
    return Trace(
        f"own {curve.label}",
        curve.x[start:],
        curve.values[start:],
        {
            "name": name,
            "legendgroup": curve.label,
            "line": {"color": colour, "width": 2, "dash": dash},
            "hovertemplate": f"%{{y:.5g}} <b>{_plain(name)}</b>{_plain(changed)}<extra></extra>",
            "meta": comparison.metric,
        },
    )


def _inherited(curve: NodeCurve) -> Trace:
    return Trace(
        f"inherited {curve.label}",
        curve.x[: curve.own_at],
        curve.values[: curve.own_at],
        {
            "name": "inherited",
            "legendgroup": "inherited",
            "showlegend": False,
            "line": {"color": _INHERITED, "width": 1.6},
            "opacity": 0.65,
            "hovertemplate": "%{y:.5g} inherited<extra></extra>",
        },
    )


def _fork(curve: NodeCurve, colour: str) -> Trace:
    at = curve.own_at - 1
    inferred = " (inferred)" if curve.inferred else ""
    return Trace(
        f"fork {curve.label}",
        array("d", [curve.x[at]]),
        array("d", [curve.values[at]]),
        {
            "name": f"fork {_plain(printable(curve.label, 48))}",
            "legendgroup": curve.label,
            "showlegend": False,
            "mode": "markers",
            "marker": {"symbol": "diamond-open", "size": 10, "color": colour, "line": {"width": 2}},
            "hovertemplate": f"forked at {curve.fork_x:g}{inferred}: {loss(curve.values[at])}<extra></extra>",
        },
    )


def _lost(curve: NodeCurve, number: int, x: array[float], values: array[float], colour: str) -> Trace:
    return Trace(
        f"lost {curve.label} {number}",
        x,
        values,
        {
            "name": "lost work",
            "legendgroup": "lost",
            "showlegend": number == 0,
            "legendrank": 2000,
            "visible": "legendonly",
            "line": {"color": colour, "width": 1, "dash": "dot"},
            "opacity": 0.6,
            "hovertemplate": "%{y:.5g} done again later<extra></extra>",
        },
    )


def _plain(text: str) -> str:
    """plotly reads a little HTML in names and hovers: no name of ours may be any."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("%{", "% {")
