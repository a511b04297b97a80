"""The x axes: step, steps since the fork, tokens, epoch, wall time, and time spent training."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from explorer.metrics.series import Series
from explorer.metrics.stitch import Chain, stitch

COLUMNS = {"tokens": ("tokens", "num_input_tokens_seen", "tokens_seen", "total_tokens"), "epoch": ("epoch",)}


@dataclass(frozen=True, slots=True)
class Axis:
    """An x axis by its name: one of `axes_of`."""

    name: str


def axes_of(chains: Sequence[Chain]) -> tuple[str, ...]:
    """The axes that every chain has rows for."""
    found = ["step"]
    if any(chain.fork_step is not None for chain in chains):
        found.append("since_fork")
    logging = [chain for chain in chains if any(a.series for a in chain.attempts)]
    for name, columns in COLUMNS.items():
        if logging and all(_column(chain, columns) for chain in logging):
            found.append(name)
    spans = [a.wall_span for chain in logging for a in chain.attempts if a.series]
    if spans and all(span is not None for span in spans):
        found += ["time", "active"]
    return tuple(found)


def measure(axis: Axis, chain: Chain, series: Series) -> array[float]:
    """The x of every row of a stitched series; NaN where the axis has no value. Units: steps, s, tokens."""
    match axis.name:
        case "since_fork":
            # a root has no fork: it is measured from the fork of nobody, its own start
            fork = chain.fork_step
            start = fork if fork is not None and math.isfinite(fork) else 0.0
            return array("d", [step - start for step in series.steps])
        case "time":
            return series.walls
        case "active":
            return _active(chain, series)
        case name if name in COLUMNS:
            column = stitch(chain, _column(chain, COLUMNS[name]) or "").series
            return _as_of(series.steps, column)
        case _:
            return series.steps


def _column(chain: Chain, names: Sequence[str]) -> str | None:
    return next((n for n in names if any(n in a.series for a in chain.attempts)), None)


def _as_of(steps: array[float], column: Series) -> array[float]:
    """The column at each step: linear between its rows, NaN outside of them."""
    import numpy as np

    if not len(column) or not len(steps):
        return array("d", [math.nan]) * len(steps)
    at, known, values = np.frombuffer(steps), np.frombuffer(column.steps), np.frombuffer(column.values)
    found = np.interp(at, known, values, math.nan, math.nan)
    # beside a row that is not finite the one at the very step still counts
    near = np.minimum(np.searchsorted(known, at), len(known) - 1)
    return array("d", np.where(known[near] == at, values[near], found).tobytes())


def _active(chain: Chain, series: Series) -> array[float]:
    """Seconds spent in live rows of the lineage: downtime and lost work are not in it."""
    import numpy as np

    walls = np.frombuffer(series.walls)
    told = np.flatnonzero(np.isfinite(walls))
    spent = np.zeros(len(walls))
    if len(told) > 1:
        before, now = walls[told[:-1]], walls[told[1:]]
        running = np.zeros(len(now), np.bool_)
        for start, end in (s for a in chain.attempts if (s := a.wall_span) is not None):
            running |= (start <= before) & (now <= end)
        # a joint between attempts is downtime: it counts nothing
        spent[told[1:]] = np.where(running & (now > before), now - before, 0.0)
    return array("d", np.cumsum(spent).tobytes())
