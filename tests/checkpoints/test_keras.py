"""Keras' own files against h5py, and HDF5 structures that lie."""

from __future__ import annotations

import io
import json
import random
import zipfile

import pytest

from tests.checkpoints.mutations import watched
from tests.checkpoints.shelf import Shelf

h5py = pytest.importorskip("h5py", reason="h5py writes the samples; it is in the extra `formats`")

import numpy as np  # noqa: E402

SHAPES = {
    "layers/dense/vars/0": ((4, 3), "<f4"), "layers/dense/vars/1": ((3,), "<f2"), "layers/bn/vars/0": ((), "<i8"),
    "optimizer/vars/0": ((), "<i4"), "optimizer/vars/1": ((4, 3), "<f8"), "flags": ((5,), "?"), "u": ((2,), "<u2"),
}  # fmt: skip
EXPECTED = {
    "layers.dense.vars.0": ("F32", (4, 3)), "layers.dense.vars.1": ("F16", (3,)), "layers.bn.vars.0": ("I64", ()),
    "optimizer.vars.0": ("I32", ()), "optimizer.vars.1": ("F64", (4, 3)), "flags": ("BOOL", (5,)), "u": ("U16", (2,)),
}  # fmt: skip


def weights(libver: str | None = None) -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", libver=libver) as file:
        for name, (shape, dtype) in SHAPES.items():
            file.create_dataset(name, data=np.ones(shape, dtype))
    return buffer.getvalue()


def archive(config: object) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("metadata.json", json.dumps({"keras_version": "3.15.1"}))
        file.writestr("config.json", json.dumps(config))
        file.writestr("model.weights.h5", weights())
    return buffer.getvalue()


def test_weights_by_themselves_and_in_an_archive():
    config = {
        "module": "keras",
        "class_name": "Sequential",
        "config": {"name": "m", "layers": [{"units": 3}]},
    }
    for key, data in (("m.weights.h5", weights()), ("m.keras", archive(config))):
        found = Shelf({key: data}).manifest()
        assert {t.name: (t.dtype, t.shape) for t in found.tensors} == EXPECTED
        assert {t.name for t in found.tensors if t.part == "optimizer"} == {
            "optimizer.vars.0",
            "optimizer.vars.1",
        }
        assert found.complete
        for tensor in found.tensors:
            assert tensor.start is not None
            dtype = SHAPES[tensor.name.replace(".", "/")][1]
            raw = data[tensor.start : tensor.start + tensor.size_bytes]
            assert raw == np.ones(tensor.shape, dtype).tobytes()
    assert found.config["keras.keras_version"] == "3.15.1"
    assert found.config["model.config.name"] == "m"
    assert found.checkpoint.format == "keras"


def test_many_groups_in_few_reads():
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for index in range(400):
            file.create_dataset(f"layers/dense_{index}/vars/0", data=np.zeros((20, 20), np.float32))
    shelf = Shelf({"m.weights.h5": buffer.getvalue()})
    assert len(shelf.manifest().tensors) == 400
    assert shelf.requests < 30


def test_a_config_with_code_in_it_is_read_as_data_and_told():
    layer = {
        "module": "keras.layers",
        "class_name": "Lambda",
        "config": {"function": {"class_name": "__lambda__"}},
    }
    opener = {"module": "keras.config", "class_name": "enable_unsafe_deserialization"}
    data = archive({"module": "keras", "class_name": "Sequential", "config": {"layers": [layer, opener]}})
    with watched() as events:
        found = Shelf({"m.keras": data}).manifest()
    assert events == []
    assert "a Lambda in it carries code" in found.warnings[0]
    assert "keras.config.enable_unsafe_deserialization" in found.refers_to


@pytest.mark.parametrize("libver", ["latest", ("v108", "v108"), ("v110", "v110")], ids=str)
@pytest.mark.parametrize("many", [0, 3, 9, 60, 700, 5_000])
def test_the_newer_structures(libver: str | tuple[str, str], many: int):
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", libver=libver) as file:
        for name, (shape, dtype) in SHAPES.items():
            file.create_dataset(name, data=np.ones(shape, dtype))
        for index in range(many):
            file.create_dataset(
                f"stack/{'a long name ' * (index % 9)}{index}", data=np.full(2, index, np.int16)
            )
        file["alias"] = h5py.SoftLink("/flags")
        expected = {}
        file.visititems(
            lambda name, item: (
                expected.update({name.replace("/", "."): item}) if hasattr(item, "shape") else None
            )
        )
        theirs = {name: (item.shape, item.id.get_offset()) for name, item in expected.items()}
    data = buffer.getvalue()
    found = Shelf({"m.weights.h5": data}).manifest()
    assert not found.damaged
    assert {t.name: (t.shape, t.start) for t in found.tensors} == theirs
    assert {t.name: (t.dtype, t.shape) for t in found.tensors if not t.name.startswith("stack")} == EXPECTED


def test_a_version_from_the_future_is_refused_by_name():
    data = bytearray(weights())
    data[8] = 9
    assert (
        "superblock is of version 9; 0, 2 and 3 are read"
        in Shelf({"m.h5": bytes(data)}).manifest().damaged[0]
    )


@pytest.mark.parametrize("seed", range(15))
def test_spoilt_structures_are_refused_or_read_in_bounds(seed: int):
    chance = random.Random(seed)
    data = weights(libver="latest" if seed % 2 else None)
    for _ in range(20):
        broken = bytearray(data)
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(broken))
            broken[at : at + 4] = chance.choice((b"\xff\xff\xff\xff", b"\0\0\0\0", chance.randbytes(4)))
        with watched() as events:
            found = Shelf({"m.weights.h5": bytes(broken[: chance.randint(1, len(broken))])}).manifest()
        assert events == []
        assert len(found.tensors) <= 2 * len(SHAPES)


@pytest.mark.xdist_group("frameworks")
def test_what_keras_itself_saved(tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    pytest.importorskip("torch", reason="keras needs a backend; it is in the extra `torch`")
    keras = pytest.importorskip("keras", reason="keras writes the sample; it is in the extra `formats`")
    model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(3), keras.layers.Dense(2)])
    model.save(tmp_path / "m.keras")
    found = Shelf.of_folder(tmp_path).manifest()
    assert found.parameters == model.count_params()
    assert sorted(t.shape for t in found.tensors) == sorted(tuple(w.shape) for w in model.weights)
    assert str(found.config["keras.keras_version"]) == keras.__version__
