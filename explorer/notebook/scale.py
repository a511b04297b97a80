"""From the x of a comparison to the x of a plot and back: dates, hours, logarithms, the window."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from explorer.metrics.choose import NOT_CURVES
from explorer.metrics.ranges import Span, UsualRange, from_first_fork, usual_range, whole_range, x_range

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from explorer.metrics import Comparison
    from explorer.notebook.look import Look

    Floats = npt.NDArray[np.float64]

_TITLES = {"since_fork": "steps since the fork", "time": "time", "active": "time spent training"}
_UNITS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"))
_ROOM = 0.02
"""Of the width of what is shown, on either side of it."""


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

    def shown(self, x: Floats) -> Floats:
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


def window(comparisons: Iterable[Comparison], *, after_fork: bool, log: bool = False) -> Span:
    """The x range to look at, with some room: from a little before the first fork on, or everything."""
    import numpy as np

    several = tuple(comparisons)
    low, high = x_range([np.frombuffer(curve.x) for c in several for curve in c.nodes], log=log)
    if after_fork:
        fork = min((c.first_fork for c in several if c.first_fork is not None), default=None)
        low, high = from_first_fork((low, high), fork, log=log)
    if log:
        return low / (high / low) ** _ROOM, high * (high / low) ** _ROOM
    room = _ROOM * (high - low)
    return low - room, high + room


def y_range(values: Sequence[Floats], comparison: Comparison, look: Look) -> UsualRange | None:
    """The y range of what is drawn of one panel, with some room, as plotly takes it; None for nothing."""
    log = look.log_y and not look.delta
    seen = [part[part > 0] if log else part for part in values]
    if not any(math.isfinite(v) for part in seen for v in part):
        return None
    if look.after_fork and comparison.metric not in NOT_CURVES:
        usual = usual_range(seen, rises=comparison.rises, deltas=look.delta)
    else:
        usual = whole_range(seen)
    low, high = (math.log10(usual.low), math.log10(usual.high)) if log else (usual.low, usual.high)
    room = 0.06 * (high - low) or 0.05 * abs(high) or 1.0
    return UsualRange(low - room, high + room, usual.beyond)
