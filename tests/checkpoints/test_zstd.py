"""Frames of another library, within bounds."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest

from explorer.checkpoints.zstd import decompress
from explorer.errors import BadCheckpoint

zstandard = pytest.importorskip(
    "zstandard", reason="zstandard compresses the samples; it is in the extra `formats`"
)

WORDS = ["layers", ".", "weight", "0", "1", "17", '{"shape":[', "]}", "bfloat16", "/.zarray", "\n"]


def sample(kind: str, size: int) -> bytes:
    chance = random.Random(size)
    if kind == "noise":
        return chance.randbytes(size)
    if kind == "runs":
        return b"".join(bytes([chance.randrange(4)]) * chance.randrange(300) for _ in range(size // 150))
    if kind == "skewed":
        return bytes(min(255, int(chance.expovariate(0.2))) for _ in range(size))
    return "".join(chance.choice(WORDS) for _ in range(size // 5)).encode()


@pytest.mark.parametrize("level", [-5, 3, 22])
@pytest.mark.parametrize("kind", ["noise", "runs", "skewed", "text"])
@pytest.mark.parametrize("size", [0, 1, 5_000, 140_000])
def test_what_another_library_compressed(level: int, kind: str, size: int):
    data = sample(kind, size)
    packed = zstandard.ZstdCompressor(level=level, write_checksum=level > 5).compress(data)
    assert decompress(packed, len(data)) == data


def test_more_than_allowed_is_refused():
    packed = zstandard.ZstdCompressor().compress(bytes(50_000_000))
    with pytest.raises(BadCheckpoint, match="more than"):
        decompress(packed, 1_000_000)


@pytest.mark.parametrize("cut", [0, 3, 10, -1])
def test_what_was_cut_off_is_refused(cut: int):
    with pytest.raises(BadCheckpoint):
        decompress(zstandard.ZstdCompressor().compress(sample("text", 5000))[:cut], 10_000)


def test_a_frame_that_asks_for_much_memory_is_refused():
    parameters = zstandard.ZstdCompressionParameters(window_log=29)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()  # no size in its header
    with pytest.raises(BadCheckpoint):
        decompress(packer.compress(b"x" * 1000) + packer.flush(), 10_000)


@pytest.mark.parametrize("seed", range(40))
def test_spoilt_frames_are_refused_or_read_in_bounds(seed: int):
    chance = random.Random(seed)
    packed = bytearray(
        zstandard.ZstdCompressor(level=chance.choice((1, 9, 19))).compress(sample("text", 3000))
    )
    for _ in range(20):
        broken = bytearray(packed)
        for _ in range(chance.randint(1, 3)):
            broken[chance.randrange(4, len(broken))] = chance.randrange(256)
        with suppress(BadCheckpoint):
            assert len(decompress(bytes(broken[: chance.randint(4, len(broken))]), 100_000)) <= 100_000
