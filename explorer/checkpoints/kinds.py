"""What a file's name tells of its role: weights, optimizer, state, config, or nothing of interest."""

from __future__ import annotations

import re
from collections.abc import Sequence, Set

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

_SURE = (".safetensors", ".ckpt", ".gguf", ".keras", ".distcp", ".nemo", ".jit", ".onnx")
"""Nothing but weights is called so."""
_LIKELY = (".pt", ".pth", ".pt.tar", ".pth.tar", ".msgpack")
"""Whatever torch.save or Flax was given: weights unless the name speaks of data."""
_OPEN = (".bin", ".h5", ".hdf5")
"""Anybody's ending: weights where the name says so, else only the first bytes can tell."""
_NOT_WEIGHTS = ("training_args.bin",)
_FLAX_FILE = re.compile(r"(?:checkpoint|ckpt)[-_]?\d+", re.IGNORECASE)
"""Flax's own save_checkpoint writes one file without an ending for each step."""
_WEIGHT_WORDS = re.compile(
    r"(?:^|[^a-z])(?:pytorch|diffusion|adapter|lora|open_?clip|tf|flax|ema|averaged)?[-_]?"
    r"(?:models?|weights?|checkpoints?|ckpt|params?|parameters|state_?dict|states?|optim(?:izer)?|scheduler|scaler|"
    r"adapter|lora|net|network|unet|vae|ema|encoder|decoder|generator|discriminator|consolidated|best|last|final|"
    r"latest|epoch|step|iter|iteration|rank|snapshot)(?![a-z])",
    re.IGNORECASE,
)
_DATA_WORDS = re.compile(
    r"(?:^|[^a-z])(?:train(?:ing)?|val(?:id(?:ation)?)?|test(?:ing)?|eval|data(?:set|sets)?|tokens?|tok|corpus|fineweb\w*|"
    r"chunk|part|embeddings?|features?|labels?|images?|inputs?|targets?|samples?|cache[ds]?|index|idx|text|document)"
    r"(?![a-z])",
    re.IGNORECASE,
)
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


def holds_weights(key: str, beside: Set[str] = frozenset()) -> bool | None:
    """Whether a file of this name can be what a checkpoint is found by; None where only its bytes can tell.

    `beside` are the names in its folder: a `.bin` with an `.idx` is Megatron's training data.
    """
    name = base(key)
    if name in (".metadata", "_CHECKPOINT_METADATA", "_METADATA"):
        return True
    if name in _NOT_WEIGHTS or _TOKENIZER.search(name):
        return False
    if name.endswith(_SURE) or is_flax_file(name):
        return True
    if not name.endswith(_LIKELY + _OPEN):
        return False
    if f"{name.rpartition('.')[0]}.idx" in beside:
        return False
    if _WEIGHT_WORDS.search(name):
        return True
    folder = key[: -len(name)].rstrip("/").rpartition("/")[2]
    if _DATA_WORDS.search(name) or _DATA_WORDS.fullmatch(folder):
        return False
    return True if name.endswith(_LIKELY) else None


def is_optimizer(key: str) -> bool:
    return _OPTIMIZER.search(base(key)) is not None


def is_state(key: str) -> bool:
    """Optimizers, schedulers, random states: kept beside the weights, never a checkpoint by themselves."""
    return is_optimizer(key) or _STATE.search(base(key)) is not None


def is_tokenizer(key: str) -> bool:
    return _TOKENIZER.search(base(key)) is not None


def is_flax_file(name: str) -> bool:
    return _FLAX_FILE.fullmatch(name) is not None


def part_of(key: str) -> str:
    """`model`, `optimizer` or `other`: what the tensors of a file of this name are."""
    if is_optimizer(key):
        return "optimizer"
    return "other" if is_state(key) else "model"


def stands_alone(key: str) -> bool:
    """Whether one file of this kind is a whole checkpoint, however many lie in its folder."""
    name = base(key)
    if name.endswith(_ALONE) or is_flax_file(name):
        return True
    return name.endswith(".gguf") and not re.search(r"-\d{5}-of-\d{5}\.", name)


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
        ("torch", bool({"pt", "pth", "bin", "jit"} & endings) or any(n.endswith(".pth.tar") for n in names)),
        ("gguf", "gguf" in endings),
        ("keras", "keras" in endings or bool({"h5", "hdf5"} & endings)),
        ("flax", "msgpack" in endings or any(map(is_flax_file, names))),
        ("nemo", "nemo" in endings),
        ("onnx", "onnx" in endings),
    ):
        if holds:
            return format_name
    return "unknown"
