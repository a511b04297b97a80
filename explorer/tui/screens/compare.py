"""Loss curves side by side: the chart, and a row of numbers for each node."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal

from explorer.lineage.address import Node
from explorer.lineage.values import show_scalar
from explorer.tui import wording
from explorer.tui.actions import Action, bindings
from explorer.tui.charts.keys import CHART_KEYS
from explorer.tui.charts.loss_chart import LossChart
from explorer.tui.columns import Piece
from explorer.tui.footer import Footer
from explorer.tui.names import shown
from explorer.tui.paint import LinesView, LineView
from explorer.tui.screens.page import Page
from explorer.tui.session import Session
from explorer.tui.situation import Situation, nowhere
from explorer.tui.status import Said

if TYPE_CHECKING:
    from explorer.metrics import Comparison
    from explorer.metrics.comparison import NodeCurve

_LIVE_S = 2.0
"""How often the curves are read again while one of the runs lives."""
_ROWS = 8
_TALL = 30

ACTIONS = (
    Action("metric", "m", "metric", "The next metric that the nodes have.", "Curves", footer=8),
    Action("metric_back", "M", "metric back", "The metric before.", "Curves"),
    Action("copy", "Y", "copy", "Copy the command that prints this comparison.", "Act"),
    Action("help", "question_mark,f1", "keys", "These keys.", "Screen", footer=9),
    Action("back", "escape,q,c", "back", "Back to the lineage.", "Screen", footer=10),
)
CHART = tuple(
    Action(
        key.action,
        key.key,
        key.description,
        key.tooltip,
        "Chart",
        footer=2 if key.show and "cross" not in key.action else 0,
    )
    for key in CHART_KEYS
)


class CompareScreen(Page):
    """Reads the curves in a thread, inherited history included, and again while a run lives."""

    ACTIONS: ClassVar[tuple[Action, ...]] = ACTIONS
    BINDINGS = bindings(ACTIONS)
    TITLE_OF_KEYS = "Compare"
    AUTO_FOCUS = "LossChart"

    def __init__(self, session: Session, nodes: tuple[Node, ...]) -> None:
        super().__init__(session)
        self._compared = nodes
        self._metric: str | None = None
        self._comparison: Comparison | None = None
        self._chart = LossChart(id="chart")

    def compose(self) -> ComposeResult:
        yield LineView(id="header")
        yield self._chart
        yield LinesView(id="numbers")
        with Horizontal(id="bottom"):
            yield LineView(id="status")
        yield Footer(id="footer")

    def situation(self) -> Situation:
        return nowhere(self.session.state)

    @property
    def help_actions(self) -> tuple[Action, ...]:
        return (*CHART, *ACTIONS)

    def on_mount(self) -> None:
        self.say(Said("reading curves …", "busy"))
        self._read()
        self.set_interval(_LIVE_S, self._again)

    def on_resize(self) -> None:
        self.call_after_refresh(self.state_changed)

    def state_changed(self) -> None:
        palette, comparison = self.session.palette, self._comparison
        labels = [shown(self.session.state.label(node)) for node in self._compared]
        left: list[Piece] = [
            (" compare  ", palette.dim),
            (wording.fit("  ".join(labels), max(10, self.size.width - 12)), palette.strong),
        ]
        self.query_one("#header", LineView).write(left)
        if comparison is not None:
            self._paint_numbers(comparison)
        self.paint_status()
        self.paint_footer()

    def idle_status(self) -> tuple[list[Piece], list[Piece]]:
        if self._comparison is None:
            return [], []
        palette, warnings = self.session.palette, self._comparison.warnings
        metrics = self._comparison.metrics
        left: list[Piece] = []
        if warnings:
            left = [(f" {self.session.glyphs.warning} {shown(warnings[0])}", palette.accent)]
        if len(metrics) > 1:
            at = metrics.index(self._comparison.metric) + 1 if self._comparison.metric in metrics else 0
            return left, [(f"metric {at} of {len(metrics)} ", palette.dim)]
        return left, []

    def _again(self) -> None:
        buckets = {node.bucket for node in self._compared}
        if any(run.is_live and run.bucket in buckets for run in self.session.state.runs.values()):
            self._read()

    def _read(self) -> None:
        workspace, nodes, metric = self.session.workspace, self._compared, self._metric
        if workspace is not None:
            self.session.run(
                self,
                lambda: workspace.compare(nodes, metric),
                self._took,
                self.complain,
                group="compare",
                exclusive=True,
            )

    def _took(self, comparison: Comparison) -> None:
        first = self._comparison is None
        self._comparison = comparison
        self._chart.show(comparison)
        if first:
            self.hush()
        if not any(len(curve.values) for curve in comparison.nodes):
            self.say(Said("None of these has metrics yet.", "why", "runs write runs/<id>/metrics.jsonl"))
        self.state_changed()

    @on(LossChart.Selected)
    def _selected(self) -> None:
        if self._comparison is not None:
            self._paint_numbers(self._comparison)

    def _paint_numbers(self, comparison: Comparison) -> None:
        """One row a curve: what it changed, where it forked, last, best, and how it stands to its parent."""
        palette, pane = self.session.palette, self.query_one("#numbers", LinesView)
        width = self.size.width
        name_width = max(12, min(max((len(c.label) for c in comparison.nodes), default=12), width - 56))
        changed_width = max(7, min(20, width - name_width - 50))
        head = (
            f"  {'NODE':<{name_width}}  {'CHANGED':<{changed_width}}  {'FORK':>7}"
            f"  {'LAST':>7}  {'BEST':>7} {'AT':<7}  Δ PARENT"
        )
        lines: list[list[Piece]] = [[(head, palette.dim)]]
        chosen = self._chart.view.selected
        for index, curve in enumerate(comparison.nodes):
            line = self._numbers(curve, name_width, changed_width, comparison.rises)
            bar = self.session.glyphs.cursor if index == chosen else " "
            lines.append([(bar, palette.primary), *line])
        pane.write(lines)
        pane.display = self.size.height >= _TALL  # the chart's legend has the main numbers too
        pane.styles.height = min(len(lines), _ROWS) + 1  # the rule above it

    def _numbers(self, curve: NodeCurve, name_width: int, changed_width: int, rises: bool) -> list[Piece]:
        palette, more = self.session.palette, self.session.glyphs.more
        told = [(shown(name), shown(show_scalar(value))) for name, value in curve.overrides]
        best = curve.best
        name = wording.fit_end(shown(curve.label), name_width, more)
        changed = wording.changes(told, changed_width, more) if told else ""
        fork = wording.step(int(curve.fork_x), 7) if curve.fork_x is not None else ""
        line: list[Piece] = [
            (f" {name:<{name_width}}", palette.text),
            (f"  {changed:<{changed_width}}", palette.accent),
            (f"  {fork:>7}", palette.dim),
            (f"  {wording.loss(curve.last):>7}", palette.strong),
            (f"  {wording.loss(best.value if best else None):>7}", palette.text),
            (f" {wording.step(int(best.x), 7) if best else '':<7}", palette.dim),
        ]
        change = curve.delta_to_parent
        if change is not None and math.isfinite(change):
            better = change > 0 if rises else change <= 0
            sign = self.session.glyphs.up if change > 0 else self.session.glyphs.down
            line.append((f"  {sign}{wording.delta(change)}", palette.good if better else palette.bad))
        if curve.non_finite:
            line.append((f"  {curve.non_finite} not finite", palette.bad))
        return line

    def do_metric(self) -> None:
        self._step_metric(1)

    def do_metric_back(self) -> None:
        self._step_metric(-1)

    def _step_metric(self, step: int) -> None:
        comparison = self._comparison
        if comparison is None or len(comparison.metrics) < 2:
            self.say(Said("There is no other metric.", "why"))
            return
        metrics = comparison.metrics
        at = metrics.index(comparison.metric) if comparison.metric in metrics else 0
        self._metric = metrics[(at + step) % len(metrics)]
        self.say(Said(f"reading {shown(self._metric)} …", "busy"))
        self._comparison = None
        self._read()

    def do_copy(self) -> None:
        command = "explorer compare " + " ".join(node.address for node in self._compared)
        self.app.copy_to_clipboard(command)
        self.say(Said("the command was copied", "good"))
