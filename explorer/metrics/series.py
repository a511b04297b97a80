"""The values of the room: columns of numbers, attempts that wrote them, and what was wrong with a file.

Numbers live in stdlib arrays: they slice with memcpy, `bisect` walks them, numpy views them without a copy,
and the first paint needs no numpy.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from explorer.lineage.address import Node
from explorer.lineage.values import Overrides


@dataclass(frozen=True, slots=True)
class Series:
    """One metric over steps. `steps` rise strictly; `walls` are UNIX seconds, NaN where unknown."""

    steps: array[float]
    values: array[float]
    walls: array[float]

    def __len__(self) -> int:
        return len(self.steps)

    def cut(self, start: int, stop: int) -> Series:
        """Rows `start` to `stop`; the series itself when that is all of it."""
        if start == 0 and stop == len(self.steps):
            return self
        return Series(self.steps[start:stop], self.values[start:stop], self.walls[start:stop])


_FAST_FROM = 5000
"""Rows from which on numpy is worth it."""

EMPTY = Series(array("d"), array("d"), array("d"))


@dataclass(frozen=True, slots=True)
class Trouble:
    """Rows of a file that could not be used: the first of `count` stands at byte `offset`."""

    file: str
    offset: int
    message: str
    count: int = 1

    def __str__(self) -> str:
        more = f" (and {self.count - 1} more)" if self.count > 1 else ""
        return f"{self.file} at byte {self.offset}: {self.message}{more}"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One process writing metrics to one bucket: a run, an event file, a version folder.

    `restored_step` is the number of optimizer steps in the checkpoint that it resumed from, None where
    nothing tells; `fresh` says that it is known to have started from nothing.
    """

    id: str
    bucket: str
    series: Mapping[str, Series]
    started_s: float = math.nan
    source: Node | None = None
    restored_step: float | None = None
    fresh: bool = False
    key: str = ""
    carries: float | None = None
    """Its rows begin with those of the run that it resumed from: how many steps apart it saves; else None."""
    backfilled: int = 0
    recovered_from: str = ""
    """The snapshot that its file was still in: a later process wrote over it, or deleted it."""
    config: Overrides = ()
    """Its hyperparameters, flattened, as far as it tells them."""
    troubles: tuple[Trouble, ...] = field(default=())

    @property
    def first_step(self) -> float:
        """The lowest step of any metric; +inf where there is no row."""
        return min((s.steps[0] for s in self.series.values() if len(s)), default=math.inf)

    @property
    def last_step(self) -> float:
        return max((s.steps[-1] for s in self.series.values() if len(s)), default=-math.inf)

    @property
    def wall_span(self) -> tuple[float, float] | None:
        """Wall seconds of the first and the last row, None where rows carry no time."""
        seen = [w for s in self.series.values() for w in (*s.walls[:1], *s.walls[-1:]) if w == w]
        return (min(seen), max(seen)) if seen else None

    @property
    def order(self) -> tuple[float, float, str]:
        """Attempts of one bucket sort by when they started; rows tell where the run file does not."""
        span = self.wall_span
        started = self.started_s if self.started_s == self.started_s else (span[0] if span else math.inf)
        return started, self.first_step, self.id


def shown_name(name: str) -> str:
    """A name from a file as it may reach a screen: nothing that controls or turns text, and not endless."""
    clean = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name[:201])
    return clean if len(clean) <= 200 else clean[:199] + "…"


def settle(steps: array[float], values: array[float], walls: array[float]) -> Series:
    """Rows in file order as a series: sorted by step, and of one step the last row wins."""
    if len(steps) >= _FAST_FROM:
        return _settle_many(steps, values, walls)
    if all(map(float.__lt__, steps[:-1], steps[1:])):
        return Series(steps, values, walls)
    last = {step: i for i, step in enumerate(steps)}
    order = [last[step] for step in sorted(last)]
    return Series(_pick(steps, order), _pick(values, order), _pick(walls, order))


@dataclass(frozen=True, slots=True)
class Stretch:
    """Rows `start` to `stop` of a series that others may share."""

    series: Series
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start

    def column(self, name: str) -> memoryview:
        """One of `steps`, `values` and `walls`, not copied."""
        return memoryview(getattr(self.series, name))[self.start : self.stop]


def join(stretches: Sequence[Stretch], name: str) -> array[float]:
    """One column of stretches as a whole; that of a single whole series is not copied."""
    if len(stretches) == 1 and len(stretches[0]) == len(stretches[0].series):
        only: array[float] = getattr(stretches[0].series, name)
        return only
    whole = array("d", bytes(8)) * sum(map(len, stretches))
    view, at = memoryview(whole), 0
    for stretch in stretches:
        view[at : at + len(stretch)] = stretch.column(name)
        at += len(stretch)
    return whole


def _settle_many(steps: array[float], values: array[float], walls: array[float]) -> Series:
    import numpy as np

    told = np.frombuffer(steps)
    if (told[1:] > told[:-1]).all():
        return Series(steps, values, walls)
    _, backwards = np.unique(told[::-1], return_index=True)
    order = len(told) - 1 - backwards
    picked = (array("d", np.frombuffer(column)[order].tobytes()) for column in (steps, values, walls))
    return Series(*picked)


def _pick(column: array[float], order: list[int]) -> array[float]:
    return array("d", [column[i] for i in order])
