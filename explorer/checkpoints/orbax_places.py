"""Where the chunks of Orbax's arrays lie: in the data files of a key-value store, or in a file each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from explorer.checkpoints.boxes import Box, Boxes
from explorer.checkpoints.ocdbt import Place, list_records, read_values
from explorer.checkpoints.packing import MAX_CHUNK_BYTES, Packed
from explorer.checkpoints.values import Checkpoint, Tensor
from explorer.checkpoints.waves import Reading
from explorer.checkpoints.zarr import Grid, is_described, read_grid, refused, starts_of
from explorer.errors import BadCheckpoint
from explorer.lineage.values import ObjectInfo, Range
from explorer.wording import size

Chunk = tuple[str, int, int, bytes | None]
"""Key of the object, first byte, length, and the bytes themselves where they are in the store's own nodes."""
Chunks = Mapping[str, Chunk]
Located = dict[tuple[str, str], Boxes | BadCheckpoint]

_PACKED_MOST = 40_000
"""Zstandard makes a byte out of 32,768 zeros at best."""
_FREE_BYTES = 2**30
"""So much an array may be without having any bytes."""


def is_packed(tensor: Tensor) -> bool:
    """Whether its bytes are chunks, described by a file of zarr or in Orbax's key-value store."""
    return is_described(tensor.file)


def locate_packed(tensors: Sequence[Tensor], checkpoint: Checkpoint) -> Reading[Located]:
    """The chunks of each, by file and name. Cost: the store's tree once more, or a description for each."""
    objects = {checkpoint.relative(info.key): info for info in checkpoint.objects}
    by_file: dict[str, list[Tensor]] = defaultdict(list)
    for tensor in tensors:
        by_file[tensor.file].append(tensor)
    found: Located = {}
    alone = [file for file in by_file if not file.endswith("manifest.ocdbt") and file in objects]
    answers: tuple[bytes, ...] = ()
    if alone:
        answers = yield tuple(Range(objects[file].key, 0, objects[file].size_bytes) for file in alone)
    folders = _by_folder(objects, {_folder(file) for file in alone})
    for file, data in zip(alone, answers, strict=True):
        for tensor in by_file[file]:
            found[file, tensor.name] = _boxes(tensor, data, folders[_folder(file)])
    for file, those in by_file.items():
        if file.endswith("manifest.ocdbt") and file in objects:
            placed = yield from _in_store(objects[file], those, checkpoint)
            found |= {(file, name): boxes for name, boxes in placed.items()}
    return found


def weighed(checkpoint: Checkpoint, tensors: list[Tensor]) -> list[Tensor]:
    """With what their chunks take, where those are files of their own: the listing tells."""
    folders = {_folder(t.file) for t in tensors if is_packed(t) and not t.file.endswith("manifest.ocdbt")}
    if not folders:
        return tensors
    objects = {checkpoint.relative(info.key): info for info in checkpoint.objects}
    sizes = {
        folder: [count for name, (_, _, count, _) in chunks.items() if not is_described(name)]
        for folder, chunks in _by_folder(objects, folders).items()
    }
    return [
        replace(t, chunks=len(found) or 1, stored_bytes=sum(found))
        if (found := sizes.get(_folder(t.file))) is not None
        else t
        for t in tensors
    ]


def _in_store(
    info: ObjectInfo, tensors: Sequence[Tensor], checkpoint: Checkpoint
) -> Reading[dict[str, Boxes | BadCheckpoint]]:
    base = _folder(info.key)
    present = {item.key: item.size_bytes for item in checkpoint.objects}
    names = {tensor.name for tensor in tensors}

    def sizes(path: str) -> int | None:
        return present.get(base + path)

    records = yield from list_records(
        info.key, info.size_bytes, sizes, lambda key: not names.isdisjoint(starts_of(key))
    )
    chunks: dict[str, dict[str, Chunk]] = {name: {} for name in names}
    described = []
    for record in records:
        if is_described(record.key):
            described.append(record)
        for name in names.intersection(starts_of(record.key)):
            value = record.value
            within = record.key[len(name) + 1 :]
            if isinstance(value, Place):
                chunks[name][within] = (base + value.base + value.path, value.start, value.length, None)
            else:
                chunks[name][within] = (info.key, 0, 0, value)
    told = yield from read_values(described, base, sizes)
    descriptions = {_folder(r.key)[:-1]: r.value for r in told if isinstance(r.value, bytes)}
    return {
        tensor.name: _boxes(tensor, descriptions.get(tensor.name, b""), chunks[tensor.name])
        for tensor in tensors
    }


def _by_folder(objects: Mapping[str, ObjectInfo], wanted: set[str]) -> dict[str, dict[str, Chunk]]:
    found: dict[str, dict[str, Chunk]] = {folder: {} for folder in wanted}
    for file, info in objects.items():
        for folder in ("", *(f"{start}/" for start in starts_of(file))):
            if folder in found:
                found[folder][file[len(folder) :]] = (info.key, 0, info.size_bytes, None)
    return found


def _boxes(tensor: Tensor, description: bytes, chunks: Chunks) -> Boxes | BadCheckpoint:
    try:
        grid = read_grid(description, tensor.name)
        return tuple(_placed(tensor, grid, chunks))
    except BadCheckpoint as error:
        return error


def _placed(tensor: Tensor, grid: Grid, chunks: Chunks) -> Iterable[Box]:
    coding = grid.coding
    if grid.shape != tensor.shape:
        raise refused("it has another shape than when its manifest was read")
    if coding.size_bytes > MAX_CHUNK_BYTES:
        raise refused(
            f"its chunks have {size(coding.size_bytes)}, at most {size(MAX_CHUNK_BYTES)} are unpacked at once"
        )
    length = 0
    boxes = []
    for key, offsets in grid.chunks():
        place, start, count, inline = chunks.get(key, ("", 0, 0, None))
        length += count + len(inline or b"")
        packed = Packed(coding, count, inline, grid.fill or b"")
        edges = zip(coding.shape, grid.shape, offsets, strict=True)
        shape = tuple(min(step, end - at) for step, end, at in edges)
        boxes.append(Box(place, start, offsets, shape, coding.strides, packed, coding.shape))
    if coding.size_bytes * len(boxes) > _FREE_BYTES + _PACKED_MOST * length:
        raise refused(f"{size(length)} cannot unpack to {size(coding.size_bytes * len(boxes))}")
    return boxes


def _folder(path: str) -> str:
    return path[: path.rfind("/") + 1]
