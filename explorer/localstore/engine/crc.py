"""The three CRCs of S3. CRC-32 is zlib's; the others are spread over lanes for numpy to do at speed."""

from __future__ import annotations

import functools
import zlib
from typing import Any

_STRETCH = 256
"""Bytes of a lane. Fixed, so that the tables that join lanes are few."""
_MOST = 8192 * _STRETCH
_FEW = 8 << 10
"""Below this a loop over the bytes is faster."""
_CASTAGNOLI = 0x82F63B78
_NVME = 0x9A6C9329AC4BC9B5
"""Both polynomials reflected, as in RFC 3720 and the NVM Express specification."""


class Crc32:
    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes | bytearray | memoryview) -> None:
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(4, "big")


class _Reflected:
    """A reflected CRC with all-ones start and finish. Short data byte by byte, long data in lanes."""

    polynomial: int
    width: int

    def __init__(self) -> None:
        self._register = (1 << self.width) - 1

    def update(self, data: bytes | bytearray | memoryview) -> None:
        register, rest = self._register, memoryview(data)
        while len(rest) > _FEW:
            register = _update_in_lanes(register, rest[:_MOST], self.polynomial, self.width)
            rest = rest[_MOST:]
        table = _byte_table(self.polynomial)
        for byte in rest:
            register = table[(register ^ byte) & 0xFF] ^ (register >> 8)
        self._register = register

    def digest(self) -> bytes:
        return (self._register ^ ((1 << self.width) - 1)).to_bytes(self.width // 8, "big")


class Crc32c(_Reflected):
    polynomial = _CASTAGNOLI
    width = 32


class Crc64Nvme(_Reflected):
    polynomial = _NVME
    width = 64


@functools.cache
def _byte_table(polynomial: int) -> tuple[int, ...]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (polynomial if byte & 1 else 0)
        table.append(byte)
    return tuple(table)


@functools.lru_cache(64)
def _skip_tables(polynomial: int, width: int, count: int) -> Any:
    """Tables that advance a register over `count` zero bytes: a linear map, so a look-up for each byte."""
    import numpy as np

    if count == 1:
        step = _byte_table(polynomial)
        columns = [
            [((i << 8 * byte) >> 8) ^ (step[i] if byte == 0 else 0) for i in range(256)]
            for byte in range(width // 8)
        ]
        return np.array(columns, dtype=np.uint64)
    half = _skip_tables(polynomial, width, count // 2)
    doubled = _apply(half, half)
    return _apply(_skip_tables(polynomial, width, 1), doubled) if count % 2 else doubled


def _apply(tables: Any, registers: Any) -> Any:
    import numpy as np

    out = np.zeros_like(registers)
    for byte in range(len(tables)):
        out ^= tables[byte][(registers >> np.uint64(8 * byte)) & np.uint64(0xFF)]
    return out


@functools.cache
def _pair_table(polynomial: int) -> Any:
    """What two bytes at once do to a register."""
    import numpy as np

    table = np.array(_byte_table(polynomial), dtype=np.uint64)
    first = np.arange(1 << 16, dtype=np.uint64)
    for _ in range(2):
        first = table[first & np.uint64(0xFF)] ^ (first >> np.uint64(8))
    return first


def _update_in_lanes(register: int, data: memoryview, polynomial: int, width: int) -> int:
    """Each lane runs over its own stretch from zero; then neighbours are joined pair by pair."""
    import numpy as np

    # Zeros in front change nothing, for a register that is in the data already.
    lanes = 1 << ((len(data) + _STRETCH - 1) // _STRETCH - 1).bit_length()
    padded = np.zeros(lanes * _STRETCH, dtype=np.uint8)
    padded[-len(data) :] = np.frombuffer(data, dtype=np.uint8)
    head = padded[padded.size - len(data) :][: width // 8]
    head ^= np.frombuffer(register.to_bytes(width // 8, "little"), dtype=np.uint8)
    columns = np.ascontiguousarray(padded.view("<u2").reshape(lanes, _STRETCH // 2).T)
    table = _pair_table(polynomial)
    registers, turned = np.zeros(lanes, dtype="<u8"), np.empty(lanes, dtype="<u8")
    lowest, index, sixteen = registers.view("<u2")[::4], np.empty(lanes, dtype="<u2"), np.uint64(16)
    for column in columns:
        np.bitwise_xor(lowest, column, out=index)
        np.right_shift(registers, sixteen, out=registers)
        np.take(table, index, out=turned, mode="clip")
        np.bitwise_xor(registers, turned, out=registers)
    stretch = _STRETCH
    while len(registers) > 1:
        tables = _skip_tables(polynomial, width, stretch)
        registers = _apply(tables, registers[0::2]) ^ registers[1::2]
        stretch *= 2
    return int(registers[0])


_COMBINABLE = {"CRC32": (0xEDB88320, 32), "CRC32C": (_CASTAGNOLI, 32), "CRC64NVME": (_NVME, 64)}


def combine(algorithm: str, first: bytes, second: bytes, second_size: int) -> bytes:
    """The CRC of two stretches of bytes, one behind the other, from theirs and the second one's length."""
    if not second_size:
        return first
    polynomial, width = _COMBINABLE[algorithm]
    tables = _skip_tables(polynomial, width, second_size)
    register = int.from_bytes(first, "big")
    shifted = int.from_bytes(second, "big")
    for byte in range(width // 8):
        shifted ^= int(tables[byte][register >> 8 * byte & 0xFF])
    return shifted.to_bytes(width // 8, "big")
