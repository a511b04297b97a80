"""torch.distributed.checkpoint: where the pieces of chosen tensors lie, from the checkpoint's `.metadata`.

The manifest keeps how many pieces a tensor has and no more: 64 ranks of a large model have 140,000 of them.
Source: torch/distributed/checkpoint/metadata.py and filesystem.py.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from explorer.checkpoints import pickles
from explorer.checkpoints.dcp import MAX_OPS, MAX_SECONDS
from explorer.checkpoints.inert import as_mapping, fields_of
from explorer.checkpoints.pickles import Loaded
from explorer.checkpoints.torch_views import sizes


@dataclass(frozen=True, slots=True)
class Piece:
    """One rank's block of a tensor: `start` and `length` are bytes of `file`, beside `.metadata`."""

    file: str
    start: int
    length: int
    offsets: tuple[int, ...]
    shape: tuple[int, ...]


Pieces = Callable[[bytes, Collection[str]], dict[str, tuple[Piece, ...]]]
"""Finds the pieces of tensors, by their names, in the bytes of a `.metadata`."""


def pieces_here(data: bytes, names: Collection[str]) -> dict[str, tuple[Piece, ...]]:
    """In this process: seconds and hundreds of megabytes for 20 MB. Raises BadPickle."""
    return pieces_of(pickles.load(data, max_ops=MAX_OPS, max_seconds=MAX_SECONDS), names)


def pieces_of(loaded: Loaded, names: Collection[str]) -> dict[str, tuple[Piece, ...]]:
    """The pieces of these tensors. Cost: O(records)."""
    body, wanted = fields_of(loaded.value), set(names)
    places: dict[tuple[str, tuple[int, ...]], tuple[str, int, int]] = {}
    for index, record in (as_mapping(body.get("storage_data")) or {}).items():
        key, fields = fields_of(index), fields_of(record)
        name, offset = key.get("fqn"), sizes(key.get("offset"))
        place = (fields.get("relative_path"), fields.get("offset"), fields.get("length"))
        if name in wanted and offset is not None and _is_place(*place):
            places[name, offset] = place  # type: ignore[assignment]
    found: dict[str, tuple[Piece, ...]] = {}
    for name, record in (as_mapping(body.get("state_dict_metadata")) or {}).items():
        chunks = fields_of(record).get("chunks") if name in wanted else None
        if not isinstance(chunks, list):
            continue
        pieces = []
        for chunk in chunks:
            fields = fields_of(chunk)
            offsets, shape = sizes(fields.get("offsets")), sizes(fields.get("sizes"))
            placed = places.get((name, offsets)) if offsets is not None else None
            if placed is not None and offsets is not None and shape is not None:
                pieces.append(Piece(*placed, offsets, shape))
        found[name] = tuple(pieces)
    return found


def _is_place(file: Any, start: Any, length: Any) -> bool:
    inside = (
        isinstance(file, str) and file not in ("", "..") and not {"/", "\\"} & set(file) and len(file) <= 200
    )
    return inside and type(start) is int and type(length) is int and start >= 0 < length
