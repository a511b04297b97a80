"""A real Trainer, recorded: what it saves is a snapshot, and what a fork declares acts on what is restored."""

from __future__ import annotations

import json
import secrets
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from explorer.lineage.address import Node
from explorer.recorder import Run
from explorer.settings import Settings
from explorer.storage import Store
from explorer.workspace.opener import open_workspace

torch = pytest.importorskip("torch", reason="the torch extra is not installed")
if find_spec("transformers") is None:  # to import it here would cost every worker seconds
    pytest.skip("the torch extra is not installed", allow_module_level=True)
pytestmark = pytest.mark.xdist_group("frameworks")  # one worker imports them, once


def trainer(
    run: Run, out: Path, *, steps: int = 6, schedule: str = "linear", callbacks: tuple[Any, ...] = ()
) -> Any:
    from torch import nn
    from transformers import Trainer, TrainingArguments

    from explorer.recorder.huggingface import RecordTrainer

    class Tiny(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 1)

        def forward(self, x: Any, labels: Any) -> dict[str, Any]:
            out = self.layer(x)
            return {"loss": ((out[:, 0] - labels) ** 2).mean(), "logits": out}

    torch.manual_seed(0)
    data = [{"x": (x := torch.randn(4)), "labels": x.sum()} for _ in range(64)]
    told = TrainingArguments(
        output_dir=str(out),
        max_steps=steps,
        logging_steps=1,
        save_steps=2,
        save_total_limit=1,
        per_device_train_batch_size=8,
        learning_rate=run.config["learning_rate"],
        lr_scheduler_type=schedule,
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
    )
    return Trainer(Tiny(), told, train_dataset=data, callbacks=[RecordTrainer(run), *callbacks])


def rows_of(store: Store, run: Run) -> list[dict[str, Any]]:
    data, _ = store.read_object(Node(run.bucket), f"runs/{run.id}/metrics.jsonl")
    return [json.loads(line) for line in data.splitlines()]


def test_every_save_is_a_snapshot_although_the_trainer_keeps_one(
    store: Store, bucket: str, tmp_path: Path
) -> None:
    with Run(config={"learning_rate": 0.1}, bucket=bucket) as run:
        trainer(run, tmp_path / "out").train()
    assert [folder.name for folder in (tmp_path / "out").iterdir()] == ["checkpoint-6"]
    snapshots = store.list_snapshots(bucket)
    assert [s.name for s in snapshots] == ["step-2", "step-4", "step-6"]
    keys = {o.key.removeprefix("checkpoints/step-000004/") for o in store.list_objects(snapshots[1].node)}
    assert {"model.safetensors", "optimizer.pt", "scheduler.pt", "trainer_state.json"} <= keys
    rows = rows_of(store, run)
    assert [row["step"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert [row["learning_rate"] for row in rows] == pytest.approx([0.1 * (6 - s) / 6 for s in range(6)])


@pytest.mark.parametrize("schedule", ["linear", "cosine", "constant"])
def test_a_fork_trains_with_the_learning_rate_that_it_declares(
    store: Store, bucket: str, tmp_path: Path, store_folder: Path, schedule: str
) -> None:
    with Run(config={"learning_rate": 0.1}, bucket=bucket) as run:
        trainer(run, tmp_path / "parent", schedule=schedule).train()
    at_4 = next(s for s in store.list_snapshots(bucket) if s.name == "step-4")
    workspace = open_workspace(Settings(data=store_folder))
    try:
        fork = workspace.fork(at_4.node, f"{bucket}-{secrets.token_hex(2)}", (("learning_rate", 0.01),))
    finally:
        workspace.close()
    with Run(config={"learning_rate": 0.1}, bucket=fork.bucket) as resumed:
        restored = resumed.restore()
        assert restored is not None
        assert restored.step == 4
        trainer(resumed, tmp_path / "fork", schedule=schedule).train(
            resume_from_checkpoint=str(restored.folder)
        )
    before = {row["step"]: row["learning_rate"] for row in rows_of(store, run)}
    after = {row["step"]: row["learning_rate"] for row in rows_of(store, resumed)}
    assert set(after) == {5, 6}
    assert after[5] == pytest.approx(before[5] / 10)
    assert after[6] == pytest.approx(before[6] / 10)


def test_a_trainer_that_is_asked_to_stop_saves_first(store: Store, bucket: str, tmp_path: Path) -> None:
    from transformers import TrainerCallback

    class AskAt3(TrainerCallback):  # type: ignore[misc, unused-ignore]
        def on_step_begin(self, args: Any, state: Any, control: Any, **told: Any) -> None:
            if state.global_step == 2:
                run.stopping.set()

    with Run(config={"learning_rate": 0.1}, bucket=bucket) as run:
        trainer(run, tmp_path / "out", callbacks=(AskAt3(),)).train()
    assert [s.name for s in store.list_snapshots(bucket)] == ["step-2", "step-3"]
    record = json.loads(store.read_object(Node(bucket), f"runs/{run.id}/run.json")[0])
    assert record["state"] == "stopped"
