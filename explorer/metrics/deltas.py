"""How far a curve is from its baseline: on the common domain only, never extrapolated."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from itertools import pairwise

from explorer.metrics.series import Series
from explorer.metrics.smooth import smooth


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


def delta(own: Series, baseline: Series, after: float, weight: float = 0.0) -> Delta:
    """As-of join: each own finite point behind `after` minus the baseline's last finite value up to it.

    A baseline value may be twice the larger median cadence old. With a `weight` both are smoothed first over
    the same width of x: the weight is that of the one that logs more rarely. Cost: O(own log baseline).
    """
    import numpy as np

    own_cadence, base_cadence = cadence(own.steps), cadence(baseline.steps)
    allowed = 2 * max(own_cadence, base_cadence)
    steps, values = np.frombuffer(own.steps), np.frombuffer(own.values)
    keep = (steps > after) & np.isfinite(values)
    base_steps, base_values = np.frombuffer(baseline.steps), np.frombuffer(baseline.values)
    if weight:
        widest = max(own_cadence, base_cadence) or 1.0
        values = smooth(values, weight ** (own_cadence / widest))
        base_values = smooth(base_values, weight ** (base_cadence / widest))
    good = np.isfinite(base_values)
    base_steps, base_values = base_steps[good], base_values[good]
    if not keep.any() or not len(base_steps):
        return Delta(array("d"), array("d"))
    steps, values = steps[keep], values[keep]
    at = np.searchsorted(base_steps, steps, "right") - 1
    there = at >= 0
    at = np.maximum(at, 0)
    # a baseline that has ended has no value here, however young its last one is
    there &= (base_steps[at] > after) & (steps <= baseline.steps[-1]) & (steps - base_steps[at] <= allowed)
    found = values[there] - base_values[at[there]]
    return Delta(array("d", steps[there].tobytes()), array("d", found.tobytes()))


def cadence(steps: array[float]) -> float:
    """The median distance of consecutive steps, over at most 1000 of them; 0 for fewer than two."""
    recent = steps[-1001:]
    gaps = sorted(b - a for a, b in pairwise(recent))
    return gaps[len(gaps) // 2] if gaps else 0.0
