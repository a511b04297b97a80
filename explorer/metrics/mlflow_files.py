"""MLflow's file store: `mlruns/<experiment>/<run>/metrics/<name>`, lines of `timestamp_ms value step`."""

from __future__ import annotations

import math

from explorer.metrics.parsed import Column, Part, Troubles, Whole, series_of
from explorer.metrics.rows import MAX_STEP
from explorer.metrics.told import number


def read_mlflow_file(data: bytes, before: Whole) -> Whole:
    """The values of one metric; of one step the newest counts. Its name is in the key, not in the file."""
    troubles = Troubles(before.file)
    rows: list[tuple[float, int, float, float]] = []
    at = 0
    for line in data.splitlines(keepends=True):
        cells = line.split()
        found = [number(cell.decode("ascii", "replace")) for cell in cells[:3]]
        if len(cells) >= 2 and None not in found:
            wall, value, step = (*(f for f in found if f is not None), 0.0)[:3]
            if math.isfinite(step) and 0 <= step <= MAX_STEP:
                rows.append((wall / 1000, len(rows), step, value))
            else:
                troubles.tell(at, "a row whose step is no step")
        elif cells and line.endswith(b"\n"):
            troubles.tell(at, "not a line of a metric")
        at += len(line)
    column = Column.empty()
    for wall, _, step, value in sorted(rows):
        column.add(step, value, wall)
    part = Part(series_of({"value": column}), started_s=min((r[0] for r in rows), default=math.nan))
    return Whole(before.file, len(data), troubles.all(), (part,))
