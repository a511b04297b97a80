"""How one curve is drawn: its inherited and its own part, raw values, lost work, fork and checkpoints."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from explorer.checkpoints.printable import printable
from explorer.lineage.values import show_overrides
from explorer.notebook.polyline import Polyline, Polylines, rising
from explorer.wording import loss

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from explorer.lineage.address import Node
    from explorer.metrics import NodeCurve
    from explorer.notebook.colours import Ink
    from explorer.notebook.look import Look

NAME = 40
"""Characters of a name in the legend."""
_INHERITED = "#8a8f98"
_FEW = 6
"""Shorter curves show their points."""
_NOTHING = array("d")


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """One trace of the figure. `key` stays the same as its numbers grow or its look changes."""

    key: str
    line: Polyline
    style: dict[str, Any]
    places: tuple[Node, ...] = ()
    """What each point stands for, at marks that can be chosen."""
    before: tuple[tuple[float, Node], ...] = ()
    """Checkpoints by x: a click on the curve means the newest before it."""


class Pen:
    """Draws one curve."""

    def __init__(
        self,
        metric: str,
        look: Look,
        curve: NodeCurve,
        ink: Ink,
        lines: Polylines,
        *,
        shown: bool,
        first: bool,
    ) -> None:
        self._metric = metric
        self._look, self._curve, self._ink, self._lines = look, curve, ink, lines
        self._shown, self._first = shown, first
        self._faded = bool(look.group_by)
        self._name = plain(printable(curve.label, NAME))
        changed = printable(show_overrides(curve.overrides), 60) if curve.overrides else ""
        self._told = f"<b>{self._name}</b>" + (f"<br>{plain(changed)}" if changed else "")
        if look.delta:
            self._whole = self._differences()
        elif curve.smoothing:
            self._whole = lines.smoothed(self._key("value"), curve, curve.smoothing)
        else:
            self._whole = lines.of(self._key("value"), curve.x, curve.values)
        # rows without a place on the axis are not drawn: what is inherited ends at the same x all the same
        until = curve.inherited_until
        self._own_at = 0 if until is None or look.delta else _upto(self._whole.x, until)
        self._start = max(self._own_at - 1, 0)
        """From the last inherited point: the line leaves its parent there."""
        self.own = self._whole.part(self._start, len(self._whole))

    def traces(self, *, inherited: bool, owned: tuple[tuple[float, Node], ...]) -> Iterator[Trace]:
        own, nothing = self._own_at, self._whole.part(0, 0)
        yield self._past(self._whole.part(0, own) if inherited and self._shown else nothing)
        smoothed = self._shown and self._look.smoothing > 0 and not self._look.delta
        yield self._raw(self._unsmoothed() if smoothed else nothing)
        yield self._lost(nothing)
        yield self._own(self.own if self._shown else nothing)
        marks = self._shown and own > 0 and not self._faded
        yield self._fork(self._whole.part(own - 1, own) if marks else nothing)
        yield self._ticks(owned if self._shown and not self._faded else ())

    def _key(self, kind: str) -> str:
        return f"{self._metric} {kind} {self._curve.label}"

    def _differences(self) -> Polyline:
        tail = self._curve.deltas
        if tail is None:
            return rising(_NOTHING, _NOTHING)
        return self._lines.of(self._key("delta"), tail.x, tail.values)

    def _unsmoothed(self) -> Polyline:
        line = self._lines.of(self._key("value"), self._curve.x, self._curve.values)
        return line.part(self._start, len(line))

    def _past(self, line: Polyline) -> Trace:
        style = {
            "mode": "lines", "showlegend": False, "opacity": 0.65, "zorder": 0,
            "line": {"color": _INHERITED, "width": 1.6},
            "hovertemplate": "%{y:.5g} inherited<extra></extra>",
        }  # fmt: skip
        return Trace(f"past {self._curve.label}", line, style, (), self._curve.checkpoints)

    def _raw(self, line: Polyline) -> Trace:
        style = {
            "mode": "lines", "showlegend": False, "opacity": 0.1 if self._faded else 0.28, "zorder": 1,
            "hoverinfo": "skip", "line": {"color": self._ink.colour, "width": 1},
            "legendgroup": self._curve.label,
        }  # fmt: skip
        return Trace(f"raw {self._curve.label}", line, style)

    def _lost(self, nothing: Polyline) -> Trace:
        """All lost tails as one trace: gaps of NaN keep them apart."""
        import numpy as np

        line = nothing
        if self._shown and self._look.lost and not self._look.delta and self._curve.discarded:
            tails = [rising(tail.x, tail.values) for tail in self._curve.discarded]
            line = Polyline(
                np.concatenate([part for t in tails for part in (t.x, t.x[-1:])]),
                np.concatenate([part for t in tails for part in (t.y, [math.nan] * len(t.x[-1:]))]),
            )
        style = {
            "mode": "lines", "showlegend": False, "opacity": 0.6, "zorder": 1,
            "line": {"color": self._ink.colour, "width": 1, "dash": "dot"},
            "legendgroup": self._curve.label,
            "hovertemplate": f"%{{y:.5g}} done again later<br>{self._told}<extra></extra>",
        }  # fmt: skip
        return Trace(f"lost {self._curve.label}", line, style)

    def _own(self, line: Polyline) -> Trace:
        few = len(line) <= _FEW
        style = {
            "name": self._name, "mode": "lines+markers" if few else "lines", "zorder": 2,
            "legendgroup": self._curve.label, "showlegend": self._first and self._shown and not self._faded,
            "opacity": 0.35 if self._faded else 1.0,
            "line": {
                "color": self._ink.colour, "width": 1 if self._faded else 2, "dash": self._ink.dash,
            },
            "marker": {"size": 4, "color": self._ink.colour},
            "hovertemplate": f"%{{y:.5g}}<br>{self._told}<extra></extra>",
        }  # fmt: skip
        return Trace(f"own {self._curve.label}", line, style, (), self._curve.checkpoints)

    def _fork(self, line: Polyline) -> Trace:
        curve = self._curve
        inferred = " (inferred)" if curve.inferred else ""
        value = loss(float(line.y[0])) if len(line) else ""
        style = {
            "mode": "markers", "showlegend": False, "zorder": 3, "legendgroup": curve.label,
            "marker": {
                "symbol": "diamond-open", "size": 11, "color": self._ink.colour, "line": {"width": 2},
            },
            "hovertemplate": f"forked at %{{x}}{inferred}: {value}<br>{self._told}<extra></extra>",
        }  # fmt: skip
        return Trace(f"fork {curve.label}", line, style)

    def _ticks(self, owned: tuple[tuple[float, Node], ...]) -> Trace:
        """Checkpoints as rings on the curve, each a place to fork and resume from."""
        import numpy as np

        xs = np.asarray([x for x, _ in owned], dtype=float)
        at = np.searchsorted(self._whole.x, xs, "right") - 1
        on = (at >= 0) & (len(self._whole) > 0)
        places = tuple(node for (_, node), there in zip(owned, on, strict=True) if there)
        line = Polyline(xs[on], self._whole.y[at[on]] if len(self._whole) else xs[on])
        style = {
            "mode": "markers", "showlegend": False, "zorder": 4, "legendgroup": self._curve.label,
            "marker": {"symbol": "circle", "size": 8, "color": self._ink.colour, "line": {"width": 0}},
            "selected": {"marker": {"size": 15, "opacity": 1.0}},
            "unselected": {"marker": {"opacity": 1.0}},
            "hovertemplate": f"checkpoint at %{{x}}: %{{y:.5g}}<br>{self._told}"
            "<br><i>click to fork or resume from it</i><extra></extra>",
        }  # fmt: skip
        return Trace(f"ticks {self._curve.label}", line, style, places)


def _upto(x: npt.NDArray[np.float64], until: float) -> int:
    import numpy as np

    return int(np.searchsorted(x, until, "right")) if math.isfinite(until) else 0


def plain(text: str) -> str:
    """plotly reads a little HTML in names and hovers: no name of ours may be any."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("%{", "% {")
