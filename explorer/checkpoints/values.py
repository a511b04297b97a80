"""What a checkpoint is and what its metadata says: the nouns of this room."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite, prod
from typing import Any

from explorer.lineage.values import ObjectInfo

Value = str | int | float | bool | None | tuple["str | int | float | bool | None", ...]
"""One value of a config or a state: a scalar, or a short list of scalars."""
Values = Mapping[str, Value]
"""Values by dotted path (`optimizer.param_groups.0.lr`)."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """Name, dtype, shape and place of one tensor. `file` is relative to the checkpoint's prefix."""

    name: str
    dtype: str
    """As safetensors writes it (`F32`, `BF16`, `F8_E4M3`), whatever the format; unknown ones verbatim."""
    shape: tuple[int, ...]
    size_bytes: int
    file: str
    start: int | None = None
    """Offset of its first byte in `file`; None where it is not one plain stretch of bytes."""
    part: str = "model"
    """`model`, `optimizer`, or `other` (buffers of schedulers, metrics, random states)."""
    archived: tuple[int, int] | None = None
    """In a zip: where its entry's own header begins, and its offset in the entry's data."""
    chunks: int = 1
    """Into how many pieces it is cut (ranks of a sharded checkpoint)."""
    strides: tuple[int, ...] | None = None
    """Of a view whose elements do not lie in a row: elements from one to the next, by dimension."""
    stored_bytes: int | None = None
    """What its compressed chunks take, where it lies in such."""

    @property
    def elements(self) -> int:
        return prod(self.shape)

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "dtype": self.dtype,
            "shape": list(self.shape),
            "bytes": self.size_bytes,
            "file": self.file,
            "part": self.part,
        }


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The set of objects that a run saved at one step.

    `prefix` ends with `/`, is `""` for a bucket's root, or is a whole key where one file is the checkpoint.
    """

    prefix: str
    format: str
    step: int | None
    objects: tuple[ObjectInfo, ...]
    missing: tuple[str, ...] = ()
    """What the names alone show to be absent: shards, an index, the optimizer."""

    @property
    def complete(self) -> bool:
        return not self.missing

    @property
    def size_bytes(self) -> int:
        return sum(info.size_bytes for info in self.objects)

    @property
    def modified_ns(self) -> int:
        return max((info.modified_ns for info in self.objects), default=0)

    @property
    def name(self) -> str:
        """The last part of its prefix: `step-000100`."""
        return self.prefix.rstrip("/").rpartition("/")[2] or "(root)"

    def relative(self, key: str) -> str:
        """A key as the checkpoint's files call it."""
        folder = self.prefix[: self.prefix.rfind("/") + 1]
        return key.removeprefix(folder)


@dataclass(frozen=True, slots=True)
class Part:
    """What one file of a checkpoint told. Parts of unchanged files are kept and never read again."""

    file: str
    format: str = ""
    tensors: tuple[Tensor, ...] = ()
    config: Values = field(default_factory=dict)
    state: Values = field(default_factory=dict)
    placed: Mapping[str, str] = field(default_factory=dict)
    """Which file an index claims to hold which tensor."""
    aliases: tuple[tuple[str, str], ...] = ()
    """Names that share their bytes: tied weights."""
    refers_to: tuple[str, ...] = ()
    """Globals that pickles in it name; reading them imported nothing."""
    needs: tuple[str, ...] = ()
    """Files that it says must be there."""
    warnings: tuple[str, ...] = ()
    damage: str | None = None
    """Why the file was refused."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What reading took; nothing where everything was known already."""

    requests: int = 0
    read_bytes: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.requests + other.requests, self.read_bytes + other.read_bytes)

    def to_json(self) -> dict[str, int]:
        return {"requests": self.requests, "bytes": self.read_bytes}


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a checkpoint's metadata says, read without touching a tensor's bytes."""

    checkpoint: Checkpoint
    step: int | None
    tensors: tuple[Tensor, ...]
    """In the order of files, and in a file by offset."""
    config: Values
    state: Values
    aliases: tuple[tuple[str, str], ...] = ()
    refers_to: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()
    """Files that were refused, each with the reason."""
    warnings: tuple[str, ...] = ()
    cost: Cost = Cost()

    @property
    def complete(self) -> bool:
        return not self.missing and not self.damaged

    @property
    def parameters(self) -> int:
        """Elements of the model's tensors; tied weights, and one model in two formats, count once."""
        tied = {name for name, _ in self.aliases}
        sizes = {t.name: t.elements for t in self.tensors if t.part == "model"}
        return sum(elements for name, elements in sizes.items() if name not in tied)

    @property
    def dtypes(self) -> tuple[tuple[str, int], ...]:
        """Bytes of the model by dtype, the largest first."""
        mix: Counter[str] = Counter()
        for tensor in self.tensors:
            if tensor.part == "model":
                mix[tensor.dtype] += tensor.size_bytes
        return tuple(mix.most_common())

    @property
    def framework(self) -> str | None:
        """Who wrote it, as far as the format or the file's own note tells."""
        noted = self.config.get("__metadata__.format")
        return _FRAMEWORKS.get(noted if isinstance(noted, str) else "") or _FRAMEWORKS.get(
            self.checkpoint.format
        )

    def to_json(self) -> dict[str, Any]:
        """The shape that `explorer show --json` promises."""
        return {
            "prefix": self.checkpoint.prefix,
            "format": self.checkpoint.format,
            "framework": self.framework,
            "step": self.step,
            "complete": self.complete,
            "missing": list(self.missing),
            "bytes": self.checkpoint.size_bytes,
            "tensors": [tensor.to_json() for tensor in self.tensors],
            "parameters": self.parameters,
            "dtypes": dict(self.dtypes),
            "config": {path: plain(value) for path, value in self.config.items()},
            "state": {path: plain(value) for path, value in self.state.items()},
            "tied": [list(pair) for pair in self.aliases],
            "refers_to": list(self.refers_to),
            "damaged": list(self.damaged),
            "warnings": list(self.warnings),
        }


_TORCH = ("torch", "dcp", "lightning", "accelerate", "hf-trainer", "peft", "deepspeed", "megatron", "nemo")
_FRAMEWORKS = {
    "pt": "PyTorch", "np": "NumPy", "flax": "Flax", "tf": "TensorFlow", "mlx": "MLX", "orbax": "JAX",
    "gguf": "ggml", "keras": "Keras", **dict.fromkeys(_TORCH, "PyTorch"),
}  # fmt: skip


def plain(value: Value) -> Any:
    """A value as JSON can say it: tuples are lists, `NaN` and the infinities are texts."""
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not isfinite(value):
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
    return value
