"""Flax' msgpack: a nested map whose leaves are arrays, their data inline, one read for every large one.

Source: flax/serialization.py (extension types, chunked arrays) and the msgpack specification.
"""

from __future__ import annotations

import struct
from typing import Any

from explorer.checkpoints.dtypes import named, size_in_bytes
from explorer.checkpoints.hopping import Hops
from explorer.checkpoints.jsons import flatten
from explorer.checkpoints.orbax import scalar, sorted_by_part
from explorer.checkpoints.values import Part, Tensor, Value
from explorer.checkpoints.waves import Reading
from explorer.lineage.values import ObjectInfo

_ARRAY, _COMPLEX, _NUMPY_SCALAR = 1, 2, 3
_CHUNKED = "__msgpack_chunked_array__"
_MAX_ENTRIES = 100_000
_MAX_DEPTH = 48
_MAX_DIMENSIONS = 32
_MAX_TEXT_BYTES = 64 * 1024
_DESCRIPTION_BYTES = 400
"""Shape, dtype and the head of the data."""
_NUMBERS = {
    0xCA: ">f", 0xCB: ">d", 0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q",
    0xD0: ">b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q",
}  # fmt: skip
_SIZED = {
    0xC4: ("bin", 1), 0xC5: ("bin", 2), 0xC6: ("bin", 4),
    0xC7: ("ext", 1), 0xC8: ("ext", 2), 0xC9: ("ext", 4),
    0xD9: ("str", 1), 0xDA: ("str", 2), 0xDB: ("str", 4), 0xDC: ("list", 2), 0xDD: ("list", 4),
    0xDE: ("map", 2), 0xDF: ("map", 4),
}  # fmt: skip
_CONSTANTS: dict[int, Any] = {0xC0: None, 0xC2: False, 0xC3: True}


def read_flax(info: ObjectInfo, file: str, head: bytes) -> Reading[Part]:
    """Names, shapes and dtypes of the arrays, and the plain values beside them.

    Raises:
        BadCheckpoint: damaged, cut short, or of more arrays than can be looked for one after the other.
    """
    walk = _Walk(Hops(info, file, head))
    value = yield from walk.value("", 0)
    if walk.hops.at != info.size_bytes:
        raise walk.hops.refused(f"its state ends at byte {walk.hops.at}, the file at {info.size_bytes}")
    if not isinstance(value, dict):
        raise walk.hops.refused("it holds no map of arrays")
    return Part(file, "flax", sorted_by_part(walk.tensors), state={**flatten(value), **walk.scalars})


class _Walk:
    def __init__(self, hops: Hops) -> None:
        self.hops = hops
        self.tensors: list[Tensor] = []
        self.scalars: dict[str, Value] = {}
        self._left = _MAX_ENTRIES

    def value(self, path: str, depth: int) -> Reading[Any]:
        """One value; arrays are noted under their path and leave None, maps keep what is plain."""
        self._left -= 1
        if depth > _MAX_DEPTH or self._left < 0:
            raise self.hops.refused("it is nested too deeply or has too many entries")
        code = (yield from self.hops.take(1))[0]
        if code < 0x80 or code >= 0xE0:
            return code if code < 0x80 else code - 256
        if code in _CONSTANTS:
            return _CONSTANTS[code]
        if code in _NUMBERS:
            form = struct.Struct(_NUMBERS[code])
            return form.unpack((yield from self.hops.take(form.size)))[0]
        kind, count = yield from self._sized(code)
        if kind == "map":
            return (yield from self._map(path, count, depth))
        if kind == "list":
            items = []
            for index in range(count):
                items.append((yield from self.value(f"{path}.{index}", depth + 1)))
            return items
        if kind == "ext":
            yield from self._extension(path, count)
            return None
        if kind == "bin" or count > _MAX_TEXT_BYTES:
            self.hops.leap(count)
            return f"{count} bytes"
        return (yield from self.hops.take(count)).decode("utf-8", "replace")

    def _sized(self, code: int) -> Reading[tuple[str, int]]:
        if code < 0x90:
            return "map", code & 15
        if code < 0xA0:
            return "list", code & 15
        if code < 0xC0:
            return "str", code & 31
        if 0xD4 <= code <= 0xD8:
            return "ext", 1 << (code - 0xD4)
        if code not in _SIZED:
            raise self.hops.refused(f"byte {self.hops.at - 1} is no type ({code:#04x})")
        kind, width = _SIZED[code]
        return kind, int.from_bytes((yield from self.hops.take(width)), "big")

    def _map(self, path: str, count: int, depth: int) -> Reading[dict[str, Any] | None]:
        found: dict[str, Any] = {}
        first = len(self.tensors)
        for _ in range(count):
            key = yield from self.value(path, depth + 1)
            if not isinstance(key, str | int):
                raise self.hops.refused(f"byte {self.hops.at} ends a key that is no text")
            inner = f"{path}.{key}" if path else str(key)
            before = len(self.tensors), len(self.scalars)
            kept = yield from self.value(inner, depth + 1)
            if kept is not None or before == (len(self.tensors), len(self.scalars)):
                found[str(key)] = kept
        if found.get(_CHUNKED) is True:
            self._joined(path, found.get("shape"), first)
            return None
        return found if found or not count else None

    def _joined(self, path: str, shape: Any, first: int) -> None:
        """An array of more than a gigabyte: a map of its shape and of its pieces, each an array."""
        pieces = self.tensors[first:]
        sides = tuple(shape.values()) if isinstance(shape, dict) else ()
        if not pieces or not all(type(side) is int and 0 <= side < 2**63 for side in sides):
            raise self.hops.refused(f"`{path[:80]}` is an array in pieces without pieces or shape")
        size = sum(piece.size_bytes for piece in pieces)
        if size != size_in_bytes(pieces[0].dtype, sides):
            raise self.hops.refused(f"the pieces of `{path[:80]}` have {size} bytes, its shape is {sides}")
        del self.tensors[first:]
        self.tensors.append(
            Tensor(path, pieces[0].dtype, sides, size, self.hops.file, None, chunks=len(pieces))
        )

    def _extension(self, path: str, count: int) -> Reading[None]:
        kind = (yield from self.hops.take(1))[0]
        end = self.hops.at + count
        if kind not in (_ARRAY, _NUMPY_SCALAR):
            self.hops.leap(count)
            self.scalars[path] = "a complex number" if kind == _COMPLEX else f"an extension of type {kind}"
            return
        start = self.hops.at
        # parsed as a value of its own in what surely holds the description: nothing of the data is read
        inside = yield from self.hops.take(min(count, _DESCRIPTION_BYTES))
        dtype, shape, at, size = self._described(inside, path)
        if start + at + size != end or size_in_bytes(dtype, shape) not in (None, size):
            raise self.hops.refused(f"`{path[:80]}` is {dtype} {list(shape)}, its data has {size} bytes")
        if shape == () and at + size <= len(inside):
            self.scalars |= scalar(path, dtype, inside[at : at + size])
        if kind == _ARRAY:
            self.tensors.append(Tensor(path, dtype, shape, size, self.hops.file, start + at))
        self.hops.at = start
        self.hops.leap(count)

    def _described(self, raw: bytes, path: str) -> tuple[str, tuple[int, ...], int, int]:
        """Dtype, shape, where the data begins, and its length: `(shape, dtype name, data)` in msgpack."""
        info = ObjectInfo("", len(raw), "", 0)
        inner = _Walk(Hops(info, self.hops.file, raw))

        def reading() -> Reading[tuple[Any, Any, str, int]]:
            three, _ = yield from inner._sized((yield from inner.hops.take(1))[0])
            shape = yield from inner.value("", _MAX_DEPTH - 2)
            dtype = yield from inner.value("", _MAX_DEPTH)
            kind, size = yield from inner._sized((yield from inner.hops.take(1))[0])
            return shape, dtype, kind if three == "list" else "", size

        try:
            next(reading())
        except StopIteration as stop:
            shape, dtype, kind, size = stop.value
            sound = isinstance(shape, list) and len(shape) <= _MAX_DIMENSIONS and kind == "bin"
            sound = sound and all(type(side) is int and 0 <= side < 2**63 for side in shape)
            if sound and isinstance(dtype, str):
                return named(dtype), tuple(shape), inner.hops.at, size
        raise self.hops.refused(f"`{path[:80]}` is an array without shape, dtype and data")
