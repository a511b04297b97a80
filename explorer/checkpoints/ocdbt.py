"""OCDBT, the key-value store in files that Orbax writes arrays into: a manifest, and a B+tree of nodes.

Source: tensorstore/kvstore/ocdbt/format (btree, manifest, data_file_id codecs) and its index.rst.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from explorer.checkpoints.waves import Reading
from explorer.checkpoints.zstd import decompress, spoilt
from explorer.errors import BadCheckpoint
from explorer.lineage.values import Range

_MANIFEST, _NODE = bytes.fromhex("0cdb3a2a"), bytes.fromhex("0cdb20de")
_MAX_NODE_BYTES = 32 * 2**20
_MAX_NODES = 2_000
_MAX_ENTRIES = 1024 * 1024
_MAX_HEIGHT = 8
_MISSING = 2**64 - 1


Sizes = Callable[[str], int | None]
Weigh = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of a data file; `base` is the folder that files named inside of it are relative to."""

    base: str
    path: str
    start: int
    length: int


@dataclass(frozen=True, slots=True)
class Record:
    """A key with its value, or where that lies."""

    key: str
    value: bytes | Place

    @property
    def size_bytes(self) -> int:
        return self.value.length if isinstance(self.value, Place) else len(self.value)


def read_store(
    key: str, size_bytes: int, sizes: Sizes, wanted: Callable[[str], bool], weigh: Weigh = lambda *_: None
) -> Reading[tuple[Record, ...]]:
    """The records whose keys are `wanted`, with their values; one wave for each level of the tree.

    `sizes` tells how long the file at a path beside the manifest is, None where there is none: nothing else
    is fetched. `weigh` is told key and length of every other record.

    Raises:
        BadCheckpoint: damaged, deeper or larger than Orbax writes, or leading out of its folder.
    """
    records = yield from list_records(key, size_bytes, sizes, wanted, weigh)
    return (yield from read_values(records, key[: key.rfind("/") + 1], sizes))


def list_records(
    key: str, size_bytes: int, sizes: Sizes, wanted: Callable[[str], bool], weigh: Weigh = lambda *_: None
) -> Reading[list[Record]]:
    """As `read_store`, but values that lie elsewhere are told by their places and not read."""
    folder = key[: key.rfind("/") + 1]
    (blob,) = yield (Range(key, 0, size_bytes),)
    root, height = _root(_Cursor(_unpacked(blob, _MANIFEST)))
    level = [] if root is None else [root]
    records: list[Record] = []
    nodes = 0
    while level:
        nodes += len(level)
        if nodes > _MAX_NODES or any(place.length > _MAX_NODE_BYTES for place in level):
            raise spoilt("the tree has too many nodes")
        blobs = yield tuple(_range(folder, place, sizes) for place in level)
        below: list[Place] = []
        for place, blob in zip(level, blobs, strict=True):
            children, leaves = _node(_Cursor(_unpacked(blob, _NODE)), place.base, height)
            below += children
            for record in leaves:
                if wanted(record.key):
                    records.append(record)
                else:
                    weigh(record.key, record.size_bytes)
        level, height = below, height - 1
    return records


def read_values(records: list[Record], folder: str, sizes: Sizes) -> Reading[tuple[Record, ...]]:
    """The same records with the values of those that lie elsewhere: for small ones."""
    elsewhere = [(r, r.value) for r in records if isinstance(r.value, Place)]
    if len(elsewhere) > _MAX_NODES or any(place.length > 2**20 for _, place in elsewhere):
        raise spoilt("too many of its descriptions lie elsewhere")
    if not elsewhere:
        return tuple(records)
    blobs = yield tuple(_range(folder, place, sizes) for _, place in elsewhere)
    found = {record.key: Record(record.key, blob) for (record, _), blob in zip(elsewhere, blobs, strict=True)}
    return tuple(found.get(record.key, record) for record in records)


def _range(folder: str, place: Place, sizes: Sizes) -> Range:
    path = place.base + place.path
    size = sizes(path)
    if size is None or not 0 < place.length <= size - place.start:
        what = "is named and not there" if size is None else f"ends before byte {place.start + place.length}"
        raise BadCheckpoint(f"The file `{path[:100]}` {what}.", hint="copy the folder again, all of it")
    return Range(folder + path, place.start, place.length)


def _unpacked(blob: bytes, magic: bytes) -> bytes:
    if len(blob) < 18 or blob[:4] != magic or int.from_bytes(blob[4:12], "little") != len(blob):
        raise spoilt("a node does not begin as one, or has another length than it says")
    if blob[12] != 0 or blob[13] not in (0, 1):
        raise spoilt(f"version {blob[12]} or compression {blob[13]} is not known")
    if crc32c(blob[:-4]) != int.from_bytes(blob[-4:], "little"):
        raise spoilt("a node does not have the checksum that it says")
    body = blob[14:-4]
    return decompress(body, _MAX_NODE_BYTES) if blob[13] else body


def crc32c(data: bytes) -> int:
    """Castagnoli's CRC, which Python has not: ten megabytes a second."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _CRC_TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def _crc_of_byte(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value


_CRC_TABLE = tuple(map(_crc_of_byte, range(256)))


class _Cursor:
    __slots__ = ("at", "data")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, count: int) -> bytes:
        raw = self.data[self.at : self.at + count]
        if len(raw) != count:
            raise spoilt("a node is cut off")
        self.at += count
        return raw

    def byte(self) -> int:
        return self.take(1)[0]

    def varint(self) -> int:
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
            if shift > 63:
                raise spoilt("a number has no end")

    def varints(self, count: int) -> list[int]:
        return [self.varint() for _ in range(count)]

    def files(self, base: str) -> list[tuple[str, str]]:
        """The table of data files: (folder, path in it), each told by what it shares with the one before."""
        count = self.varint()
        if count > len(self.data):
            raise spoilt("a table of files is too long")
        shared = [0, *self.varints(count - 1)] if count else []
        suffixes, bases = self.varints(count), self.varints(count)
        found: list[tuple[str, str]] = []
        before = b""
        for common, length, split in zip(shared, suffixes, bases, strict=True):
            path = before[:common] + self.take(length)
            if common > len(before) or split > len(path):
                raise spoilt("a table of files is damaged")
            text = path.decode("utf-8", "replace")
            if ".." in text.split("/") or text.startswith("/") or len(path) > 4096:
                raise spoilt("a file's name leaves the folder")
            found.append(
                (base + path[:split].decode("utf-8", "replace"), path[split:].decode("utf-8", "replace"))
            )
            before = path
        return found

    def places(self, files: list[tuple[str, str]], count: int) -> list[Place]:
        indexes, starts, lengths = (self.varints(count) for _ in range(3))
        if any(index >= len(files) for index in indexes):
            raise spoilt("a file is missing in the table")
        rows = zip(indexes, starts, lengths, strict=True)
        return [Place(*files[index], start, length) for index, start, length in rows]


def _root(cursor: _Cursor) -> tuple[Place | None, int]:
    cursor.take(16)
    if cursor.byte() != 0:
        raise spoilt("its manifest is in numbered files, which Orbax does not write")
    cursor.varints(2)
    cursor.byte()
    if cursor.varint() == 1:
        cursor.take(4)
    files = cursor.files("")
    count = cursor.varint()
    if not 0 < count <= len(cursor.data):
        raise spoilt("its manifest names no version")
    cursor.varints(count)
    heights = [cursor.byte() for _ in range(count)]
    newest = cursor.places(files, count)[-1]
    if heights[-1] > _MAX_HEIGHT:
        raise spoilt("its tree is too deep")
    return (None if newest.length == _MISSING else newest), heights[-1]


def _node(cursor: _Cursor, base: str, height: int) -> tuple[list[Place], list[Record]]:
    if cursor.byte() != height:
        raise spoilt("a node is not of its level")
    files = cursor.files(base)
    count = cursor.varint()
    if not 0 < count <= min(_MAX_ENTRIES, len(cursor.data)):
        raise spoilt("a node has no sensible number of entries")
    keys = _keys(cursor, count, interior=height > 0)
    if height:
        return cursor.places(files, count), []
    lengths = cursor.varints(count)
    kinds = cursor.take(count)
    outside = [index for index, kind in enumerate(kinds) if kind]
    indexes, starts = cursor.varints(len(outside)), cursor.varints(len(outside))
    places = dict(zip(outside, zip(indexes, starts, strict=True), strict=True))
    records = []
    for index, key in enumerate(keys):
        value: bytes | Place
        if index in places:
            file, start = places[index]
            if file >= len(files):
                raise spoilt("a file is missing in the table")
            value = Place(*files[file], start, lengths[index])
        else:
            value = cursor.take(lengths[index])
        records.append(Record(key, value))
    return [], records


def _keys(cursor: _Cursor, count: int, *, interior: bool) -> list[str]:
    shared, suffixes = [0, *cursor.varints(count - 1)], cursor.varints(count)
    if interior:
        cursor.varints(count)  # how much the keys below have in common: nothing is looked up here
    found, before = [], b""
    for common, length in zip(shared, suffixes, strict=True):
        if common > len(before) or common + length > 65535:
            raise spoilt("a key is damaged")
        before = before[:common] + cursor.take(length)
        found.append(before.decode("utf-8", "replace"))
    return found
