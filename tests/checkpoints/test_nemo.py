"""NeMo's archives, packed as its SaveRestoreConnector packs them, and tars that lie."""

from __future__ import annotations

import random
import tarfile
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from tests.checkpoints.mutations import nemo_file, state_dict, torch_zip, watched
from tests.checkpoints.shelf import Shelf
from tests.checkpoints.tables import headers, read, saved

CONFIG = b"model:\n  hidden_size: 64\n  optim:\n    name: adamw\n    lr: 0.0003\n    betas:\n    - 0.9\n    - 0.98\ntarget: nemo.X\n"


def test_config_and_weights(tmp_path: Path):
    torch = pytest.importorskip("torch", reason="torch writes the sample; it is in the extra `torch`")
    weights = {
        "encoder.weight": torch.arange(12.0).reshape(3, 4),
        "encoder.bias": torch.ones(4, dtype=torch.bfloat16),
    }
    folder = tmp_path / "inside"
    folder.mkdir()
    (folder / "model_config.yaml").write_bytes(CONFIG)
    (folder / "model_weights.ckpt").write_bytes(saved(weights))
    (folder / "8f_tokenizer.model").write_bytes(b"t" * 3000)
    with tarfile.open(
        tmp_path / "m.nemo", "w:"
    ) as archive:  # as SaveRestoreConnector._make_nemo_file_from_folder
        archive.add(folder, arcname=".")
    data = (tmp_path / "m.nemo").read_bytes()
    shelf = Shelf({"m.nemo": data})
    found = shelf.manifest()
    assert (found.checkpoint.format, found.framework) == ("nemo", "PyTorch")
    assert read(found) == headers(weights)
    assert found.config["model.optim.lr"] == 0.0003
    assert found.config["model.optim.betas"] == (0.9, 0.98)
    assert found.complete
    assert not found.warnings
    (tensor,) = [t for t in found.tensors if t.name == "encoder.weight"]
    assert tensor.archived is not None
    assert data[tensor.archived[0] : tensor.archived[0] + 4] == b"PK\x03\x04", (
        "places count from the archive's start"
    )


def test_large_members_are_leapt_over():
    data = nemo_file(
        {"model_config.yaml": CONFIG, "a.safetensors": save({"w": np.zeros(500_000, np.float32)})}
    )
    shelf = Shelf({"m.nemo": data})
    found = shelf.manifest()
    assert found.parameters == 500_000
    assert shelf.read_bytes < 120_000
    (tensor,) = found.tensors
    assert tensor.start is not None
    assert data[tensor.start + tensor.size_bytes :].strip(b"\0") == b""


def test_a_sharded_checkpoint_inside(tmp_path: Path):
    torch = pytest.importorskip("torch", reason="torch writes the sample; it is in the extra `torch`")
    import torch.distributed.checkpoint as dcp

    dcp.save({"decoder.weight": torch.zeros(2, 3), "step": 5}, checkpoint_id=str(tmp_path / "model_weights"))
    members = {f"model_weights/{p.name}": p.read_bytes() for p in (tmp_path / "model_weights").iterdir()}
    found = Shelf({"m.nemo": nemo_file({"model_config.yaml": CONFIG, **members})}).manifest()
    assert [(t.name, t.shape, t.file, t.start) for t in found.tensors] == [
        ("decoder.weight", (2, 3), "m.nemo", None)
    ]
    assert found.state["step"] == 5
    del members["model_weights/__0_0.distcp"]
    short = Shelf({"m.nemo": nemo_file(members)}).manifest()
    assert any("__0_0.distcp` is missing in it" in warning for warning in short.warnings)


def test_compressed_archives_are_refused_in_words():
    data = nemo_file({"model_config.yaml": CONFIG}, mode="w:gz")
    assert "compressed as a whole" in Shelf({"m.nemo": data}).manifest().damaged[0]


def test_a_damaged_member_is_told_and_the_rest_is_read():
    pt = torch_zip(state_dict("w"), {"0": bytes(16)})
    data = nemo_file({"model_config.yaml": CONFIG, "model_weights.ckpt": pt[:-30]})
    found = Shelf({"m.nemo": data}).manifest()
    assert "model_weights.ckpt" in found.damaged[0]
    assert found.config["target"] == "nemo.X"


def test_globals_in_an_archive_are_reported():
    pt = torch_zip(b"\x80\x02cposix\nsystem\nX\x02\x00\x00\x00id\x85R.", {})
    with watched() as events:
        found = Shelf({"m.nemo": nemo_file({"model_weights.ckpt": pt})}).manifest()
    assert events == []
    assert found.refers_to == ("posix.system",)


def test_long_names_of_both_kinds():
    name = "deep/" * 30 + "model_config.yaml"
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        found = Shelf({"m.nemo": nemo_file({name: CONFIG}, form=form)}).manifest()
        assert found.config["deep." * 30 + "model.hidden_size"] == 64


def raw(name: str, size: bytes = b"00000000000\0", data: bytes = b"") -> bytes:
    head = bytearray(512)
    head[: len(name)] = name.encode()
    head[124:136], head[156:157], head[257:265] = size, b"0", b"ustar\x0000"
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    return bytes(head) + data + bytes(-len(data) % 512)


BROKEN = {
    "a wrong sum": raw("a.json").replace(b"a.json", b"b.json"),
    "a size beyond the file": raw("a.json", b"77777777777\0"),
    "a size of 95 bits": raw("a.json", b"\xff" * 12),
    "a size that is no number": raw("a.json", b"9zz\0        "),
    "a way out": raw("../a.json"),
    "an absolute name": raw("/etc/a.json"),
    "twice": raw("a.json") * 2,
    "noise": bytes(range(256)) * 8,
    "a thousand members": b"".join(raw(f"{i}.json") for i in range(1001)),
}


@pytest.mark.parametrize("name", BROKEN)
def test_archives_that_lie_are_refused(name: str):
    with watched() as events:
        found = Shelf({"m.nemo": BROKEN[name] + bytes(1024)}).manifest()
    assert events == []
    assert found.damaged


@pytest.mark.parametrize("seed", range(4))
def test_spoilt_archives_are_read_in_bounds(seed: int):
    chance = random.Random(seed)
    data = nemo_file(
        {"model_config.yaml": CONFIG, "model_weights.ckpt": torch_zip(state_dict("w"), {"0": bytes(16)})}
    )
    for _ in range(50):
        broken = bytearray(data)
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(broken))
            broken[at : at + 3] = chance.randbytes(3)
        Shelf({"m.nemo": bytes(broken)}).side("spoilt")
