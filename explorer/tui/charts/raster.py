"""A raster of braille dots: polylines in, one character and one ink a cell out. No Textual in here.

A cell is 2 dots wide and 4 high, so a plot of 90x30 cells has 180x120 dots.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

DOTS_X, DOTS_Y = 2, 4
LAYERS = 3
_CHARACTERS = (" ", *(chr(0x2800 + byte) for byte in range(1, 256)))
"""By the byte that says which dots are set."""


class Raster:
    """`columns` x `rows` cells. Of several lines through one cell the one traced last gives the ink.

    Of the three layers a cell shows the highest that has a dot in it: what is faint stays behind.
    """

    def __init__(self, columns: int, rows: int) -> None:
        import numpy as np

        self.columns, self.rows = columns, rows
        self.width, self.height = columns * DOTS_X, rows * DOTS_Y
        self._dots = np.zeros((LAYERS, self.width * self.height), np.bool_)
        self._ink = np.zeros((LAYERS, columns * rows), np.int16)

    def trace(self, x: Floats, y: Floats, ink: int, *, layer: int = 0, broken: Floats | None = None) -> None:
        """Draw a polyline. `x` and `y` in dots from the lower left; NaN lifts the pen.

        `broken` (one for each of the joins, non-zero where the data has a gap) draws that join dashed.
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
            shown = (broken[of] == 0) | (nth % 6 < 3)
            xs, ys = xs[shown], ys[shown]
        self._set(np.concatenate((xs, px[good])), np.concatenate((ys, py[good])), ink, layer)

    def _set(self, xs: npt.NDArray[np.int64], ys: npt.NDArray[np.int64], ink: int, layer: int) -> None:
        inside = (xs >= 0) & (xs < self.width) & (ys >= 0) & (ys < self.height)
        if not inside.all():
            xs, ys = xs[inside], ys[inside]
        ys = self.height - 1 - ys
        self._dots[layer, ys * self.width + xs] = True
        self._ink[layer, (ys // DOTS_Y) * self.columns + xs // DOTS_X] = ink

    def cells(self) -> list[tuple[list[str], list[int]]]:
        """Each row's characters (a space where there is no dot) and inks."""
        import numpy as np

        # dot numbering of braille: 1-3 and 7 on the left, 4-6 and 8 on the right
        bit = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]], np.uint8)
        split = self._dots.reshape(LAYERS, self.rows, DOTS_Y, self.columns, DOTS_X)
        byte = (split * bit[None, None, :, None, :]).sum(axis=(2, 4), dtype=np.uint8)
        shown, ink = byte[0], self._ink[0].reshape(self.rows, self.columns)
        for layer in range(1, LAYERS):
            there = byte[layer] > 0
            shown = np.where(there, byte[layer], shown)
            ink = np.where(there, self._ink[layer].reshape(self.rows, self.columns), ink)
        return [
            ([_CHARACTERS[d] for d in row], inks)
            for row, inks in zip(shown.tolist(), ink.tolist(), strict=True)
        ]
