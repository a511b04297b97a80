"""Folders as the trainers write them: transformers, Lightning, Accelerate, PEFT, torch's distributed format."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from safetensors import safe_open

from tests.checkpoints.shelf import Shelf
from tests.checkpoints.tables import headers, read

torch = pytest.importorskip("torch", reason="torch writes the samples; it is in the extra `torch`")

from explorer.checkpoints import diff, find_checkpoints  # noqa: E402

pytestmark = pytest.mark.xdist_group("frameworks")  # one worker imports them, once


@pytest.fixture(scope="module")
def trainer_folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A run of four steps saved every two, and a fork resumed from step 2 with another declared rate."""
    transformers = pytest.importorskip("transformers", reason="in the extra `torch`")
    pytest.importorskip("accelerate", reason="transformers' Trainer needs it; in the extra `torch`")
    root = tmp_path_factory.mktemp("trainer")
    config = transformers.GPT2Config(n_layer=2, n_head=2, n_embd=8, vocab_size=32, n_positions=16)
    data = [{"input_ids": torch.arange(8) % 32, "labels": torch.arange(8) % 32} for _ in range(16)]

    def train(folder: Path, rate: float, resume: Path | None) -> None:
        transformers.set_seed(0)
        arguments = transformers.TrainingArguments(
            output_dir=str(folder), learning_rate=rate, max_steps=4, save_steps=2, logging_steps=1,
            per_device_train_batch_size=2, report_to=[], use_cpu=True, lr_scheduler_type="constant",
            disable_tqdm=True,
        )  # fmt: skip
        trainer = transformers.Trainer(
            model=transformers.GPT2LMHeadModel(config), args=arguments, train_dataset=data
        )
        trainer.train(resume_from_checkpoint=str(resume) if resume else None)

    train(root / "parent", 1e-3, None)
    train(root / "fork", 5e-4, root / "parent" / "checkpoint-2")
    return root / "parent", root / "fork"


def test_a_trainer_folder(trainer_folders: tuple[Path, Path]):
    parent, _ = trainer_folders
    shelf = Shelf.of_folder(parent, "out/")
    found = find_checkpoints(shelf.listing())
    assert [(c.prefix, c.format, c.step, c.complete) for c in found] == [
        ("out/checkpoint-4/", "hf-trainer", 4, True),
        ("out/checkpoint-2/", "hf-trainer", 2, True),
    ]
    manifest = shelf.manifest()
    with safe_open(parent / "checkpoint-4" / "model.safetensors", "pt") as file:
        theirs = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    assert read(manifest) == headers(theirs)
    optimizer = torch.load(parent / "checkpoint-4" / "optimizer.pt", weights_only=True)
    moments = {
        f"state.{index}.{slot}": value
        for index, slots in optimizer["state"].items()
        for slot, value in slots.items()
    }
    assert read(manifest, "optimizer") == headers(moments)
    assert manifest.step == 4
    assert manifest.config["n_embd"] == 8
    assert manifest.config["training_args.learning_rate"] == 1e-3
    assert manifest.config["training_args.lr_scheduler_type"] == "constant"
    assert manifest.state["optimizer.param_groups.0.lr"] == 1e-3
    assert manifest.state["scheduler.base_lrs"] == (1e-3, 1e-3)
    assert manifest.state["log.learning_rate"] == 1e-3
    assert str(manifest.state["rng"]).startswith("state ")
    assert not manifest.warnings
    assert not manifest.damaged
    assert len(shelf.waves) <= 2


def test_a_resumed_fork_that_does_not_heed_its_new_rate(trainer_folders: tuple[Path, Path]):
    parent, fork = trainer_folders
    manifest = Shelf.of_folder(fork).manifest()
    assert manifest.config["training_args.learning_rate"] == 5e-4
    assert any("the config is not heeded" in warning for warning in manifest.warnings)
    found = diff(Shelf.of_folder(parent).side("parent"), Shelf.of_folder(fork).side("fork"))
    assert "training_args.learning_rate was changed from 0.001 to 0.0005" in found.warnings[0]
    assert "training_args.learning_rate" in [change.path for change in found.config]
    assert not found.tensors.any


def test_lightning(tmp_path: Path):
    lightning = pytest.importorskip("lightning", reason="in the extra `torch`")

    class Net(lightning.LightningModule):
        def __init__(self, hidden: int = 16, lr: float = 1e-3) -> None:
            super().__init__()
            self.save_hyperparameters()
            self.layer = torch.nn.Linear(4, hidden)

        def training_step(self, batch: object, index: int) -> object:
            return self.layer(batch[0]).sum()

        def configure_optimizers(self) -> object:
            optimizer = torch.optim.AdamW(self.parameters(), lr=self.hparams.lr)
            return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 100)]

    rows = torch.utils.data.TensorDataset(torch.zeros(8, 4))
    trainer = lightning.Trainer(
        max_epochs=2, default_root_dir=tmp_path, logger=False, enable_progress_bar=False, accelerator="cpu",
        enable_model_summary=False, callbacks=[lightning.pytorch.callbacks.ModelCheckpoint(tmp_path, save_top_k=-1)],
    )  # fmt: skip
    net = Net()
    trainer.fit(net, torch.utils.data.DataLoader(rows, batch_size=2))
    shelf = Shelf.of_folder(tmp_path)
    found = find_checkpoints(shelf.listing())
    assert [(c.format, c.step) for c in found] == [("lightning", 8), ("lightning", 4)]
    manifest = shelf.manifest()
    assert read(manifest) == headers(net.state_dict())
    assert manifest.step == 8
    assert manifest.state["epoch"] == 1
    assert manifest.config["hyper_parameters.hidden"] == 16
    assert manifest.state["optimizer.param_groups.0.lr"] == 1e-3
    assert manifest.state["scheduler.step_size"] == 100
    assert {"optimizer_states.0.state.0.exp_avg"} <= {t.name for t in manifest.tensors}
    assert not manifest.warnings


def test_accelerate(tmp_path: Path):
    accelerate = pytest.importorskip("accelerate", reason="in the extra `torch`")
    accelerator = accelerate.Accelerator(cpu=True)
    net = torch.nn.Linear(4, 2)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 10)
    net, optimizer, schedule = accelerator.prepare(net, optimizer, schedule)
    net(torch.ones(3, 4)).sum().backward()
    optimizer.step()
    accelerator.save_state(str(tmp_path / "step_30"))
    shelf = Shelf.of_folder(tmp_path)
    manifest = shelf.manifest()
    assert (manifest.checkpoint.format, manifest.step) == ("accelerate", 30)
    assert read(manifest) == headers(net.state_dict())
    assert manifest.state["optimizer.type"] == "SGD"
    assert manifest.state["scheduler.step_size"] == 10
    assert "rng" in manifest.state
    assert manifest.complete


def test_a_peft_adapter(tmp_path: Path):
    peft = pytest.importorskip("peft", reason="in the extra `torch`")
    net = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Linear(4, 2))
    adapted = peft.get_peft_model(net, peft.LoraConfig(r=2, lora_alpha=8, target_modules=["1", "0"]))
    adapted.save_pretrained(tmp_path)
    manifest = Shelf.of_folder(tmp_path).manifest()
    assert manifest.checkpoint.format == "peft"
    assert manifest.config["adapter.r"] == 2
    assert manifest.config["adapter.target_modules"] == ("0", "1")
    assert manifest.parameters == 2 * (4 + 4) + 2 * (4 + 2)
    assert manifest.complete


@pytest.fixture(scope="module")
def sharded_folder(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    """What two ranks of torch's distributed checkpoint leave, written by one process."""
    import torch.distributed.checkpoint as dcp

    folder = tmp_path_factory.mktemp("dcp") / "step-70"
    state = {
        "model": {"a.weight": torch.arange(12.0).reshape(3, 4), "b": torch.zeros(5, dtype=torch.bfloat16)},
        "optimizer": {
            "state": {"a.weight.exp_avg": torch.zeros(3, 4)},
            "param_groups": {"lr": 3e-4, "betas": (0.9, 0.95)},
        },
        "train_state": {"step": 70, "tokens": 12345},
    }
    dcp.save(state, checkpoint_id=str(folder))
    return folder, state


def test_torch_distributed(sharded_folder: tuple[Path, dict[str, object]]):
    folder, _ = sharded_folder
    shelf = Shelf.of_folder(folder.parent)
    manifest = shelf.manifest()
    assert (manifest.checkpoint.format, manifest.step) == ("dcp", 70)
    reader = torch.distributed.checkpoint.FileSystemReader(str(folder)).read_metadata()
    theirs = {
        name: (str(record.properties.dtype), tuple(record.size))
        for name, record in reader.state_dict_metadata.items()
        if hasattr(record, "size")
    }
    names = {"F32": "torch.float32", "BF16": "torch.bfloat16"}
    assert {t.name: (names[t.dtype], t.shape) for t in manifest.tensors} == theirs
    assert {t.file for t in manifest.tensors} == {"__0_0.distcp"}
    assert manifest.state["optimizer.param_groups.lr"] == 3e-4
    assert manifest.state["train_state.step"] == 70
    assert manifest.complete
    assert len(shelf.waves) == 2


def test_a_rank_whose_file_is_gone(sharded_folder: tuple[Path, dict[str, object]]):
    shelf = Shelf.of_folder(sharded_folder[0].parent)
    del shelf.objects["step-70/__0_0.distcp"]
    assert shelf.manifest().missing == ("__0_0.distcp",)


def test_a_trainer_folder_as_json(trainer_folders: tuple[Path, Path]):
    document = json.loads(
        json.dumps(Shelf.of_folder(trainer_folders[0]).manifest().to_json(), allow_nan=False)
    )
    assert document["complete"]
    assert "transformers.training_args.TrainingArguments" in document["refers_to"]
