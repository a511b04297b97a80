"""ONNX against the onnx package, and protocol buffers that lie."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from explorer.checkpoints.dtypes import named
from tests.checkpoints.mutations import onnx_file, watched
from tests.checkpoints.shelf import Shelf


def test_what_onnx_itself_writes(tmp_path: Path):
    onnx = pytest.importorskip("onnx", reason="onnx writes the sample; it is in the extra `formats`")
    from onnx import TensorProto, helper, numpy_helper

    arrays = {
        "w": np.arange(12, dtype=np.float32).reshape(3, 4), "b": np.zeros(4, np.float16), "i": np.array([1, -1]),
        "scalar": np.array(2.5), "flags": np.array([True, False]), "empty": np.zeros((0, 3), np.float32),
    }  # fmt: skip
    initialisers = [numpy_helper.from_array(value, name) for name, value in arrays.items()]
    initialisers.append(helper.make_tensor("floats", TensorProto.FLOAT, [2], [1.0, 2.0]))  # not as raw bytes
    initialisers.append(helper.make_tensor("half", TensorProto.BFLOAT16, [2], [1.0, 2.0]))
    initialisers.append(helper.make_tensor("nibbles", TensorProto.INT4, [4], [1, 2, 3, 4]))
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])], "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 4])], initialisers,
    )  # fmt: skip
    model = helper.make_model(graph, producer_name="tests", opset_imports=[helper.make_opsetid("", 17)])
    helper.set_model_props(model, {"task": "none"})
    onnx.save(model, tmp_path / "m.onnx")
    data = (tmp_path / "m.onnx").read_bytes()
    found = Shelf({"m.onnx": data}).manifest()
    names = {TensorProto.BFLOAT16: "BF16", TensorProto.INT4: "I4"}
    theirs = {
        i.name: (
            names.get(i.data_type) or named(str(helper.tensor_dtype_to_np_dtype(i.data_type))),
            tuple(i.dims),
        )
        for i in onnx.load(tmp_path / "m.onnx").graph.initializer
    }
    assert {t.name: (t.dtype, t.shape) for t in found.tensors} == theirs
    for tensor in found.tensors:
        if tensor.start is not None and tensor.name in arrays:
            assert data[tensor.start : tensor.start + tensor.size_bytes] == arrays[tensor.name].tobytes()
    assert (found.checkpoint.format, found.config["onnx.opset.ai.onnx"], found.config["onnx.graph"]) == (
        "onnx",
        17,
        "net",
    )
    assert found.config["onnx.producer_name"] == "tests"
    assert found.config["onnx.metadata.task"] == "none"
    assert found.config["onnx.nodes"] == 1
    assert found.complete


def test_data_in_a_file_beside_it(tmp_path: Path):
    onnx = pytest.importorskip("onnx", reason="onnx writes the sample; it is in the extra `formats`")
    from onnx import helper, numpy_helper

    weights = np.arange(2000, dtype=np.float32)
    graph = helper.make_graph([], "net", [], [], [numpy_helper.from_array(weights, "w")])
    onnx.save(
        helper.make_model(graph),
        tmp_path / "m.onnx",
        save_as_external_data=True,
        location="m.data",
        size_threshold=0,
    )
    shelf = Shelf.of_folder(tmp_path)
    (tensor,) = shelf.manifest().tensors
    assert tensor.file == "m.data"
    assert tensor.start is not None
    assert shelf.objects["m.data"][tensor.start : tensor.start + tensor.size_bytes] == weights.tobytes()
    del shelf.objects["m.data"]
    assert shelf.manifest().missing == ("m.data",)


def test_large_tensors_are_leapt_over():
    data = onnx_file({f"w{i}": np.zeros(50_000, np.float32) for i in range(5)})
    shelf = Shelf({"m.onnx": data})
    assert shelf.manifest().parameters == 250_000
    assert shelf.read_bytes < 200_000
    assert shelf.requests <= 7


def test_a_file_name_that_leads_elsewhere_is_not_followed():
    found = Shelf({"m.onnx": onnx_file({"w": np.zeros(3)}, location="../../secret")}).manifest()
    assert any("leaves the folder" in warning for warning in found.warnings)
    assert found.complete
    assert found.tensors[0].start is None


SOUND = onnx_file({"w": np.zeros((2, 3), np.float32), "b": np.zeros(3, np.float32)})
BROKEN = {
    "cut": SOUND[:-5],
    "no graph": b"\x08\x08",
    "text": b"hello world " * 9,
    "a field beyond its end": b"\x08\x08\x3a\xff\x01\x0a\x00",
    "a number without end": b"\x08" + b"\xff" * 20,
    "data of another length": onnx_file({"w": np.zeros(3, np.float32)}, dims=(4,)),
    "a shape beyond reason": onnx_file({"w": np.zeros(3, np.float32)}, dims=(2**63,)),
    "a hundred dimensions": onnx_file({"w": np.zeros(3, np.float32)}, dims=(1,) * 100),
}


@pytest.mark.parametrize("name", BROKEN)
def test_buffers_that_lie_are_refused(name: str):
    with watched() as events:
        found = Shelf({"m.onnx": BROKEN[name]}).manifest()
    assert events == []
    assert found.damaged
    assert not found.tensors


@pytest.mark.parametrize("seed", range(5))
def test_spoilt_buffers_are_read_in_bounds(seed: int):
    chance = random.Random(seed)
    for _ in range(60):
        broken = bytearray(SOUND)
        for _ in range(chance.randint(1, 3)):
            at = chance.randrange(len(broken))
            broken[at : at + 2] = chance.randbytes(2)
        Shelf({"m.onnx": bytes(broken)}).side("spoilt")
