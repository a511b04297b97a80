"""JSON Lines of metrics, ours and others': read in parts, good rows kept, bad ones told with their offset."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import accumulate

from explorer.metrics.number_lines import falls_back
from explorer.metrics.parsed import MAX_LINE_BYTES, Column, Part, Troubles, series_of
from explorer.metrics.series import Series, Trouble
from explorer.metrics.told import number

STEP_NAMES = ("step", "_step", "global_step", "iteration", "iter")
TIME_NAMES = ("time", "_timestamp", "timestamp", "wall_time")
MAX_COLUMNS = 2000
_FAST_FROM = 2000
"""Lines from which on numpy is worth it."""
_PIECE_BYTES = 1 << 20
"""So much is read at once: where a step falls back in it, so much is read row by row."""
MAX_STEP = float(2**53)
"""Beyond it whole steps cannot be told apart in a float."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What the first `consumed` bytes of a file said; hand it back to `read_rows` with the bytes behind."""

    file: str
    consumed: int = 0
    last_line: bytes = b""
    """The last complete line, newline included: proves that a grown file is still the same one."""
    columns: Mapping[str, Column] = field(default_factory=dict)
    troubles: tuple[Trouble, ...] = ()
    splits: tuple[Mapping[str, int], ...] = ()
    """Where another process went on in the same file: how many rows each metric had by then."""
    rewinds: bool = False
    """Whether a step that falls back means another process: not so in a file that one run wrote."""

    @property
    def resume_at(self) -> int:
        """Where to read from next, so that `read_rows` can check the last line again."""
        return self.consumed - len(self.last_line)

    def series(self) -> dict[str, Series]:
        return series_of(self.columns)

    def parts(self) -> tuple[Part, ...]:
        """One part a process: mostly one."""
        bounds = [*self.splits, {name: len(c.steps) for name, c in self.columns.items()}]
        made, before = [], dict[str, int]()
        for nth, bound in enumerate(bounds):
            cut = {
                name: Column(c.steps[start:stop], c.values[start:stop], c.walls[start:stop])
                for name, c in self.columns.items()
                if (start := before.get(name, 0)) < (stop := bound.get(name, 0))
            }
            made.append(
                Part(series_of(cut if self.splits else self.columns), str(nth) if self.splits else "")
            )
            before = dict(bound)
        return tuple(made)


def read_rows(data: bytes, before: Rows) -> Rows | None:
    """The rows of `before` and of `data`, which starts at `before.resume_at`; None if it is another file now.

    A torn last line is left for the next call. Cost: about 0.6 us a row of four numbers, 6 us for few rows.
    """
    if not data.startswith(before.last_line):
        return None
    read = _Reading(before)
    at = len(before.last_line)
    last = before.last_line
    if data.count(b"\n", at) >= _FAST_FROM:
        at, last = _take_large(data, at, read, before.resume_at)
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
    return replace(
        before,
        consumed=before.resume_at + at,
        last_line=kept,
        columns=read.columns,
        troubles=read.troubles.all(),
        splits=tuple(read.splits),
    )


def _take_large(data: bytes, at: int, read: _Reading, base: int) -> tuple[int, bytes]:
    """All complete lines from `at` on, piece by piece; where the next one begins, and the last one."""
    end = data.rindex(b"\n") + 1
    while at < end:
        stop = data.find(b"\n", min(at + _PIECE_BYTES, end - 1)) + 1
        piece = data[at:stop]
        if not _take_many(piece, read, base + at):
            for line in piece.split(b"\n")[:-1]:
                read.line(line + b"\n", base + at, torn_is_fine=False)
                at += len(line) + 1
        at = stop
    last = data[data.rfind(b"\n", 0, end - 1) + 1 : end]
    return end, last if last.strip() and len(last) <= MAX_LINE_BYTES else b""


def _take_many(piece: bytes, read: _Reading, offset: int) -> bool:
    """Complete lines by the thousand; False, with nothing taken, where a step falls back and that counts."""
    from explorer.metrics.flat_rows import columns_of, regular
    from explorer.metrics.mixed_rows import blocks_of

    found = blocks_of(piece)
    blocks, irregular = regular(found.blocks, STEP_NAMES, MAX_STEP)
    rest = _Reading(Rows(read.troubles.file))
    if found.odd or irregular:
        lines = found.lines or piece.split(b"\n")
        starts = list(accumulate(map(len, lines), lambda total, size: total + size + 1, initial=0))
        for number in sorted((*found.odd, *irregular)):
            rest.number = number
            rest.line(lines[number], offset + starts[number], torn_is_fine=False)
    columns = columns_of(
        blocks, STEP_NAMES, TIME_NAMES, {n: (c, rest.numbers[n]) for n, c in rest.columns.items()}
    )
    if read.rewinds and any(read.would_fall_back(name, column) for name, column in columns.items()):
        return False
    read.troubles.add(rest.troubles)
    for name, column in columns.items():
        whole = read.own(name, offset)
        if whole is not None:
            whole.steps.extend(column.steps)
            whole.values.extend(column.values)
            whole.walls.extend(column.walls)
    return True


class _Reading:
    def __init__(self, before: Rows) -> None:
        # columns are copied when first written to: `before` may still be in somebody's hands
        self.columns: dict[str, Column] = dict(before.columns)
        self._fresh: set[str] = set()
        self.troubles = Troubles(before.file, before.troubles)
        self.splits = list(before.splits)
        self.rewinds = before.rewinds
        self.number: int | None = None
        """The number of the line being read, where somebody wants to know which rows came of it."""
        self.numbers: dict[str, list[int]] = {}

    def would_fall_back(self, name: str, column: Column) -> bool:
        known = self.columns.get(name)
        steps = column.steps if known is None else known.steps[-1:] + column.steps
        return falls_back(steps)

    def line(self, line: bytes, offset: int, *, torn_is_fine: bool) -> bool:
        """Take one line in; False when it is torn, that is, not all of it has been written yet."""
        if len(line) > MAX_LINE_BYTES:
            if not torn_is_fine:
                self.troubles.tell(offset, f"a line longer than {MAX_LINE_BYTES >> 20} MiB was skipped")
            return not torn_is_fine
        if not line.strip():
            return True
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            if not torn_is_fine:
                self.troubles.tell(offset, "not JSON")
            return not torn_is_fine
        if isinstance(row, dict):
            self._row(row, offset)
        elif torn_is_fine:
            return False
        else:
            self.troubles.tell(offset, "not a JSON object")
        return True

    def _row(self, row: dict[str, object], offset: int) -> None:
        step_name = next((name for name in STEP_NAMES if name in row), None)
        step = self._step(row[step_name], offset) if step_name else None
        if step is None:
            if step_name is None:
                self.troubles.tell(offset, "a row without a step")
            return
        time_name = next((name for name in TIME_NAMES if name in row), None)
        wall = number(row[time_name]) if time_name else None
        wall = math.nan if wall is None else wall
        if self.rewinds and self._falls_back(row, step):
            self.splits.append({name: len(c.steps) for name, c in self.columns.items()})
        for name, value in row.items():
            if name in (step_name, time_name):
                continue
            if type(value) is not float and (value := number(value)) is None:
                continue
            column = self.own(name, offset)
            if column is None:
                continue
            column.add(step, value, wall)
            if self.number is not None:
                self.numbers.setdefault(name, []).append(self.number)

    def _falls_back(self, row: dict[str, object], step: float) -> bool:
        since = self.splits[-1] if self.splits else {}
        return any(
            (column := self.columns.get(name)) is not None
            and len(column.steps) > since.get(name, 0)
            and column.steps[-1] > step
            and number(value) is not None
            for name, value in row.items()
        )

    def own(self, name: str, offset: int) -> Column | None:
        """The column of a metric, ours to write to; None where there are too many."""
        column = self.columns.get(name)
        if column is not None and name in self._fresh:
            return column
        if column is None and len(self.columns) >= MAX_COLUMNS:
            self.troubles.tell(offset, f"more than {MAX_COLUMNS} metrics: the others were left out")
            return None
        column = Column.empty() if column is None else column.copy()
        self.columns[name] = column
        self._fresh.add(name)
        return column

    def _step(self, told: object, offset: int) -> float | None:
        if isinstance(told, str):
            self.troubles.tell(offset, "steps are written as text")
        step = number(told)
        if step is None or not math.isfinite(step):
            self.troubles.tell(offset, "a step that is not a number")
        elif step < 0:
            self.troubles.tell(offset, "a negative step")
        elif step > MAX_STEP:
            self.troubles.tell(offset, "a step beyond 2^53")
        else:
            return step
        return None
