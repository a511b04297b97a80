"""From lineages to a Comparison: stitch each, put it on the axis, and say what stands out."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from explorer.errors import BadInput, nearest
from explorer.lineage.address import Node
from explorer.lineage.values import Overrides
from explorer.metrics.axes import Axis, axes_of, measure
from explorer.metrics.carried import identical_rows
from explorer.metrics.choose import pick_metric, rises
from explorer.metrics.comparison import Best, Comparison, NodeCurve, Tail
from explorer.metrics.deltas import Delta, delta
from explorer.metrics.parting import Parted, parted
from explorer.metrics.series import Series
from explorer.metrics.stitch import Branch, Chain, Line, chains, stitch

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Subject:
    """One node to compare: its lineage root first, and its parent's lineage as it is now, for the delta."""

    node: Node
    label: str
    overrides: Overrides
    lineage: tuple[Branch, ...]
    parent: tuple[Branch, ...] | None = None
    checkpoints: tuple[tuple[float, Node], ...] = ()
    """Steps of the lineage's snapshots, rising, with the snapshot."""
    hyperparameters: Overrides = ()
    """All that are known of it, those of its lineage included: see `hyperparameters.effective`."""
    state: str = ""
    """What its newest run is doing: a state of `RunView`, or empty."""


def metric_names(lineages: Sequence[Sequence[Branch]]) -> tuple[str, ...]:
    """Every metric that these lineages logged, sorted."""
    return tuple(sorted({n for lin in lineages for b in lin for a in b.attempts for n in a.series}))


def compare(
    subjects: Sequence[Subject],
    metric: str | None = None,
    x: str = "step",
    *,
    smoothing: float = 0.0,
    baseline: Subject | None = None,
) -> Comparison:
    """Overlay one metric of several nodes along their lineages.

    Differences are taken to each one's parent as it went on after the fork, or to the one `baseline` wherever
    a curve is not bit for bit its own; with a `smoothing` weight of both after they were smoothed.

    Raises:
        BadInput: nobody has this metric, not all of them have this x axis, or the weight is none.
    """
    if not 0 <= smoothing < 1:
        raise BadInput(f"{smoothing:g} is no smoothing weight.", hint="a weight is at least 0 and below 1")
    names = metric_names([s.lineage for s in subjects])
    metric = pick_metric(metric, names)
    made = [(subject, chains(subject.lineage)) for subject in subjects]
    axes = axes_of([chain for _, several in made for chain in several])
    if x not in axes:
        raise BadInput(
            f"These nodes have no common x axis `{x}`.", hint=nearest(x, axes, "there is: " + ", ".join(axes))
        )
    fixed = None if baseline is None else stitch(chains(baseline.lineage)[0], metric).series
    curves: list[NodeCurve] = []
    warnings: dict[str, None] = {}
    for subject, several in made:
        for number, chain in enumerate(several, 1):
            writer = number if len(several) > 1 else None
            line = stitch(chain, metric)
            base = _parent_base(subject, line, metric) if fixed is None else _chosen_base(line, fixed)
            curves.append(_curve(subject, chain, line, _Look(metric, Axis(x), smoothing), base, writer))
            warnings |= dict.fromkeys(_warnings(subject, chain, line, metric, writer))
    return Comparison(
        metric,
        x,
        tuple(curves),
        tuple(warnings),
        names,
        axes,
        rises(metric),
        smoothing,
        "parent" if baseline is None else baseline.label,
    )


@dataclass(frozen=True, slots=True)
class _Look:
    """What of the curves is asked for."""

    metric: str
    axis: Axis
    smoothing: float


@dataclass(frozen=True, slots=True)
class _Base:
    """What a curve is compared with, behind the step `after`."""

    series: Series
    after: float


def _curve(
    subject: Subject, chain: Chain, line: Line, look: _Look, base: _Base | None, writer: int | None
) -> NodeCurve:
    series, metric, axis = line.series, look.metric, look.axis
    x = measure(axis, chain, series)
    fork = line.fork_step if line.fork_step is not None and math.isfinite(line.fork_step) else None
    import numpy as np

    good = np.isfinite(np.frombuffer(series.values)) if len(series) else np.empty(0, np.bool_)
    finite = np.flatnonzero(good)
    last = int(finite[-1]) if len(finite) else None
    broken = np.flatnonzero(~good)
    difference = None if base is None else delta(series, base.series, base.after, look.smoothing)
    return NodeCurve(
        node=subject.node,
        label=subject.label if writer is None else f"{subject.label}#w{writer}",
        overrides=subject.overrides,
        x=x,
        values=series.values,
        steps=series.steps,
        own_at=line.own_at,
        fork_step=fork,
        fork_x=None if fork is None else _fork_x(axis, fork, series, x),
        inferred=line.inferred and fork is not None,
        discarded=tuple(Tail(measure(axis, chain, tail), tail.values) for tail in line.discarded),
        last=None if last is None else series.values[last],
        last_x=None if last is None else x[last],
        best=_best(line, x, good, rises(metric)),
        delta_to_parent=difference.last if difference else None,
        mean_delta=difference.mean if difference else None,
        checkpoints=_checkpoints(subject, axis, series, x),
        parted=_parted(series, base),
        deltas=_delta_points(difference, axis, chain) if difference else None,
        non_finite=len(series) - len(finite),
        first_non_finite=x[int(broken[0])] if len(broken) else None,
        writer=writer,
        hyperparameters=subject.hyperparameters,
        state=subject.state,
        smoothing=look.smoothing,
    )


def _parent_base(subject: Subject, line: Line, metric: str) -> _Base | None:
    """The parent's own curve, as it went on after the fork."""
    if subject.parent is None or line.fork_step is None:
        return None
    return _Base(stitch(chains(subject.parent)[0], metric).series, line.fork_step)


def _chosen_base(line: Line, series: Series) -> _Base | None:
    """One curve for all, from where a line is no longer the same as it; None where it is the same."""
    same = identical_rows(line.series, series)
    if same == len(line.series):
        return None
    return _Base(series, line.series.steps[same - 1] if same else -math.inf)


def _parted(series: Series, base: _Base | None) -> Parted | None:
    return None if base is None or not math.isfinite(base.after) else parted(series, base.series, base.after)


def _delta_points(difference: Delta, axis: Axis, chain: Chain) -> Tail:
    walls = array("d", [math.nan]) * len(difference.steps)
    along = Series(difference.steps, difference.values, walls)
    return Tail(measure(axis, chain, along), difference.values)


def _checkpoints(
    subject: Subject, axis: Axis, series: Series, x: array[float]
) -> tuple[tuple[float, Node], ...]:
    """On the step axis where they are, on the others at the newest row before them."""
    if axis.name == "step":
        return subject.checkpoints
    found = ((bisect_right(series.steps, step) - 1, node) for step, node in subject.checkpoints)
    return tuple((x[at], node) for at, node in found if at >= 0 and math.isfinite(x[at]))


def _fork_x(axis: Axis, fork: float, series: Series, x: array[float]) -> float | None:
    if axis.name == "step":
        return fork
    at = bisect_right(series.steps, fork) - 1
    return x[at] if at >= 0 else None


def _best(line: Line, x: array[float], good: npt.NDArray[np.bool_], up: bool) -> Best | None:
    import numpy as np

    if not good.any():
        return None
    values = np.frombuffer(line.series.values)
    worst = -math.inf if up else math.inf
    at = int((np.argmax if up else np.argmin)(np.where(good, values, worst)))
    return Best(x[at], line.series.values[at], at < line.own_at)


def _warnings(subject: Subject, chain: Chain, line: Line, metric: str, writer: int | None) -> list[str]:
    label, told = subject.label, []
    if writer == 1:
        told.append(f"{label}: several processes wrote metrics at the same time; each is a curve of its own")
    if not len(line.series):
        told.append(f"{label}: no {metric}")
    if line.inferred and line.fork_step is not None:
        told.append(f"{label}: no run tells what it resumed from; fork step {line.fork_step:g} is inferred")
    if line.relogged:
        told.append(f"{label}: {line.relogged} re-logged rows at or below the resumed checkpoint are hidden")
    if line.backfilled:
        told.append(f"{label}: {line.backfilled} inherited rows were logged only after the snapshot")
    told += [str(trouble) for attempt in chain.attempts for trouble in attempt.troubles]
    return told
