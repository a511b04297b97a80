"""Flax' msgpack against flax itself, and maps that lie."""

from __future__ import annotations

import random
import struct

import numpy as np
import pytest

from explorer.checkpoints.dtypes import named
from tests.checkpoints.mutations import watched
from tests.checkpoints.shelf import Shelf

msgpack = pytest.importorskip("msgpack", reason="msgpack writes the samples; it is in the extra `formats`")


def array(value: np.ndarray) -> object:
    """What flax.serialization makes of an array."""
    return msgpack.ExtType(
        1, msgpack.packb((value.shape, value.dtype.name, value.tobytes("C")), use_bin_type=True)
    )


def state(layers: int = 3, width: int = 4) -> bytes:
    layer = {"kernel": np.ones((width, width), np.float32), "bias": np.zeros(width, np.float16)}
    params = {f"layers_{i}": {name: array(value) for name, value in layer.items()} for i in range(layers)}
    step = msgpack.ExtType(3, msgpack.packb(((), "int32", np.int32(700).tobytes()), use_bin_type=True))
    return msgpack.packb(
        {"step": step, "params": params, "opt_state": {"0": {"count": array(np.array(3, np.int32)), "mu": params}},
         "note": "warm", "done": None, "sizes": [1, 2], "empty": {}}
    )  # fmt: skip


def test_what_flax_itself_writes(monkeypatch: pytest.MonkeyPatch):
    flax = pytest.importorskip(
        "flax.serialization", reason="flax writes the sample; it is in the extra `formats`"
    )
    import ml_dtypes

    monkeypatch.setattr(flax, "MAX_CHUNK_SIZE", 64)
    tree = {
        "params": {"a": {"kernel": np.arange(12, dtype=np.float32).reshape(3, 4), "half": np.ones(3, ml_dtypes.bfloat16)},
                   "long": np.arange(60, dtype=np.float32).reshape(3, 20), "flags": np.ones(2, bool)},
        "opt_state": {"0": {"mu": {"kernel": np.zeros((3, 4), np.float64)}}, "1": {}},
        "step": np.int32(1000), "loss": 0.25, "name": "run", "epoch": 7, "z": np.complex64(1), "nothing": None,
    }  # fmt: skip
    data = flax.msgpack_serialize(tree)
    found = Shelf({"run/checkpoint_1000": data}).manifest()
    assert (found.checkpoint.format, found.checkpoint.step, found.step, found.framework) == (
        "flax",
        1000,
        1000,
        "Flax",
    )
    theirs = {
        f"params.{name}": (named(value.dtype.name), value.shape)
        for name, value in {"a.kernel": tree["params"]["a"]["kernel"], "a.half": tree["params"]["a"]["half"],
                            "long": tree["params"]["long"], "flags": tree["params"]["flags"]}.items()
    }  # fmt: skip
    assert {t.name: (t.dtype, t.shape) for t in found.tensors if t.part == "model"} == theirs
    assert [(t.name, t.dtype) for t in found.tensors if t.part == "optimizer"] == [
        ("opt_state.0.mu.kernel", "F64")
    ]
    assert {t.name: t.chunks for t in found.tensors} == {
        "params.a.kernel": 1, "params.a.half": 1, "params.long": 4, "params.flags": 1, "opt_state.0.mu.kernel": 2,
    }  # fmt: skip
    for tensor in found.tensors:
        if tensor.start is not None and tensor.name == "params.a.kernel":
            raw = data[tensor.start : tensor.start + tensor.size_bytes]
            assert raw == tree["params"]["a"]["kernel"].tobytes()
    assert found.state["loss"] == 0.25
    assert found.state["epoch"] == 7
    assert found.state["name"] == "run"
    assert not found.damaged
    restored = flax.msgpack_restore(data)
    assert np.array_equal(restored["params"]["long"], tree["params"]["long"]), "the judge reads it too"


def test_plain_values_stay_and_arrays_have_their_places():
    data = state()
    found = Shelf({"flax_model.msgpack": data}).manifest()
    assert found.parameters == 3 * (16 + 4)
    assert found.state["step"] == 700
    assert found.state["note"] == "warm"
    assert found.state["sizes"] == (1, 2)
    assert found.state["done"] is None
    assert all(t.start is not None for t in found.tensors)


def test_large_arrays_are_leapt_over():
    data = state(layers=5, width=300)
    shelf = Shelf({"flax_model.msgpack": data})
    found = shelf.manifest()
    assert found.parameters == 5 * (300 * 300 + 300)
    assert shelf.read_bytes < len(data) / 4
    assert shelf.requests <= 2 * 10 + 3


def test_a_model_in_two_forms_is_read_once():
    from safetensors.numpy import save

    shelf = Shelf({"model.safetensors": save({"w": np.zeros(3, np.float32)}), "flax_model.msgpack": state()})
    found = shelf.manifest()
    assert found.parameters == 3
    assert any("flax_model.msgpack" in warning and "in another form" in warning for warning in found.warnings)


BROKEN = {
    "cut": state()[:-9],
    "something behind it": state() + b"\0",
    "a list": b"\x91\x01",
    "data of another length": msgpack.packb({"w": msgpack.ExtType(1, msgpack.packb(((2, 2), "float32", b"1234")))}),
    "a shape of texts": msgpack.packb({"w": msgpack.ExtType(1, msgpack.packb((("a",), "float32", b"1234")))}),
    "an array that is none": msgpack.packb({"w": msgpack.ExtType(1, b"\xc0")}),
    "a map of four billion": b"\xdf\xff\xff\xff\xff\xa1a",
    "a text of four gigabytes": b"\x81\xa1a\xdb\xff\xff\xff\xff",
    "nested without end": b"\x81\xa1a" * 5_000,
    "pieces without a shape": msgpack.packb({"w": {"__msgpack_chunked_array__": True, "chunks": {}}}),
    "an array as a key": b"\x81" + msgpack.packb(array(np.zeros(2))) + b"\x01",
    "a byte that is no type": b"\x81\xa1a\xc1",
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_maps_that_lie_are_refused(name: str):
    with watched() as events:
        found = Shelf({"model.msgpack": BROKEN[name]}).manifest()
    assert events == []
    assert found.damaged or "no format that is known" in found.warnings[0]
    assert not found.tensors


def test_more_arrays_than_can_be_looked_for_are_refused():
    one = struct.pack(">BI", 0xC6, 40_000) + bytes(40_000)
    shelf = Shelf({"model.msgpack": b"\xde" + struct.pack(">H", 2100) + (b"\xa1a" + one) * 2100})
    assert "too many to look for" in shelf.manifest().damaged[0]
    assert shelf.requests <= 2002


@pytest.mark.parametrize("seed", range(5))
def test_spoilt_states_are_read_in_bounds(seed: int):
    chance = random.Random(seed)
    data = state()
    for _ in range(60):
        broken = bytearray(data)
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(broken))
            broken[at : at + 4] = chance.choice((b"\xff\xff\xff\xff", b"\xdf\0\0\0", chance.randbytes(4)))
        Shelf({"model.msgpack": bytes(broken)}).side("spoilt")
