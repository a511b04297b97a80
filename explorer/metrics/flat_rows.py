"""Many flat JSON rows that are alike as columns of numbers, without making an object of each.

They differ in their numbers alone. A regular expression made of the first of them proves it of all; then
everything but numbers and commas is taken out at once, and those are parsed in one go.
"""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from explorer.metrics.number_lines import read_numbers
from explorer.metrics.parsed import Column

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

_NUMBER = b"0123456789+-."
_EXPONENT = b"eE"
_IDENTITY = bytes(range(256))
_BRACES_TO_COMMAS = bytes.maketrans(b"}", b",")
_DIGITS = rb"-?+(?!0[0-9])[0-9]++(?:\.[0-9]++)?+"
_WITH_EXPONENT = _DIGITS + rb"(?:[eE][+-]?+[0-9]++)?+"


def _all_but(kept: bytes) -> bytes:
    return bytes(set(range(256)) - set(kept))


# what is taken out of rows: all but numbers, commas, and where a comma is not, the brace that ends a row
_ALL_BUT = {
    (exponents, commas): _all_but(_NUMBER + _EXPONENT * exponents + (b"," if commas else b",}"))
    for exponents in (False, True)
    for commas in (False, True)
}
# the brace or comma before a key belong to it, so that whole separators are cut out
_PAIR = re.compile(rb'([{,]\s*"[^"\\]*"\s*:\s*)("[^"\\]*"|[^,}\s"]+)')


@dataclass(frozen=True, slots=True)
class Block:
    """Rows of one shape: `values` has a row for each line number in `rows` (rising) and a column a name."""

    names: tuple[str, ...]
    rows: npt.NDArray[np.int64]
    values: Floats
    words: tuple[str, ...] = ()
    """Names whose values are no numbers in any of the rows."""


@dataclass(frozen=True, slots=True)
class Blocks:
    """What blocks were made of some lines, and which lines are in none."""

    blocks: list[Block]
    lines: list[bytes]
    """All lines; empty where every one is in a block."""
    odd: list[int]


def uniform(text: bytes, first: bytes) -> Block | None:
    """Rows that say the same as the first one but for numbers; None where one does not.

    `text` is rows one after the other, `first` the first of them with what ends it: a newline, or a comma.
    """
    import numpy as np

    pairs = _pairs(first)
    if pairs is None or not any(pair.is_number for pair in pairs):
        return None
    end = first[sum(len(pair.key) + len(pair.value) for pair in pairs) :]
    if end.strip() not in (b"}", b"},"):
        return None  # something stands behind the row
    exponents = any(b"e" in pair.value.lower() for pair in pairs if pair.is_number)
    digits = _WITH_EXPONENT if exponents else _DIGITS
    row = b"".join(re.escape(pair.fixed) + (digits if pair.is_number else b"") for pair in pairs)
    if re.compile(b"(?:" + row + re.escape(end) + b")*+").fullmatch(text) is None:
        return None
    names = [pair.name for pair in pairs if pair.is_number]
    values = read_numbers(_numbers_in(text, pairs, end, exponents), len(names))
    if values is None:
        return None
    broken = [pair.name for pair in pairs if pair.value == b"NaN"]
    if broken:
        values = np.hstack((values, np.full((len(values), len(broken)), np.nan)))
    words = tuple(pair.name for pair in pairs if not pair.is_number and pair.value != b"NaN")
    return Block((*names, *broken), np.arange(len(values)), values, words)


@dataclass(frozen=True, slots=True)
class _Pair:
    """A key and its value as they are written in the first row."""

    name: str
    key: bytes
    value: bytes
    is_number: bool

    @property
    def fixed(self) -> bytes:
        """What of it is the same in all rows."""
        return self.key if self.is_number else self.key + self.value


def _pairs(first: bytes) -> list[_Pair] | None:
    """The first row taken apart; None where it is not flat, or a value is neither number nor word."""
    from explorer.metrics.told import number

    close = first.rfind(b"}")
    try:
        told = json.loads(first[: close + 1])
    except (ValueError, RecursionError):
        return None
    found = _PAIR.findall(first[:close])
    joined = b"".join(map(b"".join, found))
    if not isinstance(told, dict) or len(found) != len(told) or joined != first[:close].rstrip():
        return None
    pairs: list[_Pair] = []
    for (name, value), (key, written) in zip(told.items(), found, strict=True):
        is_number = type(value) in (int, float) and value - value == 0
        # other text that says a number is read as one, row by row
        if not is_number and written != b"NaN" and number(value) is not None:
            return None
        pairs.append(_Pair(name, key, written, is_number))
    return pairs


def _numbers_in(text: bytes, pairs: Sequence[_Pair], end: bytes, exponents: bool) -> bytes:
    """The numbers of rows that were proved to be of one shape, with a comma behind each."""
    kept = _NUMBER + _EXPONENT if exponents else _NUMBER
    first = next(pair for pair in pairs if pair.is_number)
    for pair in pairs:
        fixed = pair.fixed
        own = pair.is_number and pair is not first  # the comma before it goes behind the number before
        if fixed.count(b",") != own or set(kept) & set(fixed):
            text = text.replace(fixed, b"," if own else b"")
    # of an array: a comma is behind each row but the last
    ends = _IDENTITY if b"," in end else _BRACES_TO_COMMAS
    numbers = text.translate(ends, _ALL_BUT[exponents, b"," in end])
    return numbers if numbers.endswith(b",") else numbers + b","


def regular(blocks: list[Block], steps: Sequence[str], most: float) -> tuple[list[Block], list[int]]:
    """Blocks without the rows whose step is no step, and the numbers of those rows' lines."""
    kept: list[Block] = []
    odd: list[int] = []
    for block in blocks:
        name = next((n for n in steps if n in block.names or n in block.words), None)
        if name is None or name in block.words:
            odd += block.rows.tolist()
            continue
        column = block.values[:, block.names.index(name)]
        good = (column >= 0) & (column <= most)
        odd += block.rows[~good].tolist()
        if not good.all():
            block = Block(block.names, block.rows[good], block.values[good], block.words)
        if len(block.rows):
            kept.append(block)
    return kept, odd


def columns_of(
    blocks: list[Block],
    steps: Sequence[str],
    times: Sequence[str],
    others: Mapping[str, tuple[Column, list[int]]],
) -> dict[str, Column]:
    """Metrics of blocks, and of rows that were read one by one (with their lines' numbers), in file order."""
    import numpy as np

    found: dict[str, list[tuple[npt.NDArray[np.int64], Floats, Floats, Floats]]] = {}
    for block in blocks:
        step = next(n for n in steps if n in block.names)
        time = next((n for n in times if n in block.names or n in block.words), None)
        time = time if time in block.names else None
        at = block.values[:, block.names.index(step)]
        wall = block.values[:, block.names.index(time)] if time else np.full(len(at), np.nan)
        for k, name in enumerate(block.names):
            if name not in (step, time):
                found.setdefault(name, []).append((block.rows, at, block.values[:, k], wall))
    for name, (column, numbers) in others.items():
        at, value, wall = (np.frombuffer(c) for c in (column.steps, column.values, column.walls))
        found.setdefault(name, []).append((np.array(numbers), at, value, wall))
    return {name: _in_order(parts) for name, parts in found.items()}


def _in_order(parts: list[tuple[npt.NDArray[np.int64], Floats, Floats, Floats]]) -> Column:
    import numpy as np

    if len(parts) == 1:
        return Column(*(array("d", np.ascontiguousarray(column).tobytes()) for column in parts[0][1:]))
    order = np.argsort(np.concatenate([p[0] for p in parts]), kind="stable")
    made = (np.concatenate([p[k] for p in parts])[order] for k in (1, 2, 3))
    return Column(*(array("d", column.tobytes()) for column in made))
