"""Curves of one metric side by side: the value that the terminal, the notebook and the CLI all show."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from explorer.lineage.address import Node
from explorer.lineage.values import Overrides, show_overrides
from explorer.metrics.parting import Parted
from explorer.metrics.stitch import Line

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Best:
    """The best finite value of a curve; `inherited` says that the parent reached it, not this bucket."""

    x: float
    value: float
    inherited: bool


@dataclass(frozen=True, slots=True)
class Tail:
    """Points beside the curve: lost work that a later attempt did again, or differences to the parent."""

    x: array[float]
    values: array[float]


@dataclass(frozen=True, slots=True)
class NodeCurve:
    """One node's metric along its lineage: rows before `own_at` are inherited.

    `x`, `values` and `steps` have one length; `steps` rise strictly.
    """

    node: Node
    label: str
    overrides: Overrides
    x: array[float]
    values: array[float]
    steps: array[float]
    own_at: int = 0
    fork_step: float | None = None
    fork_x: float | None = None
    """Where the fork stands on this axis: its last inherited point, or the fork step itself."""
    inferred: bool = False
    discarded: tuple[Tail, ...] = ()
    last: float | None = None
    last_x: float | None = None
    best: Best | None = None
    delta_to_parent: float | None = None
    """Own minus parent's value at the last step that both have behind the fork."""
    mean_delta: float | None = None
    """The area between both behind the fork over its width, in units of the metric."""
    deltas: Tail | None = None
    """Own minus parent's value at own points behind the fork; None where there is no parent."""
    checkpoints: tuple[tuple[float, Node], ...] = ()
    """Where on the axis the lineage has snapshots of checkpoints, rising: places to fork and resume from."""
    parted: Parted | None = None
    """Where it parted from its parent's curve; None where there is none to compare with."""
    non_finite: int = 0
    first_non_finite: float | None = None
    writer: int | None = None
    """1, 2, … where several processes wrote this bucket at once."""
    hyperparameters: Overrides = ()
    """All that are known, those that the lineage before it was trained with included."""
    state: str = ""
    """What its newest run is doing: `running`, `done`, …; empty where none is known."""
    smoothing: float = 0.0
    """The weight that `smoothed` and the differences were made with."""
    line: Line | None = None
    """What it is stitched from: `x` (on the step axis), `values` and `steps` are joined when asked for."""
    on_steps: bool = False
    """Its x are its steps."""

    def __post_init__(self) -> None:
        if self.line is not None:
            for name in ("x", "values", "steps")[not self.on_steps :]:
                object.__delattr__(self, name)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> array[float]:
            # only called for what has been taken out above
            if name not in ("x", "values", "steps"):
                raise AttributeError(name)
            column = self.line.column("steps" if name == "x" else name)
            object.__setattr__(self, name, column)
            return column

    @property
    def points(self) -> int:
        """How many there are."""
        return len(self.x) if self.line is None else len(self.line)

    @property
    def smoothed(self) -> array[float]:
        """The values smoothed before anything is thinned; the values themselves where nothing is smoothed."""
        if not self.smoothing:
            return self.values
        import numpy as np

        from explorer.metrics.smooth import smooth

        return array("d", smooth(np.frombuffer(self.values), self.smoothing).tobytes())

    @property
    def inherited_until(self) -> float | None:
        """The x of the last inherited point."""
        return self.x[self.own_at - 1] if self.own_at else None

    @property
    def discarded_points(self) -> int:
        return sum(len(tail.x) for tail in self.discarded)

    def to_json(self) -> dict[str, Any]:
        tails = [point for tail in self.discarded for point in _points(tail.x, tail.values)]
        best = self.best
        shown = (
            None if best is None else {"x": _tidy(best.x), "value": best.value, "inherited": best.inherited}
        )
        return {
            "address": self.node.address,
            "label": self.label,
            "overrides": dict(self.overrides),
            "hyperparameters": dict(self.hyperparameters),
            "state": self.state or None,
            "fork_step": _tidy(self.fork_step),
            "fork_step_inferred": self.inferred,
            "points": _points(self.x, self.values),
            "inherited_until": _tidy(self.inherited_until),
            "discarded": tails,
            "last": self.last,
            "last_x": _tidy(self.last_x),
            "best": shown,
            "delta_to_parent": self.delta_to_parent,
            "mean_delta": self.mean_delta,
            "checkpoints": [{"x": _tidy(x), "address": node.address} for x, node in self.checkpoints],
            "parted": None
            if self.parted is None
            else {
                "declared": _tidy(self.parted.declared),
                "identical_until": _tidy(self.parted.identical_until),
                "visible": _tidy(self.parted.visible),
            },
            "non_finite": self.non_finite,
            "first_non_finite": _tidy(self.first_non_finite),
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """What `compare` found: one curve per node (several where a bucket had several writers)."""

    metric: str
    x: str
    nodes: tuple[NodeCurve, ...]
    warnings: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    """Every metric that at least one of the nodes has."""
    axes: tuple[str, ...] = field(default=("step",))
    """The x axes that all of the nodes have."""
    rises: bool = False
    """Higher is better."""
    smoothing: float = 0.0
    baseline: str = "parent"
    """What differences are to: `parent`, or the label of the node chosen."""

    @property
    def first_fork(self) -> float | None:
        """The lowest fork point on the axis: where the curves begin to differ."""
        return min((n.fork_x for n in self.nodes if n.fork_x is not None), default=None)

    def to_json(self) -> dict[str, Any]:
        """The `compare` document: keys as promised, non-finite values as null."""
        return {
            "metric": self.metric,
            "x": self.x,
            "nodes": [node.to_json() for node in self.nodes],
            "warnings": list(self.warnings),
            "metrics": list(self.metrics),
            "axes": list(self.axes),
            "smoothing": self.smoothing,
            "baseline": self.baseline,
        }

    def to_frame(self) -> pd.DataFrame:
        """Long form: a row per point, with columns node, step, x, value and inherited."""
        import numpy as np
        import pandas as pd

        frames = []
        for curve in self.nodes:
            columns = {
                "node": pd.Categorical([curve.label]).repeat(len(curve.x)),
                "step": np.frombuffer(curve.steps),
                self.x if self.x != "step" else "x": np.frombuffer(curve.x),
                "value": np.frombuffer(curve.values),
                "inherited": np.arange(len(curve.x)) < curve.own_at,
            }
            frames.append(pd.DataFrame(columns))
        if not frames:
            return pd.DataFrame(columns=["node", "step", "x", "value", "inherited"])
        whole = pd.concat(frames, ignore_index=True)
        return whole.astype({"node": "category"})

    def summary(self) -> pd.DataFrame:
        """A row per node: what the fork changed, last, best and where, delta to the parent, non-finite."""
        import pandas as pd

        rows = [
            {
                "node": curve.label,
                "changed": show_overrides(curve.overrides),
                "fork_step": curve.fork_step,
                "last": curve.last,
                "best": curve.best.value if curve.best else None,
                f"best_{self.x}": curve.best.x if curve.best else None,
                "best_inherited": curve.best.inherited if curve.best else None,
                "delta_to_parent": curve.delta_to_parent,
                "mean_delta": curve.mean_delta,
                "non_finite": curve.non_finite,
                "discarded": curve.discarded_points,
            }
            for curve in self.nodes
        ]
        return pd.DataFrame(rows).set_index("node") if rows else pd.DataFrame()


def _points(x: Iterable[float], values: Iterable[float]) -> list[list[float | int | None]]:
    return [[_tidy(a), b if math.isfinite(b) else None] for a, b in zip(x, values, strict=True)]


def _tidy(x: float | None) -> float | int | None:
    """Whole numbers as integers, as steps are written; what JSON cannot say as null."""
    if x is None or not math.isfinite(x):
        return None
    return int(x) if x.is_integer() and abs(x) < 2**53 else x
