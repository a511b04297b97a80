"""Lines of numbers with commas between them as a matrix, bit for bit as Python reads them."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import simdjson

_PIECE_BYTES = 1 << 18
"""What is parsed at once: text and numbers stay in the processor's cache."""
_EMPTY = b"-8.98846567431158e307"
"""What an empty cell is parsed as, JSON having no NaN: a number that no run logs."""


def read_number_lines(text: bytes, columns: int) -> npt.NDArray[np.float64] | None:
    """A row a line, empty cells as NaN; None where a cell is no JSON number. Cost: about 25 ns a cell.

    `text` must have `columns` cells in each line, and ends with a newline. The matrix is laid out by column.
    """
    import numpy as np
    import simdjson

    if b"[" in text:  # a list in a cell would be taken for its numbers
        return None
    found: list[npt.NDArray[np.float64]] = []
    parser = simdjson.Parser()
    begin, gaps = 0, False
    while begin < len(text):
        stop = text.find(b"\n", min(begin + _PIECE_BYTES, len(text) - 1)) + 1
        cells = text[begin : stop - 1].replace(b"\n", b",")
        numbers = None if gaps else _list_of(cells, parser)
        if numbers is None:
            numbers, gaps = _list_with_gaps(cells, parser), True
        if numbers is None or len(numbers) % columns:
            return None
        found.append(numbers.reshape(-1, columns))
        begin = stop
    rows = np.empty((columns, sum(map(len, found))))
    np.concatenate([part.T for part in found], axis=1, out=rows)
    return rows.T


def _list_of(cells: bytes, parser: simdjson.Parser) -> npt.NDArray[np.float64] | None:
    """Numbers with commas between them; None where one is none."""
    import numpy as np

    try:
        told = cast("simdjson.Array", parser.parse(b"[" + cells + b"]"))
        return np.frombuffer(told.as_buffer(of_type="d"))
    except (ValueError, TypeError, RuntimeError):  # it has one for each kind of surprise
        return None


def _list_with_gaps(cells: bytes, parser: simdjson.Parser) -> npt.NDArray[np.float64] | None:
    """The same where there may be nothing between two commas."""
    import numpy as np

    cells = b"," + cells.replace(b"\r,", b",").removesuffix(b"\r") + b","
    before = len(cells)
    for _ in range(2):  # neighbours share a comma
        cells = cells.replace(b",,", b"," + _EMPTY + b",")
    numbers = _list_of(cells[1:-1], parser)
    if numbers is None:
        return None
    numbers = np.where(numbers == float(_EMPTY), np.nan, numbers)
    return numbers if np.count_nonzero(np.isnan(numbers)) * len(_EMPTY) == len(cells) - before else None


def falls_back(steps: array[float]) -> bool:
    """Whether a step is lower than the one before it. Cost: about 1 ns a step."""
    import numpy as np

    told = np.frombuffer(steps)
    return bool((told[1:] < told[:-1]).any())
