"""The datasets of an HDF5 file: names, shapes, dtypes, places.

Source: HDF5 file format specification. Here are the structures that every version can write (superblock 0,
symbol tables, object headers 1), in `hdf5_newer.py` those of `libver="latest"`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from explorer.checkpoints import hdf5_newer as newer
from explorer.checkpoints.heads import HDF5_START
from explorer.checkpoints.waves import Reading, together
from explorer.errors import BadCheckpoint
from explorer.lineage.values import Range

_MAX_DEPTH = 32
_MAX_OBJECTS = 100_000
_MAX_HEADER_BYTES = 1024 * 1024
_MAX_BLOCKS = 64
_SPACE, _TYPE, _LAYOUT, _GROUP = 0x1, 0x3, 0x8, 0x11


@dataclass(frozen=True, slots=True)
class Dataset:
    """A named array. `start` counts from where the HDF5 file begins; None where it is not in one piece."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int | None


class Walk:
    """Walks one file that begins at `base` in the object `key`; the groups of a level in parallel."""

    def __init__(self, key: str, base: int = 0) -> None:
        self._key = key
        self._base = base
        self._seen: set[int] = set()

    def datasets(self) -> Reading[tuple[Dataset, ...]]:
        """All datasets, in the order of their groups.

        Raises:
            BadCheckpoint: damaged, circular, or of a version from the future.
        """
        head = yield from self._read(0, 48)
        version = head[8]
        if head[:8] != HDF5_START or version not in (0, 2, 3):
            raise refused(f"its superblock is of version {version}; 0, 2 and 3 are read")
        if (head[13:15] if version == 0 else head[9:11]) != b"\x08\x08":
            raise refused("its addresses are not of 8 bytes")
        root_at = 64 if version == 0 else 36
        (root,) = struct.unpack("<Q", (yield from self._read(root_at, 8)))
        return (yield from self._object("", root, 0))

    def _object(self, name: str, address: int, depth: int) -> Reading[tuple[Dataset, ...]]:
        if address in self._seen:
            return ()  # a hard link: told under its first name
        self._seen.add(address)
        if depth > _MAX_DEPTH or len(self._seen) > _MAX_OBJECTS:
            raise refused("its groups are nested too deeply or are too many")
        try:
            messages, links = yield from self._messages(address)
            if newer.LINK_INFO in messages:
                links += yield from newer.dense_links(messages[newer.LINK_INFO], self._read)
        except newer.Lies as error:
            raise refused(str(error)) from None
        if len(links) > _MAX_OBJECTS:
            raise refused("a group has too many members")
        if _GROUP in messages and len(messages[_GROUP]) >= 16:
            tree, heap = struct.unpack_from("<QQ", messages[_GROUP])
            links = yield from self._children(tree, heap)
        if links:
            inner = [self._object(f"{name}/{child}" if name else child, at, depth + 1) for child, at in links]
            found = yield from together(inner)
            for result in found:
                if isinstance(result, BadCheckpoint):
                    raise result
            return tuple(d for result in found if not isinstance(result, BadCheckpoint) for d in result)
        if _SPACE in messages and _TYPE in messages:
            start = _contiguous(messages.get(_LAYOUT, b""))
            return (Dataset(name, _dtype(messages[_TYPE]), _shape(messages[_SPACE]), start),)
        return ()

    def _read(self, at: int, length: int) -> Reading[bytes]:
        if not 0 <= at <= 2**62 or not 0 < length <= _MAX_HEADER_BYTES:
            raise refused(f"it points to byte {at} for {length} bytes")
        (raw,) = yield (Range(self._key, self._base + at, length),)
        if len(raw) < length:
            raise refused("it is cut off")
        return raw

    def _messages(self, address: int) -> Reading[tuple[dict[int, bytes], list[newer.Link]]]:
        """The first message of each type in an object's header, and its links where those are messages."""
        head = yield from self._read(address, 16)
        is_newer = head[:4] == b"OHDR"
        flags = 0
        if is_newer:
            flags, start, length = newer.start_of_header((yield from self._read(address, 34)))
            blocks = [(address + start, length)]
        elif head[0] == 1:
            blocks = [(address + 16, struct.unpack_from("<I", head, 8)[0])]
        else:
            raise refused(f"there is no object at {address}")
        messages: dict[int, bytes] = {}
        links: list[newer.Link] = []
        for _ in range(_MAX_BLOCKS):
            if not blocks:
                return messages, links
            at, length = blocks.pop(0)
            raw = yield from self._read(at, length)
            for kind, body in newer.messages(raw, flags) if is_newer else _split(raw):
                if kind == newer.CONTINUED and len(body) >= 16:
                    further, size = struct.unpack_from("<QQ", body)
                    # the newer ones stand between a signature and a checksum
                    blocks.append((further + 4, size - 8) if is_newer else (further, size))
                elif kind == newer.LINK and is_newer:
                    told = newer.link(body)
                    links += [told] if told is not None else []
                messages.setdefault(kind, body)
        raise refused(f"the header of the object at {address} has no end")

    def _children(self, tree: int, heap: int) -> Reading[list[tuple[str, int]]]:
        head = yield from self._read(heap, 32)
        if head[:4] != b"HEAP":
            raise refused(f"there is no heap at {heap}")
        size, _, segment = struct.unpack_from("<QQQ", head, 8)
        names = yield from self._read(segment, size)
        children: list[tuple[str, int]] = []
        nodes = [(tree, _MAX_DEPTH)]
        while nodes:
            at, depth = nodes.pop(0)
            head = yield from self._read(at, 24)
            if head[:4] == b"TREE" and head[4] == 0 and depth:
                (used,) = struct.unpack_from("<H", head, 6)
                keys = yield from self._read(at + 24, 8 + 16 * used)
                nodes += [(struct.unpack_from("<Q", keys, 8 + 16 * i)[0], depth - 1) for i in range(used)]
            elif head[:4] == b"SNOD":
                (count,) = struct.unpack_from("<H", head, 6)
                rows = yield from self._read(at + 8, 40 * count)
                for index in range(count):
                    offset, address = struct.unpack_from("<QQ", rows, 40 * index)
                    end = names.find(b"\0", offset)
                    children.append((names[offset:end].decode("utf-8", "replace"), address))
            else:
                raise refused(f"there is no node of a group at {at}")
            if len(children) + len(nodes) > _MAX_OBJECTS:
                raise refused("a group has too many members")
        return children


def _split(raw: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 8 <= len(raw):
        kind, size = struct.unpack_from("<HH", raw, at)
        yield kind, raw[at + 8 : at + 8 + size]
        at += 8 + size


def _shape(body: bytes) -> tuple[int, ...]:
    if len(body) < 4 or body[0] not in (1, 2):
        raise refused("a shape is of an unknown version")
    count, start = body[1], 8 if body[0] == 1 else 4
    if count > 32 or len(body) < start + 8 * count:
        raise refused("a shape is cut off")
    return struct.unpack_from(f"<{count}Q", body, start)


def _dtype(body: bytes) -> str:
    if len(body) < 8:
        raise refused("a dtype is cut off")
    kind, signed = body[0] & 15, body[1] & 8
    (size,) = struct.unpack_from("<I", body, 4)
    if kind == 0 and size <= 8:
        return f"{'I' if signed else 'U'}{8 * size}"
    if kind == 1 and size in (2, 4, 8):
        return f"F{8 * size}"
    return "BOOL" if kind == 8 and size == 1 else f"hdf5 class {kind} of {size} bytes"


def _contiguous(body: bytes) -> int | None:
    if len(body) < 18 or body[0] not in (3, 4) or body[1] != 1:
        return None
    at: int = struct.unpack_from("<Q", body, 2)[0]
    return None if at == 2**64 - 1 else at


def refused(why: str) -> BadCheckpoint:
    hint = "it is damaged, or not one that Keras wrote"
    return BadCheckpoint(f"The HDF5 file cannot be read: {why}.", hint=hint)
