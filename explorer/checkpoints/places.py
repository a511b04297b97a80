"""Finds the bytes of chosen tensors: known for most files, found by small reads in archives and shards."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from math import prod

from explorer.checkpoints.boxes import Box, Boxes
from explorer.checkpoints.dcp_pieces import Piece, Pieces, pieces_here
from explorer.checkpoints.elements import block_of
from explorer.checkpoints.heads import is_zip
from explorer.checkpoints.orbax_places import Located, is_packed, locate_packed
from explorer.checkpoints.strides import row_major
from explorer.checkpoints.torch_files import read_zip
from explorer.checkpoints.values import Checkpoint, Tensor
from explorer.checkpoints.waves import Reading, T, together
from explorer.checkpoints.zips import HEAD_BYTES, TAIL_BYTES
from explorer.errors import BadCheckpoint
from explorer.lineage.values import ObjectInfo, Range


class _Files:
    """The objects of a checkpoint by the names that its tensors use."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._named = {checkpoint.relative(info.key): info for info in checkpoint.objects}
        self._sizes = {info.key: info.size_bytes for info in checkpoint.objects}

    def sized(self, key: str) -> int:
        """Bytes of an object by its key; 0 where it is not there."""
        return self._sizes.get(key, 0)

    def named(self, file: str) -> ObjectInfo:
        found = self._named.get(file)
        if found is None:
            raise BadCheckpoint(f"`{file[:120]}` is not there.", hint="the checkpoint is incomplete")
        return found


def is_sharded(tensor: Tensor) -> bool:
    """Whether its bytes are pieces in the files of ranks, placed by a `.metadata` beside them."""
    return tensor.file.endswith(".distcp")


def locate(
    tensors: Sequence[Tensor], checkpoint: Checkpoint, pieces: Pieces = pieces_here
) -> Reading[tuple[Boxes | BadCheckpoint, ...]]:
    """Where each of these lies, in four waves (more in a deep store of Orbax); `pieces` may go elsewhere."""
    files = _Files(checkpoint)
    sharded = [tensor for tensor in tensors if is_sharded(tensor)]
    placed: dict[str, tuple[Piece, ...]] = {}
    if sharded:
        folder = sharded[0].file[: sharded[0].file.rfind("/") + 1]
        info = files.named(folder + ".metadata")
        (data,) = yield (Range(info.key, 0, info.size_bytes),)
        placed = pieces(data, [tensor.name for tensor in sharded])
    packed = yield from locate_packed([tensor for tensor in tensors if is_packed(tensor)], checkpoint)
    found = yield from together([_locate(tensor, files, placed, packed) for tensor in tensors])
    return found


def _locate(
    tensor: Tensor, files: _Files, placed: dict[str, tuple[Piece, ...]], packed: Located
) -> Reading[Boxes]:
    if is_sharded(tensor):
        return (yield from _sharded(tensor, files, placed.get(tensor.name, ())))
    info = files.named(tensor.file)
    if is_packed(tensor):
        found = packed[tensor.file, tensor.name]
        if isinstance(found, BadCheckpoint):
            raise found
        return tuple(_whole(box, tensor, files) for box in found)
    start = tensor.start or 0
    if tensor.archived is not None:
        start = yield from _in_archive(info, tensor.archived, tensor.file)
    zeros = (0,) * len(tensor.shape)
    return (_sound(Box(info.key, start, zeros, tensor.shape, _strides(tensor)), tensor, info),)


def _whole(box: Box, tensor: Tensor, files: _Files) -> Box:
    """A chunk of which all is there."""
    if box.packed is not None and box.packed.length > files.sized(box.key) - box.start:
        raise BadCheckpoint(
            f"A chunk of `{tensor.name[:80]}` is cut off.", hint="copy the folder again, all of it"
        )
    return box


def _strides(tensor: Tensor) -> tuple[int, ...]:
    return tensor.strides if tensor.strides is not None else row_major(tensor.shape)


def _in_archive(info: ObjectInfo, archived: tuple[int, int], file: str) -> Reading[int]:
    at, offset = archived
    (header,) = yield (Range(info.key, at, 30),)
    if header[:4] != b"PK\x03\x04" or len(header) < 30:
        raise BadCheckpoint(
            f"There is no archive entry at byte {at} of `{file}`.", hint="the file is damaged"
        )
    names, extras = struct.unpack_from("<HH", header, 26)
    return int(at + 30 + names + extras + offset)


def _sharded(tensor: Tensor, files: _Files, pieces: Iterable[Piece]) -> Reading[Boxes]:
    """Each piece is a small archive of torch inside of a rank's file."""
    folder = tensor.file[: tensor.file.rfind("/") + 1]
    pieces = tuple(pieces)
    if sum(prod(piece.shape) for piece in pieces) != tensor.elements:
        raise BadCheckpoint(
            f"The pieces of `{tensor.name[:80]}` do not make up all of it.",
            hint="save the checkpoint again, or read it with the library that wrote it",
        )
    infos = [files.named(folder + piece.file) for piece in pieces]
    found = yield from together([_piece(*both, tensor) for both in zip(pieces, infos, strict=True)])
    boxes = []
    for box, info in zip(found, infos, strict=True):
        if isinstance(box, BadCheckpoint):
            raise box
        boxes.append(_sound(box, tensor, info))
    return tuple(boxes)


def _piece(piece: Piece, info: ObjectInfo, tensor: Tensor) -> Reading[Box]:
    if piece.start + piece.length > info.size_bytes:
        raise BadCheckpoint(f"A piece of `{tensor.name[:80]}` is cut off.", hint="a rank's file is too short")
    head, tail = yield (
        Range(info.key, piece.start, min(piece.length, HEAD_BYTES)),
        Range(info.key, piece.start + piece.length - (end := min(piece.length, TAIL_BYTES)), end),
    )
    if not is_zip(head):
        raise BadCheckpoint(
            f"A piece of `{tensor.name[:80]}` is no archive of torch.",
            hint="pieces in other forms than torch.save writes are not read",
        )
    inside = ObjectInfo(info.key, piece.length, info.etag, info.modified_ns)
    part = yield from _shifted(read_zip(inside, piece.file, head, tail), piece.start)
    told = part.tensors[0] if len(part.tensors) == 1 else None
    if told is None or told.archived is None or told.shape != piece.shape or told.dtype != tensor.dtype:
        raise BadCheckpoint(
            f"A piece of `{tensor.name[:80]}` is not what `.metadata` says.",
            hint="the files do not fit together",
        )
    start = yield from _shifted(_in_archive(inside, told.archived, piece.file), piece.start)
    return Box(info.key, piece.start + start, piece.offsets, piece.shape, _strides(told))


def _shifted(reading: Reading[T], by: int) -> Reading[T]:
    """A reader of a file that lies inside of another, `by` bytes from its start."""
    answers = None
    while True:
        try:
            wants = next(reading) if answers is None else reading.send(answers)
        except StopIteration as stop:
            value: T = stop.value
            return value
        answers = yield tuple(Range(want.key, want.start + by, want.length) for want in wants)


def _sound(box: Box, tensor: Tensor, info: ObjectInfo) -> Box:
    elements, width = block_of(tensor.dtype)
    if box.start + -(-box.span // elements) * width > info.size_bytes:
        raise BadCheckpoint(f"`{tensor.name[:80]}` reaches beyond its file.", hint="the file is damaged")
    return box
