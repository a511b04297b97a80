"""What people put into torch.save, sorted: the model's tensors, the optimizer, schedules, settings, the rest.

Every trainer has its own keys for the same things; this is the one place that knows them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from explorer.checkpoints.dtypes import size_in_bytes
from explorer.checkpoints.inert import Call, as_mapping, plain_tree
from explorer.checkpoints.jsons import digest, flatten
from explorer.checkpoints.kinds import base, part_of
from explorer.checkpoints.optimizers import is_optimizer_state, optimizer_values
from explorer.checkpoints.pickles import Loaded
from explorer.checkpoints.torch_views import TensorView, sizes, storage_of, view
from explorer.checkpoints.torch_walks import everything_in, tensors_in
from explorer.checkpoints.values import Part, Tensor, Value

_MODEL = (
    "state_dict",
    "model_state_dict",
    "model",
    "module",
    "net",
    "network",
    "weights",
    "params",
    "model_state",
)
_CONFIG = (
    "hyper_parameters",
    "hparams",
    "config",
    "cfg",
    "args",
    "ds_config",
    "opt",
    "datamodule_hyper_parameters",
)
_SKIPPED = (
    "loops",
    "callbacks",
    "hparams_name",
    "datamodule_hparams_name",
    "param_shapes",
    "optimizer_state_dict_keys",
    "buffer_names",
    "frozen_param_shapes",
    "frozen_param_fragments",
    "shared_params",
)
_STEPS = {"global_step": "step", "iteration": "step", "global_steps": "step", "iter": "step", "it": "step"}
_RANDOM = re.compile(r"(?:^|_)rng(?:_|$)|random_state", re.IGNORECASE)


class _Found:
    """What was found so far in one file."""

    def __init__(
        self,
        file: str,
        storages: Mapping[str, int] | None,
        starts: Mapping[str, int] | None,
        entries: Mapping[str, int] | None,
        prints: Mapping[str, str] | None,
    ) -> None:
        self.file = file
        self.prints = prints or {}
        self.storages = storages
        self.starts = starts or {}
        self.entries = entries or {}
        self.tensors: list[Tensor] = []
        self.names: dict[tuple[object, ...], str] = {}
        self.aliases: list[tuple[str, str]] = []
        self.config: dict[str, Value] = {}
        self.state: dict[str, Value] = {}
        self.warnings: list[str] = []

    def add(self, name: str, found: TensorView, part: str) -> None:
        if (
            self.storages is not None
            and found.storage
            and found.end_bytes > self.storages.get(found.storage, -1)
        ):
            self.warnings.append(f"{self.file}: the bytes of `{name[:80]}` are not all in the file")
        start = self.starts.get(found.storage)
        placed = found.plain or found.strides is not None
        at = None if start is None or not placed else start + found.start_bytes
        entry = self.entries.get(found.storage)
        archived = None if entry is None or not placed else (entry, found.start_bytes)
        shape, size = found.shape, found.size_bytes
        strides = None if found.plain else found.strides
        self.tensors.append(
            Tensor(name, found.dtype, shape, size, self.file, at, part, archived, strides=strides)
        )
        if found.storage and found.size_bytes:
            first = self.names.setdefault((part, *found.identity), name)
            if first != name:
                self.aliases.append((name, first))


def part_of_value(
    loaded: Loaded,
    file: str,
    kind: str,
    *,
    storages: Mapping[str, int] | None = None,
    starts: Mapping[str, int] | None = None,
    entries: Mapping[str, int] | None = None,
    prints: Mapping[str, str] | None = None,
) -> Part:
    """What a loaded file tells.

    `storages` are the bytes that each storage has, `starts` where it begins,
    `entries` where its entry in an archive begins, `prints` a fingerprint of its
    content (the CRC that the archive's directory has of it), each by the storage's key.
    """
    found = _Found(file, storages, starts, entries, prints)
    name, value = base(file), loaded.value
    if name.startswith(("rng_state", "random_states")):
        found.state["rng"] = _random_state(value, found.prints)
    elif name == "training_args.bin" or (
        isinstance(value, Call) and value.name.endswith("TrainingArguments")
    ):
        found.config |= flatten(_public(plain_tree(value)), "training_args")
    elif is_optimizer_state(value):
        _optimizer(value, "", "optimizer", found)
    elif _is_schedule(value):
        found.state |= flatten(plain_tree(value), "scheduler")
    else:
        _anything(value, found)
    return Part(
        file,
        kind,
        tuple(found.tensors),
        found.config,
        found.state,
        aliases=tuple(found.aliases),
        refers_to=loaded.refers_to,
        warnings=tuple(found.warnings[:20]),
    )


def _anything(value: Any, found: _Found) -> None:
    entries = as_mapping(value)
    if entries is None or not all(isinstance(key, str) for key in entries):
        for name, tensor in tensors_in(value):
            found.add(name or "tensor", tensor, part_of(found.file))
        return
    shapes = entries.get("param_shapes")
    for key, inner in entries.items():
        if key in _MODEL and shapes is not None:
            _partitioned(inner, shapes, found)
        elif key not in _SKIPPED:
            _entry(key, inner, found)


def _entry(key: str, inner: Any, found: _Found) -> None:
    tensor = view(inner)
    if _RANDOM.search(key):
        found.state["rng"] = _random_state(inner, found.prints)
    elif tensor is not None:
        found.add(key, tensor, part_of(found.file))
    elif is_optimizer_state(inner):
        _optimizer(inner, f"{key}.", "optimizer", found)
    elif isinstance(inner, list) and inner and all(map(is_optimizer_state, inner)):
        for index, state in enumerate(inner):
            _optimizer(state, f"{key}.{index}.", "optimizer" if index == 0 else f"optimizer.{index}", found)
    elif key in _CONFIG:
        found.config |= flatten(_public(plain_tree(inner)), key)
    elif "sched" in key.lower():
        schedules = inner if isinstance(inner, list) else [inner]
        for index, schedule in enumerate(schedules[:8]):
            found.state |= flatten(plain_tree(schedule), "scheduler" if index == 0 else f"scheduler.{index}")
    else:
        _other(key, inner, found)


def _other(key: str, inner: Any, found: _Found) -> None:
    part = "model" if key in _MODEL else "optimizer" if "optim" in key.lower() else None
    inside = False
    if part == "optimizer":  # DeepSpeed and others wrap it once or twice
        for wrapped in (inner, *(as_mapping(inner) or {}).values()):
            told = as_mapping(wrapped) or {}
            if "param_groups" in told:
                found.state |= optimizer_values({"state": {}, **told}, "optimizer")
    for name, tensor in tensors_in(inner, "" if part == "model" else key):
        found.add(name or key, tensor, part or ("model" if key.startswith("model") else "other"))
        inside = True
    if not inside:
        plain = plain_tree(inner, 2_000)
        if plain is not None:
            found.state |= flatten({_STEPS.get(key, key): plain})


def _optimizer(value: Any, prefix: str, label: str, found: _Found) -> None:
    found.state |= optimizer_values(value, label)
    for name, tensor in tensors_in(value, prefix.rstrip(".")):
        found.add(name, tensor, "optimizer")


def _partitioned(module: Any, shapes: Any, found: _Found) -> None:
    """DeepSpeed: with ZeRO 3 the module's tensors are empty, the true shapes are in `param_shapes`."""
    declared: dict[str, tuple[int, ...]] = {}
    for group in shapes if isinstance(shapes, list) else [shapes]:
        for name, shape in (as_mapping(group) or {}).items():
            dimensions = sizes(shape)
            if isinstance(name, str) and dimensions is not None:
                declared[name] = dimensions
    for name, tensor in tensors_in(module):
        dimensions = declared.pop(name, tensor.shape)
        if dimensions == tensor.shape:
            found.add(name, tensor, "model")
        else:  # elsewhere, in pieces
            size = size_in_bytes(tensor.dtype, dimensions) or 0
            found.tensors.append(Tensor(name, tensor.dtype, dimensions, size, found.file))
    found.tensors += (Tensor(name, "unknown", shape, 0, found.file) for name, shape in declared.items())


def _is_schedule(value: Any) -> bool:
    entries = as_mapping(value) or {}
    return "last_epoch" in entries and ("base_lrs" in entries or "_last_lr" in entries)


def _random_state(value: Any, prints: Mapping[str, str]) -> str:
    used = {storage[1] for storage in map(storage_of, everything_in(value)) if storage is not None}
    return f"state {digest([plain_tree(value), sorted((key, prints.get(key)) for key in used)])}"


def _public(tree: Any) -> Any:
    """Settings without what libraries keep beside them."""
    if not isinstance(tree, dict):
        return {"value": tree}
    return {key: value for key, value in tree.items() if not key.startswith("_") and value != "…"}
