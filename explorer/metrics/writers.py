"""Who wrote at the same time: attempts of one bucket sorted into writers that are never interleaved."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace

from explorer.metrics.series import Attempt, Series

Writer = tuple[Attempt, ...]
"""Attempts of one bucket that follow each other, in start order."""


def split_writers(attempts: Sequence[Attempt]) -> tuple[Writer, ...]:
    """The attempts of one bucket as one writer or more, the first one the longest-standing.

    Attempts that overlap in wall time and in steps are not a resume. Where their rows are equal bit for bit
    they are one (two ranks logging the same); where they share no metric they are parts of one attempt;
    otherwise each is a writer of its own, with the earlier attempts that it does not overlap before it.
    """
    writers: list[list[Attempt]] = []
    for attempt in sorted(attempts, key=lambda a: a.order):
        if not writers:
            writers.append([attempt])
            continue
        for writer in writers:
            clash = next((i for i, other in enumerate(writer) if _overlap(other, attempt)), None)
            if clash is None:
                writer.append(attempt)
                break
            merged = _one_of(writer[clash], attempt)
            if merged is not None:
                writer[clash] = merged
                break
        else:
            writers.append([*(a for a in writers[0] if not _overlap(a, attempt)), attempt])
    return tuple(tuple(writer) for writer in writers)


def _overlap(a: Attempt, b: Attempt) -> bool:
    walls_a, walls_b = a.wall_span, b.wall_span
    if walls_a is None or walls_b is None:
        return False
    at_once = max(walls_a[0], walls_b[0]) < min(walls_a[1], walls_b[1])
    return at_once and max(a.first_step, b.first_step) <= min(a.last_step, b.last_step)


def _one_of(a: Attempt, b: Attempt) -> Attempt | None:
    """Both as one attempt, where nothing in them contradicts; else None."""
    if any(not same_where_both(a.series[name], b.series[name]) for name in a.series.keys() & b.series.keys()):
        return None
    longest = {
        name: max((s for s in (a.series.get(name), b.series.get(name)) if s is not None), key=len)
        for name in a.series.keys() | b.series.keys()
    }
    return replace(a, series=longest, troubles=(*a.troubles, *b.troubles))


def same_where_both(a: Series, b: Series) -> bool:
    """Whether two series that meet are equal bit for bit at every step that both have, and have one."""
    met = False
    short, long = sorted((a, b), key=len)
    for i, step in enumerate(short.steps):
        at = bisect_left(long.steps, step)
        if at < len(long) and long.steps[at] == step:
            if bits(short.values[i]) != bits(long.values[at]):
                return False
            met = True
    return met


def bits(value: float) -> bytes:
    """A float such that NaN equals itself and 0.0 is not -0.0."""
    return array("d", (value,)).tobytes()
