"""A Lightning `Trainer` that is recorded: each checkpoint it writes becomes a snapshot, each metric a row.

    with explorer.Run(config={"lr": 1e-3}, bucket="my-checkpoints") as run:
        restored = run.restore()
        trainer = Trainer(
            logger=RunLogger(run),
            plugins=[SaveToBucket(run)],
            callbacks=[FollowRun(run), ModelCheckpoint(every_n_train_steps=100)],
        )
        trainer.fit(model, ckpt_path=restored.path(restored.files[0]) if restored else None)

Saves are seen where the file is written, so that also `trainer.save_checkpoint` and an `AsyncCheckpointIO`
around it are. Strategies that write their own files (DeepSpeed, sharded FSDP) pass it by.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback
from lightning.pytorch.loggers import Logger
from lightning.pytorch.plugins.io import TorchCheckpointIO
from lightning.pytorch.utilities import rank_zero_only

from explorer.recorder.effective_lr import LR_NAMES, apply_lr
from explorer.recorder.run import Run


class SaveToBucket(TorchCheckpointIO):
    """Writes as Lightning does, then saves the file to the run's bucket; called on one process only."""

    def __init__(self, run: Run | None) -> None:
        super().__init__()
        self._run = run
        self._saved: int | None = None
        self._file = threading.Lock()
        """Behind an `AsyncCheckpointIO` an older file is removed while it is still being uploaded."""

    def save_checkpoint(self, checkpoint: Any, path: Any, storage_options: Any = None) -> None:
        with self._file:
            super().save_checkpoint(checkpoint, path, storage_options)
            step = int(checkpoint["global_step"])
            if self._run is not None and step != self._saved:  # `last.ckpt` says the same of a step again
                self._run.save(step, {Path(path).name: path})
                self._saved = step

    def remove_checkpoint(self, path: Any) -> None:
        with self._file:
            super().remove_checkpoint(path)


class RunLogger(Logger):
    """Rows of the run. Give it beside other loggers."""

    def __init__(self, run: Run | None) -> None:
        super().__init__()
        self._run = run

    @property
    def name(self) -> str:
        return self._run.bucket if self._run is not None else "run"

    @property
    def version(self) -> str:
        return self._run.id if self._run is not None else "0"

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        if self._run is not None and metrics:
            self._run.log(step=step or 0, **metrics)

    @rank_zero_only
    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        """The run's config is in its record already."""


class FollowRun(Callback):
    """Makes a declared learning rate act, and ends the training with a save when the run is asked to stop.

    On SIGTERM Lightning leaves `fit` with a SystemExit of its own after the step; the save is done by then.
    """

    def __init__(self, run: Run | None) -> None:
        self._run = run

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        declared = dict(self._run.overrides) if self._run is not None else {}
        lr = next((declared[name] for name in LR_NAMES if name in declared), None)
        lr = trainer.strategy.broadcast(lr)
        if trainer.ckpt_path and isinstance(lr, int | float):
            apply_lr(float(lr), trainer.optimizers, [told.scheduler for told in trainer.lr_scheduler_configs])

    def on_train_batch_end(self, trainer: Any, *told: Any) -> None:
        stop = trainer.strategy.broadcast(self._run.should_stop if self._run is not None else False)
        if stop and not trainer.should_stop:
            trainer.save_checkpoint(
                Path(trainer.default_root_dir) / f"stopped-step-{trainer.global_step}.ckpt"
            )
            trainer.should_stop = True
