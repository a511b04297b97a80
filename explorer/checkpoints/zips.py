"""The directory of a zip archive, strictly: what readers and attackers disagree about is refused.

Source: APPNOTE 6.3.10; the tricks are those that got past scanners (flag bits, two names, CRC, fake ends).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from explorer.checkpoints.waves import Reading
from explorer.errors import BadCheckpoint
from explorer.lineage.values import ObjectInfo, Range

HEAD_BYTES = 32 * 1024
TAIL_BYTES = 64 * 1024
MAX_DIRECTORY_BYTES = 64 * 2**20
_END, _END64, _LOCATOR = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_ENTRY, _LOCAL = b"PK\x01\x02", b"PK\x03\x04"
_STORED, _DEFLATED = 0, 8
_U64 = struct.Struct("<Q").unpack_from


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of the archive, as its directory has it."""

    name: str
    flags: int
    method: int
    crc: int
    packed_bytes: int
    size_bytes: int
    start: int
    """Of its local header."""


@dataclass(frozen=True, slots=True)
class Archive:
    """What is known of a zip: its entries, and the two ends that were read."""

    info: ObjectInfo
    file: str
    entries: tuple[Entry, ...]
    head: bytes
    tail: bytes
    directory_start: int


def read_archive(info: ObjectInfo, file: str, head: bytes, tail: bytes) -> Reading[Archive]:
    """The directory; a further read only where it is longer than the tail.

    Raises:
        BadCheckpoint: no end record at the end, or a directory that does not fit the file.
    """
    at = _find_end(tail, file)
    count, size, start = _end_record(tail, at, file, info.size_bytes)
    tail_start = info.size_bytes - len(tail)
    if not 0 <= start <= start + size <= tail_start + at or size > MAX_DIRECTORY_BYTES or count * 46 > size:
        raise _refused(
            file, f"its directory is said to lie at {start}, {size} bytes long with {count} entries"
        )
    if start >= tail_start:
        raw = tail[start - tail_start : start - tail_start + size]
    else:
        (missing,) = yield (Range(info.key, start, min(size, tail_start - start)),)
        raw = missing + tail[: max(0, start + size - tail_start)]
    return Archive(info, file, _entries(raw, count, start, file), head, tail, start)


def read_entry(archive: Archive, entry: Entry, max_bytes: int) -> Reading[bytes]:
    """The content of one entry, its local header and its CRC checked.

    Raises:
        BadCheckpoint: encrypted, unusual, too large, or contradicting the directory.
    """
    file = archive.file
    if entry.flags & 0x2041 or entry.method not in (_STORED, _DEFLATED):
        raise _refused(file, f"`{entry.name[:80]}` is encrypted or packed in an unusual way")
    if max(entry.size_bytes, entry.packed_bytes) > max_bytes:
        raise _refused(
            file, f"`{entry.name[:80]}` has {entry.size_bytes} bytes, at most {max_bytes} are read"
        )
    end = entry.start + 30 + len(entry.name.encode()) + entry.packed_bytes
    # the local header's extra field has a length of its own: torch pads with up to 64 bytes
    span = min(end + 512, archive.directory_start) - entry.start
    raw = _known(archive, entry.start, span)
    if raw is None:
        (raw,) = yield (Range(archive.info.key, entry.start, max(1, span)),)
    name_length, extra_length = struct.unpack_from("<HH", raw, 26) if len(raw) >= 30 else (0, 0)
    data_start = 30 + name_length + extra_length
    if raw[:4] != _LOCAL or raw[30 : 30 + name_length] != entry.name.encode():
        raise _refused(file, f"`{entry.name[:80]}` has another name in its own header")
    (local_flags,) = struct.unpack_from("<H", raw, 6)
    (local_packed,) = struct.unpack_from("<I", raw, 18)
    if local_flags & 0x2041 or local_packed not in (0, 0xFFFFFFFF, entry.packed_bytes):
        raise _refused(file, f"`{entry.name[:80]}` contradicts the directory in its own header")
    packed = raw[data_start : data_start + entry.packed_bytes]
    if len(packed) < entry.packed_bytes:
        rest_start = entry.start + len(raw)
        want = entry.start + data_start + entry.packed_bytes - rest_start
        if rest_start + want > archive.directory_start:
            raise _refused(file, f"`{entry.name[:80]}` reaches into the directory")
        (rest,) = yield (Range(archive.info.key, rest_start, want),)
        packed = (raw + rest)[data_start : data_start + entry.packed_bytes]
    data = packed if entry.method == _STORED else _inflated(packed, entry, file)
    if len(data) != entry.size_bytes or zlib.crc32(data) != entry.crc:
        raise _refused(file, f"`{entry.name[:80]}` does not have the length and CRC of the directory")
    return data


def start_of_entry(archive: Archive, entry: Entry) -> Reading[int]:
    """Where the content of a stored entry begins. Raises BadCheckpoint."""
    raw = _known(archive, entry.start, 30)
    if raw is None:
        (raw,) = yield (Range(archive.info.key, entry.start, 30),)
    if raw[:4] != _LOCAL or len(raw) < 30:
        raise _refused(archive.file, f"`{entry.name[:80]}` does not begin where the directory says")
    names, extras = struct.unpack_from("<HH", raw, 26)
    return int(entry.start + 30 + names + extras)


def _known(archive: Archive, start: int, length: int) -> bytes | None:
    if start + length <= len(archive.head):
        return archive.head[start : start + length]
    tail_start = archive.info.size_bytes - len(archive.tail)
    if start >= tail_start:
        return archive.tail[start - tail_start : start - tail_start + length]
    return None


def _inflated(packed: bytes, entry: Entry, file: str) -> bytes:
    engine = zlib.decompressobj(-15)
    try:
        data = engine.decompress(packed, entry.size_bytes + 1)
    except zlib.error:
        raise _refused(file, f"`{entry.name[:80]}` cannot be unpacked") from None
    if len(data) > entry.size_bytes:
        raise _refused(file, f"`{entry.name[:80]}` unpacks to more than it says")
    return data


def _find_end(tail: bytes, file: str) -> int:
    """The one end record whose comment ends with the file; a fake one in a comment makes two: refused."""
    found = []
    at = tail.rfind(_END)
    while at >= 0:
        if at + 22 <= len(tail) and at + 22 + struct.unpack_from("<H", tail, at + 20)[0] == len(tail):
            found.append(at)
        at = tail.rfind(_END, 0, at)
    if len(found) != 1:
        raise _refused(
            file, "no end record lies at its end" if not found else "it has two end records", cut=not found
        )
    return found[0]


def _end_record(tail: bytes, at: int, file: str, size_bytes: int) -> tuple[int, int, int]:
    disk, first_disk, _, count, size, start = struct.unpack_from("<HHHHII", tail, at + 4)
    if disk or first_disk:
        raise _refused(file, "it is one part of an archive in several")
    if tail[at - 20 : at - 16] == _LOCATOR and at >= 20:
        offset = _U64(tail, at - 12)[0]
        begin = offset - (size_bytes - len(tail))
        if not 0 <= begin <= at - 20 - 56 or tail[begin : begin + 4] != _END64:
            raise _refused(file, "its 64-bit end record is not where it says")
        count, size, start = struct.unpack_from("<QQQ", tail, begin + 32)
    elif 0xFFFFFFFF in (size, start) or count == 0xFFFF:
        raise _refused(file, "its 64-bit end record is missing")
    return count, size, start


def _entries(raw: bytes, count: int, directory_start: int, file: str) -> tuple[Entry, ...]:
    entries: list[Entry] = []
    at, seen = 0, set[bytes]()
    for _ in range(count):
        if raw[at : at + 4] != _ENTRY or at + 46 > len(raw):
            raise _refused(file, f"entry {len(entries)} of its directory is damaged")
        flags, method = struct.unpack_from("<HH", raw, at + 8)
        crc, packed, size = struct.unpack_from("<III", raw, at + 16)
        name_length, extra_length, comment_length = struct.unpack_from("<HHH", raw, at + 28)
        (start,) = struct.unpack_from("<I", raw, at + 42)
        name = raw[at + 46 : at + 46 + name_length]
        extra = raw[at + 46 + name_length : at + 46 + name_length + extra_length]
        size, packed, start = _wide(extra, (size, packed, start))
        if name in seen or start + 30 + packed > directory_start:
            what = "is there twice" if name in seen else "lies outside of the file"
            raise _refused(file, f"the entry `{name[:80].decode('utf-8', 'replace')}` {what}")
        seen.add(name)
        entries.append(Entry(name.decode("utf-8", "replace"), flags, method, crc, packed, size, start))
        at += 46 + name_length + extra_length + comment_length
    return tuple(entries)


def _wide(extra: bytes, narrow: Sequence[int]) -> tuple[int, int, int]:
    """Size, packed size and start with the ZIP64 field's values where the narrow ones are full."""
    wide = list(narrow)
    at = 0
    while at + 4 <= len(extra):
        tag, length = struct.unpack_from("<HH", extra, at)
        if tag == 1:
            values = [
                _U64(extra, at + 4 + 8 * i)[0] for i in range(length // 8) if at + 12 + 8 * i <= len(extra)
            ]
            for index, value in enumerate(wide):
                if value == 0xFFFFFFFF and values:
                    wide[index] = values.pop(0)
        at += 4 + length
    return wide[0], wide[1], wide[2]


def _refused(file: str, why: str, *, cut: bool = False) -> BadCheckpoint:
    hint = "the upload was cut short: save it again" if cut else "torch writes no such archive"
    return BadCheckpoint(f"`{file}` is not a sound zip archive: {why}.", hint=hint)
