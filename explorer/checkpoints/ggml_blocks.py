"""Quantised blocks as ggml packs them, turned back into the numbers they stand for.

Source: ggml-quants.c and ggml-common.h of ggml. Every block has its scale, or scales of a few bits each, in
front of or behind the codes. The importance-matrix kinds (IQ…) need tables of kilobytes and are left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy import ndarray

    Array = ndarray[Any, Any]

BLOCKS = {
    "Q4_0": (32, 18), "Q4_1": (32, 20), "Q5_0": (32, 22), "Q5_1": (32, 24), "Q8_0": (32, 34),
    "Q2_K": (256, 84), "Q3_K": (256, 110), "Q4_K": (256, 144), "Q5_K": (256, 176), "Q6_K": (256, 210),
}  # fmt: skip
"""Elements and bytes of a block."""


def dequantised(raw: bytes, kind: str) -> Array:
    """The elements of whole blocks as doubles, computed in single precision as ggml does."""
    import numpy

    elements, width = BLOCKS[kind]
    blocks = numpy.frombuffer(raw, numpy.uint8).reshape(-1, width)
    with numpy.errstate(over="ignore", invalid="ignore"):  # a scale may be infinite: counted, not warned of
        numbers = _super_blocks(blocks, kind) if kind.endswith("_K") else _plain_blocks(blocks, kind)
    whole: Array = numbers.reshape(len(blocks), elements).astype("f8").reshape(-1)
    return whole


def _plain_blocks(blocks: Array, kind: str) -> Any:
    """32 codes under one scale, `_1` with a minimum behind it, the fifth bits of `Q5` in four bytes."""
    import numpy

    scale, at = _half(blocks, 0), 2
    if kind == "Q8_0":
        return scale * blocks[:, 2:].view("i1").astype("f4")
    least = None
    if kind.endswith("_1"):
        least, at = _half(blocks, 2), 4
    high = None
    if kind.startswith("Q5"):
        high, at = numpy.unpackbits(blocks[:, at : at + 4], axis=1, bitorder="little"), at + 4
    packed = blocks[:, at:]
    codes = numpy.concatenate([packed & 15, packed >> 4], axis=1)
    if high is not None:
        codes = codes | high << 4
    numbers = codes.astype("f4")
    if least is not None:
        return scale * numbers + least
    return scale * (numbers - (16 if kind.startswith("Q5") else 8))


def _super_blocks(blocks: Array, kind: str) -> Any:
    """256 codes in 8 or 16 groups, each with a scale of its own in a few bits."""
    if kind in ("Q4_K", "Q5_K"):
        return _with_minimum(blocks, kind)
    if kind == "Q2_K":
        scales, codes = blocks[:, :16], _spread(blocks[:, 16:80], 32, (0, 2, 4, 6), 3)
        scale = _half(blocks, 80) * (scales & 15).astype("f4")
        least = _half(blocks, 82) * (scales >> 4).astype("f4")
        return scale[..., None] * codes.reshape(-1, 16, 16).astype("f4") - least[..., None]
    if kind == "Q3_K":
        low = _spread(blocks[:, 32:96], 32, (0, 2, 4, 6), 3).reshape(-1, 16, 16)
        # the third bit counts when it is not set
        unset = 1 - _spread(blocks[:, :32], 32, range(8), 1).reshape(-1, 16, 16)
        codes = low.astype("i1") - (unset << 2).astype("i1")
        packed = blocks[:, 96:108]
        fine, rough = _spread(packed[:, :8], 8, (0, 4), 15), _spread(packed[:, 8:], 4, (0, 2, 4, 6), 3)
        scales = (fine.reshape(-1, 16) | rough.reshape(-1, 16) << 4).astype("i1") - 32
        return (_half(blocks, 108) * scales.astype("f4"))[..., None] * codes.astype("f4")
    low = _spread(blocks[:, :128], 64, (0, 4), 15).reshape(-1, 8, 32)
    high = _spread(blocks[:, 128:192], 32, (0, 2, 4, 6), 3).reshape(-1, 8, 32)
    codes = ((low | high << 4).astype("i1") - 32).reshape(-1, 16, 16)
    scale = _half(blocks, 208) * blocks[:, 192:208].view("i1").astype("f4")
    return scale[..., None] * codes.astype("f4")


def _with_minimum(blocks: Array, kind: str) -> Any:
    """Eight groups of 32 with scale and minimum in six bits each; the last four of each lie in pieces."""
    import numpy

    scales, leasts, mixed = blocks[:, 4:8], blocks[:, 8:12], blocks[:, 12:16]
    scale = numpy.concatenate([scales & 63, (mixed & 15) | ((scales >> 2) & 48)], axis=1).astype("f4")
    least = numpy.concatenate([leasts & 63, (mixed >> 4) | ((leasts >> 2) & 48)], axis=1).astype("f4")
    at = 16
    high = None
    if kind == "Q5_K":
        high, at = _spread(blocks[:, 16:48], 32, range(8), 1).reshape(-1, 8, 32), 48
    codes = _spread(blocks[:, at:], 32, (0, 4), 15).reshape(-1, 8, 32)
    if high is not None:
        codes = codes | high << 4
    weight, offset = _half(blocks, 0) * scale, _half(blocks, 2) * least
    return weight[..., None] * codes.astype("f4") - offset[..., None]


def _half(blocks: Array, at: int) -> Any:
    """A half-precision number at byte `at` of every block, as a column of single precision."""
    return blocks[:, at : at + 2].copy().view("<f2").astype("f4")


def _spread(packed: Array, run: int, shifts: Any, mask: int) -> Any:
    """Codes packed several to a byte: for each run of bytes first its lowest bits, then the next."""
    import numpy

    order = numpy.array(list(shifts), numpy.uint8).reshape(1, 1, -1, 1)
    return (packed.reshape(len(packed), -1, 1, run) >> order) & numpy.uint8(mask)
