"""Smoothing as TensorBoard's slider does it: a debiased exponential moving average over finite values."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

_MOST, _LEAST, _SLAB = 4096, 16, 32768
_DIGITS = 200.0
"""How far, in powers of ten, weights may spread within one stretch of the recursion: floats hold 308."""
_FORGOTTEN = 40.0
"""Where `w^n` is below e to the minus this, `1 - w^n` is 1 to the last bit."""


@dataclass(frozen=True, slots=True)
class Smoothed:
    """Smoothed values, with what the average had gathered by each: others can go on from there."""

    values: Array
    weight: float
    counted: int
    """Finite values that came before the first of these."""
    finite: npt.NDArray[np.bool_] | None = None
    """Which values are finite; None where all of them are."""
    before: tuple[float, int] = (0.0, 0)
    """The undivided average and its count before the first value."""

    def gathered(self, upto: int) -> tuple[float, int]:
        """The undivided average and the number of finite values behind the first `upto` of these."""
        import numpy as np

        if self.finite is None:
            last, count = upto - 1, self.counted + upto
        else:
            places = np.flatnonzero(self.finite[:upto])
            last, count = int(places[-1]) if len(places) else -1, self.counted + len(places)
        if last < 0:
            return self.before
        return float(self.values[last]) * _share(self.weight, count), count


def smooth(values: Array, weight: float) -> Array:
    """`s = w s + (1 - w) v` divided by `1 - w^n`, `n` counting the finite values so far; others pass through.

    `weight` in [0, 1). Cost: about 6 ns a value.
    """
    return values if weight <= 0 or not len(values) else smooth_on(values, weight).values


def smooth_on(values: Array, weight: float, before: tuple[float, int] = (0.0, 0)) -> Smoothed:
    """The same for values that come behind others, going on from what `gathered` says of those."""
    import numpy as np

    if not len(values) or weight <= 0:
        return Smoothed(values, weight, before[1], before=before)
    size = max(float(values.max()), -float(values.min()))  # NaN and infinity show in it
    if math.isfinite(size):
        out = np.empty(len(values))
        _average(values, weight, before, size, out)
        return Smoothed(out, weight, before[1], before=before)
    finite = np.isfinite(values)
    good = values[finite]
    out = values.astype(np.float64, copy=True)
    if len(good):
        part = np.empty(len(good))
        _average(good, weight, before, float(np.abs(good).max()), part)
        out[finite] = part
    return Smoothed(out, weight, before[1], finite, before)


def _average(values: Array, weight: float, before: tuple[float, int], size: float, out: Array) -> None:
    """A stretch at a time: `sum(w^(n-k) v_k)` is `w^n` times the running sum of `w^-k v_k`.

    Rounding adds up to a few times `1 / (1 - w)` last digits of the largest value, as in the plain recursion.
    """
    import numpy as np

    carry, counted = before
    # values of huge size are brought down, so that their weighted ones stay within what floats hold
    scale = size if size > 1e90 or abs(carry) > 1e90 else 1.0
    stretch = min(max(int(_DIGITS / -math.log10(weight)), _LEAST), _MOST)
    powers = weight ** np.arange(stretch + 1, dtype=np.float64)
    with np.errstate(divide="ignore", over="ignore"):
        up = (1 - weight) / powers[:stretch] / scale
    if not np.isfinite(up[-1]):
        return _average_by_hand(values, weight, before, out)
    reach = min(int(_FORGOTTEN / -math.log(weight)) + 1, stretch)
    carry /= scale
    for start, rows, width in _slabs(len(values), stretch):
        made = out[start : start + rows * width].reshape(rows, width)
        np.multiply(values[start : start + rows * width].reshape(rows, width), up[:width], out=made)
        np.cumsum(made, axis=1, out=made)
        made *= powers[:width]
        carries = []
        for end in made[:, -1].tolist():
            carries.append(carry)
            carry = end + carry * float(powers[width])
        near = min(reach, width)
        made[:, :near] += np.multiply.outer(carries, powers[1 : near + 1])
        if near == width:
            carry = float(made[-1, -1])
        if scale != 1.0:
            made *= scale
    # the divisor matters only while few values have been seen
    few = min(len(values), max(int(_FORGOTTEN / -math.log(weight)) + 1 - counted, 0))
    if few:
        counts = np.arange(counted + 1, counted + few + 1)
        out[:few] /= -np.expm1(counts * math.log(weight))
    return None


def _slabs(length: int, stretch: int) -> Iterator[tuple[int, int, int]]:
    """Where slabs of whole stretches begin, that stay in the cache, with their rows and columns."""
    rows, start = max(_SLAB // stretch, 1), 0
    while (left := length - start) >= stretch:
        taken = min(rows, left // stretch)
        yield start, taken, stretch
        start += taken * stretch
    if left:
        yield start, 1, left


def _average_by_hand(values: Array, weight: float, before: tuple[float, int], out: Array) -> None:
    """For weights so small that their powers leave what floats hold: nearly nothing is remembered then."""
    total, count = before
    for i, value in enumerate(values.tolist()):
        total, count = total * weight + value * (1 - weight), count + 1
        out[i] = total / _share(weight, count)


def _share(weight: float, count: int) -> float:
    """`1 - w^n` without losing digits while n is small and w is near 1."""
    return -math.expm1(count * math.log(weight)) if count else 0.0
