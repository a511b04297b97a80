"""How far a curve is from its baseline: on the common domain only, never extrapolated."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise

from explorer.metrics.series import Series


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
        pairs = zip(self.steps, self.values, self.steps[1:], self.values[1:], strict=False)
        return sum((b - a) * (u + v) / 2 for a, u, b, v in pairs) / width


def delta(own: Series, baseline: Series, after: float) -> Delta:
    """As-of join: each own finite point behind `after` minus the baseline's last finite value up to it.

    A baseline value may be twice the larger median cadence old. Cost: O(own log baseline).
    """
    allowed = 2 * max(cadence(own.steps), cadence(baseline.steps))
    steps, values = array("d"), array("d")
    for i in range(bisect_right(own.steps, after), len(own)):
        step, value = own.steps[i], own.values[i]
        if not math.isfinite(value):
            continue
        at = bisect_right(baseline.steps, step) - 1
        while at >= 0 and not math.isfinite(baseline.values[at]):
            at -= 1
        # a baseline that has ended has no value here, however young its last one is
        if at < 0 or baseline.steps[at] <= after or step > baseline.steps[-1]:
            continue
        if step - baseline.steps[at] <= allowed:
            steps.append(step)
            values.append(value - baseline.values[at])
    return Delta(steps, values)


def cadence(steps: array[float]) -> float:
    """The median distance of consecutive steps, over at most 1000 of them; 0 for fewer than two."""
    recent = steps[-1001:]
    gaps = sorted(b - a for a, b in pairwise(recent))
    return gaps[len(gaps) // 2] if gaps else 0.0
