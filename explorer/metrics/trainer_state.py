"""`trainer_state.json` of the Hugging Face Trainer: each holds the whole history up to its checkpoint.

Source: transformers 5.23, TrainerState. NaN and Infinity stand in it as bare words. `loss` is the mean since
the row before. A resumed run carries the rows of the run before on, so that the newest file of a folder says
all that its run is known to have logged.
"""

from __future__ import annotations

import json
import math
from typing import Any

from explorer.metrics.parsed import Column, Part, Troubles, Whole, series_of
from explorer.metrics.rows import MAX_COLUMNS, MAX_STEP, number

_FAST_FROM = 2000  # rows


def read_trainer_state(data: bytes, before: Whole) -> Whole:
    """The log history of one trainer state. Cost: that of parsing JSON, and half of it again."""
    troubles = Troubles(before.file)
    try:
        state = parse_json(data)
    except (ValueError, RecursionError) as error:
        troubles.tell(getattr(error, "pos", 0), "not JSON, or cut off")
        return Whole(before.file, len(data), troubles.all())
    history = state.get("log_history") if isinstance(state, dict) else None
    if not isinstance(history, list):
        troubles.tell(0, "a trainer state without a log history")
        return Whole(before.file, len(data), troubles.all())
    if len(history) >= _FAST_FROM:
        columns = _columns(history, troubles)
    else:
        columns = {}
        for row in history:
            _take(row, columns, troubles)
    part = Part(series_of(columns), carries=_cadence(state))
    return Whole(before.file, len(data), troubles.all(), (part,))


def _columns(history: list[Any], troubles: Troubles) -> dict[str, Column]:
    """The rows by the thousand where they are regular, and the others one by one."""
    from explorer.metrics.lines_fast import blocks_of_rows, columns_of, regular

    blocks, odd = blocks_of_rows(history)
    blocks, irregular = regular(blocks, ("step",), MAX_STEP)
    rest: dict[str, Column] = {}
    numbers: dict[str, list[int]] = {}
    for at in sorted((*odd, *irregular)):
        for name in _take(history[at], rest, troubles):
            numbers.setdefault(name, []).append(at)
    return columns_of(blocks, ("step",), (), {name: (c, numbers[name]) for name, c in rest.items()})


def parse_json(data: bytes) -> Any:
    """JSON, fast where `orjson` is installed and takes it (it refuses NaN), else by the standard library."""
    try:
        import orjson  # type: ignore[import-not-found, unused-ignore]

        return orjson.loads(data)
    except ValueError:
        return json.loads(data)
    except ImportError:
        return json.loads(data)


def _cadence(state: dict[str, Any]) -> float:
    saves = number(state.get("save_steps"))  # a share of all steps where it is below 1
    return saves if saves is not None and saves >= 1 else 1.0


def _take(row: object, columns: dict[str, Column], troubles: Troubles) -> list[str]:
    """One row into columns; the metrics that it had."""
    if not isinstance(row, dict):
        troubles.tell(0, "a row that is not an object")
        return []
    step = number(row.get("step"))
    if step is None or not math.isfinite(step) or not 0 <= step <= MAX_STEP:
        troubles.tell(0, "a row whose step is no step")
        return []
    taken = []
    for name, told in row.items():
        value = None if name == "step" else number(told)
        if value is None:
            continue
        if name not in columns:
            if len(columns) >= MAX_COLUMNS:
                troubles.tell(0, f"more than {MAX_COLUMNS} metrics: the others were left out")
                continue
            columns[name] = Column.empty()
        columns[name].add(step, value)
        taken.append(name)
    return taken
