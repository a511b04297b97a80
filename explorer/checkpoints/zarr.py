"""How a zarr array lies in chunks: its description, of version 2 or 3, and the keys of its chunks.

Sources: zarr specifications 2 and 3; the sharding codec, ZEP 2; what tensorstore writes of them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

from explorer.checkpoints.dtypes import named
from explorer.checkpoints.elements import STORED, unreadable
from explorer.checkpoints.jsons import parse_object
from explorer.checkpoints.strides import row_major
from explorer.errors import BadCheckpoint

PACKINGS = ("zstd", "gzip", "zlib", "bz2", "crc32c")
_MAX_CHUNKS = 200_000
_FILLS = {"F64": "<d", "F32": "<f", "F16": "<e"}


@dataclass(frozen=True, slots=True)
class Coding:
    """How one chunk becomes bytes."""

    shape: tuple[int, ...]
    """Of all of the chunk: those at the edges are as large as the others."""
    width: int
    """Bytes of an element."""
    order: tuple[int, ...]
    """Its dimensions as they lie, the outermost first."""
    is_big: bool
    """Most significant byte first."""
    packings: tuple[str, ...]
    """What was done to the bytes one after the other: undone from the last."""
    inner: Coding | None = None
    """Of the chunks inside of a shard; an index of them lies at one of its ends."""
    index_first: bool = False
    index_checked: bool = True

    @property
    def size_bytes(self) -> int:
        return prod(self.shape) * self.width

    @property
    def strides(self) -> tuple[int, ...]:
        """Elements from one to the next, by dimension; a shard is put together plainly."""
        if self.inner is not None:
            return row_major(self.shape)
        lying = row_major([self.shape[axis] for axis in self.order])
        return tuple(lying[self.order.index(axis)] for axis in range(len(self.shape)))


@dataclass(frozen=True, slots=True)
class Grid:
    """An array cut into chunks of one shape."""

    shape: tuple[int, ...]
    coding: Coding
    separator: str
    prefix: str
    fill: bytes | None
    """The element that chunks have that were not stored; None where it cannot be told."""

    def chunks(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """The key of each, relative to the array's, and where it begins. Raises BadCheckpoint."""
        counts = [-(-size // step) for size, step in zip(self.shape, self.coding.shape, strict=True)]
        if prod(counts) > _MAX_CHUNKS:
            raise refused(f"it is cut into {prod(counts)} chunks, at most {_MAX_CHUNKS} are looked up")
        for at in product(*map(range, counts)):
            words = [self.prefix] * bool(self.prefix) + [str(n) for n in at]
            key = self.separator.join(words) or "0"
            yield key, tuple(n * step for n, step in zip(at, self.coding.shape, strict=True))


def read_grid(data: bytes, name: str) -> Grid:
    """The chunks of the array that these bytes describe.

    Raises:
        BadCheckpoint: no description of an array, or one of codecs that are not undone here; they are named.
    """
    body = parse_object(data, name)
    dtype = body.get("dtype", body.get("data_type"))
    kind = named(dtype) if isinstance(dtype, str) else "unknown"
    why = unreadable(kind)
    if why is not None or kind not in STORED:
        raise refused(why or f"{kind} is not read in chunks")
    shape = _numbers(body.get("shape"), 0)
    width = int(STORED[kind][-1])
    if body.get("zarr_format") == 3:
        return _version_3(body, shape, kind, width)
    chunk = _numbers(body.get("chunks"), 1, len(shape))
    if body.get("filters"):
        raise refused("it went through filters, which are not undone here")
    axes = tuple(range(len(shape)))
    compressor = body.get("compressor")
    packings = (_packing(compressor.get("id")),) if isinstance(compressor, dict) else ()
    order = axes if body.get("order") != "F" else axes[::-1]
    coding = Coding(chunk, width, order, str(dtype).startswith(">"), packings)
    return Grid(shape, coding, _separator(body, "."), "", _fill(body.get("fill_value"), kind, width))


def _version_3(body: dict[str, Any], shape: tuple[int, ...], kind: str, width: int) -> Grid:
    grid, keys = _settings(body.get("chunk_grid"), "regular"), body.get("chunk_key_encoding")
    chunk = _numbers(grid.get("chunk_shape"), 1, len(shape))
    style = keys.get("name") if isinstance(keys, dict) else keys
    if style not in ("default", "v2"):
        raise refused("its chunks have keys of a kind that is not known here")
    settings = keys.get("configuration") if isinstance(keys, dict) else None
    by_default = style == "default"
    separator = _separator(settings if isinstance(settings, dict) else {}, "/" if by_default else ".")
    coding = _coding(body.get("codecs"), chunk, width)
    fill = _fill(body.get("fill_value"), kind, width)
    return Grid(shape, coding, separator, "c" if by_default else "", fill)


def _coding(codecs: Any, chunk: tuple[int, ...], width: int, depth: int = 0) -> Coding:
    order, is_big, packings = tuple(range(len(chunk))), False, list[str]()
    for codec in codecs if isinstance(codecs, list) else ():
        name = codec.get("name") if isinstance(codec, dict) else codec
        found = codec.get("configuration") if isinstance(codec, dict) else None
        settings: dict[str, Any] = found if isinstance(found, dict) else {}
        if name == "transpose":
            order = _numbers(settings.get("order"), 0, len(chunk))
            if sorted(order) != list(range(len(chunk))):
                raise refused("its dimensions are in an order that makes no sense")
        elif name == "bytes":
            is_big = settings.get("endian") == "big"
        elif name == "sharding_indexed" and len(codecs) == 1 and depth == 0:
            inner = _numbers(settings.get("chunk_shape"), 1, len(chunk))
            if any(size % step for size, step in zip(chunk, inner, strict=True)):
                raise refused("the chunks of a shard do not divide it")
            coding = _coding(settings.get("codecs"), inner, width, depth + 1)
            index = [c.get("name") for c in settings.get("index_codecs") or () if isinstance(c, dict)]
            if index not in (["bytes"], ["bytes", "crc32c"]):
                raise refused("the index of its shards is packed")
            first = settings.get("index_location", "end") == "start"
            return Coding(chunk, width, order, False, (), coding, first, len(index) == 2)
        else:
            packings.append(_packing(name))
    return Coding(chunk, width, order, is_big, tuple(packings))


def _packing(name: Any) -> str:
    if name not in PACKINGS:
        raise refused(f"its chunks are packed by `{str(name)[:40]}`, which is not undone here")
    return str(name)


def _settings(entry: Any, name: str) -> dict[str, Any]:
    found = entry.get("configuration") if isinstance(entry, dict) and entry.get("name") == name else None
    if not isinstance(found, dict):
        raise refused("its chunks are not in a regular grid")
    return found


def _separator(body: dict[str, Any], usual: str) -> str:
    found = body.get("dimension_separator", body.get("separator", usual))
    if found not in (".", "/"):
        raise refused("the keys of its chunks have a separator that is not known here")
    return str(found)


def _numbers(found: Any, least: int, count: int | None = None) -> tuple[int, ...]:
    sound = isinstance(found, list) and all(type(n) is int and least <= n < 2**48 for n in found)
    if not sound or (count is not None and len(found) != count) or len(found) > 32:
        raise refused("its description makes no sense")
    return tuple(found)


def _fill(value: Any, kind: str, width: int) -> bytes | None:
    if value is None or (isinstance(value, int | float) and value == 0):
        return bytes(width)
    try:
        if isinstance(value, str) and value.startswith("0x"):
            return int(value, 16).to_bytes(width, "little")
        if kind in _FILLS or kind == "BF16":
            number = float(value)
            raw = struct.pack(_FILLS.get(kind, "<f"), number)
            return raw[2:] if kind == "BF16" else raw
        if isinstance(value, int) and not kind.startswith("F8"):
            return value.to_bytes(width, "little", signed=kind.startswith("I"))
    except (ValueError, OverflowError, struct.error, TypeError):
        pass
    return None


def refused(why: str) -> BadCheckpoint:
    return BadCheckpoint(f"An array cannot be read: {why}.", hint="read it with the library that wrote it")


def is_described(file: str) -> bool:
    """Whether this file is where an array's chunks are described, by itself or among others."""
    return file.rpartition("/")[2] in (".zarray", "zarr.json", "manifest.ocdbt")


def starts_of(key: str) -> Sequence[str]:
    """Every name that an array may have to which the key of a chunk or a description belongs."""
    return [key[:at] for at, letter in enumerate(key) if letter == "/"]
