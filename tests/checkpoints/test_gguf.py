"""GGUF against the package that writes it, and against headers that lie."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from tests.checkpoints.shelf import Shelf


def text(word: str) -> bytes:
    return struct.pack("<Q", len(word)) + word.encode()


def by_hand(
    *, tensors: int = 1, settings: list[bytes] | None = None, dims: tuple[int, ...] = (4,), offset: int = 0,
    kind: int = 0, data: int = 16, version: int = 3,
) -> bytes:  # fmt: skip
    found = settings or []
    head = b"GGUF" + struct.pack("<IQQ", version, tensors, len(found)) + b"".join(found)
    head += text("w") + struct.pack(f"<I{len(dims)}QIQ", len(dims), *dims, kind, offset)
    return head + bytes(-len(head) % 32) + bytes(data)


def test_a_file_by_hand():
    found = Shelf({"m.gguf": by_hand(dims=(2, 3), data=24)}).manifest()
    assert [(t.name, t.dtype, t.shape, t.size_bytes) for t in found.tensors] == [("w", "F32", (3, 2), 24)]
    assert found.complete


def setting(key: str, kind: int, value: bytes) -> bytes:
    return text(key) + struct.pack("<I", kind) + value


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 2**60), "announces"),
        (b"GGUF" + struct.pack("<IQQ", 3, 2**60, 0), "announces"),
        (by_hand(settings=[struct.pack("<Q", 2**62)]), "beyond its end"),
        (by_hand(settings=[setting("a", 8, struct.pack("<Q", 2**62))]), "beyond its end"),
        (by_hand(settings=[setting("a", 9, struct.pack("<IQ", 9, 1))]), "list of lists"),
        (by_hand(settings=[setting("a", 9, struct.pack("<IQ", 4, 2**61))]), "beyond its end"),
        (by_hand(settings=[setting("a", 9, struct.pack("<IQ", 8, 2**61))]), "list of"),
        (by_hand(settings=[setting("a", 99, b"")]), "unknown type"),
        (by_hand(settings=[setting("a", 4, b"1234")] * 2), "twice"),
        (by_hand(settings=[setting("general.alignment", 4, struct.pack("<I", 0))]), "alignment"),
        (by_hand(settings=[setting("general.alignment", 4, struct.pack("<I", 24))]), "alignment"),
        (by_hand(dims=(2**62, 2**62)), "ends at"),
        (by_hand(dims=(1,) * 60), "60 dimensions"),
        (by_hand(offset=2**63), "ends at"),
        (by_hand(dims=(33,), kind=2, data=100), "blocks of 32"),
        (by_hand(version=1), "version 1"),
        (by_hand(data=3), "ends at"),
    ],
)  # fmt: skip
def test_lies_are_refused(data: bytes, why: str):
    found = Shelf({"m.gguf": data}).manifest()
    assert why in found.damaged[0]
    assert not found.tensors


def test_a_vocabulary_is_read_in_few_steps_and_told_by_its_length():
    words = b"".join(text(f"token-{i}") for i in range(100_000))
    tokens = setting("tokenizer.ggml.tokens", 9, struct.pack("<IQ", 8, 100_000) + words)
    shelf = Shelf({"m.gguf": by_hand(settings=[tokens])})
    found = shelf.manifest()
    assert str(found.config["tokenizer.ggml.tokens"]).startswith("100000 texts ")
    assert found.parameters == 4
    assert len(shelf.waves) <= 4


def test_says_what_the_package_wrote(tmp_path: Path):
    gguf = pytest.importorskip("gguf", reason="gguf writes the sample; it is in the extra `formats`")
    path = tmp_path / "m.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_uint32("llama.block_count", 2)
    writer.add_float32("llama.rope.freq_base", 1e4)
    writer.add_array("numbers", [1, 2, 3])
    writer.add_string("general.name", "größe")
    writer.add_tensor("blk.0.attn.weight", np.zeros((4, 32), np.float32))
    writer.add_tensor("blk.0.norm.weight", np.zeros(7, np.float16))
    quantized = gguf.quants.quantize(np.ones((2, 64), np.float32), gguf.GGMLQuantizationType.Q8_0)
    writer.add_tensor("blk.1.w", quantized, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    found = Shelf.of_folder(tmp_path).manifest()
    theirs = {
        tensor.name: (
            tensor.tensor_type.name,
            tuple(int(n) for n in reversed(tensor.shape)),
            int(tensor.n_bytes),
            int(tensor.data_offset),
        )
        for tensor in gguf.GGUFReader(path).tensors
    }
    assert {t.name: (t.dtype, t.shape, t.size_bytes, t.start) for t in found.tensors} == theirs
    assert found.config["general.architecture"] == "llama"
    assert found.config["general.name"] == "größe"
    assert found.config["llama.block_count"] == 2
    assert found.config["numbers"] == (1, 2, 3)
