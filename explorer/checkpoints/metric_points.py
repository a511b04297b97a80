"""What a run had logged where each side of a diff stands: one value of every metric, at its step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from explorer.checkpoints.values import plain


@dataclass(frozen=True, slots=True)
class Point:
    """The last value that was logged up to a checkpoint: `step` is that of its row."""

    step: float
    value: float

    def to_json(self) -> dict[str, Any]:
        return {
            "step": int(self.step) if float(self.step).is_integer() else plain(self.step),
            "value": plain(self.value),
        }


@dataclass(frozen=True, slots=True)
class MetricPair:
    """One metric on both sides; None where a side has not logged it."""

    name: str
    a: Point | None
    b: Point | None

    @property
    def differs(self) -> bool:
        """Whether the values are not the same; two that are no numbers are."""
        if self.a is None or self.b is None:
            return True
        a, b = self.a.value, self.b.value
        return a != b and (a == a or b == b)

    def to_json(self) -> dict[str, Any]:
        points = {"a": self.a, "b": self.b}
        return {"metric": self.name, **{side: point and point.to_json() for side, point in points.items()}}


def pair_metrics(a: Mapping[str, Point], b: Mapping[str, Point]) -> tuple[MetricPair, ...]:
    """Every metric of either side, in the order of a, then what only b has."""
    return tuple(MetricPair(name, a.get(name), b.get(name)) for name in dict.fromkeys([*a, *b]))
