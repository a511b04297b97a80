"""The checksums that are our own, against their published check values and their definition bit by bit."""

from __future__ import annotations

import random

import pytest

from explorer.localstore.engine.crc import Crc32, Crc32c, Crc64Nvme, combine

CHECK = {Crc32: "cbf43926", Crc32c: "e3069283", Crc64Nvme: "ae8b14860a799888"}
"""Of the text 123456789, as the catalogues of CRCs list them."""
OURS = [(Crc32c, 0x82F63B78, 32), (Crc64Nvme, 0x9A6C9329AC4BC9B5, 64)]


def by_definition(data: bytes, polynomial: int, width: int) -> bytes:
    register = ones = (1 << width) - 1
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (polynomial if register & 1 else 0)
    return (register ^ ones).to_bytes(width // 8, "big")


@pytest.mark.parametrize("kind", CHECK)
def test_the_published_check_value(kind: type[Crc32 | Crc32c | Crc64Nvme]) -> None:
    checksum = kind()
    checksum.update(b"123456789")
    assert checksum.digest().hex() == CHECK[kind]


@pytest.mark.parametrize(("kind", "polynomial", "width"), OURS)
@pytest.mark.parametrize("size", [0, 1, 8192, 8193, 16_384, 100_001, 300_000])
def test_the_definition(kind: type[Crc32c | Crc64Nvme], polynomial: int, width: int, size: int) -> None:
    data = random.Random(size).randbytes(size)
    whole, pieces = kind(), kind()
    whole.update(data)
    middle = random.Random(size).randrange(size + 1)
    pieces.update(data[:middle])
    pieces.update(memoryview(data)[middle:])
    assert whole.digest() == pieces.digest() == by_definition(data, polynomial, width)


@pytest.mark.parametrize(("name", "kind"), [("CRC32", Crc32), ("CRC32C", Crc32c), ("CRC64NVME", Crc64Nvme)])
def test_long_data_in_any_pieces_is_the_same(name: str, kind: type[Crc32 | Crc32c | Crc64Nvme]) -> None:
    data = random.Random(7).randbytes(5 * 2**20 + 77)
    whole, small, first, second = kind(), kind(), kind(), kind()
    whole.update(data)
    for begin in range(0, len(data), 65_537):
        small.update(data[begin : begin + 65_537])
    first.update(data[:1_000_003])
    second.update(data[1_000_003:])
    joined = combine(name, first.digest(), second.digest(), len(data) - 1_000_003)
    assert whole.digest() == small.digest() == joined
