"""From the x of a comparison to the x of a plot and back: dates, hours, logarithms, the window."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from explorer.metrics import Comparison

_TITLES = {"since_fork": "steps since the fork", "time": "time", "active": "time spent training"}
_UNITS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"))
_BEFORE, _BEHIND = 0.08, 0.02
"""How much of the inherited part the window behind the fork shows, and how much room it leaves."""


@dataclass(frozen=True, slots=True)
class Scale:
    """One x axis. Shown are: dates as local milliseconds, durations in the largest unit that they fill."""

    name: str
    log: bool = False
    factor: float = 1.0
    shift: float = 0.0
    unit: str = ""

    @property
    def title(self) -> str:
        said = _TITLES.get(self.name, self.name)
        return f"{said} ({self.unit})" if self.unit else said

    @property
    def kind(self) -> str:
        """plotly's type of the axis."""
        return "date" if self.name == "time" else "log" if self.log else "linear"

    def shown(self, x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return x if self.factor == 1.0 and not self.shift else x * self.factor + self.shift

    def range(self, low: float, high: float) -> list[float]:
        """The ends of the axis as plotly takes them."""
        ends = [low * self.factor + self.shift, high * self.factor + self.shift]
        return [math.log10(max(end, 1e-12)) for end in ends] if self.kind == "log" else ends

    def window(self, ends: Sequence[Any]) -> tuple[float, float]:
        """The x between plotly's ends, which a zoom on dates gives as text."""
        import numpy as np

        found = [
            float(np.datetime64(end, "us").astype(np.int64)) / 1e3 if isinstance(end, str) else float(end)
            for end in ends
        ]
        if self.kind == "log":
            found = [10.0 ** min(end, 300.0) for end in found]
        low, high = sorted((end - self.shift) / self.factor for end in found)
        return low, high


def scale_of(name: str, span: float, log: bool) -> Scale:
    """The axis `name` of curves that reach over `span`."""
    if name == "time":
        away = datetime.now().astimezone().utcoffset()
        return Scale(name, factor=1e3, shift=0.0 if away is None else away.total_seconds() * 1e3)
    if name == "active":
        per, unit = next(((s, u) for s, u in _UNITS if span >= 2 * s), (1.0, "s"))
        return Scale(name, log, 1.0 / per, unit=unit)
    return Scale(name, log)


def window(comparisons: Iterable[Comparison], *, after_fork: bool, log: bool = False) -> tuple[float, float]:
    """The x range to look at: from a little before the first fork to the end, or everything."""
    several = tuple(comparisons)
    ends = [
        end
        for c in several
        for curve in c.nodes
        for end in (*curve.x[:1], *curve.x[-1:])
        if math.isfinite(end)
    ]
    low, high = (min(ends), max(ends)) if ends else (0.0, 1.0)
    fork = min((c.first_fork for c in several if c.first_fork is not None), default=None)
    if after_fork and fork is not None and low <= fork < high:
        room = high - fork
        low, high = max(low - _BEHIND * room, fork - _BEFORE * room), high + _BEHIND * room
    else:
        room = (high - low) or 1.0
        low, high = low - _BEHIND * room, high + _BEHIND * room
    if log and low <= 0:
        low = min((x for c in several for curve in c.nodes for x in curve.x[:2] if x > 0), default=1.0) * 0.9
    return low, max(high, low * 1.01 if log else high)


def spread(
    values: Iterable[npt.NDArray[np.float64]], *, log: bool, trimmed: bool
) -> tuple[float, float] | None:
    """The y range of what is drawn, with some room; `trimmed`: one value in a hundred may stick out."""
    import numpy as np

    several = [part[np.isfinite(part) & ((part > 0) | (not log))] for part in values]
    whole = np.concatenate(several) if several else np.empty(0)
    if not len(whole):
        return None
    low, high = (float(v) for v in np.quantile(whole, (0.01, 0.99) if trimmed else (0.0, 1.0)))
    if log:
        low, high = math.log10(low), math.log10(high)
    room = 0.06 * (high - low) or 0.05 * abs(high) or 1.0
    return low - room, high + room
