"""The ranges that charts begin with, alike wherever one is drawn: from the first fork on, at usual values."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

Span = tuple[float, float]
_BEFORE_FORK = 0.06
"""How much of the inherited part is shown, of the width behind the first fork."""
_BLOWN_UP, _KEPT = 5.0, 2.0
"""A curve that leaves so many times the calm range of all blew up; so many times that range is shown."""
_FAR_OFF = 8.0
"""A difference so many times the usual one is not what the others are looked at with."""
_SPARE, _SPIKED = 100, 3.0
"""One value in so many is a spike where it makes the range so many times as wide."""


@dataclass(frozen=True, slots=True)
class UsualRange:
    """From `low` to `high`; `beyond` are the curves, by number, that the range was not stretched to."""

    low: float
    high: float
    beyond: tuple[int, ...] = ()

    def note(self, labels: Sequence[str]) -> str:
        """What is not shown, in words; empty where all is."""
        names = [name for name in dict.fromkeys(labels[i] for i in self.beyond) if name]
        if not names:
            return ""
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        return f"partly off the scale: {', '.join(names[:3])}{more}"


def x_range(columns: Iterable[Floats], *, log: bool = False) -> Span:
    """From the first to the last place of rising columns; on a logarithmic axis of those above zero."""
    ends: list[float] = []
    for x in columns:
        start = int(x.searchsorted(0.0, "right")) if log else 0
        if start < len(x):
            ends += (float(x[start]), float(x[-1]))
    ends = [end for end in ends if math.isfinite(end)]
    if not ends:
        return (0.1, 1.0) if log else (0.0, 1.0)
    low, high = min(ends), max(ends)
    if high > low:
        return low, high
    return (low / 2, high * 2) if log else (low - 0.5, high + 0.5)


def from_first_fork(whole: Span, first_fork: float | None, *, log: bool = False) -> Span:
    """The end of `whole` from a little before the first fork on; all of it where there is none in it."""
    low, high = whole
    if first_fork is None or not low <= first_fork < high:
        return whole
    if log:
        return max(low, first_fork * (first_fork / high) ** _BEFORE_FORK), high
    return max(low, first_fork - _BEFORE_FORK * (high - first_fork)), high


def whole_range(curves: Sequence[Floats]) -> UsualRange:
    """From the lowest to the highest value that is finite; from 0 to 1 where there is none."""
    import numpy as np

    ends = [(float(y.min()), float(y.max())) for told in curves if len(y := told[np.isfinite(told)])]
    if not ends:
        return UsualRange(0.0, 1.0)
    return UsualRange(min(low for low, _ in ends), max(high for _, high in ends))


def usual_range(curves: Sequence[Floats], *, rises: bool = False, deltas: bool = False) -> UsualRange:
    """One that a diverged run or a spike does not squash the others into a line in.

    `rises`: high values are the good ones. `deltas`: the values are differences. What is not finite does not
    count. Cost: a sort of every curve.
    """
    import numpy as np

    spans: list[tuple[int, float, float, float]] = []
    values: list[Floats] = []
    for i, told in enumerate(curves):
        good = told[np.isfinite(told)]
        if len(good):
            ordered = np.sort(good)  # np.quantile would do, at ten times the price
            least, most = _without_spikes(ordered)
            turn = int(good.argmax() if rises else good.argmin())
            start = float(good[: turn + 1].min() if rises else good[: turn + 1].max())
            spans.append((i, least, most, start))
            values.append(ordered)
    if not spans:
        return UsualRange(0.0, 1.0)
    whole = low, high = min(s[1] for s in spans), max(s[2] for s in spans)
    low, high = _near(spans, low, high) if deltas else _calm(spans, low, high, rises=rises)
    if not any(_is_mostly_in(ordered, low, high) for ordered in values):
        low, high = whole  # what nobody stays in is the usual range of nobody
    return UsualRange(low, high, tuple(i for i, least, most, _ in spans if most > high or least < low))


def _without_spikes(ordered: Floats) -> Span:
    spare = len(ordered) // _SPARE
    least, most = float(ordered[0]), float(ordered[-1])
    low, high = float(ordered[spare]), float(ordered[-1 - spare])
    spiked = most / 2 - least / 2 > _SPIKED * (high / 2 - low / 2) > 0
    return (low, high) if spiked else (least, most)


def _is_mostly_in(ordered: Floats, low: float, high: float) -> bool:
    return bool(2 * (ordered.searchsorted(high, "right") - ordered.searchsorted(low)) >= len(ordered))


def _calm(spans: list[tuple[int, float, float, float]], low: float, high: float, *, rises: bool) -> Span:
    """A curve on its way to its best value spans what is worth seeing; what came after may have blown up."""
    # halves, because the width of the range may be more than a float holds
    wide = high / 2 - low / 2
    if rises:
        calm = high / 2 - min(max(least, start) for _, least, _, start in spans) / 2
        return (high - 2 * _KEPT * calm if 0 < _BLOWN_UP * calm < wide else low), high
    calm = max(min(most, start) for _, _, most, start in spans) / 2 - low / 2
    return low, (low + 2 * _KEPT * calm if 0 < _BLOWN_UP * calm < wide else high)


def _near(spans: list[tuple[int, float, float, float]], low: float, high: float) -> Span:
    """Differences start at nothing: of three or more the one that is far off all others is cut."""
    sizes = sorted(max(abs(least), abs(most)) for _, least, most, _ in spans)
    usual = sizes[(len(sizes) - 1) // 2]
    if len(sizes) < 3 or not 0 < _FAR_OFF * usual < sizes[-1]:
        return low, high
    return max(low, -_KEPT * usual), min(high, _KEPT * usual)
