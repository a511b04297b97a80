"""JSON Lines of metrics, ours and others': read in parts, good rows kept, bad ones told with their offset."""

from __future__ import annotations

import json
import math
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field

from explorer.metrics.series import Series, Trouble, settle, shown_name

STEP_NAMES = ("step", "_step", "global_step", "iteration", "iter")
TIME_NAMES = ("time", "_timestamp", "timestamp", "wall_time")
MAX_LINE_BYTES = 1 << 20
MAX_COLUMNS = 2000
MAX_STEP = float(2**53)
"""Beyond it whole steps cannot be told apart in a float."""

_NON_FINITE = {
    "nan": math.nan,
    "inf": math.inf,
    "infinity": math.inf,
    "-inf": -math.inf,
    "-infinity": -math.inf,
}


@dataclass(frozen=True, slots=True)
class Column:
    """One metric in file order: steps may repeat and fall back."""

    steps: array[float]
    values: array[float]
    walls: array[float]


@dataclass(frozen=True, slots=True)
class Rows:
    """What the first `consumed` bytes of a file said; hand it back to `read_rows` with the bytes behind."""

    file: str
    consumed: int = 0
    last_line: bytes = b""
    """The last complete line, newline included: proves that a grown file is still the same one."""
    columns: Mapping[str, Column] = field(default_factory=dict)
    troubles: tuple[Trouble, ...] = ()

    @property
    def resume_at(self) -> int:
        """Where to read from next, so that `read_rows` can check the last line again."""
        return self.consumed - len(self.last_line)

    def series(self) -> dict[str, Series]:
        return {shown_name(name): settle(c.steps, c.values, c.walls) for name, c in self.columns.items()}


def read_rows(data: bytes, before: Rows) -> Rows | None:
    """The rows of `before` and of `data`, which starts at `before.resume_at`; None if it is another file now.

    A torn last line is left for the next call. Cost: about 4 us a row of four numbers.
    """
    if not data.startswith(before.last_line):
        return None
    read = _Reading(before)
    at = len(before.last_line)
    last = before.last_line
    while at < len(data):
        end = data.find(b"\n", at)
        line = data[at : end + 1] if end >= 0 else data[at:]
        complete = read.line(line, before.resume_at + at, torn_is_fine=end < 0)
        if not complete:
            break
        if line.strip():
            last = line if len(line) <= MAX_LINE_BYTES else b""
        at += len(line)
    kept = last if data[:at].endswith(last) else b""
    return Rows(before.file, before.resume_at + at, kept, read.columns, tuple(read.troubles.values()))


class _Reading:
    def __init__(self, before: Rows) -> None:
        self._file = before.file
        # columns are copied when first written to: `before` may still be in somebody's hands
        self.columns: dict[str, Column] = dict(before.columns)
        self._fresh: set[str] = set()
        self.troubles: dict[str, Trouble] = {t.message: t for t in before.troubles}

    def line(self, line: bytes, offset: int, *, torn_is_fine: bool) -> bool:
        """Take one line in; False when it is torn, that is, not all of it has been written yet."""
        if len(line) > MAX_LINE_BYTES:
            if not torn_is_fine:
                self._tell(offset, f"a line longer than {MAX_LINE_BYTES >> 20} MiB was skipped")
            return not torn_is_fine
        if not line.strip():
            return True
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            if not torn_is_fine:
                self._tell(offset, "not JSON")
            return not torn_is_fine
        if isinstance(row, dict):
            self._row(row, offset)
        elif torn_is_fine:
            return False
        else:
            self._tell(offset, "not a JSON object")
        return True

    def _row(self, row: dict[str, object], offset: int) -> None:
        step_name = next((name for name in STEP_NAMES if name in row), None)
        step = self._step(row[step_name], offset) if step_name else None
        if step is None:
            if step_name is None:
                self._tell(offset, "a row without a step")
            return
        time_name = next((name for name in TIME_NAMES if name in row), None)
        wall = number(row[time_name]) if time_name else None
        wall = math.nan if wall is None else wall
        for name, value in row.items():
            if name in (step_name, time_name):
                continue
            if type(value) is not float and (value := number(value)) is None:
                continue
            column = self.columns.get(name)
            if column is None or name not in self._fresh:
                column = self._open(name, column, offset)
                if column is None:
                    continue
            column.steps.append(step)
            column.values.append(value)
            column.walls.append(wall)

    def _open(self, name: str, column: Column | None, offset: int) -> Column | None:
        if column is None and len(self.columns) >= MAX_COLUMNS:
            self._tell(offset, f"more than {MAX_COLUMNS} metrics: the others were left out")
            return None
        if column is None:
            column = Column(array("d"), array("d"), array("d"))
        else:
            column = Column(column.steps[:], column.values[:], column.walls[:])
        self.columns[name] = column
        self._fresh.add(name)
        return column

    def _step(self, told: object, offset: int) -> float | None:
        if isinstance(told, str):
            self._tell(offset, "steps are written as text")
        step = number(told)
        if step is None or not math.isfinite(step):
            self._tell(offset, "a step that is not a number")
        elif step < 0:
            self._tell(offset, "a negative step")
        elif step > MAX_STEP:
            self._tell(offset, "a step beyond 2^53")
        else:
            return step
        return None

    def _tell(self, offset: int, message: str) -> None:
        known = self.troubles.get(message)
        first, count = (offset, 1) if known is None else (known.offset, known.count + 1)
        self.troubles[message] = Trouble(self._file, first, message, count)


def number(value: object) -> float | None:
    """A JSON value as a metric: numbers, and text that says a number (`NaN` as some trackers write it)."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        try:
            return float(value)
        except OverflowError:
            return math.inf if value > 0 else -math.inf
    if isinstance(value, str) and len(value) <= 32:
        known = _NON_FINITE.get(value.strip().lower())
        if known is not None:
            return known
        try:
            return float(value)
        except ValueError:
            return None
    return None
