"""Bytes of a tensor as numbers: every dtype whose values can be compared, and why the others cannot."""

from __future__ import annotations

from functools import cache
from math import nan
from typing import TYPE_CHECKING, Any

from explorer.checkpoints.ggml_blocks import BLOCKS, dequantised

if TYPE_CHECKING:
    from numpy import ndarray

    Array = ndarray[Any, Any]

STORED = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "BOOL": "u1", "U8": "u1", "I8": "i1",
    "F8_E4M3": "u1", "F8_E5M2": "u1", "F8_E4M3FNUZ": "u1", "F8_E5M2FNUZ": "u1", "F8_E8M0": "u1",
    "I64": "<i8", "I32": "<i4", "I16": "<i2", "U64": "<u8", "U32": "<u4", "U16": "<u2",
}  # fmt: skip
"""How an element lies in the file, for numpy; blocks of GGUF are in `BLOCKS`."""
_FLOATS = {"F8_E4M3": (3, 7), "F8_E5M2": (2, 15), "F8_E4M3FNUZ": (3, 8), "F8_E5M2FNUZ": (2, 16)}
"""Bits of the mantissa, and the bias. Sources: OCP 8-bit floating point; Graphcore, AMD for FNUZ."""


def unreadable(dtype: str) -> str | None:
    """Why values of this dtype are not compared, as the end of a sentence; None where they are."""
    if dtype in STORED or dtype in BLOCKS:
        return None
    if dtype.startswith("C") and dtype[1:].isdigit():
        return f"{dtype} is complex, and norms of complex tensors are not computed"
    if dtype.startswith(("IQ", "TQ", "MXFP", "NVFP", "Q")):
        return f"{dtype} packs its values by scales or tables that are not read here"
    return f"{dtype} is of no width that is known here"


def block_of(dtype: str) -> tuple[int, int]:
    """Elements and bytes of the smallest piece that can be read by itself."""
    if dtype in BLOCKS:
        return BLOCKS[dtype]
    return 1, int(STORED[dtype][-1])


def stored(raw: bytes, dtype: str) -> Array:
    """The elements as they lie there; those in blocks, which are nothing alone, as the doubles they mean."""
    import numpy

    return dequantised(raw, dtype) if dtype in BLOCKS else numpy.frombuffer(raw, STORED[dtype])


def doubles(elements: Array, dtype: str) -> Array:
    """Elements from `stored` as doubles; whole numbers beyond 2**53 lose their last digits."""
    if dtype == "BF16":
        elements = (elements.astype("<u4") << 16).view("<f4")
    elif dtype.startswith("F8"):
        return _eight_bit(dtype)[elements]
    return elements.astype("f8")


@cache
def _eight_bit(dtype: str) -> Array:
    """The numbers that all 256 codes stand for."""
    import numpy

    if dtype == "F8_E8M0":  # powers of two, without a sign
        return numpy.array([2.0 ** (code - 127) for code in range(255)] + [nan])
    mantissa_bits, bias = _FLOATS[dtype]
    table = numpy.empty(256)
    for code in range(256):
        exponent = (code & 0x7F) >> mantissa_bits
        mantissa = code & ((1 << mantissa_bits) - 1)
        fraction = mantissa / (1 << mantissa_bits)
        value = (1 + fraction) * 2.0 ** (exponent - bias) if exponent else fraction * 2.0 ** (1 - bias)
        if dtype == "F8_E4M3" and code & 0x7F == 0x7F:
            value = nan
        elif dtype == "F8_E5M2" and exponent == 31:
            value = nan if mantissa else float("inf")
        elif dtype.endswith("FNUZ") and code == 0x80:  # the place of minus zero
            value = nan
        table[code] = -value if code & 0x80 else value
    return table
