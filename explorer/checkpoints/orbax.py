"""Orbax: names in `_METADATA`, true shapes and dtypes in the zarr descriptions that lie in an OCDBT store.

`_METADATA` alone would mislead: it has no dtype, and the shape of one process's part instead of the whole.
Source: orbax/checkpoint metadata; zarr specifications 2 and 3.
"""

from __future__ import annotations

import re
import struct
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from explorer.checkpoints.dtypes import named, size_in_bytes
from explorer.checkpoints.jsons import flatten, parse_object
from explorer.checkpoints.ocdbt import list_records, read_values
from explorer.checkpoints.values import Checkpoint, Part, Tensor, Value
from explorer.checkpoints.waves import Reading
from explorer.checkpoints.zstd import decompress
from explorer.errors import BadCheckpoint
from explorer.lineage.values import ObjectInfo

_DESCRIPTIONS = ("/.zarray", "/zarr.json")
_CHUNK = re.compile(r"(.*?)/(?:c/)?\d+(?:[./]\d+)*|(.*)/c", re.DOTALL)
_SCALAR_BYTES = 64
_SCALARS = {"I64": "<q", "I32": "<i", "U32": "<I", "U64": "<Q", "F32": "<f", "F64": "<d"}
_ARRAYS = ("jax.Array", "np.ndarray", "scalar", "ArrayHandler")


def read_arrays(info: ObjectInfo, file: str, checkpoint: Checkpoint) -> Reading[Part]:
    """The arrays of one item, from the `manifest.ocdbt` in its folder. Raises BadCheckpoint."""
    folder = info.key[: info.key.rfind("/") + 1]
    present = {item.key: item.size_bytes for item in checkpoint.objects}

    def sizes(path: str) -> int | None:
        return present.get(folder + path)

    def wanted(key: str) -> bool:
        return key.endswith((*_DESCRIPTIONS, "/0", "/c"))

    stored: dict[str, list[int]] = defaultdict(lambda: [0, 0])

    def weigh(key: str, length: int) -> None:
        chunk = _CHUNK.fullmatch(key)
        if chunk is not None:
            name = chunk[1] if chunk[1] is not None else chunk[2]
            stored[name] = [stored[name][0] + 1, stored[name][1] + length]

    listed = yield from list_records(info.key, info.size_bytes, sizes, wanted, weigh)
    for record in listed:
        if not record.key.endswith(_DESCRIPTIONS):
            weigh(record.key, record.size_bytes)
    small = [r for r in listed if r.key.endswith(_DESCRIPTIONS) or r.size_bytes <= _SCALAR_BYTES]
    records = yield from read_values(small, folder, sizes)
    values = {record.key: record.value for record in records if isinstance(record.value, bytes)}
    tensors, state = [], dict[str, Value]()
    for record in records:
        name, slash, last = record.key.rpartition("/")
        if slash + last in _DESCRIPTIONS and isinstance(record.value, bytes):
            dtype, shape = describe(record.value, record.key)
            if shape == ():
                state |= scalar(name, dtype, values.get(f"{name}/0"))
            chunks, taken = stored.get(name, (1, None))
            tensors.append(replace(_tensor(name, dtype, shape, file), chunks=chunks, stored_bytes=taken))
    return Part(file, "orbax", sorted_by_part(tensors), state=state)


def read_array(info: ObjectInfo, file: str, data: bytes) -> Part:
    """One array that was written without OCDBT: a folder with a description in it."""
    dtype, shape = describe(data, file)
    name = file.rpartition("/")[0].rpartition("/")[2]
    return Part(file, "orbax", (_tensor(name, dtype, shape, file),))


def read_names(file: str, data: bytes) -> Part:
    """`_METADATA`: which arrays there must be."""
    body = parse_object(data, file)
    tree = body.get("tree_metadata")
    folder = file[: file.rfind("/") + 1]
    placed = {}
    for entry in tree.values() if isinstance(tree, dict) else ():
        keys = entry.get("key_metadata") if isinstance(entry, dict) else None
        kind = entry.get("value_metadata") if isinstance(entry, dict) else None
        if isinstance(keys, list) and isinstance(kind, dict) and kind.get("value_type") in _ARRAYS:
            name = ".".join(str(key.get("key")) for key in keys if isinstance(key, dict))
            placed[name] = f"{folder}manifest.ocdbt"
    return Part(file, "index", placed=placed if body.get("use_ocdbt") else {})


def read_commit(file: str, data: bytes) -> Part:
    """`_CHECKPOINT_METADATA`: written first, completed last."""
    body = parse_object(data, file)
    needs = () if body.get("commit_timestamp_nsecs") else ("the commit: the save was not finished",)
    custom = body.get("custom_metadata")
    return Part(
        file, "json", config=flatten(custom, "custom") if isinstance(custom, dict) else {}, needs=needs
    )


def describe(data: bytes, name: str) -> tuple[str, tuple[int, ...]]:
    """Dtype and shape from a zarr description of version 2 or 3. Raises BadCheckpoint."""
    body = parse_object(data, name)
    shape, dtype = body.get("shape"), body.get("dtype", body.get("data_type"))
    sound = isinstance(shape, list) and all(type(n) is int and 0 <= n < 2**63 for n in shape)
    if not sound or not isinstance(dtype, str):
        raise BadCheckpoint(f"`{name[:100]}` describes no array.", hint="the file is damaged")
    return named(dtype), tuple(shape or ())


def _tensor(name: str, dtype: str, shape: tuple[int, ...], file: str) -> Tensor:
    return Tensor(name, dtype, shape, size_in_bytes(dtype, shape) or 0, file)


def sorted_by_part(tensors: Iterable[Tensor]) -> tuple[Tensor, ...]:
    """Which are the model's: what lies under `params`, or all but the optimizer where nothing does."""
    every = list(tensors)
    has_params = any("params" in tensor.name.split(".")[:2] for tensor in every)
    found = []
    for t in every:
        words = t.name.split(".")[:2]
        part = "optimizer" if any(word.startswith("opt") for word in words) else "model"
        if part == "model" and has_params and "params" not in words:
            part = "other"
        found.append(replace(t, part=part))
    return tuple(found)


def scalar(name: str, dtype: str, chunk: bytes | None) -> dict[str, Value]:
    """A number such as `step`, from the little-endian bytes of its only chunk."""
    code = _SCALARS.get(dtype)
    if code is None or chunk is None:
        return {}
    try:
        raw = decompress(chunk, 64) if chunk[:4] == b"\x28\xb5\x2f\xfd" else chunk
        value: Any = struct.unpack(code, raw)[0]
    except (BadCheckpoint, struct.error):
        return {}
    return {name: value}
