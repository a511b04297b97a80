"""The compare screen: chart, table, and what can be done from the checkpoint under the crosshair."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from immutables import Map
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from explorer.lineage.address import Node
from explorer.lineage.rows import Rows as LineageRows
from explorer.tui.actions import Action, bindings
from explorer.tui.charts.curve_table import CurveTable, Shown
from explorer.tui.charts.loss_chart import LossChart
from explorer.tui.charts.signs import ASCII, UNICODE
from explorer.tui.columns import Piece
from explorer.tui.fitting import fit
from explorer.tui.footer import Footer
from explorer.tui.names import shown
from explorer.tui.paint import LineView
from explorer.tui.prompt import Prompt
from explorer.tui.screens.compare.code import Asked
from explorer.tui.screens.compare.comparing import Comparing, at_checkpoint
from explorer.tui.screens.compare.keys import ACTIONS, MOUSE
from explorer.tui.screens.compare.reading import Reading
from explorer.tui.screens.compare.saving import formats, proposed, write
from explorer.tui.screens.compare.telling import told
from explorer.tui.screens.forking import Forking
from explorer.tui.screens.save_as import SaveAs
from explorer.tui.session import Session
from explorer.tui.status import Said
from explorer.wording import count

_LIVE_S = 2.0
"""How often the curves are read again while one of the runs lives."""
_PLACEHOLDER = "val_loss<2.05  lr>1e-4  name  !other"
_PANES = ("", "-only-chart", "-only-table")
_TABLE_FROM = 14
"""Lower screens show the chart alone."""


class CompareScreen(Reading, Forking):
    """Composes and paints; what is read, chosen and looked at are the classes below it."""

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
        super().__init__(session, LossChart(signs=self.signs, id="chart"), nodes)

    def compose(self) -> ComposeResult:
        yield LineView(id="header")
        with Vertical(id="pair"):
            yield self.chart
            yield LineView(id="told")
            yield CurveTable(self.signs, id="curves")
        with Horizontal(id="bottom"):
            yield LineView(id="status")
            yield Prompt(self.typed, self.leave_filter, placeholder=_PLACEHOLDER)
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
            has_baseline=self.baseline is not None,
        )

    @property
    def help_actions(self) -> tuple[Action, ...]:
        return (*ACTIONS, *MOUSE)

    def action_act(self, name: str) -> None:
        """A reason why the key before did not apply stands until the next key."""
        if self._said is not None and self._said.kind == "why":
            self.hush()
        super().action_act(name)

    def on_mount(self) -> None:
        self.say(Said("reading curves …", "busy"))
        self._read()
        self.set_interval(_LIVE_S, self._again)

    def on_resize(self) -> None:
        self.call_after_refresh(self.state_changed)

    # -- painting

    def state_changed(self) -> None:
        palette, glyphs = self.session.palette, self.session.glyphs
        labels = [shown(self.session.state.label(node)) for node in self.present]
        left: list[Piece] = [
            (" compare  ", palette.dim),
            (fit("  ".join(labels), max(10, self.size.width - 22), glyphs.more), palette.strong),
        ]
        right: list[Piece] = [(f"{glyphs.running} live ", palette.primary)] if self.live else []
        self.query_one("#header", LineView).write(left, right)
        self.query_one(CurveTable).restyle()
        self.paint()
        if self.present != self._asked_for:
            self._read()

    @on(LossChart.Looked)
    def _looked(self) -> None:
        self.count_again()
        self.paint()

    def paint(self) -> None:
        """What stands around the chart."""
        comparisons, curve = self.chart.comparisons, self.chart.curve
        palette, table = self.session.palette, self.query_one(CurveTable)
        line = self.query_one("#told", LineView)
        self.set_class(self.size.height < _TABLE_FROM, "-low")
        if comparisons and curve is not None:
            line.write(told(comparisons[0], curve, self.view.selected, self.size.width, self.signs, palette))
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
            why = at_checkpoint(self.situation())
            left = [
                (f" {self.signs.checkpoint} {label}", palette.strong),
                (f"  {why or 'f forks, r resumes here'}", palette.dim),
            ]
        elif comparisons[0].warnings:
            left = [(f" {glyphs.warning} {shown(comparisons[0].warnings[0])}", palette.accent)]
        right: list[Piece] = []
        if self.filter_text:
            said = f"{shown(self.filter_text)}: {len(self.in_sight)} of {len(self.rows)} curves"
            right.append((f"{said}  ", palette.accent))
        others = len(comparisons[0].metrics) - len(comparisons)
        if others > 0:
            right.append((f"m: {count(others, 'more metric')} ", palette.dim))
        return left, right

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

        self.app.push_screen(
            SaveAs(proposed(comparisons[0]), formats(len(comparisons)), self.session), answered
        )

    @property
    def _asked(self) -> Asked:
        metrics = [comparison.metric for comparison in self.chart.comparisons]
        return Asked(
            self.session.state.store,
            self.present,
            metrics,
            self._x,
            self.view,
            self.baseline,
            self.filter_text,
            self.sorting,
        )

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
