"""A `transformers.Trainer` that is recorded: each of its saves becomes a snapshot, each of its logs a row.

    with explorer.Run(config={"learning_rate": 5e-5}, bucket="my-checkpoints") as run:
        restored = run.restore()
        args = TrainingArguments("out", learning_rate=run.config["learning_rate"], save_steps=100)
        trainer = Trainer(model, args, train_dataset=data, callbacks=[RecordTrainer(run)])
        trainer.train(resume_from_checkpoint=str(restored.folder) if restored else None)

`save_total_limit=1` is enough: the trainer deletes older checkpoints before it tells of the newest, and each
of them stays in its own snapshot.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import TrainerCallback
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR

from explorer.recorder.effective_lr import LR_NAMES, apply_lr
from explorer.recorder.run import Run


class RecordTrainer(TrainerCallback):
    """`run` is the open run on the world's first process, and None on all others."""

    def __init__(self, run: Run | None) -> None:
        self._run = run

    def on_train_begin(self, args: Any, state: Any, control: Any, **told: Any) -> None:
        """A learning rate that a fork declares acts on what was restored, on every process."""
        declared = dict(self._run.overrides) if self._run is not None else {}
        lr = next((declared[name] for name in LR_NAMES if name in declared), None)
        lr = _from_first(lr)
        if state.global_step and isinstance(lr, int | float):
            apply_lr(float(lr), [told["optimizer"]], [told["lr_scheduler"]])

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **told: Any) -> None:
        if self._run is None or not logs or not state.is_world_process_zero:
            return
        numbers = {name: value for name, value in logs.items() if isinstance(value, int | float)}
        if numbers and "train_runtime" not in numbers:  # the summary of the whole training is no point of it
            self._run.log(step=state.global_step, **numbers)

    def on_step_end(self, args: Any, state: Any, control: Any, **told: Any) -> None:
        """Asked to end: save, then leave, on every process in the same step."""
        if _from_first(self._run.should_stop if self._run is not None else None):
            control.should_save = control.should_training_stop = True

    def on_save(self, args: Any, state: Any, control: Any, **told: Any) -> None:
        """Called on every process, before the others have written their shards for certain."""
        _wait_for_all()
        if self._run is not None and state.is_world_process_zero:
            folder = Path(args.output_dir) / f"{PREFIX_CHECKPOINT_DIR}-{state.global_step}"
            self._run.save(state.global_step, folder)


def _wait_for_all() -> None:
    import torch.distributed as dist

    if dist.is_available() and dist.is_initialized():
        dist.barrier()


def _from_first(value: Any) -> Any:
    """What the first process says, on all of them."""
    import torch.distributed as dist

    if not (dist.is_available() and dist.is_initialized()):
        return value
    told = [value]
    dist.broadcast_object_list(told, src=0)
    return told[0]
