"""How much two tensors differ, by streaming their bytes: only for those that somebody chose."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from math import isfinite, nan, sqrt
from typing import TYPE_CHECKING, Any

from explorer.checkpoints.dtypes import BITS
from explorer.checkpoints.values import Checkpoint, Tensor
from explorer.checkpoints.waves import Reading
from explorer.errors import BadCheckpoint, BadInput
from explorer.lineage.values import Range

if TYPE_CHECKING:
    from numpy import ndarray

PIECE_ELEMENTS = 1024 * 1024
_READABLE = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "F8_E4M3": "u1", "F8_E5M2": "u1", "BOOL": "u1",
    "U8": "u1",
    "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1", "U64": "<u8", "U32": "<u4", "U16": "<u2",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Statistics:
    """Of one tensor on both sides; NaN and infinite elements are counted and left out of the norms."""

    name: str
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
    non_finite_a: int
    non_finite_b: int

    @property
    def relative(self) -> float:
        """The change in parts of what was there; infinite where that was nothing."""
        if self.norm_a:
            return self.delta_norm / self.norm_a
        return float("inf") if self.delta_norm else 0.0

    @property
    def equal_share(self) -> float:
        return self.equal / self.elements if self.elements else 1.0

    def to_json(self) -> dict[str, Any]:
        told = asdict(self) | {"relative": self.relative, "equal_share": self.equal_share}
        return {k: None if isinstance(v, float) and not isfinite(v) else v for k, v in told.items()}


def cost_bytes(pairs: Iterable[tuple[Tensor, Tensor]]) -> int:
    """What reading them takes: shown before it starts."""
    return sum(a.size_bytes + b.size_bytes for a, b in pairs)


def check_readable(a: Tensor, b: Tensor) -> None:
    """Raises BadInput where the two cannot be compared by value, saying why."""
    for tensor in (a, b):
        if tensor.dtype not in _READABLE:
            hint = f"values are read of {', '.join(_READABLE)}"
            raise BadInput(f"`{tensor.name[:80]}` is {tensor.dtype}.", hint=hint)
        if tensor.start is None and tensor.archived is None:
            hint = "tensors in pieces, strided and compressed ones are not streamed"
            raise BadInput(f"The bytes of `{tensor.name[:80]}` are not one stretch of a file.", hint=hint)
    if a.shape != b.shape:
        hint = "values are compared one by one"
        raise BadInput(f"`{b.name[:80]}` has another shape on each side.", hint=hint)


def locate(tensor: Tensor, checkpoint: Checkpoint) -> Reading[Range]:
    """Where a tensor's bytes are; in an archive one small read finds out.

    Raises:
        BadCheckpoint: the archive's entry is not where its directory says.
    """
    key = checkpoint.prefix[: checkpoint.prefix.rfind("/") + 1] + tensor.file
    if tensor.archived is None:
        return Range(key, tensor.start or 0, tensor.size_bytes)
    at, offset = tensor.archived
    (header,) = yield (Range(key, at, 30),)
    if header[:4] != b"PK\x03\x04" or len(header) < 30:
        hint = "the file is damaged"
        raise BadCheckpoint(f"There is no archive entry at byte {at} of `{tensor.file}`.", hint=hint)
    names, extras = struct.unpack_from("<HH", header, 26)
    return Range(key, at + 30 + names + extras + offset, tensor.size_bytes)


def pieces(a: Tensor, b: Tensor, where_a: Range, where_b: Range) -> Iterator[tuple[Range, Range]]:
    """The same elements of both sides, a million at a time."""
    widths = [BITS[tensor.dtype] // 8 for tensor in (a, b)]
    for first in range(0, a.elements, PIECE_ELEMENTS):
        count = min(PIECE_ELEMENTS, a.elements - first)
        left, right = (
            Range(where.key, where.start + first * width, count * width)
            for where, width in zip((where_a, where_b), widths, strict=True)
        )
        yield left, right


class Sums:
    """Takes pieces in any order; `statistics` is what they add up to. Sums are kept in double precision."""

    def __init__(self, a: Tensor, b: Tensor) -> None:
        self._a, self._b = a, b
        self._squares_a = self._squares_b = self._product = self._squares_delta = self._max_delta = 0.0
        self._equal = self._odd_a = self._odd_b = self._elements = 0

    def add(self, raw_a: bytes, raw_b: bytes) -> None:
        import numpy

        a, b = decoded(raw_a, self._a.dtype), decoded(raw_b, self._b.dtype)
        fine_a, fine_b = numpy.isfinite(a), numpy.isfinite(b)
        self._elements += a.size
        if self._a.dtype == self._b.dtype and self._a.dtype[0] in "IU":
            stored = _READABLE[self._a.dtype]  # whole numbers beyond 2**53 are not what a double says
            self._equal += int((numpy.frombuffer(raw_a, stored) == numpy.frombuffer(raw_b, stored)).sum())
        else:
            self._equal += int(((a == b) | (numpy.isnan(a) & numpy.isnan(b))).sum())
        self._odd_a += int(a.size - fine_a.sum())
        self._odd_b += int(b.size - fine_b.sum())
        fine = fine_a & fine_b
        if not fine.all():
            a, b = a[fine], b[fine]
        if a.size:
            delta = b - a
            self._squares_a += float(a @ a)
            self._squares_b += float(b @ b)
            self._product += float(a @ b)
            self._squares_delta += float(delta @ delta)
            self._max_delta = max(self._max_delta, float(numpy.abs(delta).max()))

    def statistics(self) -> Statistics:
        norms = sqrt(self._squares_a) * sqrt(self._squares_b)
        return Statistics(
            self._b.name,
            self._elements,
            sqrt(self._squares_a),
            sqrt(self._squares_b),
            sqrt(self._squares_delta),
            self._max_delta,
            self._product / norms if norms else nan,
            self._equal,
            self._odd_a,
            self._odd_b,
        )


def decoded(raw: bytes, dtype: str) -> ndarray[Any, Any]:
    """The elements as doubles."""
    import numpy

    stored: ndarray[Any, Any] = numpy.frombuffer(raw, _READABLE[dtype])
    if dtype == "BF16":
        stored = (stored.astype("<u4") << 16).view("<f4")
    elif dtype.startswith("F8"):
        stored = _eight_bit(dtype)[stored]
    return stored.astype("f8")


def _eight_bit(dtype: str) -> ndarray[Any, Any]:
    """All 256 values of an 8-bit float. Source: OCP 8-bit floating point specification."""
    import numpy

    mantissa_bits, bias = (3, 7) if dtype == "F8_E4M3" else (2, 15)
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
        table[code] = -value if code & 0x80 else value
    return table
