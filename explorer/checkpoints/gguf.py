"""GGUF: counts, settings and tensors, all in front; lengths come from the file and are believed nowhere.

Source: docs/gguf.md of ggml; block sizes as the `gguf` package has them.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import Any

from explorer.checkpoints.jsons import digest, flatten
from explorer.checkpoints.values import Part, Tensor
from explorer.checkpoints.waves import Reading
from explorer.errors import BadCheckpoint
from explorer.lineage.values import ObjectInfo, Range

MAX_HEADER_BYTES = 64 * 2**20
"""Vocabularies are in the header: 1-10 MB for a language model."""
_FIRST_MORE_BYTES = 512 * 1024
_MAX_DIMENSIONS = 8
_KEPT_ITEMS = 64

_TYPES = {
    0: ("F32", 1, 4), 1: ("F16", 1, 2), 2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20), 6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24), 8: ("Q8_0", 32, 34), 9: ("Q8_1", 32, 40), 10: ("Q2_K", 256, 84),
    11: ("Q3_K", 256, 110), 12: ("Q4_K", 256, 144), 13: ("Q5_K", 256, 176), 14: ("Q6_K", 256, 210),
    15: ("Q8_K", 256, 292),
    16: ("IQ2_XXS", 256, 66), 17: ("IQ2_XS", 256, 74), 18: ("IQ3_XXS", 256, 98), 19: ("IQ1_S", 256, 50),
    20: ("IQ4_NL", 32, 18), 21: ("IQ3_S", 256, 110), 22: ("IQ2_S", 256, 82), 23: ("IQ4_XS", 256, 136),
    24: ("I8", 1, 1), 25: ("I16", 1, 2), 26: ("I32", 1, 4), 27: ("I64", 1, 8), 28: ("F64", 1, 8),
    29: ("IQ1_M", 256, 56), 30: ("BF16", 1, 2), 34: ("TQ1_0", 256, 54), 35: ("TQ2_0", 256, 66),
    39: ("MXFP4", 32, 17), 40: ("NVFP4", 64, 36), 41: ("Q1_0", 128, 18),
}  # fmt: skip
"""By number: name, elements and bytes of a block."""
_SCALARS = {
    0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"
}  # fmt: skip
_STRING, _ARRAY = 8, 9


class _Short(Exception):
    pass


@dataclass(slots=True)
class _Cursor:
    data: bytes
    size_bytes: int
    """Of the whole file: what no length may reach beyond."""
    file: str
    at: int = 0

    def take(self, count: int) -> bytes:
        if count > self.size_bytes - self.at:
            raise refused(self.file, f"{count} bytes at {self.at} reach beyond its end at {self.size_bytes}")
        if self.at + count > len(self.data):
            raise _Short
        raw = self.data[self.at : self.at + count]
        self.at += count
        return raw

    def number(self, code: str) -> Any:
        return struct.unpack(code, self.take(struct.calcsize(code)))[0]

    def text(self) -> str:
        return self.take(self.number("<Q")).decode("utf-8", "replace")

    def value(self, kind: int) -> Any:
        if kind in _SCALARS:
            return self.number(_SCALARS[kind])
        if kind == _STRING:
            return self.text()
        if kind != _ARRAY:
            raise refused(self.file, f"byte {self.at} announces a value of unknown type {kind}")
        return self.array(self.number("<I"), self.number("<Q"))

    def array(self, kind: int, count: int) -> Any:
        if kind == _ARRAY:
            raise refused(self.file, f"byte {self.at} begins a list of lists, nobody writes such")
        if kind in _SCALARS:
            width = struct.calcsize(_SCALARS[kind])
            start = self.at
            raw = self.take(count * width)
            if count > _KEPT_ITEMS:
                return f"{count} values {digest(self.data[start : self.at])}"
            return [struct.unpack_from(_SCALARS[kind], raw, i * width)[0] for i in range(count)]
        if kind != _STRING or count * 8 > self.size_bytes:
            raise refused(self.file, f"byte {self.at} begins a list of {count} values of type {kind}")
        start = self.at
        kept = []
        for index in range(count):
            raw = self.take(self.number("<Q"))
            if index < _KEPT_ITEMS:
                kept.append(raw.decode("utf-8", "replace"))
        return kept if count <= _KEPT_ITEMS else f"{count} texts {digest(self.data[start : self.at])}"


def read_gguf(info: ObjectInfo, file: str, head: bytes) -> Reading[Part]:
    """Settings and tensors; reads on in growing steps until the header is whole.

    Raises:
        BadCheckpoint: counts, lengths or offsets that the file cannot have.
    """
    data = head
    while True:
        try:
            return _parse(_Cursor(data, info.size_bytes, file))
        except _Short:
            more = min(max(_FIRST_MORE_BYTES, 3 * len(data)), info.size_bytes - len(data))
            if len(data) + more > MAX_HEADER_BYTES:
                raise refused(file, f"its header has more than {MAX_HEADER_BYTES} bytes") from None
        (rest,) = yield (Range(info.key, len(data), more),)
        data += rest
        if len(rest) < more:
            raise refused(file, "it ends in its header")


def _parse(cursor: _Cursor) -> Part:
    file = cursor.file
    cursor.take(4)
    version = cursor.number("<I")
    if version not in (2, 3):
        raise refused(file, f"version {version} is not 2 or 3 (older, or written for big-endian machines)")
    tensor_count, setting_count = cursor.number("<Q"), cursor.number("<Q")
    if tensor_count * 24 + setting_count * 13 > cursor.size_bytes:
        raise refused(file, f"it announces {tensor_count} tensors and {setting_count} settings")
    settings: dict[str, Any] = {}
    for _ in range(setting_count):
        key = cursor.text()
        if key in settings:
            raise refused(file, f"the setting `{key[:80]}` is there twice")
        settings[key] = cursor.value(cursor.number("<I"))
    records = [_record(cursor) for _ in range(tensor_count)]
    alignment = settings.get("general.alignment", 32)
    if type(alignment) is not int or alignment <= 0 or alignment & (alignment - 1):
        raise refused(file, f"an alignment of {alignment} bytes")
    start = -(-cursor.at // alignment) * alignment
    tensors = [_tensor(record, start, cursor.size_bytes, file) for record in records]
    tensors.sort(key=lambda tensor: tensor.start or 0)
    for before, after in pairwise(tensors):
        if (before.start or 0) + before.size_bytes > (after.start or 0):
            raise refused(file, f"`{after.name[:80]}` overlaps `{before.name[:80]}`")
    if len({tensor.name for tensor in tensors}) != len(tensors):
        raise refused(file, "a tensor's name is there twice")
    return Part(file, "gguf", tuple(tensors), config=flatten(settings))


def _record(cursor: _Cursor) -> tuple[str, tuple[int, ...], int, int]:
    name = cursor.text()
    dimensions = cursor.number("<I")
    if dimensions > _MAX_DIMENSIONS:
        raise refused(cursor.file, f"`{name[:80]}` has {dimensions} dimensions")
    shape = tuple(cursor.number("<Q") for _ in range(dimensions))
    kind, offset = cursor.number("<I"), cursor.number("<Q")
    return name, tuple(reversed(shape)), kind, offset  # the file has the innermost dimension first


def _tensor(record: tuple[str, tuple[int, ...], int, int], start: int, size_bytes: int, file: str) -> Tensor:
    name, shape, kind, offset = record
    dtype, block, width = _TYPES.get(kind, (f"type {kind}", 1, 0))
    elements = prod(shape)
    if elements % block:
        raise refused(file, f"`{name[:80]}` has {elements} elements, {dtype} has blocks of {block}")
    length = elements // block * width
    if start + offset + length > size_bytes:
        raise refused(file, f"`{name[:80]}` ends at {start + offset + length}, the file at {size_bytes}")
    return Tensor(name, dtype, shape, length, file, start + offset)


def refused(file: str, why: str) -> BadCheckpoint:
    return BadCheckpoint(
        f"`{file}` is not a sound GGUF file: {why}.", hint="it was cut short or is damaged: export it again"
    )
