"""NeMo's `.nemo`: a tar of a config and the weights; every member is read where it lies, by its reader.

Source: POSIX.1-2008 pax, "ustar Interchange Format"; NeMo's SaveRestoreConnector.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from explorer.checkpoints.hopping import Hops
from explorer.checkpoints.values import Checkpoint, Part, Tensor, Value
from explorer.checkpoints.waves import Reading, T, together
from explorer.errors import BadCheckpoint
from explorer.lineage.values import ObjectInfo, Range

BLOCK = 512
_MAX_MEMBERS = 1_000
_MAX_NAME_BYTES = 4096
_FILES, _LONG_NAME, _PAX = (b"0", b"\0"), b"L", b"x"
_PAX_PATH = re.compile(rb"\d+ path=([^\n]*)\n")

ReadFolder = Callable[[Checkpoint], Sequence[tuple[str, Reading[Part]]]]
"""The readers of a checkpoint's files: the registry's, handed in because it knows this one."""


def read_tar(info: ObjectInfo, file: str, head: bytes, inside: ReadFolder) -> Reading[Part]:
    """Everything that the members tell, as one part; places of tensors are those in the archive.

    Raises:
        BadCheckpoint: compressed, damaged, or no tar at all.
    """
    if head[:2] == b"\x1f\x8b":
        hint = "unpack it, and pack it again without compression: NeMo reads both"
        raise BadCheckpoint(f"`{file}` is compressed as a whole, its parts cannot be read alone.", hint=hint)
    members, places = yield from _members(info, Hops(info, file, head))
    readers = inside(Checkpoint("", "nemo", None, members))
    results = yield from together([_moved(reading, info.key, places) for _, reading in readers])
    return _one_part(file, {name: places[name] for name, _ in readers}, results, {m.key for m in members})


def _members(info: ObjectInfo, hops: Hops) -> Reading[tuple[tuple[ObjectInfo, ...], dict[str, int]]]:
    """The files of the archive by name, and where the bytes of each begin."""
    found: dict[str, ObjectInfo] = {}
    places: dict[str, int] = {}
    longer = ""
    for _ in range(_MAX_MEMBERS):
        if hops.at + BLOCK > info.size_bytes:
            break
        block = yield from hops.take(BLOCK)
        if not block.strip(b"\0"):
            break
        name, size, kind = _header(block, hops)
        start, padded = hops.at, -(-size // BLOCK) * BLOCK
        if kind in (_LONG_NAME, _PAX):
            text = yield from hops.take(min(size, _MAX_NAME_BYTES))
            told = _PAX_PATH.search(text) if kind == _PAX else None
            longer = (told[1] if told else text.rstrip(b"\0") if kind == _LONG_NAME else b"").decode(
                "utf-8", "replace"
            )
            hops.at = start
        elif kind in _FILES:
            name = (longer or name).removeprefix("./")
            if name in places or name.startswith("/") or ".." in name.split("/"):
                raise hops.refused(f"the member `{name[:80]}` is there twice, or leads out of the archive")
            found[name] = ObjectInfo(name, size, info.etag, info.modified_ns)
            places[name] = start
            longer = ""
        # the padding of the last member may be cut off without harm
        hops.leap(min(padded, max(size, info.size_bytes - start)))
    else:
        raise hops.refused(f"it has more than {_MAX_MEMBERS} members")
    return tuple(sorted(found.values(), key=lambda member: member.key)), places


def _header(block: bytes, hops: Hops) -> tuple[str, int, bytes]:
    try:
        checksum = int(block[148:156].split(b"\0")[0].strip() or b"0", 8)
        raw = block[124:136]
        size = (
            int.from_bytes(raw[1:], "big") if raw[0] & 0x80 else int(raw.split(b"\0")[0].strip() or b"0", 8)
        )
    except ValueError:
        checksum, size = -1, 0
    if checksum != sum(block[:148]) + 8 * 32 + sum(block[156:]) or size > hops.size_bytes:
        raise hops.refused(f"there is no header of a tar's member at byte {hops.at - BLOCK}")
    name, prefix = (block[a:b].split(b"\0")[0].decode("utf-8", "replace") for a, b in ((0, 100), (345, 500)))
    has_prefix = prefix and block[257:262] == b"ustar" and block[262:263] == b"\0"
    return f"{prefix}/{name}" if has_prefix else name, size, block[156:157]


def _moved(reading: Reading[T], key: str, places: dict[str, int]) -> Reading[T]:
    """A reader of a member as one of the archive: what it asks for lies further on."""
    try:
        wants = next(reading)
        while True:
            wants = reading.send(
                (yield tuple(Range(key, places[want.key] + want.start, want.length) for want in wants))
            )
    except StopIteration as stop:
        value: T = stop.value
        return value


def _one_part(
    file: str, places: dict[str, int], results: Sequence[Part | BadCheckpoint], members: set[str]
) -> Part:
    tensors: list[Tensor] = []
    config: dict[str, Value] = {}
    state: dict[str, Value] = {}
    aliases: list[tuple[str, str]] = []
    refers: dict[str, None] = {}
    warnings: list[str] = []
    damage = None
    for (name, start), part in zip(places.items(), results, strict=True):
        if isinstance(part, BadCheckpoint):
            damage = damage or f"`{file}`: {name}: {part} ({part.hint})"
            refers |= dict.fromkeys(getattr(part, "refers_to", ()))
            continue
        tensors += (_placed(tensor, file, start, name) for tensor in part.tensors)
        config |= part.config
        state |= part.state
        aliases += part.aliases
        refers |= dict.fromkeys(part.refers_to)
        warnings += part.warnings
        warnings += (
            f"{file}: `{need[:80]}` is missing in it" for need in part.needs[:5] if need not in members
        )
    return Part(
        file, "nemo", tuple(tensors), config, state,
        aliases=tuple(aliases), refers_to=tuple(refers), warnings=tuple(warnings), damage=damage,
    )  # fmt: skip


def _placed(tensor: Tensor, file: str, start: int, member: str) -> Tensor:
    if tensor.file != member:  # a rank's file of a sharded checkpoint: never read by itself
        return replace(tensor, file=file, start=None, archived=None)
    archived = None if tensor.archived is None else (start + tensor.archived[0], tensor.archived[1])
    at = None if tensor.start is None else start + tensor.start
    return replace(tensor, file=file, start=at, archived=archived)
