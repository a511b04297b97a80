"""Zstandard, reading only, for the small nodes of Orbax's key-value store: without a library, and bounded.

Python brings a decoder only from 3.14 on. Source: RFC 8878, section 3. Dictionaries and checksums are left
out. Speed: about 2 MB/s.
"""

from __future__ import annotations

from explorer.checkpoints.entropy import BackwardBits, Fse, Huffman, read_fse, read_huffman, spoilt

_MAGIC = b"\x28\xb5\x2f\xfd"
_MAX_BLOCK_BYTES = 128 * 1024

_LITERALS = [(n, 0) for n in range(16)] + [
    (16, 1), (18, 1), (20, 1), (22, 1), (24, 2), (28, 2), (32, 3), (40, 3), (48, 4), (64, 6), (128, 7),
    (256, 8), (512, 9), (1024, 10), (2048, 11), (4096, 12), (8192, 13), (16384, 14), (32768, 15), (65536, 16),
]  # fmt: skip
_MATCHES = [(n + 3, 0) for n in range(32)] + [
    (35, 1), (37, 1), (39, 1), (41, 1), (43, 2), (47, 2), (51, 3), (59, 3), (67, 4), (83, 4), (99, 5),
    (131, 7), (259, 8), (515, 9), (1027, 10), (2051, 11), (4099, 12), (8195, 13), (16387, 14),
    (32771, 15), (65539, 16),
]  # fmt: skip
"""By code: the smallest length it means, and how many further bits tell the rest."""
_OFFSETS = [(1 << code, code) for code in range(32)]
_PREDEFINED = (
    Fse(6, [4, 3, *[2] * 11, 1, 1, 1, *[2] * 9, 3, 2, *[1] * 5, *[-1] * 4]),
    Fse(5, [*[1] * 6, 2, 2, 2, *[1] * 15, *[-1] * 5]),
    Fse(6, [1, 4, 3, *[2] * 6, *[1] * 37, *[-1] * 7]),
)
_FINEST = (9, 8, 9)
_MOST = (35, 31, 52)


def decompress(data: bytes, max_bytes: int) -> bytes:
    """The content of one frame.

    Raises:
        BadCheckpoint: damaged, more than `max_bytes`, or made with a dictionary.
    """
    try:
        return _frame(data, max_bytes)
    except IndexError:
        raise spoilt("it is cut off") from None


def _frame(data: bytes, max_bytes: int) -> bytes:
    if data[:4] != _MAGIC:
        raise spoilt("this is no Zstandard frame")
    flags = data[4]
    if flags & 3:
        raise spoilt("it was made with a dictionary")
    single = bool(flags & 0x20)
    at = 5 + (0 if single else 1) + ((1, 2, 4, 8)[flags >> 6] if flags >> 6 or single else 0)
    decoder = _Decoder(max_bytes)
    while True:
        head = int.from_bytes(data[at : at + 3], "little")
        at += 3
        kind, size = head >> 1 & 3, head >> 3
        if size > _MAX_BLOCK_BYTES or kind == 3 or at > len(data):
            raise spoilt("a block has no sensible size")
        if kind == 1:
            decoder.put(data[at : at + 1] * size)
            at += 1
        else:
            block = data[at : at + size]
            if len(block) < size:
                raise spoilt("it is cut off")
            decoder.put(block) if kind == 0 else decoder.block(block)
            at += size
        if head & 1:
            return bytes(decoder.out)


class _Decoder:
    """What one block leaves to the next: output, tables, and the last three offsets."""

    def __init__(self, max_bytes: int) -> None:
        self.out = bytearray()
        self.max_bytes = max_bytes
        self.huffman: Huffman | None = None
        self.tables: list[Fse | None] = [None, None, None]
        self.recent = [1, 4, 8]

    def put(self, data: bytes | bytearray) -> None:
        if len(self.out) + len(data) > self.max_bytes:
            raise spoilt(f"it unpacks to more than {self.max_bytes} bytes")
        self.out += data

    def block(self, data: bytes) -> None:
        literals, at = self.literals(data)
        count, at = _sequence_count(data, at)
        if not count:
            self.put(literals)
            return
        at = self.read_tables(data, at)
        self.sequences(BackwardBits(data[at:]), count, literals)

    def literals(self, data: bytes) -> tuple[bytes, int]:
        kind, form = data[0] & 3, data[0] >> 2 & 3
        if kind < 2:
            width = (1, 2, 1, 3)[form]
            size = int.from_bytes(data[:width], "little") >> (3 if width == 1 else 4)
            if size > _MAX_BLOCK_BYTES:
                raise spoilt("a block has too many literals")
            if kind == 1:
                return data[width : width + 1] * size, width + 1
            return data[width : width + size], width + size
        width, bits = ((3, 10), (3, 10), (4, 14), (5, 18))[form]
        value = int.from_bytes(data[:width], "little") >> 4
        size, packed = value & ((1 << bits) - 1), value >> bits
        end, at = width + packed, width
        if size > _MAX_BLOCK_BYTES or end > len(data):
            raise spoilt("a block has too many literals")
        if kind == 2:
            self.huffman, at = read_huffman(data[:end], at)
        if self.huffman is None:
            raise spoilt("a block refers to a table that was never given")
        if form == 0:
            return self.huffman.decode(data[at:end], size), end
        first, second, third = (int.from_bytes(data[at + i : at + i + 2], "little") for i in (0, 2, 4))
        a = at + 6
        b, c = a + first, a + first + second
        d = c + third
        part = (size + 3) // 4
        streams = ((a, b, part), (b, c, part), (c, d, part), (d, end, size - 3 * part))
        return b"".join(self.huffman.decode(data[x:y], n) for x, y, n in streams), end

    def read_tables(self, data: bytes, at: int) -> int:
        modes = data[at]
        at += 1
        for index, shift in enumerate((6, 4, 2)):
            mode = modes >> shift & 3
            if mode == 0:
                self.tables[index] = _PREDEFINED[index]
            elif mode == 1:
                if data[at] > _MOST[index]:
                    raise spoilt("a code that does not exist")
                self.tables[index] = Fse.constant(data[at])
                at += 1
            elif mode == 2:
                self.tables[index], at = read_fse(data, at, _MOST[index], _FINEST[index])
        return at

    def sequences(self, bits: BackwardBits, count: int, literals: bytes) -> None:
        literal, offset, match = self.tables
        if literal is None or offset is None or match is None:
            raise spoilt("a block refers to a table that was never given")
        l_state, o_state, m_state = (bits.read(table.accuracy) for table in (literal, offset, match))
        used = 0
        for index in range(count):
            distance = _value(_OFFSETS, offset.symbols[o_state], bits)
            length = _value(_MATCHES, match.symbols[m_state], bits)
            copied = _value(_LITERALS, literal.symbols[l_state], bits)
            if index < count - 1:
                l_state = literal.base[l_state] + bits.read(literal.bits[l_state])
                m_state = match.base[m_state] + bits.read(match.bits[m_state])
                o_state = offset.base[o_state] + bits.read(offset.bits[o_state])
            if bits.left < 0 or used + copied > len(literals):
                raise spoilt("a block's sequences are cut off")
            self.put(literals[used : used + copied])
            used += copied
            self.copy(self.distance(distance, copied), length)
        if bits.left:
            raise spoilt("a block's sequences are too long")
        self.put(literals[used:])

    def distance(self, value: int, copied: int) -> int:
        recent = self.recent
        if value > 3:
            self.recent = [value - 3, recent[0], recent[1]]
            return value - 3
        index = value - 1 + (copied == 0)
        distance = recent[index] if index < 3 else recent[0] - 1
        if index == 1:
            self.recent = [distance, recent[0], recent[2]]
        elif index > 1:
            self.recent = [distance, recent[0], recent[1]]
        return distance

    def copy(self, distance: int, length: int) -> None:
        if not 0 < distance <= len(self.out):
            raise spoilt("it refers to bytes before its beginning")
        start = len(self.out) - distance
        if distance >= length:
            self.put(self.out[start : start + length])
        else:  # it overlaps what it writes: a repeated pattern
            pattern = self.out[start:]
            self.put((pattern * (length // distance + 1))[:length])


def _sequence_count(data: bytes, at: int) -> tuple[int, int]:
    first = data[at]
    if first < 128:
        return first, at + 1
    if first < 255:
        return (first - 128 << 8) + data[at + 1], at + 2
    return int.from_bytes(data[at + 1 : at + 3], "little") + 0x7F00, at + 3


def _value(table: list[tuple[int, int]], code: int, bits: BackwardBits) -> int:
    base, extra = table[code]
    return base + bits.read(extra)
