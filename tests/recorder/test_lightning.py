"""A real Lightning training, recorded: its checkpoint files become snapshots, its metrics rows of the run."""

from __future__ import annotations

import json
import os
import secrets
import signal
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
if find_spec("lightning") is None:  # to import it here would cost every worker seconds
    pytest.skip("the torch extra is not installed", allow_module_level=True)
pytestmark = pytest.mark.xdist_group("frameworks")  # one worker imports them, once


def parts(
    run: Run, out: Path, *, steps: int, callbacks: tuple[Any, ...] = (), plugin: Any = None
) -> tuple[Any, Any]:
    """A trainer that saves every second step and keeps one file, and a model whose rate decays by a cosine."""
    from lightning.pytorch import LightningModule, Trainer
    from lightning.pytorch.callbacks import ModelCheckpoint

    from explorer.recorder.lightning import FollowRun, RunLogger, SaveToBucket

    class Tiny(LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(4, 1)

        def training_step(self, batch: Any, index: int) -> Any:
            x, y = batch
            loss = ((self.layer(x)[:, 0] - y) ** 2).mean()
            self.log("loss", loss)
            self.log("rate", self.optimizers().param_groups[0]["lr"])
            return loss

        def configure_optimizers(self) -> Any:
            optimizer = torch.optim.AdamW(self.parameters(), lr=run.config["lr"])
            schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=20)
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    torch.manual_seed(0)
    x = torch.randn(64, 4)
    data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, x.sum(1)), batch_size=8)
    trainer = Trainer(
        accelerator="cpu",
        max_steps=steps,
        default_root_dir=out,
        log_every_n_steps=1,
        logger=RunLogger(run),
        plugins=[plugin or SaveToBucket(run)],
        callbacks=[FollowRun(run), ModelCheckpoint(out, every_n_train_steps=2, save_last=True), *callbacks],
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    model = Tiny()
    model.train_dataloader = lambda: data
    return trainer, model


def rates(store: Store, run: Run) -> dict[int, float]:
    data, _ = store.read_object(Node(run.bucket), f"runs/{run.id}/metrics.jsonl")
    return {row["step"]: row["rate"] for row in map(json.loads, data.splitlines()) if "rate" in row}


def test_every_checkpoint_is_a_snapshot_and_a_fork_trains_with_its_own_rate(
    store: Store, bucket: str, tmp_path: Path, store_folder: Path
) -> None:
    with Run(config={"lr": 0.1}, bucket=bucket) as run:
        trainer, model = parts(run, tmp_path / "parent", steps=6)
        trainer.fit(model)
    snapshots = store.list_snapshots(bucket)
    assert [s.name for s in snapshots] == ["step-2", "step-4", "step-6"]
    keys = [o.key for o in store.list_objects(snapshots[1].node, "checkpoints/")]
    assert keys == [
        "checkpoints/step-000002/epoch=0-step=2.ckpt",
        "checkpoints/step-000004/epoch=0-step=4.ckpt",
    ]
    before = rates(store, run)

    workspace = open_workspace(Settings(data=store_folder))
    try:
        name = f"{bucket}-{secrets.token_hex(2)}"
        fork = workspace.fork(snapshots[1].node, name, (("lr", 0.01),))
    finally:
        workspace.close()
    with Run(config={"lr": 0.1}, bucket=fork.bucket) as resumed:
        restored = resumed.restore()
        assert restored is not None
        assert restored.step == 4
        trainer, model = parts(resumed, tmp_path / "fork", steps=6)
        trainer.fit(model, ckpt_path=str(restored.path(restored.files[0])), weights_only=False)
    after = rates(store, resumed)
    assert set(after) == {4, 5}  # Lightning logs a step under the number of those before it
    assert [after[s] for s in (4, 5)] == pytest.approx([before[s] / 10 for s in (4, 5)])


def test_an_asynchronous_writer_saves_what_is_written(store: Store, bucket: str, tmp_path: Path) -> None:
    from lightning.pytorch.plugins.io import AsyncCheckpointIO

    from explorer.recorder.lightning import SaveToBucket

    with Run(config={"lr": 0.1}, bucket=bucket) as run:
        plugin = AsyncCheckpointIO(checkpoint_io=SaveToBucket(run))
        trainer, model = parts(run, tmp_path / "out", steps=4, plugin=plugin)
        trainer.fit(model)
    newest = store.list_snapshots(bucket)[-1]
    assert newest.name == "step-4"
    (saved,) = store.list_objects(newest.node, "checkpoints/step-000004/")
    content = store.read_object(newest.node, saved.key)[0]
    assert torch.load(_file(tmp_path, content), weights_only=False)["global_step"] == 4


def test_a_termination_signal_saves_and_ends_the_training(store: Store, bucket: str, tmp_path: Path) -> None:
    from lightning.pytorch import Callback

    class SignalAt3(Callback):  # type: ignore[misc, unused-ignore]
        def on_train_batch_start(self, trainer: Any, *told: Any) -> None:
            if trainer.global_step == 2:
                os.kill(os.getpid(), signal.SIGTERM)

    run = Run(config={"lr": 0.1}, bucket=bucket)

    def train() -> None:
        with run:
            trainer, model = parts(run, tmp_path / "out", steps=6, callbacks=(SignalAt3(),))
            trainer.fit(model)

    with pytest.raises(SystemExit):  # Lightning leaves by itself once the step is done
        train()
    assert [s.name for s in store.list_snapshots(bucket)] == ["step-2", "step-3"]
    record = json.loads(store.read_object(Node(bucket), f"runs/{run.id}/run.json")[0])
    assert record["state"] == "stopped"


def _file(folder: Path, content: bytes) -> Path:
    path = folder / "read.ckpt"
    path.write_bytes(content)
    return path
