"""Many flat JSON rows of several shapes as columns of numbers: what is odd is handed back, by line number.

A shape is the names in a row, in their order. Where all rows are alike, `flat_rows` reads them without making
an object of each.
"""

from __future__ import annotations

from array import array
from collections.abc import Hashable, Sequence
from itertools import compress
from operator import itemgetter
from typing import TYPE_CHECKING

from explorer.metrics.flat_rows import Block, Blocks, uniform
from explorer.metrics.parsed import MAX_LINE_BYTES
from explorer.metrics.told import number

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Row = dict[str, object]

_NUMBERS = {int, float}
_MOST_SHAPES = 64
_FEW_LINES = 8
"""Where one of so few lines is no row, all of them are read one by one."""
_END = b'"the end of a line of rows"'


def blocks_of(text: bytes) -> Blocks:
    """Lines, each with its newline, as blocks. Cost: about 0.4 us a line, 0.7 us where shapes mix."""
    whole = uniform(text, text[: text.find(b"\n") + 1])
    if whole is not None:
        return Blocks([whole], [], [])
    lines = text.split(b"\n")[:-1]
    if _END in text:
        return Blocks([], lines, list(range(len(lines))))
    import numpy as np

    rows, at = _decoded(lines, 0)
    odd = sorted({*range(len(lines))} - {*at}) if len(at) < len(lines) else []
    for kind in (len, tuple):  # mostly how many names a row has tells which ones
        try:
            blocks, left = _by_kind([*map(kind, rows)], rows, np.array(at, np.int64))
        except KeyError:
            continue
        return Blocks(blocks, lines, sorted((*odd, *left)))
    raise AssertionError("rows of the same names have no other")


def _by_kind(
    kinds: list[Hashable], rows: list[Row], at: npt.NDArray[np.int64]
) -> tuple[list[Block], list[int]]:
    """Blocks of the rows of each kind, and the lines of the others.

    Raises:
        KeyError: rows of one kind have different names.
    """
    import numpy as np

    nth = {kind: n for n, kind in enumerate(dict.fromkeys(kinds))}
    if len(nth) > _MOST_SHAPES:
        return [], at.tolist()
    kind_of = np.fromiter(map(nth.__getitem__, kinds), np.int8, len(kinds))
    blocks: list[Block] = []
    odd: list[int] = []
    for n in nth.values():
        these = kind_of == n
        block, left = _block(rows if these.all() else [*compress(rows, these)], at[these])
        if block is not None:
            blocks.append(block)
        odd += left.tolist()
    return blocks, odd


def _decoded(lines: Sequence[bytes], first: int) -> tuple[list[Row], Sequence[int]]:
    """The rows that lines say, and their line numbers; a line that is no row takes some beside it along."""
    rows = _rows(lines)
    if rows is not None:
        return rows, range(first, first + len(lines))
    if len(lines) <= _FEW_LINES:
        return [], ()
    half = len(lines) // 2
    (some, at), (others, behind) = _decoded(lines[:half], first), _decoded(lines[half:], first + half)
    return some + others, (*at, *behind)


def _rows(lines: Sequence[bytes]) -> list[Row] | None:
    """One row of each line; None where one is none, or not alone in its line."""
    import orjson

    if max(map(len, lines)) >= MAX_LINE_BYTES:
        return None
    try:
        told = orjson.loads(b"[" + (b"," + _END + b",").join(lines) + b"," + _END + b"]")
    except ValueError:
        return None
    rows: list[Row] = told[::2]
    # two rows in a line, or one in two lines, would shift the ends
    ends = told[1::2]
    fits = len(rows) == ends.count(_END.decode().strip('"')) == len(lines) and set(map(type, rows)) == {dict}
    return rows if fits else None


def _block(rows: Sequence[Row], at: npt.NDArray[np.int64]) -> tuple[Block | None, npt.NDArray[np.int64]]:
    """Rows of one shape, that stand `at` these lines, and the lines where a number is told otherwise.

    Raises:
        KeyError: they are not of one shape, though as long as each other.
    """
    import numpy as np

    names = tuple(rows[0])
    columns = {name: [*map(itemgetter(name), rows)] for name in names}
    types = {name: set(map(type, column)) for name, column in columns.items()}
    numbers = [name for name in names if types[name] & _NUMBERS]
    words = [name for name in names if not types[name] & _NUMBERS]
    good = np.ones(len(rows), bool)
    for name in numbers:
        if not types[name] <= _NUMBERS:
            good &= [type(value) in _NUMBERS for value in columns[name]]
    for name in words:
        if str in types[name]:
            good &= [type(value) is not str or number(value) is None for value in columns[name]]
    if not numbers or not good.any():
        return None, at
    values = np.empty((len(numbers), int(good.sum())))
    for row, name in enumerate(numbers):
        column = columns[name] if good.all() else [*compress(columns[name], good)]
        values[row] = np.frombuffer(array("d", column))
    return Block(tuple(numbers), at[good], values.T, tuple(words)), at[~good]
