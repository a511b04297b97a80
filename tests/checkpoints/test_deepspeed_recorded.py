"""Folders that DeepSpeed itself wrote: `recorded/README.md` says how."""

from __future__ import annotations

from math import log
from pathlib import Path

import pytest

from tests.checkpoints.shelf import Shelf

RECORDED = Path(__file__).parent / "recorded"
NETWORK = {
    "0.weight": (16, 8), "0.bias": (16,), "1.weight": (16,), "1.bias": (16,), "2.weight": (4, 16), "2.bias": (4,)
}  # fmt: skip


@pytest.mark.parametrize(("stage", "dtype"), [(1, "F32"), (2, "BF16"), (3, "BF16")])
def test_what_deepspeed_itself_wrote(stage: int, dtype: str):
    found = Shelf.of_folder(RECORDED / f"deepspeed-zero{stage}").manifest()
    assert (found.checkpoint.format, found.checkpoint.prefix, found.step) == ("deepspeed", "global_step3/", 3)
    assert {t.name: (t.dtype, t.shape) for t in found.tensors if t.part == "model"} == {
        name: (dtype, shape) for name, shape in NETWORK.items()
    }
    # with ZeRO 3 the names end in `fp32_flat_groups.0`: all parameters in one row, padded to the ranks
    flat = [t for t in found.tensors if t.part == "optimizer" and t.shape]
    assert {t.shape for t in flat} == {(244,)} == {(found.parameters,)}
    assert {t.name.rpartition(".")[2] for t in flat} == {"exp_avg", "exp_avg_sq", "0"}
    assert found.config["ds_config.zero_optimization.stage"] == stage
    assert found.config["ds_config.optimizer.params.lr"] == 3e-4
    assert found.state["optimizer.type"] == "AdamW"
    warmed = 3e-4 * log(3) / log(10)  # WarmupLR after its third step
    assert found.state["optimizer.param_groups.0.lr"] == pytest.approx(warmed, rel=1e-6)
    assert found.state["scheduler.last_batch_iteration"] == 2
    assert found.state["ds_version"] == "0.19.8"
    assert found.complete
    assert not found.warnings
    assert "" not in found.state
