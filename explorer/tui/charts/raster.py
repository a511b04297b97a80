"""A raster of braille dots: polylines in, one character and one ink a cell out. No Textual in here.

A cell is 2 dots wide and 4 high, so a plot of 90x30 cells has 180x120 dots. Where braille cannot be shown, a
cell with a dot in it is the mark of the line that drew it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

DOTS_X, DOTS_Y = 2, 4
LAYERS = 3
DASHED, DOTTED = (6, 3), (4, 1)
"""Ways to draw a line: of so many dots the first so many are set."""
_CHARACTERS = (" ", *(chr(0x2800 + byte) for byte in range(1, 256)))
"""By the byte that says which dots are set."""


class Raster:
    """`columns` x `rows` cells. Of several lines through one cell the one traced last gives the ink.

    Of the three layers a cell shows the highest that has a dot in it: what is faint stays behind.
    """

    def __init__(self, columns: int, rows: int, *, ascii: bool = False) -> None:
        import numpy as np

        self.columns, self.rows = columns, rows
        self.width, self.height = columns * DOTS_X, rows * DOTS_Y
        self._dots = np.zeros((LAYERS, self.width * self.height), np.bool_)
        self._ink = np.zeros((LAYERS, columns * rows), np.int16)
        self._marks = np.zeros((LAYERS, columns * rows), np.int16) if ascii else None

    def trace(
        self,
        x: Floats,
        y: Floats,
        ink: int,
        *,
        layer: int = 0,
        broken: Floats | None = None,
        pattern: tuple[int, int] | None = None,
        mark: str = ".",
    ) -> None:
        """Draw a polyline. `x` and `y` in dots from the lower left; NaN lifts the pen.

        `broken` (one for each of the joins, non-zero where the data has a gap) draws that join dashed, a
        `pattern` the whole line. `mark` stands for it where there is no braille.
        """
        import numpy as np

        if not len(x):
            return
        # far-off ends are pulled in: what leaves the plot steeply needs no million dots
        flat = np.clip(y, -20.0 * self.height, 20.0 * self.height)
        good = np.isfinite(flat) & np.isfinite(x)
        px = np.rint(np.where(good, x, 0.0)).astype(np.int64)
        py = np.rint(np.where(good, flat, 0.0)).astype(np.int64)
        dx, dy = np.diff(px), np.diff(py)
        long = np.maximum(np.abs(dx), np.abs(dy))
        long[~(good[:-1] & good[1:])] = 0
        of = np.repeat(np.arange(len(long)), long)
        nth = np.arange(len(of)) - np.repeat(np.cumsum(long) - long, long)
        share = nth / np.maximum(long[of], 1)
        xs = px[of] + np.rint(share * dx[of]).astype(np.int64)
        ys = py[of] + np.rint(share * dy[of]).astype(np.int64)
        if broken is not None and broken.any():
            kept = (broken[of] == 0) | (nth % DASHED[0] < DASHED[1])
            xs, ys = xs[kept], ys[kept]
        if pattern is not None:
            kept = np.arange(len(xs)) % pattern[0] < pattern[1]
            xs, ys = xs[kept], ys[kept]
        else:
            xs, ys = np.concatenate((xs, px[good])), np.concatenate((ys, py[good]))
        self._set(xs, ys, ink, layer, mark)

    def _set(
        self, xs: npt.NDArray[np.int64], ys: npt.NDArray[np.int64], ink: int, layer: int, mark: str
    ) -> None:
        inside = (xs >= 0) & (xs < self.width) & (ys >= 0) & (ys < self.height)
        if not inside.all():
            xs, ys = xs[inside], ys[inside]
        ys = self.height - 1 - ys
        self._dots[layer, ys * self.width + xs] = True
        cells = (ys // DOTS_Y) * self.columns + xs // DOTS_X
        self._ink[layer, cells] = ink
        if self._marks is not None:
            self._marks[layer, cells] = ord(mark)

    def cells(self) -> list[tuple[list[str], list[int]]]:
        """Each row's characters (a space where there is no dot) and inks."""
        import numpy as np

        # dot numbering of braille: 1-3 and 7 on the left, 4-6 and 8 on the right
        bit = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]], np.uint8)
        split = self._dots.reshape(LAYERS, self.rows, DOTS_Y, self.columns, DOTS_X)
        byte = (split * bit[None, None, :, None, :]).sum(axis=(2, 4), dtype=np.uint8)
        if self._marks is not None:
            codes = self._marks.reshape(LAYERS, self.rows, self.columns)
        else:
            codes = byte.astype(np.int16)
        inks = self._ink.reshape(LAYERS, self.rows, self.columns)
        shown, ink = codes[0], inks[0]
        for layer in range(1, LAYERS):
            there = byte[layer] > 0
            shown = np.where(there, codes[layer], shown)
            ink = np.where(there, inks[layer], ink)
        write = chr if self._marks is not None else _CHARACTERS.__getitem__
        return [
            ([write(code) if code else " " for code in row], coloured)
            for row, coloured in zip(shown.tolist(), ink.tolist(), strict=True)
        ]
