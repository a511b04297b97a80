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

    A curve is off whose middle 98 % go four times as far as those of most do; so are the single values of the
    others where without them the range is a third as wide. Values that are not finite do not count.
    """
    import numpy as np

    spans: list[tuple[int, float, float, float, float]] = []
    for i, told in enumerate(curves):
        y = np.sort(told[np.isfinite(told)])
        if len(y):
            spare = int(len(y) * _SPARE)
            spans.append((i, float(y[spare]), float(y[-1 - spare]), float(y[0]), float(y[-1])))
    if not spans:
        return UsualRange(0.0, 1.0)
    lows, highs = sorted(s[1] for s in spans), sorted(s[2] for s in spans)
    middle = (len(spans) - 1) // 2
    low, high = lows[len(lows) // 2], highs[middle]
    room = _FAR * (high - low)
    kept = [s for s in spans if low - room <= s[1] and s[2] <= high + room] or spans
    low, high = min(s[1] for s in kept), max(s[2] for s in kept)
    least, most = min(s[3] for s in kept), max(s[4] for s in kept)
    if most - least <= _SQUASHED * (high - low):
        low, high = least, most
    beyond = tuple(i for i, _, _, bottom, top in spans if bottom < low or top > high)
    return UsualRange(low, high, beyond)
