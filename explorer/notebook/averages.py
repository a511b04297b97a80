"""Curves that share a hyperparameter as one: their mean and a band of one standard deviation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from explorer.metrics import group_by
from explorer.notebook.polyline import Polyline

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from explorer.metrics import Comparison

_BAND_ROWS = 500


@dataclass(frozen=True, slots=True, eq=False)
class Average:
    """The mean of `members` curves where all of them have rows; `band` goes there above it and back below."""

    label: str
    first: int
    """The index of its first curve, whose colour it has."""
    members: int
    line: Polyline
    band: Polyline


def averages(
    comparison: Comparison, name: str, lines: Sequence[Polyline], shown: frozenset[str]
) -> Iterator[Average]:
    """One average for each value of the hyperparameter `name`; `lines` are the curves behind their forks.

    Every group is there, empty where none of its curves is shown.

    Raises:
        BadInput: none of the nodes has the hyperparameter.
    """
    for group in group_by(comparison, name):
        members = [lines[i] for i in group.curves if comparison.nodes[i].label in shown and len(lines[i])]
        grid, mean, spread = _averaged(members)
        every = max(1, len(grid) // _BAND_ROWS)
        x, low, high = grid[::every], (mean - spread)[::every], (mean + spread)[::every]
        yield Average(
            group.label,
            group.curves[0],
            len(members),
            Polyline(grid, mean),
            _around(x, low, high) if len(members) > 1 else Polyline(grid[:0], mean[:0]),
        )


def _averaged(
    members: Sequence[Polyline],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """At the rows of the one that logs least, the others joined linearly between their rows, never beyond."""
    import numpy as np

    nothing = np.empty(0)
    if not members:
        return nothing, nothing, nothing
    if len(members) == 1:
        return members[0].x, members[0].y, np.zeros(len(members[0]))
    low, high = max(line.x[0] for line in members), min(line.x[-1] for line in members)
    inside = [line.x[(line.x >= low) & (line.x <= high)] for line in members]
    grid = min(inside, key=len)
    if not len(grid):
        return nothing, nothing, nothing
    rows = np.stack([np.interp(grid, line.x, line.y) for line in members])
    return grid, rows.mean(axis=0), rows.std(axis=0, ddof=1)


def _around(
    x: npt.NDArray[np.float64], low: npt.NDArray[np.float64], high: npt.NDArray[np.float64]
) -> Polyline:
    import numpy as np

    good = np.isfinite(low) & np.isfinite(high)
    x, low, high = x[good], low[good], high[good]
    return Polyline(np.concatenate((x, x[::-1])), np.concatenate((high, low[::-1])))
