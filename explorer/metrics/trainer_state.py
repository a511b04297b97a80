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


def read_trainer_state(data: bytes, before: Whole) -> Whole:
    """The log history of one trainer state. Cost: the standard `json`, about 4 us a row."""
    troubles = Troubles(before.file)
    try:
        state = json.loads(data)
    except (ValueError, RecursionError) as error:
        troubles.tell(getattr(error, "pos", 0), "not JSON, or cut off")
        return Whole(before.file, len(data), troubles.all())
    history = state.get("log_history") if isinstance(state, dict) else None
    if not isinstance(history, list):
        troubles.tell(0, "a trainer state without a log history")
        return Whole(before.file, len(data), troubles.all())
    columns: dict[str, Column] = {}
    for row in history:
        if isinstance(row, dict):
            _take(row, columns, troubles)
        else:
            troubles.tell(0, "a row that is not an object")
    saves = number(state.get("save_steps"))  # a share of all steps where it is below 1
    part = Part(series_of(columns), carries=saves if saves is not None and saves >= 1 else 1.0)
    return Whole(before.file, len(data), troubles.all(), (part,))


def _take(row: dict[str, Any], columns: dict[str, Column], troubles: Troubles) -> None:
    step = number(row.get("step"))
    if step is None or not math.isfinite(step) or not 0 <= step <= MAX_STEP:
        troubles.tell(0, "a row whose step is no step")
        return
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
