"""DeepSpeed's and Megatron's folders of several ranks, laid out by hand with torch as their own writers do it."""

from __future__ import annotations

import argparse
from collections import OrderedDict

import pytest

from tests.checkpoints.shelf import Shelf
from tests.checkpoints.tables import saved

torch = pytest.importorskip("torch", reason="torch writes the samples; it is in the extra `torch`")


def states(*, partitioned: bool, step: int = 10) -> dict[str, bytes]:
    shapes = [OrderedDict({"fc.weight": torch.Size([4, 3]), "fc.bias": torch.Size([4])})]
    whole = OrderedDict(
        {
            "fc.weight": torch.zeros(4, 3, dtype=torch.bfloat16),
            "fc.bias": torch.zeros(4, dtype=torch.bfloat16),
        }
    )
    empty = OrderedDict({name: torch.empty(0, dtype=torch.bfloat16) for name in whole})
    module = (empty if partitioned else whole) | {"buffer": torch.zeros(2)}
    optimizer = {
        "optimizer_state_dict": {
            "base_optimizer_state": {"state": {}, "param_groups": [{"lr": 2e-4, "params": [0]}]},
            "fp32_flat_groups": [torch.zeros(8)],
            "zero_stage": 3 if partitioned else 1,
        },
        "ds_version": "0.16.0",
    }
    folder = f"global_step{step}/"
    return {
        folder + "mp_rank_00_model_states.pt": saved(
            {"module": module, "param_shapes": shapes, "ds_config": {"zero_optimization": {"stage": 3}},
             "global_steps": step, "ds_version": "0.16.0", "lr_scheduler": None}
        ),
        folder + "bf16_zero_pp_rank_0_mp_rank_00_optim_states.pt": saved(optimizer),
        folder + "bf16_zero_pp_rank_1_mp_rank_00_optim_states.pt": saved(optimizer),
        folder + "mp_rank_01_model_states.pt": b"never read",
        "latest": folder.rstrip("/").encode(),
    }  # fmt: skip


@pytest.mark.parametrize("partitioned", [False, True])
def test_deepspeed(partitioned: bool):
    shelf = Shelf(states(partitioned=partitioned))
    found = shelf.manifest()
    assert (found.checkpoint.prefix, found.checkpoint.format, found.step) == (
        "global_step10/",
        "deepspeed",
        10,
    )
    model = {t.name: (t.dtype, t.shape, t.size_bytes) for t in found.tensors if t.part == "model"}
    assert model == {
        "fc.weight": ("BF16", (4, 3), 24),
        "fc.bias": ("BF16", (4,), 8),
        "buffer": ("F32", (2,), 8),
    }
    assert found.config["ds_config.zero_optimization.stage"] == 3
    assert found.state["optimizer.param_groups.0.lr"] == 2e-4
    assert {t.name for t in found.tensors if t.part == "optimizer"} == {
        "optimizer_state_dict.fp32_flat_groups.0"
    }
    assert {want.key for wave in shelf.waves for want in wave} == {
        "global_step10/mp_rank_00_model_states.pt",
        "global_step10/bf16_zero_pp_rank_0_mp_rank_00_optim_states.pt",
    }
    assert not found.damaged


def test_megatron(tmp_path):
    import torch.distributed.checkpoint as dcp

    dcp.save({"decoder.layers.0.weight": torch.zeros(2, 3)}, checkpoint_id=str(tmp_path / "iter_0000100"))
    arguments = argparse.Namespace(lr=3e-4, num_layers=1, dtype=torch.bfloat16)
    common = saved({"args": arguments, "iteration": 100, "checkpoint_version": 3.0})
    (tmp_path / "iter_0000100" / "common.pt").write_bytes(common)
    (tmp_path / "iter_0000100" / "metadata.json").write_text('{"sharded_backend": "torch_dist"}')
    found = Shelf.of_folder(tmp_path).manifest()
    assert (found.checkpoint.format, found.step) == ("megatron", 100)
    assert found.config["args.lr"] == 3e-4
    assert found.config["args.dtype"] == "torch.bfloat16"
    assert found.config["metadata.sharded_backend"] == "torch_dist"
    assert found.parameters == 6
    assert found.complete
