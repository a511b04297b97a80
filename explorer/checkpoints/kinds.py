"""What a file's name tells of its role: weights, optimizer, state, config, or nothing of interest."""

from __future__ import annotations

import re
from collections.abc import Sequence

MARKERS = frozenset(
    {
        "_CHECKPOINT_METADATA",
        "_METADATA",
        "trainer_state.json",
        "training_state.json",
        "model_index.json",
        "common.pt",
        "latest",
    }
)
"""Files that make their folder the checkpoint, whatever lies in folders below it."""

_WEIGHTS = (
    ".safetensors",
    ".pt",
    ".pth",
    ".ckpt",
    ".bin",
    ".gguf",
    ".jit",
    ".keras",
    ".msgpack",
    ".distcp",
    ".nemo",
    ".h5",
)
UNREAD = (".msgpack", ".nemo", ".onnx")
"""Endings of weights whose insides are not read: Flax, NeMo's archives, ONNX."""
_NOT_WEIGHTS = ("training_args.bin",)
_OPTIMIZER = re.compile(r"optim", re.IGNORECASE)
_STATE = re.compile(
    r"(?:^|[-_./])(?:scheduler|lr_scheduler|scaler|rng_state|random_states|training_args|common|custom_checkpoint|"
    r"extra_state|train_state|dataloader|meta)(?:[-_.]|$)",
    re.IGNORECASE,
)
_ALONE = (".ckpt", ".keras", ".nemo")
_TOKENIZER = re.compile(
    r"(?:tokenizer|vocab|merges|special_tokens|added_tokens|chat_template|preprocessor)", re.I
)


def base(key: str) -> str:
    return key.rpartition("/")[2]


def holds_weights(key: str) -> bool:
    """Whether a file of this name can be what a checkpoint is found by."""
    name = base(key)
    if name in (".metadata", "_CHECKPOINT_METADATA", "_METADATA"):
        return True
    return name.endswith(_WEIGHTS) and name not in _NOT_WEIGHTS and not _TOKENIZER.search(name)


def is_optimizer(key: str) -> bool:
    return _OPTIMIZER.search(base(key)) is not None


def is_state(key: str) -> bool:
    """Optimizers, schedulers, random states: kept beside the weights, never a checkpoint by themselves."""
    return is_optimizer(key) or _STATE.search(base(key)) is not None


def is_tokenizer(key: str) -> bool:
    return _TOKENIZER.search(base(key)) is not None


def part_of(key: str) -> str:
    """`model`, `optimizer` or `other`: what the tensors of a file of this name are."""
    if is_optimizer(key):
        return "optimizer"
    return "other" if is_state(key) else "model"


def stands_alone(key: str) -> bool:
    """Whether one file of this kind is a whole checkpoint, however many lie in its folder."""
    name = base(key)
    return name.endswith(_ALONE) or (name.endswith(".gguf") and not re.search(r"-\d{5}-of-\d{5}\.", name))


def format_of(files: Sequence[str]) -> str:
    """A checkpoint's format, from the names of its files relative to it; markers outrank endings."""
    names = {base(file) for file in files}
    endings = {name.rpartition(".")[2].lower() for name in names}
    for format_name, holds in (
        ("orbax", bool({"_CHECKPOINT_METADATA", "_METADATA"} & names)),
        ("deepspeed", any(n.endswith(("_model_states.pt", "_optim_states.pt")) for n in names)),
        ("megatron", ".metadata" in names and bool({"common.pt", "metadata.json"} & names)),
        ("megatron", "model_optim_rng.pt" in names),
        ("dcp", ".metadata" in names or "distcp" in endings),
        ("peft", "adapter_config.json" in names),
        ("hf-trainer", "trainer_state.json" in names),
        ("explorer", {"model.safetensors", "training_state.json"} <= names),
        ("accelerate", any(n.startswith("random_states_") for n in names)),
        ("lightning", "ckpt" in endings),
        ("safetensors", "safetensors" in endings),
        ("torch", bool({"pt", "pth", "bin", "jit"} & endings)),
        ("gguf", "gguf" in endings),
        ("keras", "keras" in endings or any(n.endswith(".h5") for n in names)),
        ("flax", "msgpack" in endings),
        ("nemo", "nemo" in endings),
    ):
        if holds:
            return format_name
    return "unknown"
