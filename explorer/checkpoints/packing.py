"""Chunks unpacked within bounds: never more than the description says that there is."""

from __future__ import annotations

import bz2
import zlib
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any

from explorer.checkpoints.ocdbt import crc32c
from explorer.checkpoints.zarr import Coding, refused
from explorer.checkpoints.zstd import decompress_large, spoilt

if TYPE_CHECKING:
    from numpy import ndarray

    Array = ndarray[Any, Any]

MAX_CHUNK_BYTES = 256 * 2**20
"""Unpacked, one of each side is in memory at a time."""
_MISSING = 2**64 - 1
_PACKED_MORE = 64 * 1024
"""What a codec before the last may have added to the bytes."""


@dataclass(frozen=True, slots=True)
class Packed:
    """The bytes of a box that is one chunk: `length` of them in the file, or `inline`, or none at all."""

    coding: Coding
    length: int
    inline: bytes | None = None
    fill: bytes = b""

    @property
    def is_stored(self) -> bool:
        return self.length > 0 or self.inline is not None


def unpacked(packed: Packed, raw: bytes | None) -> Array:
    """The elements of a whole chunk as they lie, as unsigned numbers; one alone where nothing was stored.

    Raises:
        BadCheckpoint: damaged, or more or fewer bytes than the chunk has.
    """
    if not packed.is_stored:
        return _filling(packed.fill, packed.coding)
    return _elements(packed.inline if raw is None else raw, packed.coding, packed.fill)


def _filling(fill: bytes, coding: Coding) -> Array:
    import numpy

    if not fill:
        raise refused("parts of it were not stored, and what they are filled with is not known here")
    return numpy.frombuffer(fill, f"<u{coding.width}")


def _elements(raw: bytes | None, coding: Coding, fill: bytes) -> Array:
    import numpy

    if coding.inner is not None:
        return _shard(raw or b"", coding, coding.inner, fill)
    content: bytes | bytearray = raw or b""
    for index, packing in reversed(list(enumerate(coding.packings))):
        content = _unpacked(content, packing, coding.size_bytes + (_PACKED_MORE if index else 0))
    if len(content) != coding.size_bytes:
        raise spoilt(f"a chunk has {len(content)} bytes instead of {coding.size_bytes}")
    elements = numpy.frombuffer(content, f"<u{coding.width}")
    return elements.byteswap() if coding.is_big else elements


def _shard(raw: bytes, coding: Coding, inner: Coding, fill: bytes) -> Array:
    """Many chunks in one value, put together plainly."""
    import numpy

    counts = [size // step for size, step in zip(coding.shape, inner.shape, strict=True)]
    length = 16 * prod(counts) + 4 * coding.index_checked
    index = raw[:length] if coding.index_first else raw[max(0, len(raw) - length) :]
    if len(index) != length:
        raise spoilt("a shard is shorter than its index")
    if coding.index_checked:
        index, checksum = index[:-4], index[-4:]
        if len(index) <= 2**20 and crc32c(index) != int.from_bytes(checksum, "little"):
            raise spoilt("the index of a shard does not have the checksum that it says")
    places = numpy.frombuffer(index, "<u8").reshape(-1, 2).tolist()
    plain = tuple(range(len(coding.shape))) == inner.order
    if len(places) == 1 and plain and places[0][0] != _MISSING:
        return _elements(_stretch(raw, *places[0]), inner, fill)
    whole = numpy.empty(coding.shape, f"<u{coding.width}")
    if any(start == _MISSING for start, _ in places):
        whole[...] = _filling(fill, coding)
    for at, (start, size) in zip(product(*map(range, counts)), places, strict=True):
        if start == _MISSING:
            continue
        lying = _elements(_stretch(raw, start, size), inner, fill)
        strides = [stride * inner.width for stride in inner.strides]
        where = tuple(slice(n * step, (n + 1) * step) for n, step in zip(at, inner.shape, strict=True))
        whole[where] = numpy.ndarray(inner.shape, lying.dtype, lying, 0, strides)
    return whole.reshape(-1)


def _stretch(raw: bytes, start: int, size: int) -> bytes:
    if start + size > len(raw):
        raise spoilt("a chunk reaches beyond its shard")
    return raw[start : start + size]


def _unpacked(data: bytes | bytearray, packing: str, most: int) -> bytes | bytearray:
    if packing == "crc32c":  # at ten megabytes a second it is not looked at: values are what is compared
        return data[:-4]
    if packing == "zstd":
        return decompress_large(data, most)
    try:
        if packing == "bz2":
            content = bz2.BZ2Decompressor().decompress(data, most + 1)
        else:
            content = zlib.decompressobj(wbits=47).decompress(data, most + 1)
    except (zlib.error, OSError, ValueError, EOFError) as error:
        raise spoilt(str(error).rstrip(".")) from None
    if len(content) > most:
        raise spoilt(f"it unpacks to more than {most} bytes")
    return content
