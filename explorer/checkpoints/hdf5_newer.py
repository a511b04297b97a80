"""HDF5's structures since version 1.8: object headers 2, links as messages, and groups of many links.

A group with many members keeps its links in a fractal heap, and a B-tree of version 2 tells where in it.
Source: HDF5 file format specification, version 3 (III.A, III.G, IV.A.1, IV.A.2.g).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from explorer.checkpoints.waves import Reading

Link = tuple[str, int]
Read = Callable[[int, int], Reading[bytes]]
"""`length` bytes at an address; raises BadCheckpoint where that is beyond reason."""

LINK_INFO, LINK, CONTINUED = 0x02, 0x06, 0x10
_NOWHERE = 2**64 - 1
_MAX_LINKS = 100_000
_MAX_BLOCKS = 20_000
_MAX_DEPTH = 8
_HARD = 0


class Lies(Exception):
    """What a structure says cannot be so."""


def messages(raw: bytes, flags: int) -> Iterator[tuple[int, bytes]]:
    """Types and bodies of the messages of one block of an object header 2, its frame already cut off."""
    head = 6 if flags & 4 else 4
    at = 0
    while at + head <= len(raw):
        kind, size = raw[at], int.from_bytes(raw[at + 1 : at + 3], "little")
        yield kind, raw[at + head : at + head + size]
        at += head + size


def start_of_header(head: bytes) -> tuple[int, int, int]:
    """Flags, length of what precedes the messages, and length of the messages. Raises Lies."""
    if len(head) < 16 or head[4] != 2:
        raise Lies("an object's header is of a version that is not known")
    flags = head[5]
    at = 6 + (16 if flags & 32 else 0) + (4 if flags & 16 else 0)
    width = 1 << (flags & 3)
    return flags, at + width, int.from_bytes(head[at : at + width], "little")


def link(body: bytes) -> Link | None:
    """The name and the address of a hard link; None for soft ones, which lead elsewhere. Raises Lies."""
    if len(body) < 4 or body[0] != 1:
        raise Lies("a link is of a version that is not known")
    flags, at = body[1], 2
    kind = body[at] if flags & 8 else _HARD
    at += (1 if flags & 8 else 0) + (8 if flags & 4 else 0) + (1 if flags & 16 else 0)
    width = 1 << (flags & 3)
    length = int.from_bytes(body[at : at + width], "little")
    name = body[at + width : at + width + length]
    end = at + width + length
    if kind != _HARD:
        return None
    if len(name) < length or len(body) < end + 8:
        raise Lies("a link is cut off")
    return name.decode("utf-8", "replace"), int.from_bytes(body[end : end + 8], "little")


def dense_links(info: bytes, read: Read) -> Reading[list[Link]]:
    """The links of a group with many, from the body of its link info. Raises Lies, BadCheckpoint."""
    at = 10 if len(info) > 1 and info[1] & 1 else 2
    if len(info) < at + 16:
        raise Lies("a group's description is cut off")
    heap_at, index_at = struct.unpack_from("<QQ", info, at)
    if heap_at == _NOWHERE or index_at == _NOWHERE:
        return []
    heap = yield from _read_heap(heap_at, read)
    found: list[Link] = []
    for record in (yield from _records(index_at, read)):
        start, length = heap.place(record[4:])
        told = link((yield from read(start, length)))
        if told is not None:
            found.append(told)
    return found


@dataclass(frozen=True, slots=True)
class _Heap:
    """Blocks of a fractal heap: where each begins in the heap, in the file, and its length."""

    offset_bytes: int
    blocks: tuple[tuple[int, int, int], ...]

    def place(self, identity: bytes) -> tuple[int, int]:
        if not identity or identity[0] & 0x30:
            raise Lies("a link lies outside of its heap")
        at = int.from_bytes(identity[1 : 1 + self.offset_bytes], "little")
        length = int.from_bytes(identity[1 + self.offset_bytes :], "little")
        for begin, address, size in self.blocks:
            if begin <= at and at + length <= begin + size:
                return address + at - begin, length
        raise Lies("a link lies in no block of its heap")


def _read_heap(at: int, read: Read) -> Reading[_Heap]:
    head = yield from read(at, 142)
    if head[:4] != b"FRHP" or int.from_bytes(head[7:9], "little"):
        raise Lies("a heap of links is damaged or compressed")
    width, first, largest, bits, _, root, rows = struct.unpack_from("<HQQHHQH", head, 110)
    if not 0 < width <= 1024 or not 0 < first <= largest <= 2**32 or bits > 64 or largest % first:
        raise Lies("a heap of links has blocks of a size beyond reason")
    offset_bytes = (bits + 7) // 8
    if not rows:
        return _Heap(offset_bytes, ((0, root, first),))
    direct_rows = (largest // first).bit_length() + 1
    blocks: list[tuple[int, int, int]] = []
    todo = [(0, root, rows)]
    while todo:
        begin, address, rows = todo.pop()
        entries = width * rows
        if entries + len(blocks) > _MAX_BLOCKS or len(todo) > _MAX_BLOCKS:
            raise Lies("a heap of links has too many blocks")
        raw = yield from read(address, 13 + offset_bytes + 8 * entries)
        if raw[:4] != b"FHIB":
            raise Lies("a block of a heap is not where it should be")
        for index in range(entries):
            row = index // width
            size = first << max(0, row - 1)
            (child,) = struct.unpack_from("<Q", raw, 13 + offset_bytes + 8 * index)
            if child != _NOWHERE and row < direct_rows:
                blocks.append((begin, child, size))
            elif child != _NOWHERE:
                todo.append((begin, child, _rows_within(size, width, first)))
            begin += size
    return _Heap(offset_bytes, tuple(blocks))


def _rows_within(size: int, width: int, first: int) -> int:
    """How many rows an indirect block has that spans `size` bytes of the heap."""
    return max(1, (size // (first * width)).bit_length())


def _records(at: int, read: Read) -> Reading[list[bytes]]:
    """The records of a B-tree of version 2: here a hash, and a place in the heap."""
    head = yield from read(at, 38)
    node_bytes, record_bytes, depth = struct.unpack_from("<IHH", head, 6)
    if head[:4] != b"BTHD" or not 4 < record_bytes < node_bytes <= 2**20 or depth > _MAX_DEPTH:
        raise Lies("an index of links is damaged")
    root, count = struct.unpack_from("<QH", head, 16)
    most = [(node_bytes - 10) // record_bytes]
    below = [0]
    """By depth: how many bytes the number of all records under a node takes; a leaf's is its own."""
    every = most[0]
    count_bytes = _bytes_for(most[0])
    for level in range(1, depth + 1):
        pointer = 8 + count_bytes + below[level - 1]
        most.append((node_bytes - 10 - pointer) // (record_bytes + pointer))
        every = (most[level] + 1) * every + most[level]
        below.append(_bytes_for(every))
    found: list[bytes] = []
    nodes = [(root, count, depth)] if count else []
    visited = 0
    while nodes:
        address, count, level = nodes.pop()
        visited += 1
        if count > most[level] or visited > _MAX_BLOCKS or len(found) > _MAX_LINKS:
            raise Lies("an index of links has more records than fit")
        raw = yield from read(address, node_bytes)
        if raw[:4] != (b"BTIN" if level else b"BTLF"):
            raise Lies("a node of an index is not where it should be")
        found += [raw[6 + i * record_bytes : 6 + (i + 1) * record_bytes] for i in range(count)]
        after = 6 + count * record_bytes
        width = 8 + count_bytes + below[max(0, level - 1)]
        for index in range(count + 1 if level else 0):
            here = after + index * width
            (child,) = struct.unpack_from("<Q", raw, here)
            nodes.append((child, int.from_bytes(raw[here + 8 : here + 8 + count_bytes], "little"), level - 1))
    return found


def _bytes_for(number: int) -> int:
    return (max(1, number).bit_length() + 7) // 8
