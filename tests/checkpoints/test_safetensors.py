"""The header parser against the library that writes the format, and against files made to break it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from safetensors.numpy import save

from explorer.checkpoints import find_checkpoints, read_manifest
from explorer.checkpoints.safetensors import HEAD_BYTES, parse_header
from explorer.checkpoints.values import Manifest
from explorer.errors import BadCheckpoint
from tests.checkpoints.shelf import Shelf, safetensors_of, tensor


def manifest_of(data: bytes) -> Manifest:
    return Shelf({"model.safetensors": data}).manifest()


def refusal_of(data: bytes) -> str:
    found = manifest_of(data)
    assert not found.complete
    assert not found.tensors
    (damage,) = found.damaged
    return damage


def test_says_what_the_library_wrote():
    arrays = {
        "a.weight": np.zeros((3, 4), np.float32),
        "b": np.zeros((), np.int64),
        "c.bias": np.zeros((7,), np.float16),
        "empty": np.zeros((0, 5), np.uint8),
    }
    found = manifest_of(save(arrays, metadata={"format": "np"}))
    assert {t.name: (t.dtype, t.shape, t.size_bytes) for t in found.tensors} == {
        "a.weight": ("F32", (3, 4), 48),
        "b": ("I64", (), 8),
        "c.bias": ("F16", (7,), 14),
        "empty": ("U8", (0, 5), 0),
    }
    assert found.parameters == 12 + 1 + 7
    assert found.config == {"__metadata__.format": "np"}
    assert found.complete
    assert not found.warnings


def test_offsets_point_at_the_bytes():
    arrays = {"x": np.arange(6, dtype=np.float32), "y": np.arange(3, dtype=np.int32)}
    data = save(arrays)
    for found in manifest_of(data).tensors:
        assert found.start is not None
        stretch = data[found.start : found.start + found.size_bytes]
        assert stretch == arrays[found.name].tobytes()


def test_a_short_header_is_one_read_and_a_long_one_two():
    short = Shelf({"model.safetensors": save({"x": np.zeros(300_000, np.float32)})})
    short.manifest()
    assert [len(wave) for wave in short.waves] == [1]
    assert short.read_bytes == HEAD_BYTES
    many = {f"layers.{i}.weight": np.zeros(1, np.float32) for i in range(1000)}
    long = Shelf({"model.safetensors": save(many)})
    assert len(long.manifest().tensors) == 1000
    assert [len(wave) for wave in long.waves] == [1, 1]
    assert long.read_bytes < len(long.objects["model.safetensors"])


def test_an_unknown_dtype_is_shown_as_it_is():
    found = manifest_of(safetensors_of({"x": tensor("F3_NEW", [8], 0, 3)}, b"abc"))
    assert [(t.dtype, t.size_bytes) for t in found.tensors] == [("F3_NEW", 3)]


def test_sub_byte_dtypes_are_counted_in_bits():
    found = manifest_of(safetensors_of({"x": tensor("F4", [3, 2], 0, 3)}, b"abc"))
    assert found.parameters == 6


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (safetensors_of({}, length=2**63 - 1), "9223372036854775807"),
        (safetensors_of(b"{}", length=25_000_001) + b" " * 100, "25000001"),
        (safetensors_of(b"{}", length=500), "the whole file has"),
        (safetensors_of(b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},'
                        b'"a":{"dtype":"I8","shape":[1],"data_offsets":[0,1]}}', b"x"), "twice"),
        (safetensors_of({"a": tensor("U8", [2], 0, 2), "b": tensor("U8", [2], 1, 3)}, b"xyz"), "overlaps"),
        (safetensors_of({"a": tensor("U8", [1], 0, 1), "b": tensor("U8", [1], 2, 3)}, b"xyz"), "hole"),
        (safetensors_of({"a": tensor("U8", [1], 0, 1)}, b"x" + b"PK\x05\x06" + b"\0" * 18), "22 bytes follow"),
        (safetensors_of({"a": tensor("U8", [2**62, 2**62], 0, 8)}, b"x" * 8), "its offsets span 8"),
        (safetensors_of({"a": tensor("U8", [-1], 0, 0)}), "whole numbers"),
        (safetensors_of({"a": tensor("U8", [1.0], 0, 1)}, b"x"), "whole numbers"),
        (safetensors_of({"a": tensor("U8", [True], 0, 1)}, b"x"), "whole numbers"),
        (safetensors_of({"a": tensor("F32", [2], 0, 4)}, b"x" * 4), "8 bytes, its offsets span 4"),
        (safetensors_of({"a": tensor("U8", [9], 0, 9)}, b"x"), "the file ends at"),
        (safetensors_of({"a": [1, 2]}), "not an object"),
        (safetensors_of([1]), "not an object"),
        (safetensors_of({"__metadata__": {"a": 1}}), "more than texts"),
        (safetensors_of({"__metadata__": "a"}), "not an object"),
        (safetensors_of(b'{"a":'), "not JSON"),
        (safetensors_of(b'{"a":' + b"[" * 100_000), "nested too deeply"),
        (safetensors_of(b'{"a":' + b"9" * 5000 + b"}"), "not readable"),
        (safetensors_of(b'{"\\ud800":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', b"x"), "not Unicode"),
        (safetensors_of(b'{"\xff":1}'), "not readable"),
        (b"\x02\0\0\0\0\0\0\0", "too few"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_refuses_with_a_reason(data: bytes, why: str):
    assert why in refusal_of(data)


def test_zero_elements_of_a_huge_shape_are_no_bytes():
    found = manifest_of(safetensors_of({"a": tensor("U8", [0, 2**60], 0, 0)}))
    assert found.complete
    assert found.parameters == 0


def test_a_space_before_the_header_is_flagged():
    header = b" " + json.dumps({"a": tensor("U8", [1], 0, 1)}).encode()
    found = manifest_of(safetensors_of(header, b"x"))
    assert found.complete
    assert "does not begin with" in found.warnings[0]


def test_a_million_character_name_is_read_and_shown_short():
    found = manifest_of(safetensors_of({"n" * 1_000_000: tensor("U8", [1], 0, 1)}, b"x"))
    assert found.parameters == 1


def test_a_header_cut_off_while_reading_is_refused():
    data = save({f"layers.{i}": np.zeros(1, np.float32) for i in range(1000)})
    shelf = Shelf({"model.safetensors": data})
    reading = read_manifest(find_checkpoints(shelf.listing())[0])
    next(reading)
    reading.send((data[:HEAD_BYTES],))
    with pytest.raises(StopIteration) as stop:
        reading.send((b"",))
    assert "cut off" in stop.value.value.damaged[0]


def test_errors_name_the_offset_and_the_expectation():
    header = json.dumps({"a": tensor("U8", [1], 0, 1), "b": tensor("U8", [1], 2, 3)}).encode()
    with pytest.raises(BadCheckpoint) as refused:
        parse_header(header, 8 + len(header) + 3, "x.safetensors")
    at = 8 + len(header)
    assert f"begins at {at + 2}, expected {at + 1}" in str(refused.value)
    assert refused.value.hint
