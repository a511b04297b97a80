"""The compare screen: reads curves in a thread, paints them, and forks and resumes from their checkpoints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from immutables import Map
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Input

from explorer.errors import ExplorerError
from explorer.lineage.address import Node
from explorer.lineage.rows import Rows as LineageRows
from explorer.metrics import Comparison, Row
from explorer.tui import wording
from explorer.tui.actions import Action, bindings
from explorer.tui.charts.curve_table import CurveTable, Shown
from explorer.tui.charts.loss_chart import LossChart
from explorer.tui.charts.numbers import rows_of
from explorer.tui.charts.signs import ASCII, UNICODE
from explorer.tui.charts.title import axis_name
from explorer.tui.columns import Piece
from explorer.tui.filtering import Prompt
from explorer.tui.footer import Footer
from explorer.tui.names import shown
from explorer.tui.paint import LineView
from explorer.tui.screens.compare.choosing import Choosing
from explorer.tui.screens.compare.code import Asked
from explorer.tui.screens.compare.comparing import Comparing
from explorer.tui.screens.compare.keys import ACTIONS, MOUSE
from explorer.tui.screens.compare.saving import SaveAs, proposed, write
from explorer.tui.screens.compare.telling import told
from explorer.tui.screens.forking import Forking
from explorer.tui.screens.pick import Pick
from explorer.tui.session import Session
from explorer.tui.status import Said

_LIVE_S = 2.0
"""How often the curves are read again while one of the runs lives."""
_PANES = ("", "-only-chart", "-only-table")
_TABLE_FROM = 14
"""Lower screens show the chart alone."""


@dataclass(frozen=True, slots=True)
class Found:
    """What one reading brought."""

    comparisons: tuple[Comparison, ...]
    rows: tuple[Row, ...]


class CompareScreen(Choosing, Forking):
    """Reads the curves, inherited history included, and again while a run lives."""

    ACTIONS: ClassVar[tuple[Action, ...]] = ACTIONS
    BINDINGS = bindings(ACTIONS)
    TITLE_OF_KEYS = "Compare"
    AUTO_FOCUS = "LossChart"
    AFTER_RESUME = "its curve joins as soon as it logs"
    DEFAULT_CSS = """
    CompareScreen #pair { height: 1fr; }
    CompareScreen.-only-chart CurveTable, CompareScreen.-low CurveTable { display: none; }
    CompareScreen.-only-table LossChart { display: none; }
    CompareScreen.-only-table CurveTable { height: 1fr; }
    CompareScreen LineView#told { background: $panel; }
    """

    def __init__(self, session: Session, nodes: tuple[Node, ...]) -> None:
        self.signs = ASCII if session.glyphs.ascii else UNICODE
        super().__init__(session, LossChart(signs=self.signs, id="chart"))
        self._compared = nodes
        self._metrics: tuple[str, ...] = ()
        """Those that were asked for; empty for whatever is best to begin with."""
        self._x = "step"
        self._baseline: Node | None = None
        self._found: Found | None = None
        self._was_live = False
        self._asked_for: tuple[Node, ...] = ()
        self._counted = 0.0
        """The smoothing that the numbers were made with."""

    def compose(self) -> ComposeResult:
        yield LineView(id="header")
        with Vertical(id="pair"):
            yield self.chart
            yield LineView(id="told")
            yield CurveTable(self.signs, id="curves")
        with Horizontal(id="bottom"):
            yield LineView(id="status")
            yield Prompt(self.typed, self.leave_filter)
        yield Footer(id="footer")

    def situation(self) -> Comparing:
        return Comparing(
            self.session.state,
            LineageRows(Map()),
            self.source,
            (),
            self.session.workspace is not None,
            comparisons=self.chart.comparisons,
            view=self.view,
            sorting=self.sorting,
            has_baseline=self._baseline is not None,
        )

    @property
    def help_actions(self) -> tuple[Action, ...]:
        return (*ACTIONS, *MOUSE)

    def on_mount(self) -> None:
        self.query_one("#query", Input).placeholder = "val_loss<2.05  lr>1e-4  name  !other"
        self.say(Said("reading curves …", "busy"))
        self._read()
        self.set_interval(_LIVE_S, self._again)

    def on_resize(self) -> None:
        self.call_after_refresh(self.state_changed)

    @property
    def present(self) -> tuple[Node, ...]:
        """What is compared and has not been deleted meanwhile."""
        return tuple(node for node in self._compared if node.bucket in self.session.state.buckets)

    # -- reading

    def _again(self) -> None:
        """While a run lives, and once more when the last one has ended."""
        buckets = {node.bucket for node in self._compared}
        live = any(run.is_live and run.bucket in buckets for run in self.session.state.runs.values())
        if live or self._was_live:
            self._read()
        self._was_live = live

    def _read(self) -> None:
        workspace, x, weight = self.session.workspace, self._x, self.view.weight
        nodes, metrics = self.present, self._metrics
        baseline = self._baseline if self._baseline in nodes else None
        if workspace is None or not nodes:
            return

        def call() -> Found:
            against = baseline if baseline is not None else "parent"
            if metrics:
                comparisons = workspace.compare(nodes, metrics, x, baseline=against)
            else:
                comparisons = (workspace.compare(nodes, None, x, baseline=against),)
            return Found(comparisons, rows_of(comparisons, weight))

        self._counted, self._asked_for = weight, nodes
        self.session.run(self, call, self._took, self._failed, group="compare", exclusive=True)

    def _took(self, found: Found) -> None:
        first = self._found is None
        if found == self._found:
            return
        self._found = found
        self.rows = found.rows
        self.chart.show(found.comparisons)
        self._x = found.comparisons[0].x
        if first or (self._said is not None and self._said.kind == "busy"):
            self.hush()
        if not any(len(curve.values) for curve in found.comparisons[0].nodes):
            self.say(Said("None of these has metrics yet.", "why", "runs write runs/<id>/metrics.jsonl"))
        self.apply_filter()
        self.state_changed()

    def _failed(self, error: ExplorerError) -> None:
        """What could not be read is not asked for again."""
        if self._found is not None:
            self._metrics = tuple(c.metric for c in self._found.comparisons) if self._metrics else ()
            self._x = self._found.comparisons[0].x
        self.complain(error)

    def _recount(self) -> None:
        """The numbers of the table anew, for another smoothing."""
        comparisons, weight = self.chart.comparisons, self.view.weight
        if not comparisons:
            return

        def took(rows: tuple[Row, ...]) -> None:
            self.rows = rows
            self.paint()

        self._counted = weight
        self.session.run(
            self, lambda: rows_of(comparisons, weight), took, self.complain, group="numbers", exclusive=True
        )

    # -- painting

    def state_changed(self) -> None:
        palette, glyphs = self.session.palette, self.session.glyphs
        labels = [shown(self.session.state.label(node)) for node in self.present]
        buckets = {node.bucket for node in self.present}
        live = [run for run in self.session.state.runs.values() if run.is_live and run.bucket in buckets]
        left: list[Piece] = [
            (" compare  ", palette.dim),
            (wording.fit("  ".join(labels), max(10, self.size.width - 22), glyphs.more), palette.strong),
        ]
        right: list[Piece] = [(f"{glyphs.running} live ", palette.primary)] if live else []
        self.query_one("#header", LineView).write(left, right)
        self.query_one(CurveTable).restyle()
        self.paint()
        if self.present != self._asked_for:
            self._read()

    @on(LossChart.Looked)
    def _looked(self) -> None:
        if self.view.weight != self._counted:
            self._recount()
        if self._said is not None and self._said.kind == "why":
            self._said = None  # it may apply now
        self.paint()

    def paint(self) -> None:
        """What stands around the chart."""
        comparisons, curve = self.chart.comparisons, self.chart.curve
        palette, table = self.session.palette, self.query_one(CurveTable)
        line = self.query_one("#told", LineView)
        self.set_class(self.size.height < _TABLE_FROM, "-low")
        if comparisons and curve is not None:
            line.write(told(comparisons[0], curve, self.view.selected, self.signs, palette))
            rows = self.in_sight
            if not self.has_class("-only-table"):
                table.styles.height = min(len(rows), max(self.size.height // 3 - 2, 2)) + 1
            else:
                table.styles.height = "1fr"
            table.show(
                Shown(comparisons, self.chart.lines, rows, self.view, self.sorting),
                palette,
                self.session.glyphs,
            )
        self.paint_status()
        self.paint_footer()

    def idle_status(self) -> tuple[list[Piece], list[Piece]]:
        comparisons, palette, glyphs = self.chart.comparisons, self.session.palette, self.session.glyphs
        if not comparisons:
            return [], []
        left: list[Piece] = []
        checkpoint = self.chart.checkpoint
        if checkpoint is not None:
            label = shown(self.session.state.label(checkpoint))
            left = [
                (f" {self.signs.checkpoint} {label}", palette.strong),
                ("  f forks, r resumes here", palette.dim),
            ]
        elif comparisons[0].warnings:
            left = [(f" {glyphs.warning} {shown(comparisons[0].warnings[0])}", palette.accent)]
        right: list[Piece] = []
        if self.filter_text:
            said = f"{shown(self.filter_text)}: {len(self.in_sight)} of {len(self.rows)} curves"
            right.append((f"{said}  ", palette.accent))
        others = len(comparisons[0].metrics) - len(comparisons)
        if others > 0:
            right.append((f"m: {wording.count(others, 'more metric')} ", palette.dim))
        return left, right

    # -- what is compared

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

    def do_panes(self) -> None:
        now = next((at for at, name in enumerate(_PANES) if name and self.has_class(name)), 0)
        for name in _PANES[1:]:
            self.set_class(name == _PANES[(now + 1) % len(_PANES)], name)
        self.call_after_refresh(self.paint)

    # -- forking and resuming

    @property
    def source(self) -> Node | None:
        return self.chart.checkpoint

    def made(self, node: Node) -> None:
        """What was made joins the comparison."""
        if node not in self._compared:
            self._compared = (*self._compared, node)
            self.state_changed()

    # -- taking it along

    def do_save(self) -> None:
        comparisons, rows, view = self.chart.comparisons, self.in_sight, self.view

        def answered(path: Path | None) -> None:
            if path is None:
                return
            self.say(Said("writing …", "busy"))
            self.session.run(
                self,
                lambda: write(comparisons, rows, view, path),
                lambda paths: self.say(Said("written: " + ", ".join(shown(str(p)) for p in paths), "good")),
                self.complain,
                group="save",
            )

        self.app.push_screen(SaveAs(proposed(comparisons[0]), len(comparisons), self.session), answered)

    @property
    def _asked(self) -> Asked:
        metrics = [comparison.metric for comparison in self.chart.comparisons]
        return Asked(self.session.state.store, self.present, metrics, self._x, self.view, self._baseline)

    def do_copy(self) -> None:
        self.app.copy_to_clipboard(self._asked.python)
        self.say(Said("the Python for a notebook was copied", "good"))

    def do_copy_command(self) -> None:
        self.app.copy_to_clipboard(self._asked.command)
        self.say(Said("the command was copied", "good"))

    def do_back(self) -> None:
        if self.filter_text:
            self.clear_filter()
        else:
            super().do_back()
