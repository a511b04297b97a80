"""Which reader a file gets: by name for texts, by its first bytes for the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from explorer.checkpoints import safetensors, states
from explorer.checkpoints.jsons import MAX_JSON_BYTES
from explorer.checkpoints.kinds import base, is_tokenizer, part_of
from explorer.checkpoints.values import Checkpoint, Part
from explorer.checkpoints.waves import Reading
from explorer.errors import BadCheckpoint
from explorer.lineage.values import ObjectInfo, Range

READER_VERSION = 1
"""Rises when a reader learns something: what older ones kept on disk is read anew."""

_STRAY_JSON_BYTES = 256 * 1024
"""Other people's JSON is read up to this size; beyond it is data, not configuration."""


@dataclass(frozen=True, slots=True)
class Task:
    """One file to read."""

    info: ObjectInfo
    file: str
    reading: Callable[[], Reading[Part]]
    folder: tuple[ObjectInfo, ...] = ()
    """Other files that it may read from; empty where its part depends on its own bytes alone."""

    @property
    def identity(self) -> tuple[str | int, ...]:
        """What its part is a function of: equal identities, equal parts."""
        return (self.info.etag, self.info.size_bytes, *(i.etag for i in self.folder))


def tasks(checkpoint: Checkpoint) -> tuple[Task, ...]:
    """A task for every file of a checkpoint that has something to tell, in the order of keys."""
    found = []
    for info in checkpoint.objects:
        file = checkpoint.relative(info.key)
        reading = _reading_of(info, file)
        if reading is not None:
            found.append(Task(info, file, reading))
    return tuple(found)


def _reading_of(info: ObjectInfo, file: str) -> Callable[[], Reading[Part]] | None:
    name = base(file)
    if info.size_bytes == 0:
        return None
    if name.endswith(".index.json"):
        return lambda: _whole(info, file, lambda data: safetensors.read_index(info, file, data))
    if name.endswith(".json"):
        known = name in ("config.json", "trainer_state.json", "training_state.json", "adapter_config.json")
        if is_tokenizer(name) or not (known or info.size_bytes <= _STRAY_JSON_BYTES):
            return None
        return lambda: _whole(info, file, lambda data: states.read_json(file, data))
    if name.endswith(".safetensors"):
        return lambda: _safetensors(info, file)
    return None


def _whole(info: ObjectInfo, file: str, parse: Callable[[bytes], Part]) -> Reading[Part]:
    if info.size_bytes > MAX_JSON_BYTES:
        raise BadCheckpoint(
            f"`{file}` has {info.size_bytes} bytes, JSON is read up to {MAX_JSON_BYTES}.",
            hint="keep logs out of the checkpoint's state",
        )
    (data,) = yield (Range(info.key, 0, info.size_bytes),)
    return parse(data)


def _safetensors(info: ObjectInfo, file: str) -> Reading[Part]:
    (head,) = yield (Range(info.key, 0, min(info.size_bytes, safetensors.HEAD_BYTES)),)
    return (yield from safetensors.read_safetensors(info, file, part_of(file), head))
