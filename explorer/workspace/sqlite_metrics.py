"""Metrics in SQLite files, MLflow's and trackio's: read from memory, never written, never on disk."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from explorer.metrics.parsed import Column, Part, Troubles, Whole, series_of
from explorer.metrics.rows import MAX_STEP
from explorer.metrics.sources import Kind
from explorer.metrics.told import number

if TYPE_CHECKING:
    import sqlite3

_MAGIC = b"SQLite format 3\0"
# MLflow keeps NaN as 0 with is_nan set; both trackers may hold a step twice: the newest counts
_MLFLOW = (
    "SELECT run_uuid, step, timestamp / 1000.0, key, CASE WHEN is_nan THEN 'nan' ELSE value END FROM metrics"
)
_TRACKIO = "SELECT run_name, step, timestamp, metrics FROM metrics ORDER BY id"

_Row = tuple[str, float, float, str, float]
"""Run, step, wall seconds, metric, value."""


def read_sqlite(data: bytes, before: Whole) -> Whole:
    """The runs of one database, a part each. Cost: the file once more in memory."""
    import sqlite3

    troubles = Troubles(before.file)
    rows: list[_Row] = []
    try:
        rows = _rows(data, troubles)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        troubles.tell(0, f"not a database that can be read: {error}")
    runs: dict[str, dict[str, Column]] = {}
    for run, step, wall, name, value in sorted(rows, key=lambda r: r[2] if r[2] == r[2] else 0.0):
        if math.isfinite(step) and 0 <= step <= MAX_STEP:
            runs.setdefault(run, {}).setdefault(name, Column.empty()).add(step, value, wall)
        else:
            troubles.tell(0, "a row whose step is no step")
    parts = tuple(Part(series_of(columns), run, _start(columns.values())) for run, columns in runs.items())
    return Whole(before.file, len(data), troubles.all(), parts)


def _rows(data: bytes, troubles: Troubles) -> list[_Row]:
    import sqlite3

    if not data.startswith(_MAGIC):
        troubles.tell(0, "not an SQLite file")
        return []
    if data[18:20] == b"\x02\x02":  # write-ahead mode needs files beside it; in memory there are none
        data = data[:18] + b"\x01\x01" + data[20:]
    database = sqlite3.connect(":memory:")
    try:
        database.deserialize(data)
        database.execute("PRAGMA query_only=1")
        columns = {row[1] for row in database.execute("PRAGMA table_info(metrics)")}
        if {"run_uuid", "key", "value", "is_nan"} <= columns:
            return [(str(r), _f(s), _f(w), str(k), _f(v)) for r, s, w, k, v in database.execute(_MLFLOW)]
        if {"run_name", "step", "metrics"} <= columns:
            return list(_trackio(database, troubles))
    finally:
        database.close()
    troubles.tell(0, "a database without metrics that are known here")
    return []


def _trackio(database: sqlite3.Connection, troubles: Troubles) -> Iterator[_Row]:
    from explorer.metrics.runs import seconds

    for run, step, timestamp, told in database.execute(_TRACKIO):
        try:
            row = json.loads(told)
        except (ValueError, TypeError, RecursionError):
            troubles.tell(0, "metrics that are not JSON")
            continue
        for name, value in row.items() if isinstance(row, dict) else ():
            if (found := number(value)) is not None:
                yield str(run), _f(step), seconds(timestamp), name, found


def _f(value: object) -> float:
    found = number(value)
    return math.nan if found is None else found


def _start(columns: Iterable[Column]) -> float:
    return min((w for c in columns for w in c.walls[:1] if w == w), default=math.nan)


SQLITE = Kind("sqlite", re.compile(r"(?:.*/)?[^/]+\.(?:db|sqlite3?)", re.IGNORECASE), Whole, read_sqlite)
