"""What is compared, and reading it: in a thread, and again while one of the runs lives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from explorer.errors import ExplorerError
from explorer.lineage.address import Node
from explorer.lineage.values import RunView
from explorer.metrics import Comparison, Row
from explorer.tui.charts.lines import Lines
from explorer.tui.charts.loss_chart import LossChart
from explorer.tui.charts.numbers import Counter, first_rows, smoothed
from explorer.tui.charts.title import axis_name
from explorer.tui.names import shown
from explorer.tui.screens.compare.choosing import Choosing
from explorer.tui.screens.pick import Pick
from explorer.tui.session import Session
from explorer.tui.status import Said


@dataclass(frozen=True, slots=True)
class Found:
    """What one reading brought."""

    comparisons: tuple[Comparison, ...]
    lines: tuple[Lines, ...]
    rows: tuple[Row, ...]

    def looks_like(self, other: Found) -> bool:
        """Whether nothing has been logged in between: decided without a look at every point."""
        return self._ends == other._ends

    @property
    def _ends(self) -> list[object]:
        asked = [(c.metric, c.x, c.baseline, c.metrics, c.axes, c.warnings) for c in self.comparisons]
        curves = [
            (n.label, n.state, n.points, n.last_x, n.last, n.checkpoints, n.discarded_points)
            for c in self.comparisons
            for n in c.nodes
        ]
        return [asked, curves]


class Reading(Choosing):
    """Asks the workspace for nodes, metrics, an axis and a baseline; what comes back is on the chart."""

    def __init__(self, session: Session, chart: LossChart, nodes: tuple[Node, ...]) -> None:
        super().__init__(session, chart)
        self._compared = nodes
        self._metrics: tuple[str, ...] = ()
        """Those that were asked for; empty for whatever is best to begin with."""
        self._x = "step"
        self._baseline: Node | None = None
        self._found: Found | None = None
        self._asked_for: tuple[Node, ...] = ()
        self._counter = Counter()
        self._counted: tuple[tuple[Row, ...], float] = (), 0.0
        """Which rows, and which smoothing of their last values, are shown."""
        self._was_live = False
        self._pending = False

    @property
    def present(self) -> tuple[Node, ...]:
        """What is compared and has not been deleted meanwhile."""
        return tuple(node for node in self._compared if node.bucket in self.session.state.buckets)

    @property
    def baseline(self) -> Node | None:
        """What differences are to; None for each one's parent."""
        return self._baseline if self._baseline in self.present else None

    @property
    def live(self) -> tuple[RunView, ...]:
        """The runs that may log more."""
        buckets = {node.bucket for node in self.present}
        return tuple(r for r in self.session.state.runs.values() if r.is_live and r.bucket in buckets)

    # -- reading

    def _again(self) -> None:
        """While a run lives, and once more when the last one has ended."""
        if self._pending:  # a slow store: a newer question would drop the answer to this one
            return
        live = bool(self.live)
        if live or self._was_live:
            self._read()
        self._was_live = live

    def _read(self) -> None:
        workspace, x, counter = self.session.workspace, self._x, self._counter
        nodes, metrics, baseline = self.present, self._metrics, self.baseline
        self._asked_for = nodes
        if workspace is None or not nodes:
            return

        def call() -> Found:
            against = baseline if baseline is not None else "parent"
            if metrics:
                comparisons = workspace.compare(nodes, metrics, x, baseline=against)
            else:
                comparisons = (workspace.compare(nodes, None, x, baseline=against),)
            # what a million points cost is paid in the thread, most of it after the first paint
            rows = counter.rows if counter.is_quick(comparisons) else first_rows
            return Found(comparisons, tuple(map(Lines, comparisons)), rows(comparisons))

        self._pending = True
        self.session.run(self, call, self._took, self._failed, group="compare", exclusive=True)

    def _took(self, found: Found) -> None:
        self._pending = False
        if self._said is not None and self._said.kind == "busy":
            self.hush()
        if self._found is not None and found.looks_like(self._found):
            return
        self._found = found
        self.chart.show(found.comparisons, found.lines)
        self.count_again()
        self._x = found.comparisons[0].x
        if not any(curve.points for curve in found.comparisons[0].nodes):
            self.say(Said("None of these has metrics yet.", "why", "runs write runs/<id>/metrics.jsonl"))
        self.apply_filter()
        self.state_changed()
        if not self._counter.is_quick(found.comparisons):
            self._count(found)

    def _count(self, found: Found) -> None:
        """What `first_rows` leaves out."""

        def took(rows: tuple[Row, ...]) -> None:
            if self._found is found:
                self._found = replace(found, rows=rows)
                self.count_again()
                self.apply_filter()

        self.session.run(
            self,
            lambda: self._counter.rows(found.comparisons),
            took,
            self.complain,
            group="count",
            exclusive=True,
        )

    def _failed(self, error: ExplorerError) -> None:
        """What could not be read is not asked for again."""
        self._pending = False
        if self._found is not None:
            self._metrics = tuple(c.metric for c in self._found.comparisons) if self._metrics else ()
            self._x = self._found.comparisons[0].x
        self.complain(error)

    def count_again(self) -> None:
        """The last values in the rows, smoothed as the lines are."""
        found, weight = self._found, self.view.weight
        if found is None or self._counted == (found.rows, weight):
            return
        self._counted = found.rows, weight
        if not weight:
            self.rows = found.rows
            return
        last = [partial(lines.last, weight=weight) for lines in found.lines]
        self.rows = smoothed(found.rows, [c.metric for c in found.comparisons], last)

    # -- what is compared

    def do_refresh(self) -> None:
        self.say(Said("reading curves …", "busy"))
        self._read()

    def do_metrics(self) -> None:
        comparison = self.chart.comparisons[0]
        ticked = [c.metric for c in self.chart.comparisons]

        def answered(picked: tuple[str, ...] | None) -> None:
            if picked is not None:
                self._show_metrics(picked)

        self.app.push_screen(Pick("Metrics", comparison.metrics, ticked, self.session, many=True), answered)

    def do_next_metric(self) -> None:
        self._step_metric(1)

    def do_last_metric(self) -> None:
        self._step_metric(-1)

    def _step_metric(self, by: int) -> None:
        comparison = self.chart.comparisons[0]
        names = comparison.metrics
        at = names.index(comparison.metric) if comparison.metric in names else 0
        self._show_metrics((names[(at + by) % len(names)],))

    def _show_metrics(self, names: Sequence[str]) -> None:
        self._metrics = tuple(names)
        self.say(Said(f"reading {shown(', '.join(names))} …", "busy"))
        self._read()

    def do_axis(self) -> None:
        comparison = self.chart.comparisons[0]
        axes = comparison.axes
        self._x = axes[(axes.index(comparison.x) + 1) % len(axes)] if comparison.x in axes else axes[0]
        self.say(Said(f"over {axis_name(self._x)} …", "busy"))
        self._read()

    def do_baseline(self) -> None:
        """The selected curve; pressed on it again, each one's parent."""
        curve = self.chart.curve
        if curve is None:
            return
        taken = self._baseline == curve.node
        self._baseline = None if taken else curve.node
        base = "each one's parent" if taken else shown(curve.label)
        self.say(Said(f"differences to {base} …", "busy"))
        self.chart.look(replace(self.view, delta=True, y_zoom=1.0, y_shift=0.0))
        self._read()
