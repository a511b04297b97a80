"""The y range that a chart begins with: what the curves usually are at, and which go far beyond it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

_FAR, _SQUASHED, _SPARE = 4.0, 3.0, 0.01


@dataclass(frozen=True, slots=True)
class UsualRange:
    """From `low` to `high`; `beyond` are the curves, by number, that the range was not stretched to."""

    low: float
    high: float
    beyond: tuple[int, ...] = ()

    def note(self, labels: Sequence[str]) -> str:
        """What is not shown, in words; empty where all is."""
        if not self.beyond:
            return ""
        names = ", ".join(labels[i] for i in self.beyond[:3])
        more = f" and {len(self.beyond) - 3} more" if len(self.beyond) > 3 else ""
        return f"partly off the scale: {names}{more}"


def usual_range(curves: Sequence[Floats]) -> UsualRange:
    """One that a diverged run or a spike does not squash the others into a line in.

    A curve is off that goes four times as far as most, single values are of a curve that goes three times
    as far with them as the middle 98 % of it. Values that are not finite do not count.
    """
    import numpy as np

    ends: dict[int, tuple[float, float]] = {}
    shown: dict[int, tuple[float, float]] = {}
    for i, told in enumerate(curves):
        y = np.sort(told[np.isfinite(told)])
        if not len(y):
            continue
        spare = int(len(y) * _SPARE)
        middle = float(y[spare]), float(y[-1 - spare])
        ends[i] = float(y[0]), float(y[-1])
        spiked = ends[i][1] / 2 - ends[i][0] / 2 > _SQUASHED * (middle[1] / 2 - middle[0] / 2) > 0
        shown[i] = middle if spiked else ends[i]
    if not ends:
        return UsualRange(0.0, 1.0)
    # halves, because the width of a range may be more than a float holds
    wide = sorted((high / 2 - low / 2, low, high) for low, high in shown.values() if high > low)
    if wide:
        half, low, high = wide[(len(wide) - 1) // 2]
        room = 2 * _FAR * half
        near = [s for s in shown.values() if low - room <= s[0] and s[1] <= high + room]
    else:
        near = list(shown.values())
    low, high = min(s[0] for s in near), max(s[1] for s in near)
    return UsualRange(low, high, tuple(i for i, (least, most) in ends.items() if least < low or most > high))
