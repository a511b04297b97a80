"""torch.distributed.checkpoint: `.metadata`, a bare pickle of dataclasses, beside the ranks' `__R_N.distcp`.

torch's own reader unpickles it with everything that it refers to; here it is data like any other.
Source: torch/distributed/checkpoint/metadata.py and filesystem.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from explorer.checkpoints import pickles
from explorer.checkpoints.dtypes import size_in_bytes
from explorer.checkpoints.inert import Call, Global, as_mapping, fields_of, plain_tree
from explorer.checkpoints.jsons import flatten
from explorer.checkpoints.pickles import Loaded
from explorer.checkpoints.torch_files import value_in_zip
from explorer.checkpoints.torch_views import dtype_name, sizes
from explorer.checkpoints.values import Checkpoint, Part, Tensor, Value
from explorer.checkpoints.waves import Reading
from explorer.errors import BadCheckpoint
from explorer.lineage.values import ObjectInfo, Range

MAX_METADATA_BYTES = 176 * 2**20
"""64 ranks of a 70B model have 21 MB, 512 have 170, which take 13 s and 1.7 GB; beyond this the file is
refused rather than the machine filled."""
MAX_OPS = 60_000_000
MAX_SECONDS = 60.0
_MAX_SCALARS = 64
_MAX_SCALAR_BYTES = 64 * 1024
_MAX_WARNINGS = 5

Scalar = tuple[str, str, int, int]
"""A value that lies in a rank's file: its name, the file, offset and length."""


@dataclass(frozen=True, slots=True)
class Digest:
    """What a `.metadata` says, without its hundred thousand records."""

    tensors: tuple[tuple[str, str, tuple[int, ...], int, str], ...]
    """Name, dtype, shape, number of pieces, file of the first piece."""
    scalars: tuple[Scalar, ...]
    files: tuple[str, ...]
    refers_to: tuple[str, ...]
    warnings: tuple[str, ...]

    def to_json(self) -> list[Any]:
        return [self.tensors, self.scalars, self.files, self.refers_to, self.warnings]

    @classmethod
    def from_json(cls, body: list[Any]) -> Digest:
        tensors, scalars, files, refers_to, warnings = body
        return cls(
            tuple((n, d, tuple(s), c, f) for n, d, s, c, f in tensors),
            tuple((n, f, o, b) for n, f, o, b in scalars),
            tuple(files),
            tuple(refers_to),
            tuple(warnings),
        )


Engine = Callable[[bytes], Digest]
"""Digests the bytes of a `.metadata`; may be handed in to do it in another process."""


def digest_here(data: bytes) -> Digest:
    """Digest in this process: five seconds and 400 MB for 20 MB. Raises BadPickle."""
    return digest(pickles.load(data, max_ops=MAX_OPS, max_seconds=MAX_SECONDS))


def read_metadata(info: ObjectInfo, file: str, checkpoint: Checkpoint, engine: Engine) -> Reading[Part]:
    """Tensors, pieces and files of a checkpoint, and in a second wave the few scalars worth a read.

    Raises:
        BadCheckpoint: too large, or a pickle of something else.
    """
    if info.size_bytes > MAX_METADATA_BYTES:
        raise BadCheckpoint(
            f"`{file}` has {info.size_bytes} bytes, at most {MAX_METADATA_BYTES} are read.",
            hint="save with fewer, larger pieces (dedup_replicated_tensors, fewer ranks in a shard group)",
        )
    (data,) = yield (Range(info.key, 0, info.size_bytes),)
    told = engine(data)
    folder = file[: file.rfind("/") + 1]
    base = info.key[: info.key.rfind("/") + 1]
    present = {item.key: item for item in checkpoint.objects}
    readable = [
        (name, Range(base + path, offset, length))
        for name, path, offset, length in told.scalars
        if base + path in present and offset + length <= present[base + path].size_bytes
    ]
    answers: tuple[bytes, ...] = ()
    if readable:
        answers = yield tuple(want for _, want in readable)
    state: dict[str, Value] = {}
    for (name, _), answer in zip(readable, answers, strict=True):
        state |= _scalar(name, answer)
    tensors = []
    for name, dtype, shape, pieces, at in told.tensors:
        size = size_in_bytes(dtype, shape) or 0
        tensors.append(Tensor(name, dtype, shape, size, folder + at, None, _part(name), None, pieces))
    return Part(
        file,
        "dcp",
        tuple(tensors),
        state=state,
        refers_to=told.refers_to,
        needs=tuple(folder + path for path in told.files),
        warnings=tuple(f"{file}: {warning}" for warning in told.warnings),
    )


def digest(loaded: Loaded) -> Digest:
    """Sort the records of a loaded `.metadata`. Cost: O(records). Raises BadCheckpoint."""
    body = fields_of(loaded.value)
    described, stored = as_mapping(body.get("state_dict_metadata")), as_mapping(body.get("storage_data"))
    if described is None:
        raise BadCheckpoint(
            "The pickle describes no checkpoint: `state_dict_metadata` is absent.",
            hint="another program wrote a file called .metadata",
        )
    places, files, warnings = _places(stored or {})
    tensors, scalars = [], []
    for name, record in described.items():
        if not isinstance(name, str):
            continue
        fields = fields_of(record)
        shape = sizes(fields.get("size"))
        if shape is None:
            if name in places and "._extra_state" not in name:  # Transformer Engine's scales, a blob a layer
                scalars.append((name, *places[name]))
            continue
        chunks = fields.get("chunks")
        pieces = chunks if isinstance(chunks, list) else []
        if not _cover(shape, pieces) and len(warnings) < _MAX_WARNINGS:
            warnings.append(f"the pieces of `{name[:80]}` do not cover it")
        at = places.get(name, ("", 0, 0))[0]
        tensors.append((name, _dtype(fields.get("properties")), shape, max(1, len(pieces)), at))
    return Digest(tuple(tensors), tuple(_worth_reading(scalars)), files, loaded.refers_to, tuple(warnings))


def _places(stored: Mapping[Any, Any]) -> tuple[dict[str, tuple[str, int, int]], tuple[str, ...], list[str]]:
    """Where the first piece of everything lies, which files there are, and which of them lead elsewhere."""
    places: dict[str, tuple[str, int, int]] = {}
    files: dict[str, None] = {}
    odd: dict[str, None] = {}
    for index, record in stored.items():
        name, fields = fields_of(index).get("fqn"), fields_of(record)
        path, offset, length = fields.get("relative_path"), fields.get("offset"), fields.get("length")
        if not isinstance(name, str) or not isinstance(path, str):
            continue
        if "/" in path or "\\" in path or path in ("", "..") or len(path) > 200:
            odd[path[:80]] = None
            continue
        files[path] = None
        if name not in places and type(offset) is int and type(length) is int and offset >= 0 < length:
            places[name] = (path, offset, length)
    warnings = [f"the file name `{path}` leaves the folder, it was not followed" for path in list(odd)[:3]]
    return places, tuple(sorted(files)[:5000]), warnings


def _cover(shape: tuple[int, ...], pieces: Iterable[Any]) -> bool:
    total = 0
    for piece in pieces:
        fields = fields_of(piece)
        offsets, lengths = sizes(fields.get("offsets")), sizes(fields.get("sizes"))
        if offsets is None or lengths is None or not len(offsets) == len(lengths) == len(shape):
            return False
        if any(at + length > size for at, length, size in zip(offsets, lengths, shape, strict=True)):
            return False
        total += prod(lengths)
    return total == prod(shape)


def _dtype(properties: Any) -> str:
    state = properties.state if isinstance(properties, Call) else None
    if isinstance(state, dict):
        state = state.get("dtype")
    first = state[0] if isinstance(state, tuple) and state else state
    return (dtype_name(first) if isinstance(first, Global) else None) or "unknown"


def _worth_reading(scalars: list[Scalar]) -> Iterable[Scalar]:
    """All of a few; of many (settings of every single parameter) the first of each last word."""
    small = [scalar for scalar in scalars if scalar[3] <= _MAX_SCALAR_BYTES]
    if len(small) <= _MAX_SCALARS:
        return small
    first: dict[str, Scalar] = {}
    for scalar in small:
        first.setdefault(scalar[0].rpartition(".")[2], scalar)
    return list(first.values())[:_MAX_SCALARS]


def _scalar(name: str, data: bytes) -> dict[str, Value]:
    try:
        loaded = value_in_zip(data, name)
    except BadCheckpoint:
        return {}  # torch writes nothing else there; the tensors are told all the same
    return flatten({name: plain_tree(loaded.value, 500)})


def _part(name: str) -> str:
    return "optimizer" if "optim" in name.split(".")[0].lower() else "model"
