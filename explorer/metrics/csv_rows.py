"""CSV of metrics: Lightning's CSVLogger (train and validation rows apart), or any with a step column."""

from __future__ import annotations

import csv
import itertools
import math
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from explorer.metrics.number_lines import falls_back, read_numbers
from explorer.metrics.parsed import MAX_LINE_BYTES, Column, Part, Troubles, Whole, series_of
from explorer.metrics.rows import MAX_COLUMNS, MAX_STEP, STEP_NAMES, TIME_NAMES
from explorer.metrics.told import number

_FAST_FROM_BYTES = 200_000
_PIECE_BYTES = 4 << 20
_NOT_LAYOUT = bytes(set(range(256)) - set(b",\n"))


def read_csv(data: bytes, before: Whole) -> Whole:
    """The metrics of one CSV file; a step that falls back begins the rows of another process.

    Cost: about 2 us a cell, 0.05 us where a large file is all numbers.
    """
    troubles = Troubles(before.file)
    large = len(data) >= _FAST_FROM_BYTES
    lines = _lines(data[: 2 * MAX_LINE_BYTES] if large else data, 0, troubles)
    at, first = next(lines, (0, ""))
    header = next(csv.reader([first]), [])
    step_at = _find(header, STEP_NAMES)
    if step_at is None:
        troubles.tell(0, "no step column")
        return Whole(before.file, len(data), troubles.all())
    layout = _Layout(header, step_at, _find(header, TIME_NAMES), _metrics(header, step_at, troubles))
    rows = _Rows(layout, troubles)
    begin = data.find(b"\n", at) + 1
    if not large:
        rows.take(lines)
    elif begin and b"\r" not in data[at : begin - 2]:
        _take_large(data, begin, rows)
    else:  # lines that end as they did on the first Macs
        rows.take(itertools.islice(_lines(data, 0, troubles), 1, None))
    several = len(rows.parts) > 1
    made = tuple(Part(series_of(c), str(i) if several else "") for i, c in enumerate(rows.parts))
    return Whole(before.file, len(data), troubles.all(), made)


@dataclass(frozen=True, slots=True)
class _Layout:
    """What the header tells: where the step and the time are, and the metrics by column."""

    header: list[str]
    step_at: int
    wall_at: int | None
    names: dict[int, str]


class _Rows:
    """Rows taken so far: columns of metrics, for each process that wrote the file."""

    def __init__(self, layout: _Layout, troubles: Troubles) -> None:
        self.layout, self.troubles = layout, troubles
        self.parts: list[dict[str, Column]] = [{}]

    def take(self, lines: Iterable[tuple[int, str]]) -> None:
        """Rows one by one, with their offsets."""
        header, names = self.layout.header, self.layout.names
        for offset, line in lines:
            cells = next(csv.reader([line]), [])
            if cells == header:
                continue  # written again by a process that went on in the same file
            if len(cells) != len(header):
                self.troubles.tell(offset, f"a row of {len(cells)} cells under a header of {len(header)}")
                continue
            step = number(cells[self.layout.step_at])
            if step is None or not math.isfinite(step) or not 0 <= step <= MAX_STEP:
                self.troubles.tell(offset, "a row whose step is no step")
                continue
            wall = number(cells[self.layout.wall_at]) if self.layout.wall_at is not None else None
            found = {names[k]: v for k in names if cells[k] and (v := number(cells[k])) is not None}
            if any(name in self.parts[-1] and self.parts[-1][name].steps[-1] > step for name in found):
                self.parts.append({})
            for name, value in found.items():
                column = self.parts[-1].setdefault(name, Column.empty())
                column.add(step, value, math.nan if wall is None else wall)

    def take_columns(self, found: dict[str, Column]) -> bool:
        """Many rows at once; False, with nothing taken, where a step falls back in them."""
        for name, column in found.items():
            known = self.parts[-1].get(name)
            steps = array("d", known.steps[-1:]) + column.steps if known is not None else column.steps
            if falls_back(steps):
                return False
        for name, column in found.items():
            whole = self.parts[-1].setdefault(name, Column.empty())
            whole.steps.extend(column.steps)
            whole.values.extend(column.values)
            whole.walls.extend(column.walls)
        return True


def _take_large(data: bytes, at: int, rows: _Rows) -> None:
    """The rows from `at` on, piece by piece: where one is not all numbers it is read row by row."""
    end = data.rfind(b"\n") + 1
    while at < end:
        stop = data.find(b"\n", min(at + _PIECE_BYTES, end - 1)) + 1
        columns = _columns(data[at:stop], rows.layout)
        if columns is None or not rows.take_columns(columns):
            rows.take(_lines(data[at:stop], at, rows.troubles))
        at = stop
    rows.take(_lines(data[at:], at, rows.troubles))


def _columns(piece: bytes, layout: _Layout) -> dict[str, Column] | None:
    """Whole rows at once; None where they are not all numbers, or not all as long as the header."""
    import numpy as np

    cells = len(layout.header)
    count = piece.count(b"\n")
    if piece.translate(None, _NOT_LAYOUT) != (b"," * (cells - 1) + b"\n") * count:
        return None
    numbers = read_numbers(piece, cells, behind=b"\n")
    if numbers is None:
        return None
    steps = numbers[:, layout.step_at]
    walls = numbers[:, layout.wall_at] if layout.wall_at is not None else np.full(count, np.nan)
    if not ((steps >= 0) & (steps <= MAX_STEP)).all():
        return None
    found: dict[str, Column] = {}
    for k, name in layout.names.items():
        values = numbers[:, k]
        there = ~np.isnan(values)  # an empty cell: NaN in words is read row by row
        kept = (steps, values, walls) if there.all() else (steps[there], values[there], walls[there])
        if len(kept[0]):
            found[name] = Column(*(array("d", np.ascontiguousarray(c).tobytes()) for c in kept))
    return found


def _lines(data: bytes, at: int, troubles: Troubles) -> Iterator[tuple[int, str]]:
    """Lines of bytes that stand at `at` in the file, with offsets; the last one only if it is complete."""
    for raw in data.splitlines(keepends=True):
        complete = raw.endswith((b"\n", b"\r"))
        if len(raw) > MAX_LINE_BYTES:
            troubles.tell(at, f"a line longer than {MAX_LINE_BYTES >> 20} MiB was skipped")
        elif not complete and at:
            pass  # torn: it is still being written
        elif raw.strip():
            yield at, raw.decode("utf-8", "replace").lstrip("\ufeff").rstrip("\r\n")
        at += len(raw)


def _find(header: list[str], names: tuple[str, ...]) -> int | None:
    lower = [cell.strip().lower() for cell in header]
    return next((lower.index(name) for name in names if name in lower), None)


def _metrics(header: list[str], step_at: int, troubles: Troubles) -> dict[int, str]:
    """Metric names by column; of columns with one name the first counts."""
    names: dict[int, str] = {}
    for k, cell in enumerate(header[:MAX_COLUMNS]):
        name = cell.strip()
        if k == step_at or name.lower() in TIME_NAMES or not name:
            continue
        if name in names.values():
            troubles.tell(0, f"two columns named {name[:40]}: the first one counts")
        else:
            names[k] = name
    return names
