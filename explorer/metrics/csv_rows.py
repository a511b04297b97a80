"""CSV of metrics: Lightning's CSVLogger (train and validation rows apart), or any with a step column."""

from __future__ import annotations

import csv
import math
from array import array
from collections.abc import Iterator

from explorer.metrics.parsed import Column, Part, Troubles, Whole, series_of
from explorer.metrics.rows import MAX_COLUMNS, MAX_STEP, STEP_NAMES, TIME_NAMES, number

_MAX_LINE = 1 << 20
_FAST_FROM_BYTES = 200_000


def read_csv(data: bytes, before: Whole) -> Whole:
    """The metrics of one CSV file; a step that falls back begins the rows of another process.

    Cost: about 2 us a cell, 0.2 us in a large regular file.
    """
    troubles = Troubles(before.file)
    lines = _lines(data, troubles)
    _, first = next(lines, (0, ""))
    header = next(csv.reader([first]), [])
    step_at = _find(header, STEP_NAMES)
    if step_at is None:
        troubles.tell(0, "no step column")
        return Whole(before.file, len(data), troubles.all())
    names = _metrics(header, step_at, troubles)
    wall_at = _find(header, TIME_NAMES)
    if len(data) >= _FAST_FROM_BYTES:
        columns = _columns(data, header, step_at, wall_at, names)
        if columns is not None:
            return Whole(before.file, len(data), troubles.all(), (Part(series_of(columns)),))
    parts: list[dict[str, Column]] = [{}]
    for offset, line in lines:
        cells = next(csv.reader([line]), [])
        if cells == header:
            continue  # written again by a process that went on in the same file
        if len(cells) != len(header):
            troubles.tell(offset, f"a row of {len(cells)} cells under a header of {len(header)}")
            continue
        step = number(cells[step_at])
        if step is None or not math.isfinite(step) or not 0 <= step <= MAX_STEP:
            troubles.tell(offset, "a row whose step is no step")
            continue
        wall = number(cells[wall_at]) if wall_at is not None else None
        found = {names[k]: v for k in names if cells[k] and (v := number(cells[k])) is not None}
        columns = parts[-1]
        if any(name in columns and columns[name].steps[-1] > step for name in found):
            columns = {}
            parts.append(columns)
        for name, value in found.items():
            columns.setdefault(name, Column.empty()).add(step, value, math.nan if wall is None else wall)
    several = len(parts) > 1
    made = tuple(Part(series_of(c), str(i) if several else "") for i, c in enumerate(parts))
    return Whole(before.file, len(data), troubles.all(), made)


def _columns(
    data: bytes, header: list[str], step_at: int, wall_at: int | None, names: dict[int, str]
) -> dict[str, Column] | None:
    """A large file by pandas; None where it is not all numbers or a step falls back: then rows are read."""
    from io import BytesIO

    import numpy as np
    import pandas as pd

    complete = data[: data.rfind(b"\n") + 1]
    # values are compared bit for bit: from 3.1 on pandas rounds as Python does, before it has to be asked to
    exact = (
        {} if tuple(map(int, pd.__version__.split(".")[:2])) >= (3, 1) else {"float_precision": "round_trip"}
    )
    try:
        frame = pd.read_csv(
            BytesIO(complete),
            header=0,
            names=list(range(len(header))),
            index_col=False,
            keep_default_na=False,
            na_values=[""],
            engine="c",
            **exact,
        )
    except (ValueError, OverflowError):
        return None
    if any(kind.kind not in "fi" for kind in frame.dtypes):
        return None
    steps = frame[step_at].to_numpy(np.float64)
    walls = frame[wall_at].to_numpy(np.float64) if wall_at is not None else np.full(len(frame), np.nan)
    if not ((steps >= 0) & (steps <= MAX_STEP)).all():
        return None
    found: dict[str, Column] = {}
    for k, name in names.items():
        values = frame[k].to_numpy(np.float64)
        there = ~np.isnan(values)
        if (np.diff(steps[there]) < 0).any():
            return None
        found[name] = Column(*(array("d", c[there].tobytes()) for c in (steps, values, walls)))
    return found


def _lines(data: bytes, troubles: Troubles) -> Iterator[tuple[int, str]]:
    """Lines with their offsets; the last one only if it is complete."""
    at = 0
    for raw in data.splitlines(keepends=True):
        complete = raw.endswith((b"\n", b"\r"))
        if len(raw) > _MAX_LINE:
            troubles.tell(at, f"a line longer than {_MAX_LINE >> 20} MiB was skipped")
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
