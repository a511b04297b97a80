"""How much two tensors differ in their values: sums over regions of both, and what they add up to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import fsum, isfinite, nan, sqrt
from typing import TYPE_CHECKING, Any

from explorer.checkpoints.elements import doubles
from explorer.checkpoints.values import Tensor

if TYPE_CHECKING:
    from numpy import ndarray

_CACHED = 8 * 1024
"""Elements added up at a time: they stay in the processor's cache, and of fewer than 10,000 OpenBLAS
makes one thread. With more it waits for the others: on busy cores forty times as long."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """Of one tensor on both sides; NaN and infinite elements are counted and left out of the norms.

    Of a tensor that both sides share (`identical`) nothing was read: no norms are known, the change is 0.
    """

    name: str
    """On b's side."""
    part: str
    elements: int
    norm_a: float
    norm_b: float
    delta_norm: float
    """Of b - a."""
    max_delta: float
    cosine: float
    """Of the two as vectors; NaN where one of them is zero."""
    equal: int
    """Elements with one value on both sides; NaN equals NaN here."""
    non_finite_a: int = 0
    non_finite_b: int = 0
    identical: bool = False

    @classmethod
    def of_identical(cls, tensor: Tensor) -> Statistics:
        """Of a tensor whose bytes are one object for both sides."""
        count = tensor.elements
        return cls(tensor.name, tensor.part, count, nan, nan, 0.0, 0.0, nan, count, identical=True)

    @property
    def relative(self) -> float:
        """The change in parts of what was there; infinite where that was nothing."""
        if self.identical:
            return 0.0
        if self.norm_a:
            return self.delta_norm / self.norm_a
        return float("inf") if self.delta_norm else 0.0

    @property
    def equal_share(self) -> float:
        return self.equal / self.elements if self.elements else 1.0

    @property
    def non_finite(self) -> int:
        return self.non_finite_a + self.non_finite_b

    def to_json(self) -> dict[str, Any]:
        """Everything as plain JSON; what is not a number is null."""
        told: dict[str, Any] = {
            "name": self.name,
            "part": self.part,
            "elements": self.elements,
            "norm_a": self.norm_a,
            "norm_b": self.norm_b,
            "delta_norm": self.delta_norm,
            "relative": self.relative,
            "cosine": self.cosine,
            "max_delta": self.max_delta,
            "equal": self.equal,
            "equal_share": self.equal_share,
            "non_finite_a": self.non_finite_a,
            "non_finite_b": self.non_finite_b,
            "identical": self.identical,
        }
        return {k: None if isinstance(v, float) and not isfinite(v) else v for k, v in told.items()}


def together(name: str, found: Sequence[Statistics]) -> Statistics:
    """What tensors add up to as one vector. Identical ones leave the norms unknown, never the change."""
    read = [told for told in found if not told.identical]
    if not read:
        return Statistics(
            name, "", sum(t.elements for t in found), nan, nan, 0.0, 0.0, nan, sum(t.equal for t in found),
            identical=True,
        )  # fmt: skip
    norm_a, norm_b, delta = (
        sqrt(fsum(value * value for value in values))
        for values in zip(*((t.norm_a, t.norm_b, t.delta_norm) for t in read), strict=True)
    )
    product = fsum(t.cosine * t.norm_a * t.norm_b for t in read if isfinite(t.cosine))
    return Statistics(
        name,
        read[0].part,
        sum(t.elements for t in found),
        norm_a,
        norm_b,
        delta,
        max(t.max_delta for t in read),
        product / (norm_a * norm_b) if norm_a and norm_b else nan,
        sum(t.equal for t in found),
        sum(t.non_finite_a for t in read),
        sum(t.non_finite_b for t in read),
    )


class Sums:
    """Takes the same region of both sides, in any order of regions. Sums are kept in double precision."""

    def __init__(self, a: Tensor, b: Tensor) -> None:
        self._a, self._b = a, b
        self._squares_a = self._squares_b = self._product = self._squares_delta = self._max_delta = 0.0
        self._equal = self._odd_a = self._odd_b = self._elements = 0

    def add(self, left: ndarray[Any, Any], right: ndarray[Any, Any]) -> None:
        """Elements as `elements.stored` has them."""
        for first in range(0, left.size, _CACHED):
            self._add(left[first : first + _CACHED], right[first : first + _CACHED])

    def _add(self, left: ndarray[Any, Any], right: ndarray[Any, Any]) -> None:
        import numpy

        a, b = doubles(left, self._a.dtype), doubles(right, self._b.dtype)
        self._elements += a.size
        squares_a, squares_b = float(a @ a), float(b @ b)
        is_finite = isfinite(squares_a) and isfinite(squares_b)
        if not is_finite:  # or so large that a square is not: looked at one by one
            fine_a, fine_b = numpy.isfinite(a), numpy.isfinite(b)
            self._odd_a += int(a.size - fine_a.sum())
            self._odd_b += int(b.size - fine_b.sum())
            fine = fine_a & fine_b
            self._equal += int(((a == b) | (numpy.isnan(a) & numpy.isnan(b)))[~fine].sum())
            a, b, left, right = a[fine], b[fine], left[fine], right[fine]
            squares_a, squares_b = float(a @ a), float(b @ b)
        if not a.size:
            return
        delta = b - a
        if self._a.dtype == self._b.dtype and self._a.dtype in ("I64", "U64"):
            self._equal += int((left == right).sum())  # beyond 2**53 they are not what a double says
        else:
            self._equal += int(a.size - numpy.count_nonzero(delta))
        self._squares_a += squares_a
        self._squares_b += squares_b
        self._product += float(a @ b)
        self._squares_delta += float(delta @ delta)
        self._max_delta = max(self._max_delta, float(delta.max()), -float(delta.min()))

    def statistics(self) -> Statistics:
        norms = sqrt(self._squares_a) * sqrt(self._squares_b)
        return Statistics(
            self._b.name,
            self._b.part,
            self._elements,
            sqrt(self._squares_a),
            sqrt(self._squares_b),
            sqrt(self._squares_delta),
            self._max_delta,
            max(-1.0, min(1.0, self._product / norms)) if norms else nan,
            self._equal,
            self._odd_a,
            self._odd_b,
        )


def all_equal(found: Iterable[Statistics]) -> bool:
    """Whether no element differs."""
    return all(told.equal == told.elements for told in found)
