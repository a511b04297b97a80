"""How elements lie one after the other: strides count elements, a number for each dimension."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod


def row_major(shape: Sequence[int]) -> tuple[int, ...]:
    """The strides of a tensor that lies plainly."""
    strides = []
    step = 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(1, size)
    return tuple(reversed(strides))


def span(shape: Sequence[int], strides: Sequence[int]) -> int:
    """Elements of the stretch that a box takes; 0 where it is empty."""
    if not prod(shape):
        return 0
    return 1 + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
