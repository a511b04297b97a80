"""The three CRCs of S3. CRC-32 is zlib's; the others are spread over lanes for numpy to do at speed."""

from __future__ import annotations

import functools
import zlib
from typing import Any

_LANES = 4096
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
        table = _byte_table(self.polynomial)
        whole = len(data) // _LANES * _LANES
        if len(data) < 16 * _LANES:
            whole = 0
        else:
            self._register = _update_in_lanes(self._register, data[:whole], self.polynomial, self.width)
        register = self._register
        for byte in data[whole:]:
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


def _update_in_lanes(register: int, data: bytes | bytearray | memoryview, polynomial: int, width: int) -> int:
    """Each lane runs over its own stretch from zero; then neighbours are joined pair by pair."""
    import numpy as np

    table = np.array(_byte_table(polynomial), dtype=np.uint64)
    stretch = len(data) // _LANES
    columns = np.ascontiguousarray(np.frombuffer(data, dtype=np.uint8).reshape(_LANES, stretch).T).astype(
        np.uint64
    )
    lanes = np.zeros(_LANES, dtype=np.uint64)
    lanes[0] = register
    eight, low = np.uint64(8), np.uint64(0xFF)
    for column in columns:
        lanes = table[(lanes ^ column) & low] ^ (lanes >> eight)
    while len(lanes) > 1:
        lanes = _apply(_skip_tables(polynomial, width, stretch), lanes[0::2]) ^ lanes[1::2]
        stretch *= 2
    return int(lanes[0])


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
