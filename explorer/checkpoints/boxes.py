"""Where the elements of a tensor lie: one box in one file, or several that together are the tensor.

A box is a block of the tensor whose bytes are one stretch of a file, with a stride for each dimension: plain
tensors, views with other strides (channels last, transposed), and the pieces of sharded checkpoints alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import lcm, prod
from typing import TYPE_CHECKING, Any

from explorer.checkpoints.elements import STORED, block_of, stored
from explorer.checkpoints.strides import row_major, span
from explorer.lineage.values import Range

if TYPE_CHECKING:
    from numpy import ndarray

    from explorer.checkpoints.packing import Packed

REGION_ELEMENTS = 1024 * 1024
MAX_SPAN_BYTES = 64 * 2**20
"""A view whose elements lie so scattered that a region of it spans more is not read."""

Region = tuple[tuple[int, int], ...]
"""From and to of every dimension."""


@dataclass(frozen=True, slots=True)
class Box:
    """`start` is the byte of its first element; offsets and strides count elements."""

    key: str
    start: int
    offsets: tuple[int, ...]
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    packed: Packed | None = None
    """Of a chunk whose bytes are compressed: it is read and unpacked as a whole."""
    step: tuple[int, ...] = ()
    """From one chunk to the next, by dimension."""

    @property
    def is_plain(self) -> bool:
        """Whether its elements lie one after the other, the last dimension innermost."""
        return self.strides == row_major(self.shape)

    @property
    def span(self) -> int:
        """Elements from its first to its last, both included."""
        return span(self.shape, self.strides)

    def permuted(self, order: Sequence[int]) -> Box:
        offsets, shape, strides, step = (
            tuple(of[axis] for axis in order) if of else ()
            for of in (self.offsets, self.shape, self.strides, self.step)
        )
        return replace(self, offsets=offsets, shape=shape, strides=strides, step=step)


Boxes = tuple[Box, ...]


def aligned(shape: tuple[int, ...], a: Boxes, b: Boxes) -> tuple[tuple[int, ...], Boxes, Boxes]:
    """Both sides with the dimensions in the order in which reading them is cheapest.

    What is compared does not depend on the order of the elements, as long as both sides have the same.
    """
    if all(len(s) == 1 and s[0].packed is None and s[0].is_plain and s[0].shape == shape for s in (a, b)):
        count = prod(shape)
        a, b = ((Box(s[0].key, s[0].start, (0,), (count,), (1,)),) for s in (a, b))
        return (count,), a, b
    odd = next((box for box in (*a, *b) if not box.is_plain), None)
    if odd is None:
        return shape, a, b
    order = sorted(range(len(shape)), key=lambda axis: (-odd.strides[axis], axis))
    a, b = (tuple(box.permuted(order) for box in side) for side in (a, b))
    return tuple(shape[axis] for axis in order), a, b


def cells(shape: tuple[int, ...], a: Boxes, b: Boxes, unit: int = 1) -> Iterator[Region]:
    """As `regions`, but of whole chunks where a side is packed in such: each is unpacked once."""
    steps = [side[0].step for side in (a, b) if side and side[0].step]
    if not steps or not prod(shape):
        return regions(shape, unit)
    step = [min(size, lcm(*steps_of)) for size, *steps_of in zip(shape, *steps, strict=True)]
    for axis in reversed(range(len(shape))):  # small chunks together, and rows as wide as may be
        step[axis] = min(shape[axis], step[axis] * max(1, REGION_ELEMENTS // prod(step)))
        if step[axis] < shape[axis]:
            break
    cuts = (
        [(at, min(at + by, size)) for at in range(0, size, by)] for size, by in zip(shape, step, strict=True)
    )
    return product(*cuts)


def regions(shape: tuple[int, ...], unit: int = 1) -> Iterator[Region]:
    """Cuts a tensor into regions of about a million elements, each one stretch of a plain box.

    `unit` divides how many elements of the last dimension a region has: those of a quantised block.
    """
    cut = 0
    while cut < len(shape) - 1 and prod(shape[cut + 1 :]) > REGION_ELEMENTS:
        cut += 1
    if not shape:
        yield ()
        return
    rest = shape[cut + 1 :]
    step = max(unit, REGION_ELEMENTS // max(1, prod(rest)) // unit * unit)
    for lead in product(*map(range, shape[:cut])):
        for first in range(0, shape[cut], step):
            until = min(first + step, shape[cut])
            yield (*((at, at + 1) for at in lead), (first, until), *((0, size) for size in rest))


def wanted(box: Box, region: Region, dtype: str) -> Range | None:
    """The stretch of the file that holds what a box and a region share; None where that is nothing."""
    shared = _shared(box, region)
    if shared is None:
        return None
    if box.packed is not None:
        return Range(box.key, box.start, box.packed.length) if box.packed.length else None
    elements, width = block_of(dtype)
    first = sum(
        (low - at) * stride for (low, _), at, stride in zip(shared, box.offsets, box.strides, strict=True)
    )
    count = span(_sizes(shared), box.strides)
    return Range(box.key, box.start + first // elements * width, -(-count // elements) * width)


def gathered(boxes: Boxes, region: Region, raws: Sequence[bytes], dtype: str) -> ndarray[Any, Any]:
    """The elements of a region in its order; `raws` answer what `wanted` asked of the boxes that share it."""
    import numpy

    from explorer.checkpoints.packing import unpacked

    sharing = [(box, shared) for box in boxes if (shared := _shared(box, region)) is not None]
    answers = iter(raws)
    parts = []
    for box, shared in sharing:
        if box.packed is None:
            elements, first = stored(next(answers), dtype), 0
        else:
            elements = unpacked(box.packed, next(answers) if box.packed.length else None).view(STORED[dtype])
            lows = zip(shared, box.offsets, box.strides, strict=True)
            first = sum((low - at) * stride for (low, _), at, stride in lows)
        if box.packed is not None and not box.packed.is_stored:
            parts.append(numpy.broadcast_to(elements, _sizes(shared)))
            continue
        strides = [stride * elements.itemsize for stride in box.strides]
        # numpy refuses a view that would reach beyond the bytes that are there
        at = first * elements.itemsize
        parts.append(numpy.ndarray(_sizes(shared), elements.dtype, elements, at, strides))
    if len(parts) == 1 and sharing[0][1] == region:
        return parts[0].reshape(-1)
    whole: ndarray[Any, Any] = numpy.empty(_sizes(region), parts[0].dtype)
    for (_, shared), part in zip(sharing, parts, strict=True):
        whole[
            tuple(slice(low - at, high - at) for (low, high), (at, _) in zip(shared, region, strict=True))
        ] = part
    return whole.reshape(-1)


def read_bytes(shape: tuple[int, ...], boxes: Boxes, dtype: str) -> int:
    """What reading all regions takes: more than the tensor has where its elements lie in another order."""
    unit = block_of(dtype)[0]
    wants = (wanted(box, region, dtype) for region in regions(shape, unit) for box in boxes)
    return sum(want.length or 0 for want in wants if want is not None)


def is_scattered(wants: Iterable[Range]) -> bool:
    """Whether a region would take too much memory: of views of every thousandth element, say."""
    return sum(want.length or 0 for want in wants) > MAX_SPAN_BYTES


def _shared(box: Box, region: Region) -> Region | None:
    shared = tuple(
        (max(low, at), min(high, at + size))
        for (low, high), at, size in zip(region, box.offsets, box.shape, strict=True)
    )
    return shared if all(low < high for low, high in shared) else None


def _sizes(region: Region) -> tuple[int, ...]:
    return tuple(high - low for low, high in region)
