"""Numbers with commas between them as a matrix, bit for bit as Python reads them."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import simdjson

_PIECE_BYTES = 1 << 18
"""What is parsed at once: text and numbers stay in the processor's cache."""
_ROWS_AT_ONCE = 4096
_EMPTY = b"-8.98846567431158e307"
"""What an empty cell is parsed as, JSON having no NaN: a number that no run logs."""


def read_numbers(text: bytes, columns: int, behind: bytes = b",") -> npt.NDArray[np.float64] | None:
    """Rows of so many numbers; None where a cell is no JSON number. Cost: about 25 ns a cell.

    `text` is cells with commas between them and `behind` the last: `1,2,` or, as lines, `1,2\n3,4\n`. Between
    the commas of lines there may be nothing: NaN.
    """
    import numpy as np
    import simdjson

    if b"[" in text:  # a list in a cell would be taken for its numbers
        return None
    found: list[npt.NDArray[np.float64]] = []
    parser = simdjson.Parser()
    begin, gaps = 0, False
    while begin < len(text):
        stop = text.find(behind, min(begin + _PIECE_BYTES, len(text) - 1)) + 1
        cells = text[begin : stop - 1].replace(b"\n", b",")
        numbers = None if gaps else _list_of(cells, parser)
        if numbers is None:
            numbers, gaps = _list_with_gaps(cells, parser), True
        if numbers is None:
            return None
        found.append(numbers)
        begin = stop
    whole = np.concatenate(found)
    return None if len(whole) % columns else _by_column(whole.reshape(-1, columns))


def _by_column(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The same matrix laid out by column, as it is read next: so many rows at once as stay in the cache."""
    import numpy as np

    columns = np.empty(rows.shape[::-1])
    for at in range(0, len(rows), _ROWS_AT_ONCE):
        columns[:, at : at + _ROWS_AT_ONCE] = rows[at : at + _ROWS_AT_ONCE].T
    return columns.T


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
