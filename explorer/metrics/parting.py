"""Where did two curves part? Three answers: as declared, bit for bit, and to the eye."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from explorer.metrics.series import Series
from explorer.metrics.smooth import smooth

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

_WEIGHT, _SIGMAS, _IN_A_ROW, _WINDOW = 0.9, 3.0, 5, 100
_MAD_TO_SIGMA = 1.4826
MEMORY = 600
"""Points after which an EMA of this weight has forgotten everything a float can tell."""


@dataclass(frozen=True, slots=True)
class Parted:
    """The fork step as declared, the last step up to which both say the same bit for bit, and the step from
    which on the gap between the smoothed curves stands out of the noise: None where it does not.
    """

    declared: float
    identical_until: float | None
    visible: float | None


def parted(own: Series, parent: Series, fork: float) -> Parted:
    """Compare a stitched fork with its parent's own curve. Cost: two smoothings.

    Visible is the first step behind the fork at which the difference of both EMAs (weight 0.9) is more than
    three robust sigmas of the parent's noise before the fork, for five common points in a row.
    """
    import numpy as np

    x, y, at = _tail(own, fork)
    parent_x, parent_y, parent_at = _tail(parent, fork)
    if not len(x) or not len(parent_x):
        return Parted(fork, None, None)
    n = min(len(x), len(parent_x))
    both: slice | npt.NDArray[np.intp]
    where: slice | npt.NDArray[np.intp]
    if np.array_equal(x[:n], parent_x[:n]):
        both = where = slice(at, n)  # mostly: both log at the same steps
    else:
        near = np.minimum(np.searchsorted(parent_x, x), len(parent_x) - 1)
        both = np.flatnonzero((parent_x[near] == x) & (np.arange(len(x)) >= at))
        where = near[both]
    a, b, common = y[both], parent_y[where], x[both]
    if not len(common):
        return Parted(fork, None, None)
    differs = np.flatnonzero(a.view(np.int64) != b.view(np.int64))
    if not len(differs):
        return Parted(fork, float(common[-1]), None)
    identical = float(common[differs[0] - 1]) if differs[0] else fork
    sigma = _noise(parent_y[:parent_at])
    if sigma is None:
        return Parted(fork, identical, None)
    gap = np.abs(smooth(y, _WEIGHT)[both] - smooth(parent_y, _WEIGHT)[where])
    # the variance of an EMA is (1 - w) / (1 + w) of its input's; two independent ones add up
    limit = _SIGMAS * sigma * (2 * (1 - _WEIGHT) / (1 + _WEIGHT)) ** 0.5
    wide = ~(gap <= limit)  # a curve that is not finite has parted, too
    if len(wide) < _IN_A_ROW:
        return Parted(fork, identical, None)
    first = np.flatnonzero(np.convolve(wide, np.ones(_IN_A_ROW), "valid") == _IN_A_ROW)
    return Parted(fork, identical, float(common[first[0]]) if len(first) else None)


def _tail(series: Series, fork: float) -> tuple[Floats, Floats, int]:
    """Steps and values from a little before the fork on, and how many of them stand up to it."""
    import numpy as np

    steps, values = np.frombuffer(series.steps), np.frombuffer(series.values)
    if not len(steps):
        return steps, values, 0
    until = int(np.searchsorted(steps, fork, "right"))
    start = max(until - MEMORY, 0)
    return steps[start:], values[start:], until - start


def _noise(values: Floats) -> float | None:
    """A robust sigma of the last hundred points: from differences, so that a slope is not noise."""
    import numpy as np

    values = values[np.isfinite(values)]
    if len(values) < 2 * _IN_A_ROW:
        return None
    steps = np.diff(values[-_WINDOW:])
    return float(np.median(np.abs(steps - np.median(steps)))) * _MAD_TO_SIGMA / 2**0.5
