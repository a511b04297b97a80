"""The entropy coders of Zstandard: bits read backwards, FSE tables, Huffman tables (RFC 8878, section 4)."""

from __future__ import annotations

from collections.abc import Sequence

from explorer.errors import BadCheckpoint


class BackwardBits:
    """Bits of a stream from its end to its beginning; the highest set bit of the last byte ends them."""

    __slots__ = ("_data", "left")

    def __init__(self, data: bytes) -> None:
        if not data or not data[-1]:
            raise spoilt("a stream of bits has no end mark")
        self._data = data
        self.left = 8 * len(data) - 9 + data[-1].bit_length()

    def read(self, count: int) -> int:
        """The next `count` bits; zeros beyond the beginning, which the caller has to notice by `left`."""
        self.left -= count
        return self._at(self.left, count)

    def peek(self, count: int) -> int:
        return self._at(self.left - count, count)

    def _at(self, low: int, count: int) -> int:
        if low < 0:
            short = count + low
            return self._at(0, short) << -low if short > 0 else 0
        first, last = low >> 3, (low + count + 7) >> 3
        return (int.from_bytes(self._data[first:last], "little") >> (low & 7)) & ((1 << count) - 1)


class Fse:
    """A decoding table: for each state a symbol, bits to read, and where the next state begins."""

    __slots__ = ("accuracy", "base", "bits", "symbols")

    def __init__(self, accuracy: int, chances: Sequence[int]) -> None:
        size = 1 << accuracy
        symbols = [0] * size
        following = [max(chance, 1) for chance in chances]
        high = size - 1
        for symbol, chance in enumerate(chances):
            if chance == -1:
                symbols[high] = symbol
                high -= 1
        position, step = 0, (size >> 1) + (size >> 3) + 3
        for symbol, chance in enumerate(chances):
            for _ in range(max(chance, 0)):
                symbols[position] = symbol
                position = (position + step) & (size - 1)
                while position > high:
                    position = (position + step) & (size - 1)
        if position:
            raise spoilt("a table of chances does not add up")
        self.accuracy = accuracy
        self.symbols = symbols
        self.bits: list[int] = []
        self.base: list[int] = []
        for symbol in symbols:
            count = following[symbol]
            following[symbol] += 1
            bits = accuracy - count.bit_length() + 1
            self.bits.append(bits)
            self.base.append((count << bits) - size)

    @classmethod
    def constant(cls, symbol: int) -> Fse:
        """A table that always gives one symbol."""
        table = cls.__new__(cls)
        table.accuracy, table.symbols, table.bits, table.base = 0, [symbol], [0], [0]
        return table


def read_fse(data: bytes, at: int, most_symbols: int, most_accuracy: int) -> tuple[Fse, int]:
    """The table described at `at`, and where its description ends."""
    whole = int.from_bytes(data[at : at + 512], "little")
    limit = 8 * min(512, len(data) - at)
    accuracy, used = (whole & 15) + 5, 4
    if accuracy > most_accuracy:
        raise spoilt("a table of chances is too fine")
    left, threshold, width = (1 << accuracy) + 1, 1 << accuracy, accuracy + 1
    chances: list[int] = []
    while left > 1:
        if len(chances) > most_symbols or used > limit:
            raise spoilt("a table of chances has too many symbols")
        most = 2 * threshold - 1 - left
        value = whole >> used
        count = value & (threshold - 1)
        if count < most:
            used += width - 1
        else:
            count = value & (2 * threshold - 1)
            if count >= threshold:
                count -= most
            used += width
        count -= 1
        left -= abs(count)
        chances.append(count)
        while count == 0:
            zeros = (whole >> used) & 3
            used += 2
            chances += [0] * zeros
            if zeros != 3 or len(chances) > most_symbols:
                break
        while left < threshold:
            width -= 1
            threshold >>= 1
    if left != 1 or len(chances) > most_symbols + 1 or used > limit:
        raise spoilt("a table of chances does not add up")
    return Fse(accuracy, chances), at + (used + 7) // 8


class Huffman:
    """A decoding table over the next `width` bits."""

    __slots__ = ("lengths", "symbols", "width")

    def __init__(self, weights: Sequence[int]) -> None:
        total = sum(1 << (weight - 1) for weight in weights if weight)
        width = total.bit_length()
        rest = (1 << width) - total
        if not total or rest & (rest - 1) or width > 11:
            raise spoilt("a Huffman table does not add up")
        every = [*weights, rest.bit_length()]
        self.width = width
        self.symbols: list[int] = []
        self.lengths: list[int] = []
        for weight in range(1, width + 1):
            for symbol, own in enumerate(every):
                if own == weight:
                    self.symbols += [symbol] * (1 << (weight - 1))
                    self.lengths += [width + 1 - weight] * (1 << (weight - 1))

    def decode(self, data: bytes, count: int) -> bytes:
        """`count` symbols from one stream, which they must use up."""
        bits = BackwardBits(data)
        out = bytearray(count)
        width, symbols, lengths = self.width, self.symbols, self.lengths
        for index in range(count):
            code = bits.peek(width)
            out[index] = symbols[code]
            bits.left -= lengths[code]
            if bits.left < 0:
                raise spoilt("a stream of literals is too short")
        if bits.left:
            raise spoilt("a stream of literals is too long")
        return bytes(out)


def read_huffman(data: bytes, at: int) -> tuple[Huffman, int]:
    """The table described at `at`, and where its description ends."""
    head = data[at]
    if head >= 128:
        count = head - 127
        raw = data[at + 1 : at + 1 + (count + 1) // 2]
        weights = [nibble for byte in raw for nibble in (byte >> 4, byte & 15)][:count]
        return Huffman(weights), at + 1 + (count + 1) // 2
    end = at + 1 + head
    table, start = read_fse(data[:end], at + 1, 255, 6)
    return Huffman(_weights(BackwardBits(data[start:end]), table)), end


def _weights(bits: BackwardBits, table: Fse) -> list[int]:
    """Two states that take turns until the bits are used up."""
    states = [bits.read(table.accuracy), bits.read(table.accuracy)]
    weights: list[int] = []
    turn = 0
    while len(weights) < 255:
        state = states[turn]
        weights.append(table.symbols[state])
        if bits.left < table.bits[state]:
            weights.append(table.symbols[states[1 - turn]])
            break
        states[turn] = table.base[state] + bits.read(table.bits[state])
        turn = 1 - turn
    return weights


def spoilt(why: str) -> BadCheckpoint:
    return BadCheckpoint(f"The compressed bytes are damaged: {why}.", hint="save the checkpoint again")
