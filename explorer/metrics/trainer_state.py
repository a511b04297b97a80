"""`trainer_state.json` of the Hugging Face Trainer: each holds the whole history up to its checkpoint.

Source: transformers 5.23, TrainerState. NaN and Infinity stand in it as bare words. `loss` is the mean since
the row before. A resumed run carries the rows of the run before on, so that the newest file of a folder says
all that its run is known to have logged.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

from explorer.metrics.parsed import Column, Part, Troubles, Whole, series_of
from explorer.metrics.rows import MAX_COLUMNS, MAX_STEP
from explorer.metrics.told import number

if TYPE_CHECKING:
    from explorer.metrics.flat_rows import Blocks

_LARGE_BYTES = 500_000
_HISTORY = re.compile(rb'"log_history"\s*:\s*\[')
_JOINT = re.compile(rb"\}\s*,\s*\{")


def read_trainer_state(data: bytes, before: Whole) -> Whole:
    """The log history of one trainer state. Cost: half of parsing it as JSON, where rows are alike."""
    troubles = Troubles(before.file)
    known = _large(data, troubles) if len(data) >= _LARGE_BYTES else None
    if known is not None:
        state, columns = known
        return Whole(
            before.file, len(data), troubles.all(), (Part(series_of(columns), carries=_cadence(state)),)
        )
    try:
        state = parse_json(data)
    except (ValueError, RecursionError) as error:
        troubles.tell(getattr(error, "pos", 0), "not JSON, or cut off")
        return Whole(before.file, len(data), troubles.all())
    history = state.get("log_history") if isinstance(state, dict) else None
    if not isinstance(history, list):
        troubles.tell(0, "a trainer state without a log history")
        return Whole(before.file, len(data), troubles.all())
    columns = {}
    for row in history:
        _take(row, columns, troubles)
    part = Part(series_of(columns), carries=_cadence(state))
    return Whole(before.file, len(data), troubles.all(), (part,))


def _large(data: bytes, troubles: Troubles) -> tuple[dict[str, Any], dict[str, Column]] | None:
    """The state without its history, and the history at once; None where its rows are not flat."""
    from explorer.metrics.flat_rows import columns_of, regular

    begin = _HISTORY.search(data)
    end = data.find(b"]", begin.end()) if begin else -1
    if begin is None or end < 0 or _HISTORY.search(data, end):
        return None
    try:
        state = parse_json(data[: begin.end()] + data[end:])
    except (ValueError, RecursionError):
        return None
    if not isinstance(state, dict) or state.get("log_history") != []:
        return None
    start, stop = data.find(b"{", begin.end(), end), data.rfind(b"}", begin.end(), end) + 1
    if data[begin.end() : start].strip() or data[stop:end].strip():
        return None
    found = _blocks(data, start, stop)
    if found is None:
        return None
    blocks, irregular = regular(found.blocks, ("step",), MAX_STEP)
    if irregular and not found.lines:
        return None
    rest: dict[str, Column] = {}
    numbers: dict[str, list[int]] = {}
    told = Troubles(troubles.file)
    for at in sorted((*found.odd, *irregular)):
        try:
            row = json.loads(found.lines[at])
        except (ValueError, RecursionError):
            return None
        for name in _take(row, rest, told):
            numbers.setdefault(name, []).append(at)
    troubles.add(told)
    return state, columns_of(blocks, ("step",), (), {name: (c, numbers[name]) for name, c in rest.items()})


def _blocks(data: bytes, start: int, stop: int) -> Blocks | None:
    """The rows of a history as blocks: `{…}, {…}`, with the same space between all of them."""
    from explorer.metrics.flat_rows import Blocks, uniform
    from explorer.metrics.mixed_rows import blocks_of

    joint = _JOINT.search(data, start, stop) if 0 <= start < stop else None
    if joint is None:
        return None
    between = joint[0].removesuffix(b"{")
    history = b"".join((memoryview(data)[start:stop], between[1:]))
    whole = uniform(history, data[start : joint.end() - 1])
    if whole is not None:
        return Blocks([whole], [], [])
    # as lines: what stands between the rows is where they end, other ends of lines are only space
    history = history.removesuffix(between[1:])
    lines = history.replace(between, b"}\0").replace(b"\n", b" ").replace(b"\r", b" ")
    if history.count(b"\0"):
        return None
    return blocks_of(lines.replace(b"\0", b"\n") + b"\n")


def parse_json(data: bytes) -> Any:
    """JSON, fast where `orjson` takes it (it refuses NaN), else by the standard library.

    Raises:
        ValueError, RecursionError: it is not JSON.
    """
    import orjson

    try:
        return orjson.loads(data)
    except ValueError:
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
