"""Keras 3: a zip of `config.json`, `metadata.json` and `model.weights.h5`. The config is read, never built.

Building a model from such a config runs code even in Keras' safe mode (CVE-2025-1550, -9905, -9906); here it
is JSON, and the names of classes in it are reported like a pickle's globals.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from explorer.checkpoints.dtypes import size_in_bytes
from explorer.checkpoints.hdf5 import Dataset, Walk
from explorer.checkpoints.jsons import MAX_JSON_BYTES, flatten, parse_object
from explorer.checkpoints.paging import paged
from explorer.checkpoints.values import Part, Tensor, Value
from explorer.checkpoints.waves import Reading
from explorer.checkpoints.zips import read_archive, read_entry, start_of_entry
from explorer.lineage.values import ObjectInfo

WEIGHTS = "model.weights.h5"
_RISKY = ("Lambda", "TorchModuleWrapper", "FlaxLayer", "JaxLayer", "TFSMLayer")
_MAX_CLASSES = 200


def read_keras(info: ObjectInfo, file: str, head: bytes, tail: bytes) -> Reading[Part]:
    """Config, versions and weights of a `.keras` file. Raises BadCheckpoint."""
    archive = yield from read_archive(info, file, head, tail)
    entries = {entry.name: entry for entry in archive.entries}
    config: dict[str, Value] = {}
    classes: dict[str, None] = {}
    for name in ("config.json", "metadata.json"):
        if name in entries:
            body = parse_object((yield from read_entry(archive, entries[name], MAX_JSON_BYTES)), name)
            config |= flatten(body, "keras" if name == "metadata.json" else "model")
            classes |= dict.fromkeys(_classes(body))
    tensors: tuple[Tensor, ...] = ()
    warnings = [f"{file}: a {name} in it carries code; it was not run" for name in _risky(classes)]
    weights = entries.get(WEIGHTS)
    if weights is not None and weights.method == 0:
        start = yield from start_of_entry(archive, weights)
        found = yield from paged(Walk(info.key, start).datasets(), info.size_bytes)
        tensors = tuple(_tensor(dataset, file, start) for dataset in found)
    elif weights is not None:
        warnings.append(f"{file}: its weights are compressed as a whole, they were not read")
    return Part(
        file, "keras", tensors, config, refers_to=tuple(classes)[:_MAX_CLASSES], warnings=tuple(warnings)
    )


def read_weights(info: ObjectInfo, file: str) -> Reading[Part]:
    """A `.weights.h5` or `.h5` by itself. Raises BadCheckpoint."""
    found = yield from paged(Walk(info.key).datasets(), info.size_bytes)
    return Part(file, "hdf5", tuple(_tensor(dataset, file, 0) for dataset in found))


def _tensor(dataset: Dataset, file: str, base: int) -> Tensor:
    name = dataset.name.replace("/", ".")
    start = None if dataset.start is None else base + dataset.start
    size = size_in_bytes(dataset.dtype, dataset.shape) or 0
    part = "optimizer" if name.startswith(("optimizer", "_optimizer")) else "model"
    return Tensor(name, dataset.dtype, dataset.shape, size, file, start, part)


def _classes(body: Any) -> Iterator[str]:
    """`module.class_name` of everything that the config would have built."""
    todo = [body]
    while todo:
        item = todo.pop()
        if isinstance(item, dict):
            if isinstance(item.get("class_name"), str):
                yield f"{item.get('module') or 'keras'}.{item['class_name']}"[:200]
            todo += item.values()
        elif isinstance(item, list):
            todo += item


def _risky(classes: dict[str, None]) -> list[str]:
    return sorted({name.rpartition(".")[2] for name in classes if name.rpartition(".")[2] in _RISKY})
