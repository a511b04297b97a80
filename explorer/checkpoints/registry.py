"""Which reader a file gets: by name for texts, by its first bytes for the rest."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from explorer.checkpoints import (
    flax,
    gguf,
    heads,
    keras,
    onnx,
    orbax,
    safetensors,
    states,
    tars,
    torch_files,
    zips,
)
from explorer.checkpoints.dcp import Engine, digest_here, read_metadata
from explorer.checkpoints.jsons import MAX_JSON_BYTES
from explorer.checkpoints.kinds import base, is_flax_file, is_tokenizer, part_of
from explorer.checkpoints.values import Checkpoint, Part
from explorer.checkpoints.waves import Reading
from explorer.errors import BadCheckpoint
from explorer.lineage.values import ObjectInfo, Range

READER_VERSION = 9
"""Rises when a reader learns something: what older ones kept on disk is read anew."""

_STRAY_JSON_BYTES = 256 * 1024
"""Other people's JSON and YAML is read up to this size; beyond it is data, not configuration."""


MAX_FILES = 600
_TELLING = re.compile(r"model|optim|state|config|index|metadata|manifest|-of-|weights|zarr", re.IGNORECASE)
_OTHER_RANKS = re.compile(
    r"(?:bf16_|fp16_)?(?:zero_pp_rank_(?!0_)\d+_)?mp_rank_(?!00_)\d+_.*|(?:bf16_|fp16_)?zero_pp_rank_(?!0_)\d+_.*"
)
"""DeepSpeed: what all ranks have in common is read from the first one's files, the others are only listed."""
_SNIFFED = (
    ".safetensors", ".pt", ".pth", ".bin", ".ckpt", ".pkl", ".jit", ".gguf", ".keras", ".msgpack",
    ".pt.tar", ".pth.tar",
)  # fmt: skip
_EXPORTS = re.compile(r"flax_model.*\.msgpack|tf_model.*\.h5|model.*\.onnx")
"""One model in another framework's form, beside the one that is read."""
_LEADING = re.compile(r"(?:pytorch_)?model.*\.(?:safetensors|bin)")


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


def tasks(checkpoint: Checkpoint, engine: Engine = digest_here) -> tuple[Task, ...]:
    """A task for every file of a checkpoint that has something to tell, in the order of keys.

    Of more than 600 the ones whose names speak of a model or its state: a folder of data is no checkpoint,
    and must not become a storm of requests. `engine` digests the metadata of sharded torch checkpoints.
    """
    found = _tasks(checkpoint, engine)
    if len(found) <= MAX_FILES:
        return tuple(found)
    telling = [task for task in found if _TELLING.search(task.file)][:MAX_FILES]
    kept = {task.info.key for task in [*telling, *found][:MAX_FILES]}
    return tuple(task for task in found if task.info.key in kept)


def left_unread(checkpoint: Checkpoint) -> int:
    """How many files `tasks` leaves out because there are too many."""
    return max(0, len(_tasks(checkpoint, digest_here)) - MAX_FILES)


def exports(checkpoint: Checkpoint) -> tuple[str, ...]:
    """Files that hold the model once more in another framework's form; they are not read."""
    files = [checkpoint.relative(info.key) for info in checkpoint.objects]
    leading = {file[: -len(base(file))] for file in files if _LEADING.fullmatch(base(file))}
    return tuple(f for f in files if f[: -len(base(f))] in leading and _EXPORTS.fullmatch(base(f)))


def _tasks(checkpoint: Checkpoint, engine: Engine) -> list[Task]:
    found = []
    skipped = {*exports(checkpoint)}
    for info in checkpoint.objects:
        file = checkpoint.relative(info.key)
        if not info.size_bytes or file in skipped:
            continue
        reading = _reader_of_folder(info, file, checkpoint, engine)
        if reading is not None:
            found.append(Task(info, file, reading, _beside(info, checkpoint)))
            continue
        reading = _reading_of(info, file, engine)
        if reading is not None:
            found.append(Task(info, file, reading))
    return found


def _reading_of(info: ObjectInfo, file: str, engine: Engine) -> Callable[[], Reading[Part]] | None:
    name = base(file)
    if _OTHER_RANKS.fullmatch(name):
        return None
    if name in ("_METADATA", "_CHECKPOINT_METADATA"):
        parse = orbax.read_names if name == "_METADATA" else orbax.read_commit
        return lambda: _whole(info, file, lambda data: parse(file, data))
    if name == ".zarray" or (name == "zarr.json" and "/" in file):
        return lambda: _whole(info, file, lambda data: orbax.read_array(info, file, data))
    if name.endswith((".h5", ".hdf5")):
        return lambda: keras.read_weights(info, file)
    if name.endswith(".onnx"):
        return lambda: _from_head(info, file, onnx.read_onnx)
    if name.endswith(".nemo"):
        return lambda: _from_head(info, file, partial(tars.read_tar, inside=_inside(engine)))
    if name.endswith((".yaml", ".yml")) and info.size_bytes <= _STRAY_JSON_BYTES:
        return lambda: _whole(info, file, lambda data: states.read_yaml(file, data))
    if name.endswith(".index.json"):
        return lambda: _whole(info, file, lambda data: safetensors.read_index(info, file, data))
    if name.endswith(".json"):
        if is_tokenizer(name) or not (name in states.KNOWN or info.size_bytes <= _STRAY_JSON_BYTES):
            return None
        return lambda: _whole(info, file, lambda data: states.read_json(file, data))
    if name.endswith(_SNIFFED) or is_flax_file(name):
        return lambda: _sniffed(info, file)
    return None


def _reader_of_folder(
    info: ObjectInfo, file: str, checkpoint: Checkpoint, engine: Engine
) -> Callable[[], Reading[Part]] | None:
    """Readers that go on from one file to others beside it."""
    if base(file) == ".metadata":
        return lambda: read_metadata(info, file, checkpoint, engine)
    if base(file) == "manifest.ocdbt" and "ocdbt.process_" not in file:
        return lambda: orbax.read_arrays(info, file, checkpoint)
    return None


def _beside(info: ObjectInfo, checkpoint: Checkpoint) -> tuple[ObjectInfo, ...]:
    folder = info.key[: info.key.rfind("/") + 1]
    return tuple(item for item in checkpoint.objects if item.key.startswith(folder) and item is not info)


def _whole(info: ObjectInfo, file: str, parse: Callable[[bytes], Part]) -> Reading[Part]:
    if info.size_bytes > MAX_JSON_BYTES:
        raise BadCheckpoint(
            f"`{file}` has {info.size_bytes} bytes, JSON is read up to {MAX_JSON_BYTES}.",
            hint="keep logs out of the checkpoint's state",
        )
    (data,) = yield (Range(info.key, 0, info.size_bytes),)
    return parse(data)


def _from_head(
    info: ObjectInfo, file: str, reader: Callable[[ObjectInfo, str, bytes], Reading[Part]]
) -> Reading[Part]:
    (head,) = yield (Range(info.key, 0, min(info.size_bytes, safetensors.SHARD_HEAD_BYTES)),)
    return (yield from reader(info, file, head))


def _inside(engine: Engine) -> tars.ReadFolder:
    """The readers of what lies in an archive: archives in archives are left alone."""
    return lambda folder: [
        (task.info.key, task.reading()) for task in tasks(folder, engine) if not task.file.endswith(".nemo")
    ]


def _sniffed(info: ObjectInfo, file: str) -> Reading[Part]:
    """A file by its first bytes: endings lie."""
    head, tail = yield from _ends(info, file.endswith((".safetensors", ".gguf", ".msgpack")))
    kind = heads.kind_of(head, info.size_bytes)
    if kind == "zip":
        if not tail:  # a zip under the name of a safetensors file
            (tail,) = yield (_tail(info),)
        read_zip = keras.read_keras if file.endswith(".keras") else torch_files.read_zip
        return (yield from read_zip(info, file, head, tail))
    if kind == "gguf":
        return (yield from gguf.read_gguf(info, file, head))
    if kind == "legacy":
        return (yield from torch_files.read_legacy(info, file, head))
    if file.endswith(".safetensors") or kind == "safetensors":
        return (yield from safetensors.read_safetensors(info, file, part_of(file), head))
    if kind == "pickle":
        return (yield from torch_files.read_pickle(info, file, head))
    if kind == "msgpack":
        return (yield from flax.read_flax(info, file, head))
    if kind == "hdf5":
        return (yield from keras.read_weights(info, file))
    known = f"of the format {kind}, which has no reader here" if kind else "of no format that is known here"
    return Part(file, warnings=(f"{file}: {known}, it was compared as an object",))


def _ends(info: ObjectInfo, head_only: bool) -> Reading[tuple[bytes, bytes]]:
    """The first and the last bytes, in parallel; all of a small file in one read."""
    size = info.size_bytes
    if head_only:
        guess = safetensors.SHARD_HEAD_BYTES if "-of-" in base(info.key) else safetensors.HEAD_BYTES
        (head,) = yield (Range(info.key, 0, min(size, guess)),)
        return head, b""
    if size <= zips.HEAD_BYTES + zips.TAIL_BYTES:
        (whole,) = yield (Range(info.key, 0, size),)
        return whole, whole
    head, tail = yield (Range(info.key, 0, zips.HEAD_BYTES), _tail(info))
    return head, tail


def _tail(info: ObjectInfo) -> Range:
    length = min(info.size_bytes, zips.TAIL_BYTES)
    return Range(info.key, info.size_bytes - length, length)
