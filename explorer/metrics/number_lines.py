"""Lines of numbers with commas between them as a matrix, bit for bit as Python reads them."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def read_number_lines(text: bytes, columns: int) -> npt.NDArray[np.float64] | None:
    """A row a line, empty cells as NaN; None where a cell is no number. Cost: about 30 ns a cell.

    `text` must have `columns` cells in each line, and nothing quoted.
    """
    from io import BytesIO

    import numpy as np
    import pandas as pd

    # from 3.1 on pandas rounds as Python does, before it has to be asked to
    precise = tuple(map(int, pd.__version__.split(".")[:2])) >= (3, 1)
    exact: dict[str, Any] = {} if precise else {"float_precision": "round_trip"}
    try:
        frame = pd.read_csv(
            BytesIO(text),
            header=None,
            names=list(range(columns)),
            index_col=False,
            keep_default_na=False,
            na_values=[""],
            skip_blank_lines=False,
            dtype=np.float64,
            engine="c",
            low_memory=False,
            **exact,
        )
    except (ValueError, OverflowError):
        return None
    values: npt.NDArray[np.float64] = frame.to_numpy(np.float64)
    return values if len(values) == text.count(b"\n") else None


def falls_back(steps: array[float]) -> bool:
    """Whether a step is lower than the one before it. Cost: about 1 ns a step."""
    import numpy as np

    told = np.frombuffer(steps)
    return bool((told[1:] < told[:-1]).any())
