"""How far a curve is from its baseline: on the common domain only, never extrapolated."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from explorer.metrics.series import Series

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Delta:
    """Own minus baseline at own steps behind the fork, where the baseline has a value young enough."""

    steps: array[float]
    values: array[float]

    @property
    def last(self) -> float | None:
        return self.values[-1] if self.values else None

    @property
    def mean(self) -> float | None:
        """The area between both over the common width; the plain value where there is one point."""
        if not self.values:
            return None
        width = self.steps[-1] - self.steps[0]
        if width <= 0:
            return self.values[0]
        import numpy as np

        steps, values = np.frombuffer(self.steps), np.frombuffer(self.values)
        return float(np.sum(np.diff(steps) * (values[1:] + values[:-1]))) / 2 / width


def delta(own: Series, baseline: Series, after: float) -> Delta:
    """As-of join: each own finite point behind `after` minus the baseline's last finite value up to it.

    A baseline value may be twice the larger median cadence old. Cost: O(own log baseline), and little where
    both log at the same steps.
    """
    import numpy as np

    allowed = 2 * max(cadence(own.steps), cadence(baseline.steps))
    steps, values = _finite_behind(own, after)
    base_steps, base_values = _finite_behind(baseline, -np.inf)
    if not len(steps) or not len(base_steps):
        return Delta(array("d"), array("d"))
    at = _last_before(base_steps, steps)
    there = at >= 0
    at = np.maximum(at, 0)
    # a baseline that has ended has no value here, however young its last one is
    there &= (base_steps[at] > after) & (steps <= baseline.steps[-1]) & (steps - base_steps[at] <= allowed)
    if there.all():
        found = values - base_values[at]
    else:
        steps, found = steps[there], values[there] - base_values[at[there]]
    return Delta(array("d", steps.tobytes()), array("d", found.tobytes()))


def _finite_behind(series: Series, after: float) -> tuple[Floats, Floats]:
    import numpy as np

    start = bisect_right(series.steps, after)
    steps, values = np.frombuffer(series.steps)[start:], np.frombuffer(series.values)[start:]
    good = np.isfinite(values)
    return (steps, values) if good.all() else (steps[good], values[good])


def _last_before(base_steps: Floats, steps: Floats) -> npt.NDArray[np.intp]:
    """For each step the last baseline row up to it; -1 where there is none."""
    import numpy as np

    first = int(np.searchsorted(base_steps, steps[0], "left"))
    beside = base_steps[first : first + len(steps)]
    same = int(np.argmin(np.append(beside == steps[: len(beside)], False)))  # so many stand side by side
    found = np.arange(first, first + len(steps))
    found[same:] = np.searchsorted(base_steps, steps[same:], "right") - 1
    return found


def cadence(steps: array[float]) -> float:
    """The median distance of consecutive steps, over at most 1000 of them; 0 for fewer than two."""
    recent = steps[-1001:]
    gaps = sorted(b - a for a, b in pairwise(recent))
    return gaps[len(gaps) // 2] if gaps else 0.0
