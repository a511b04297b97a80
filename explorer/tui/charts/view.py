"""How a chart is looked at: window, scales, what is hidden, where the crosshair stands. Values, no screen."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

Span = tuple[float, float]

SMOOTHING = (0.0, 0.6, 0.8, 0.9, 0.95, 0.98, 0.99)
"""The stops of the smoothing keys: weights as on TensorBoard's slider."""


@dataclass(frozen=True, slots=True)
class View:
    """One way to look at a comparison. `window` None follows the data: behind the first fork, or all."""

    window: Span | None = None
    full: bool = False
    log_x: bool = False
    log_y: bool = False
    y_zoom: float = 1.0
    """How wide the y range is against the one that the data ask for."""
    y_shift: float = 0.0
    """How far up it is moved, in widths of what the data ask for."""
    extremes: bool = False
    """The y range holds every value, not only the usual ones."""
    weight: float = 0.0
    delta: bool = False
    """Own minus baseline instead of the values."""
    tails: bool = False
    """Lost work is shown, faintly."""
    colour_by: str | None = None
    """The hyperparameter whose values share a colour; None gives each curve its own."""
    means: bool = False
    """With `colour_by`: the mean of the curves that share a value, the curves themselves faintly."""
    overlaid: bool = False
    """Several metrics in one plot instead of one below the other."""
    hidden: frozenset[str] = frozenset()
    """Labels that were switched off."""
    left_out: frozenset[str] = frozenset()
    """Labels that a filter leaves out."""
    selected: int = 0
    cursor: float | None = None

    def shows(self, label: str) -> bool:
        return label not in self.hidden and label not in self.left_out

    @property
    def look_at_x(self) -> tuple[object, ...]:
        """What of the view decides which points there are to draw."""
        return self.log_x, self.weight, self.delta

    def place(self, x: float) -> float:
        """Where an x stands along the axis: on a logarithmic one its logarithm, NaN where it has none."""
        if not self.log_x:
            return x
        return math.log10(x) if x > 0 else math.nan

    def back(self, place: float) -> float:
        """The x of a place along the axis."""
        return 10.0**place if self.log_x else place

    def zoomed(self, now: Span, factor: float, bounds: Span, pivot: float | None = None) -> View:
        """A window `factor` times as wide; the pivot, else the crosshair, else the middle stays in place."""
        low, high = self.place(now[0]), self.place(now[1])
        at = pivot if pivot is not None else self.cursor
        middle = self.place(at) if at is not None and now[0] <= at <= now[1] else (low + high) / 2
        return self._to(middle + (low - middle) * factor, middle + (high - middle) * factor, bounds)

    def panned(self, now: Span, share: float, bounds: Span) -> View:
        """The window moved by a share of its width, no further than the data go."""
        low, high = self.place(now[0]), self.place(now[1])
        least, most = self.place(bounds[0]), self.place(bounds[1])
        by = (high - low) * share
        if low >= least and high <= most:
            by = min(max(by, least - low), most - high)
        return self._to(low + by, high + by, bounds)

    def _to(self, low: float, high: float, bounds: Span) -> View:
        least, most = self.place(bounds[0]), self.place(bounds[1])
        low, high = max(low, least), min(high, most)
        if high - low < (most - least) * 1e-6:
            return self
        if (low, high) == (least, most):
            return replace(self, window=None, full=True)
        return replace(self, window=(self.back(low), self.back(high)))

    def toggled(self, label: str) -> View:
        return replace(self, hidden=self.hidden ^ {label})

    def smoothed(self, by: int) -> View:
        """The next stop of smoothing, up or down; it ends at both ends."""
        at = min(range(len(SMOOTHING)), key=lambda i: abs(SMOOTHING[i] - self.weight))
        return replace(self, weight=SMOOTHING[min(max(at + by, 0), len(SMOOTHING) - 1)])

    def at_first(self) -> View:
        """Everything as it was at first, on the same curve, with the same filter."""
        return View(selected=self.selected, left_out=self.left_out)
