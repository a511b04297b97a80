"""safetensors: `u64 length, JSON header, data`. Stricter than the library where the format is stricter.

Source: the format section of huggingface/safetensors README; what the library takes was measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

from explorer.checkpoints.dtypes import size_in_bytes
from explorer.checkpoints.jsons import flatten, parse_json, parse_object
from explorer.checkpoints.values import Part, Tensor
from explorer.checkpoints.waves import Reading
from explorer.errors import BadCheckpoint
from explorer.lineage.values import ObjectInfo, Range

MAX_HEADER_BYTES = 25_000_000
"""As huggingface_hub has it; the format's own library takes 100,000,000."""
HEAD_BYTES = 32 * 1024
"""First read of a single file: most headers fit."""
SHARD_HEAD_BYTES = 16 * 1024
"""First read of one shard of many: theirs are 3-10 kB."""
_MAX_DIMENSION = 2**63


def read_safetensors(info: ObjectInfo, file: str, part: str, head: bytes) -> Reading[Part]:
    """The header of one file, of which the first bytes are at hand; a second read only where it is longer.

    Raises:
        BadCheckpoint: with offset and expectation.
    """
    length = _header_length(head, info.size_bytes, file)
    if 8 + length > len(head):
        (rest,) = yield (Range(info.key, len(head), 8 + length - len(head)),)
        head += rest
    if len(head) < 8 + length:
        raise _refused(file, f"its header is cut off at byte {len(head)}, {8 + length} were announced")
    return parse_header(head[8 : 8 + length], info.size_bytes, file, part)


def parse_header(header: bytes, size_bytes: int, file: str, part: str = "model") -> Part:
    """What a header says of a file of `size_bytes`, every tensor checked against its bytes.

    Raises:
        BadCheckpoint: duplicate names, overlaps, holes, trailing bytes, shapes that do not fit their bytes.
    """
    warnings: list[str] = []
    if header[:1] != b"{":
        warnings.append(f"{file}: the header does not begin with `{{`, which the format demands")
    names = parse_json(header, file, pairs=_Fields)
    if not isinstance(names, _Fields):
        raise _refused(file, "its header is not an object")
    data_start = 8 + len(header)
    data_bytes = size_bytes - data_start
    entries = names.unique(file)
    metadata = entries.pop("__metadata__", None)
    tensors = [_tensor(name, entry, file, data_start, data_bytes, part) for name, entry in entries.items()]
    tensors.sort(key=lambda tensor: (tensor.start or 0, tensor.size_bytes))
    _check_dense(tensors, data_start, size_bytes, file)
    if b"\\ud" in header or b"\\uD" in header:
        _check_surrogates(entries, file)
    noted = _metadata(metadata, file)
    return Part(
        file,
        "safetensors",
        tuple(tensors),
        config=flatten(noted, "__metadata__") if noted and part == "model" else {},
        # safetensors.torch.save_model notes the names that it left out because others share their bytes
        aliases=tuple(
            (name, other) for name, other in noted.items() if other in entries and name not in entries
        ),
        warnings=tuple(warnings),
    )


def read_index(info: ObjectInfo, file: str, data: bytes) -> Part:
    """A `*.index.json`: which shard is said to hold which tensor. Shards are never fetched by these names."""
    body = parse_object(data, file)
    placed = body.get("weight_map")
    if not isinstance(placed, dict) or not all(isinstance(shard, str) for shard in placed.values()):
        raise _refused(file, "it has no `weight_map` of names")
    odd = sorted({shard for shard in placed.values() if "/" in shard or "\\" in shard or shard in ("", "..")})
    warnings = [
        f"{file}: the shard name `{shard[:80]}` leaves the folder, it was not followed" for shard in odd[:3]
    ]
    folder = file.rpartition("/")[0]
    placed = {
        name: f"{folder}/{shard}" if folder else shard for name, shard in placed.items() if shard not in odd
    }
    shards = tuple(sorted(set(placed.values())))
    return Part(file, "index", placed=placed, needs=shards[:1000], warnings=tuple(warnings))


class _Fields(list[tuple[str, Any]]):
    """An object as written: its pairs in order, duplicates included."""

    def unique(self, file: str) -> dict[str, Any]:
        fields = dict(self)
        if len(fields) != len(self):
            seen: set[str] = set()
            twice = next(name for name, _ in self if name in seen or seen.add(name))  # type: ignore[func-returns-value]
            raise _refused(file, f"`{twice[:80]}` is in the header twice")
        return fields


def _header_length(head: bytes, size_bytes: int, file: str) -> int:
    if len(head) < 9:
        raise _refused(file, f"{size_bytes} bytes are too few for a header, at least 10 were expected")
    length = int.from_bytes(head[:8], "little")
    if length > MAX_HEADER_BYTES:
        raise _refused(
            file, f"bytes 0-7 announce a header of {length} bytes, at most {MAX_HEADER_BYTES} are read"
        )
    if 8 + length > size_bytes:
        raise _refused(
            file, f"bytes 0-7 announce a header of {length} bytes, the whole file has {size_bytes}", cut=True
        )
    return length


def _tensor(name: str, entry: Any, file: str, data_start: int, data_bytes: int, part: str) -> Tensor:
    where = f"tensor `{name[:80]}`"
    if not isinstance(entry, _Fields):
        raise _refused(file, f"{where} is not an object")
    fields = entry.unique(file)
    dtype, shape, offsets = fields.get("dtype"), fields.get("shape"), fields.get("data_offsets")
    if not isinstance(dtype, str) or not _whole(shape) or not _whole(offsets) or len(offsets) != 2:
        raise _refused(file, f"{where} lacks a dtype, a shape or two offsets that are whole numbers")
    begin, end = offsets
    if not begin <= end <= data_bytes:
        raise _refused(
            file,
            f"{where} lies at bytes {data_start + begin}-{data_start + end}, "
            f"the file ends at {data_start + data_bytes}",
            cut=end > data_bytes,
        )
    expected = size_in_bytes(dtype, shape)
    if expected is not None and expected != end - begin:
        raise _refused(file, f"{where} is {dtype} {shape}: {expected} bytes, its offsets span {end - begin}")
    return Tensor(name, dtype[:40], tuple(shape), end - begin, file, data_start + begin, part)


def _check_dense(tensors: list[Tensor], data_start: int, size_bytes: int, file: str) -> None:
    at = data_start
    for tensor in tensors:
        start = tensor.start or 0
        if start != at:
            kind = "overlaps the one before it" if start < at else "leaves a hole before it"
            raise _refused(file, f"tensor `{tensor.name[:80]}` {kind}: it begins at {start}, expected {at}")
        at = start + tensor.size_bytes
    if at != size_bytes:
        raise _refused(file, f"{size_bytes - at} bytes follow the last tensor, the file should end at {at}")


def _check_surrogates(entries: Mapping[str, Any], file: str) -> None:
    for name in entries:
        try:
            name.encode()
        except UnicodeEncodeError:
            raise _refused(file, "a tensor's name is not Unicode text") from None


def _metadata(metadata: Any, file: str) -> dict[str, str]:
    if metadata is None:
        return {}
    if not isinstance(metadata, _Fields):
        raise _refused(file, "`__metadata__` is not an object")
    fields = metadata.unique(file)
    if not all(isinstance(value, str) for value in fields.values()):
        raise _refused(file, "`__metadata__` holds more than texts")
    return fields


def _whole(numbers: Any) -> TypeGuard[list[int]]:
    return isinstance(numbers, list) and all(type(n) is int and 0 <= n < _MAX_DIMENSION for n in numbers)


def _refused(file: str, why: str, *, cut: bool = False) -> BadCheckpoint:
    hint = "the upload was cut short: save it again" if cut else "the file is damaged or was made by hand"
    return BadCheckpoint(f"`{file}` is not a safetensors file: {why}.", hint=hint)
