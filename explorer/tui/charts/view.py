"""How a chart is looked at: window, scales, what is hidden, where the crosshair stands. Values, no screen."""

from __future__ import annotations

from dataclasses import dataclass, replace

SMOOTHING = (0.0, 0.6, 0.9, 0.98)
"""The stops of the smoothing key: weights as on TensorBoard's slider."""


@dataclass(frozen=True, slots=True)
class View:
    """One way to look at a comparison. `window` None follows the data: behind the first fork, or all."""

    window: tuple[float, float] | None = None
    full: bool = False
    log_y: bool = False
    weight: float = 0.0
    delta: bool = False
    """Own minus parent instead of the values."""
    tails: bool = False
    """Lost work is shown, faintly."""
    hidden: frozenset[str] = frozenset()
    selected: int = 0
    cursor: float | None = None

    def zoomed(self, now: tuple[float, float], factor: float, bounds: tuple[float, float]) -> View:
        """A window `factor` times as wide, the crosshair (else the middle) where it was."""
        low, high = now
        pivot = self.cursor if self.cursor is not None and low <= self.cursor <= high else (low + high) / 2
        return self._to(pivot + (low - pivot) * factor, pivot + (high - pivot) * factor, bounds)

    def panned(self, now: tuple[float, float], share: float, bounds: tuple[float, float]) -> View:
        low, high = now
        by = (high - low) * share
        by = min(max(by, bounds[0] - low), bounds[1] - high) if low >= bounds[0] and high <= bounds[1] else by
        return self._to(low + by, high + by, bounds)

    def _to(self, low: float, high: float, bounds: tuple[float, float]) -> View:
        least = (bounds[1] - bounds[0]) * 1e-6
        low, high = max(low, bounds[0]), min(high, bounds[1])
        if high - low < least:
            return self
        if (low, high) == bounds:
            return replace(self, window=None, full=True)
        return replace(self, window=(low, high))

    def toggled(self, label: str) -> View:
        return replace(self, hidden=self.hidden ^ {label})

    def smoother(self) -> View:
        """The next stop of the smoothing key; after the last one it is off."""
        at = SMOOTHING.index(self.weight) if self.weight in SMOOTHING else 0
        return replace(self, weight=SMOOTHING[(at + 1) % len(SMOOTHING)])
