"""What a reader makes of one file: the attempts in it, what was wrong, and where to read on."""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from explorer.metrics.series import Series, Trouble, settle, shown_name

MAX_LINE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Column:
    """One metric in file order: steps may repeat and fall back."""

    steps: array[float]
    values: array[float]
    walls: array[float]

    @classmethod
    def empty(cls) -> Column:
        return cls(array("d"), array("d"), array("d"))

    def copy(self) -> Column:
        return Column(self.steps[:], self.values[:], self.walls[:])

    def add(self, step: float, value: float, wall: float = math.nan) -> None:
        self.steps.append(step)
        self.values.append(value)
        self.walls.append(wall)


@dataclass(frozen=True, slots=True)
class Part:
    """The rows of one process in a file, and what the file tells of that process."""

    series: Mapping[str, Series]
    id: str = ""
    """What sets it apart from other parts of the same file."""
    started_s: float = math.nan
    restored_step: float | None = None
    carries: float | None = None
    """Its rows begin with those of the run that it resumed from: how many steps apart it saves; else None."""


class Reading(Protocol):
    """A file read so far; `resume_at` is where a reader wants the next bytes to start."""

    @property
    def file(self) -> str: ...
    @property
    def consumed(self) -> int: ...
    @property
    def resume_at(self) -> int: ...
    @property
    def troubles(self) -> tuple[Trouble, ...]: ...
    def parts(self) -> tuple[Part, ...]: ...


@dataclass(frozen=True, slots=True)
class Whole:
    """A file that is always read from its start."""

    file: str
    consumed: int = 0
    troubles: tuple[Trouble, ...] = ()
    found: tuple[Part, ...] = ()
    resume_at: int = field(default=0, init=False)

    def parts(self) -> tuple[Part, ...]:
        return self.found


def series_of(columns: Mapping[str, Column]) -> dict[str, Series]:
    """Columns in file order as series, under names that may reach a screen."""
    return {
        shown_name(name): settle(c.steps, c.values, c.walls) for name, c in columns.items() if len(c.steps)
    }


class Troubles:
    """Collects what is wrong with one file: for each kind of trouble the first offset and a count."""

    def __init__(self, file: str, before: tuple[Trouble, ...] = ()) -> None:
        self.file = file
        self._found = {t.message: t for t in before}

    def tell(self, offset: int, message: str, count: int = 1) -> None:
        known = self._found.get(message)
        first, so_far = (offset, 0) if known is None else (known.offset, known.count)
        self._found[message] = Trouble(self.file, first, message, so_far + count)

    def add(self, others: Troubles) -> None:
        for trouble in others.all():
            self.tell(trouble.offset, trouble.message, trouble.count)

    def all(self) -> tuple[Trouble, ...]:
        return tuple(self._found.values())
