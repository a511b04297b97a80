"""What differs between two configs or two states: only that, by dotted path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from explorer.checkpoints.values import Value, Values, plain


@dataclass(frozen=True, slots=True)
class Change:
    """A value by its dotted path on both sides; None also where a side does not have it."""

    path: str
    a: Value
    b: Value

    def to_json(self) -> dict[str, Any]:
        return {"path": self.path, "a": plain(self.a), "b": plain(self.b)}


def compare_values(a: Values, b: Values) -> tuple[Change, ...]:
    """The paths whose values differ, in the order of a, then what only b has."""
    paths = [*a, *(path for path in b if path not in a)]
    return tuple(
        Change(path, a.get(path), b.get(path))
        for path in paths
        if (path in a) != (path in b) or not _equal(a[path], b[path])
    )


def _equal(a: Value, b: Value) -> bool:
    if a != a and b != b:  # NaN on both sides
        return True
    return a == b and isinstance(a, bool) == isinstance(b, bool)
