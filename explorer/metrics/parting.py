"""Where did two curves part? Three answers: as declared, bit for bit, and to the eye."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.metrics.series import Series
from explorer.metrics.smooth import smooth

_WEIGHT, _SIGMAS, _IN_A_ROW, _WINDOW = 0.9, 3.0, 5, 100
_MAD_TO_SIGMA = 1.4826


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

    common, at_own, at_parent = np.intersect1d(
        np.frombuffer(own.steps), np.frombuffer(parent.steps), assume_unique=True, return_indices=True
    )
    behind = common > fork
    a, b = np.frombuffer(own.values)[at_own], np.frombuffer(parent.values)[at_parent]
    same = a.view(np.int64) == b.view(np.int64)
    differs = np.flatnonzero(behind & ~same)
    if not behind.any():
        return Parted(fork, None, None)
    if not len(differs):
        return Parted(fork, float(common[-1]), None)
    before = common[: differs[0]]
    identical = max(float(before[-1]), fork) if len(before) else fork
    sigma = _noise(parent, fork)
    if sigma is None:
        return Parted(fork, identical, None)
    gap = np.abs(
        smooth(np.frombuffer(own.values), _WEIGHT)[at_own]
        - smooth(np.frombuffer(parent.values), _WEIGHT)[at_parent]
    )
    # the variance of an EMA is (1 - w) / (1 + w) of its input's; two independent ones add up
    limit = _SIGMAS * sigma * (2 * (1 - _WEIGHT) / (1 + _WEIGHT)) ** 0.5
    wide = behind & ~(gap <= limit)  # a curve that is not finite has parted, too
    run = (
        np.convolve(wide, np.ones(_IN_A_ROW), "valid") == _IN_A_ROW if len(wide) >= _IN_A_ROW else np.zeros(0)
    )
    first = np.flatnonzero(run)
    return Parted(fork, identical, float(common[first[0]]) if len(first) else None)


def _noise(parent: Series, fork: float) -> float | None:
    """A robust sigma of the parent's points around their EMA, over the last hundred up to the fork."""
    import numpy as np

    values = np.frombuffer(parent.values)[np.frombuffer(parent.steps) <= fork]
    values = values[np.isfinite(values)]
    if len(values) < 2 * _IN_A_ROW:
        return None
    rest = (values - smooth(values, _WEIGHT))[-_WINDOW:]
    return float(np.median(np.abs(rest - np.median(rest)))) * _MAD_TO_SIGMA
