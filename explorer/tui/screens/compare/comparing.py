"""What is under the user's hands on the compare screen, and why a key may not apply to it. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from explorer.metrics import Comparison, NodeCurve
from explorer.metrics.hyperparameters import differing_names
from explorer.tui import situation
from explorer.tui.actions import When
from explorer.tui.charts.numbers import Sorting
from explorer.tui.charts.view import SMOOTHING, View
from explorer.tui.names import shown
from explorer.tui.situation import Situation


@dataclass(frozen=True, slots=True)
class Comparing(Situation):
    """`node` is the checkpoint under the crosshair."""

    comparisons: tuple[Comparison, ...] = ()
    view: View = field(default_factory=View)
    sorting: Sorting = field(default_factory=Sorting)
    has_baseline: bool = False

    @property
    def curves(self) -> tuple[NodeCurve, ...]:
        return self.comparisons[0].nodes if self.comparisons else ()

    @property
    def curve(self) -> NodeCurve | None:
        return self.curves[self.view.selected] if self.view.selected < len(self.curves) else None


def _read(test: Callable[[Comparing], str | None]) -> When:
    """The test, once there is something to test."""

    def when(now: Situation) -> str | None:
        if not isinstance(now, Comparing) or not now.curves:
            return "No curves have been read yet."
        return test(now)

    return when


def parameters(curves: tuple[NodeCurve, ...]) -> tuple[str, ...]:
    """The hyperparameters by which the curves can be told apart."""
    return differing_names([curve.hyperparameters or curve.overrides for curve in curves])


read = _read(lambda now: None)
several = _read(lambda now: "There is only one curve." if len(now.curves) < 2 else None)


@_read
def other_metric(now: Comparing) -> str | None:
    first = now.comparisons[0]
    return f"{shown(first.metric)} is the only metric." if len(first.metrics) < 2 else None


@_read
def several_metrics(now: Comparing) -> str | None:
    return "One metric is shown: m chooses several." if len(now.comparisons) < 2 else None


@_read
def other_axis(now: Comparing) -> str | None:
    if len(now.comparisons[0].axes) < 2:
        return "Only steps were logged by all of these: no tokens, epochs or times."
    return None


@_read
def smoother(now: Comparing) -> str | None:
    return f"{SMOOTHING[-1]:g} is as smooth as it gets." if now.view.weight >= SMOOTHING[-1] else None


@_read
def rougher(now: Comparing) -> str | None:
    return None if now.view.weight else "Nothing is smoothed: s does."


@_read
def has_deltas(now: Comparing) -> str | None:
    if any(curve.deltas is not None and len(curve.deltas.x) for curve in now.curves):
        return None
    if now.has_baseline:
        return "None of these has steps in common with the baseline."
    return "None of these has a parent with steps after the fork: b takes the selected curve instead."


@_read
def has_parameters(now: Comparing) -> str | None:
    return None if parameters(now.curves) else "These curves differ in no hyperparameter."


@_read
def coloured(now: Comparing) -> str | None:
    return None if now.view.colour_by else "Each curve has a colour of its own: g groups them first."


@_read
def has_tails(now: Comparing) -> str | None:
    if any(curve.discarded for comparison in now.comparisons for curve in comparison.nodes):
        return None
    return "No run here did steps twice."


@_read
def has_fork(now: Comparing) -> str | None:
    if now.view.window is not None or now.comparisons[0].first_fork is not None:
        return None
    return "Nothing here was forked: all of it is shown already."


@_read
def has_points(now: Comparing) -> str | None:
    """The crosshair walks from point to point."""
    curve = now.curve
    if curve is None or not curve.points:
        return f"The selected curve has no {shown(now.comparisons[0].metric)}."
    if now.view.delta and (curve.deltas is None or not len(curve.deltas.x)):
        return f"{shown(curve.label)} has no differences to walk along: j selects another, d shows values."
    return None


@_read
def has_checkpoints(now: Comparing) -> str | None:
    curve = now.curve
    if curve is None or curve.checkpoints:
        return None
    return f"{shown(curve.label)} has no snapshots that name a step."


@_read
def at_checkpoint(now: Comparing) -> str | None:
    if now.node is None:
        return has_checkpoints(now) or "The crosshair is on no checkpoint: ] takes it to one."
    return situation.forkable(now)


@_read
def is_sorted(now: Comparing) -> str | None:
    return None if now.sorting.key else "The rows are in no order: > sorts."
