"""Records what the real Hugging Face Trainer and Lightning write: `python record_hf.py FOLDER` (needs the torch extra).

hf/run: 30 steps, then again from checkpoint-20 to 40 after a crash that left rows to 30; hf/fork: from checkpoint-20
on other data. lightning/: a run of two versions, the second resumed.
"""

import shutil
import sys
import tempfile
from pathlib import Path

import lightning as pl
import torch
from lightning.pytorch.loggers import CSVLogger
from torch import nn
from transformers import Trainer, TrainingArguments

out = Path(sys.argv[1])


class Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 1)

    def forward(self, x, labels):
        loss = ((self.layer(x)[:, 0] - labels) ** 2).mean()
        return {"loss": loss, "logits": self.layer(x)}


def rows(noise=0.0):
    torch.manual_seed(0)
    return [{"x": (x := torch.randn(4)), "labels": x.sum() + noise * torch.randn(1)[0]} for _ in range(256)]


def train(folder, steps, *, resume=None, noise=0.0):
    torch.manual_seed(1)
    told = TrainingArguments(
        output_dir=str(folder),
        max_steps=steps,
        logging_steps=2,
        save_steps=10,
        eval_strategy="steps",
        eval_steps=10,
        per_device_train_batch_size=8,
        learning_rate=0.05,
        lr_scheduler_type="constant",
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
    )
    data = rows(noise)
    Trainer(Tiny(), told, train_dataset=data, eval_dataset=data[:32]).train(resume_from_checkpoint=resume)


def keep(source, target):
    for path in sorted(source.glob("checkpoint-*/trainer_state.json")):
        place = target / path.parent.name
        place.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, place / path.name)


with tempfile.TemporaryDirectory() as scratch:
    run = Path(scratch) / "run"
    train(run, 30)
    keep(run, out / "hf" / "first")
    fork = Path(scratch) / "fork"
    shutil.copytree(run, fork)
    shutil.rmtree(fork / "checkpoint-30")
    train(run, 40, resume=str(run / "checkpoint-20"))
    keep(run, out / "hf" / "resumed")
    train(fork, 40, resume=str(fork / "checkpoint-20"), noise=0.5)
    keep(fork, out / "hf" / "fork")


class Lit(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = Tiny()

    def training_step(self, batch, _):
        loss = self.net(**batch)["loss"]
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch, _):
        self.log("val_loss", self.net(**batch)["loss"])

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.05)


def fit(steps, checkpoint=None):
    torch.manual_seed(1)
    loggers = [CSVLogger(out / "lightning", flush_logs_every_n_steps=1)]
    trainer = pl.Trainer(
        max_steps=steps, logger=loggers, log_every_n_steps=2, val_check_interval=10, accelerator="cpu",
        enable_progress_bar=False, enable_checkpointing=False, enable_model_summary=False,
    )  # fmt: skip
    data = torch.utils.data.DataLoader(rows(), batch_size=8)
    trainer.fit(Lit(), data, data, ckpt_path=checkpoint)
    trainer.save_checkpoint(Path(scratch_pl) / f"{steps}.ckpt")


with tempfile.TemporaryDirectory() as scratch_pl:
    fit(20)
    fit(50, str(Path(scratch_pl) / "20.ckpt"))
