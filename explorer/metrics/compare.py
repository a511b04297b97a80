"""From lineages to a Comparison: stitch each, put it on the axis, and say what stands out."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, replace

from explorer.errors import BadInput, nearest
from explorer.lineage.address import Node
from explorer.lineage.values import Overrides
from explorer.metrics.axes import Axis, axes_of, measure
from explorer.metrics.carried import identical_rows
from explorer.metrics.choose import pick_metric, rises
from explorer.metrics.comparison import Best, Comparison, NodeCurve, Tail
from explorer.metrics.deltas import Delta, cadence, delta
from explorer.metrics.parting import MEMORY, Parted, parted
from explorer.metrics.pixels import Smoothings
from explorer.metrics.series import EMPTY, Series
from explorer.metrics.standing import Standing, standing_out
from explorer.metrics.stitch import Branch, Chain, Line, chains, stitch


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
    look = _Look(metric, Axis(x), smoothing, Smoothings())
    made = [(subject, chains(subject.lineage)) for subject in subjects]
    axes = axes_of([chain for _, several in made for chain in several])
    if x not in axes:
        raise BadInput(
            f"These nodes have no common x axis `{x}`.", hint=nearest(x, axes, "there is: " + ", ".join(axes))
        )
    fixed = None if baseline is None else stitch(chains(baseline.lineage)[0], metric)
    curves: list[NodeCurve] = []
    warnings: dict[str, None] = {}
    for subject, several in made:
        for number, chain in enumerate(several, 1):
            writer = number if len(several) > 1 else None
            line = stitch(chain, metric)
            base = _parent_base(subject, line, metric) if fixed is None else _chosen_base(line, fixed)
            curves.append(_curve(subject, chain, line, look, base, writer))
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
    smoothings: Smoothings

    def smoothed(self, line: Line, tail: Series, share: float) -> Series:
        """The rows at the end of a line, smoothed with all that comes before them."""
        values = self.smoothings.whole(line.stretches, self.smoothing**share)
        return replace(tail, values=array("d", values[len(values) - len(tail) :].tobytes()))


@dataclass(frozen=True, slots=True)
class _Base:
    """What a curve is compared with, behind the step `after`."""

    line: Line
    after: float


def _curve(
    subject: Subject, chain: Chain, line: Line, look: _Look, base: _Base | None, writer: int | None
) -> NodeCurve:
    on_steps = look.axis.name == "step"
    x = EMPTY.steps if on_steps else measure(look.axis, chain, line.series)
    place = _Place(line, None if on_steps else x)
    fork = line.fork_step if line.fork_step is not None and math.isfinite(line.fork_step) else None
    found = standing_out(line, rises(look.metric))
    difference = None if base is None else _difference(line, base, look)
    return NodeCurve(
        node=subject.node,
        label=subject.label if writer is None else f"{subject.label}#w{writer}",
        overrides=subject.overrides,
        x=x,
        values=EMPTY.values,
        steps=EMPTY.steps,
        own_at=line.own_at,
        fork_step=fork,
        fork_x=None if fork is None else place.of_step(fork),
        inferred=line.inferred and fork is not None,
        discarded=tuple(Tail(measure(look.axis, chain, tail), tail.values) for tail in line.discarded),
        last=None if found.last is None else found.last.value,
        last_x=None if found.last is None else place.at(found.last),
        best=None
        if found.best is None
        else Best(place.at(found.best), found.best.value, found.best.at < line.own_at),
        delta_to_parent=difference.last if difference else None,
        mean_delta=difference.mean if difference else None,
        checkpoints=place.checkpoints(subject.checkpoints),
        parted=_parted(line, base),
        deltas=_delta_points(difference, look.axis, chain) if difference else None,
        non_finite=found.non_finite,
        first_non_finite=None if found.first_non_finite is None else place.at(found.first_non_finite),
        writer=writer,
        hyperparameters=subject.hyperparameters,
        state=subject.state,
        smoothing=look.smoothing,
        line=line,
        on_steps=on_steps,
    )


@dataclass(frozen=True, slots=True)
class _Place:
    """Where rows and steps of a line stand on the axis; `x` None where that is the step axis."""

    line: Line
    x: array[float] | None

    def at(self, row: Standing) -> float:
        return row.step if self.x is None else self.x[row.at]

    def of_step(self, step: float) -> float | None:
        """A step itself, or on other axes the newest row up to it."""
        if self.x is None:
            return step
        before = self.line.index(step) - 1
        return self.x[before] if before >= 0 else None

    def checkpoints(self, told: tuple[tuple[float, Node], ...]) -> tuple[tuple[float, Node], ...]:
        if self.x is None:
            return told
        found = ((self.of_step(step), node) for step, node in told)
        return tuple((x, node) for x, node in found if x is not None and math.isfinite(x))


def _parent_base(subject: Subject, line: Line, metric: str) -> _Base | None:
    """The parent's own curve, as it went on after the fork."""
    if subject.parent is None or line.fork_step is None:
        return None
    return _Base(stitch(chains(subject.parent)[0], metric), line.fork_step)


def _chosen_base(line: Line, other: Line) -> _Base | None:
    """One curve for all, from where a line is no longer the same as it; None where it is the same."""
    same = identical_rows(line.series, other.series)
    if same == len(line):
        return None
    return _Base(other, line.column("steps")[same - 1] if same else -math.inf)


def _difference(line: Line, base: _Base, look: _Look) -> Delta:
    own, other = line.behind(base.after), base.line.behind(base.after)
    if look.smoothing and len(own) and len(other):
        # the same width of x for both: the weight asked for is that of the one that logs more rarely
        own_cadence, other_cadence = cadence(own.steps), cadence(other.steps)
        widest = max(own_cadence, other_cadence) or 1.0
        own = look.smoothed(line, own, own_cadence / widest)
        other = look.smoothed(base.line, other, other_cadence / widest)
    return delta(own, other, base.after)


def _parted(line: Line, base: _Base | None) -> Parted | None:
    if base is None or not math.isfinite(base.after):
        return None
    return parted(line.behind(base.after, MEMORY), base.line.behind(base.after, MEMORY), base.after)


def _delta_points(difference: Delta, axis: Axis, chain: Chain) -> Tail:
    walls = array("d", [math.nan]) * len(difference.steps)
    along = Series(difference.steps, difference.values, walls)
    return Tail(measure(axis, chain, along), difference.values)


def _warnings(subject: Subject, chain: Chain, line: Line, metric: str, writer: int | None) -> list[str]:
    label, told = subject.label, []
    if writer == 1:
        told.append(f"{label}: several processes wrote metrics at the same time; each is a curve of its own")
    if not len(line):
        told.append(f"{label}: no {metric}")
    if line.inferred and line.fork_step is not None:
        told.append(f"{label}: no run tells what it resumed from; fork step {line.fork_step:g} is inferred")
    for bucket in chain.contested:
        told.append(f"{label}: several processes wrote {bucket} at once; the first one's rows are inherited")
    for attempt in chain.attempts:
        if attempt.recovered_from and attempt.series:
            told.append(
                f"{label}: {attempt.key} was written over; older rows come from {attempt.recovered_from}"
            )
    if line.relogged:
        told.append(f"{label}: {line.relogged} re-logged rows at or below the resumed checkpoint are hidden")
    if line.backfilled:
        told.append(f"{label}: {line.backfilled} inherited rows were logged only after the snapshot")
    told += [str(trouble) for attempt in chain.attempts for trouble in attempt.troubles]
    return told
