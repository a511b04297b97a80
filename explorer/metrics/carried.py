"""Histories that a resumed run carries on: how far they equal the parent's tells what was resumed from."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

from explorer.metrics.series import Attempt, Series
from explorer.metrics.writers import bits


def identical_until(a: Mapping[str, Series], b: Mapping[str, Series]) -> float | None:
    """The last step up to which both say the same, bit for bit, in every metric that both have.

    None where they differ from their first row on, or share no metric.
    """
    shared = a.keys() & b.keys()
    if not shared:
        return None
    parted = min(_first_difference(a[name], b[name]) for name in shared)
    same = [s for name in shared for s in a[name].steps if s < parted]
    return max(same, default=None)


def with_restored_step(attempt: Attempt, earlier: Iterable[Attempt]) -> Attempt:
    """An attempt that carries history, with the restored step that its history gives away if none is told."""
    if attempt.carries is None or attempt.restored_step is not None:
        return attempt
    found = [s for e in earlier if (s := identical_until(attempt.series, e.series)) is not None]
    if not found:
        return attempt
    # a replay with the same seed stays equal for a while: the checkpoint is the last one before they part
    return replace(attempt, restored_step=max(found) - max(found) % attempt.carries)


def identical_rows(a: Series, b: Series) -> int:
    """How many rows both begin with that are equal bit for bit. Cost: about 2 ns a row."""
    import numpy as np

    n = min(len(a), len(b))
    differs = np.zeros(n, np.bool_)
    for x, y in ((a.steps, b.steps), (a.values, b.values)):
        differs |= np.frombuffer(x, np.int64, n) != np.frombuffer(y, np.int64, n)
    first = int(np.argmax(differs)) if n else 0
    return first if n and differs[first] else n


def _first_difference(a: Series, b: Series) -> float:
    """The first step at which one has no row or another value; +inf where there is none."""
    for step_a, step_b, value_a, value_b in zip(a.steps, b.steps, a.values, b.values, strict=False):
        if step_a != step_b:
            return min(step_a, step_b)
        if bits(value_a) != bits(value_b):
            return step_a
    if len(a) == len(b):
        return math.inf
    return a.steps[len(b)] if len(a) > len(b) else b.steps[len(a)]
