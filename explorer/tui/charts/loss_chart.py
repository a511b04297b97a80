"""`LossChart`: a comparison as an interactive chart. The drawing is in `plot*.py`, this is keys and paint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.color import Color
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from explorer.lineage.address import Node
from explorer.metrics.comparison import Comparison
from explorer.tui.charts.frame import Frame, frame
from explorer.tui.charts.keys import CHART_KEYS
from explorer.tui.charts.lines import Lines
from explorer.tui.charts.plot import (
    AXIS,
    BAD,
    BLANK,
    BOLD,
    CROSS,
    FAINT,
    GREY,
    GRID,
    HUE,
    HUES,
    INHERITED,
    STRONG,
)
from explorer.tui.charts.view import View
from explorer.tui.theme import missing_colours


class LossChart(Widget, can_focus=True):
    """Curves of a Comparison; `show` replaces it and keeps how it is looked at."""

    DEFAULT_CSS = "LossChart { width: 1fr; height: 1fr; min-height: 8; }"

    BINDINGS: ClassVar[list[BindingType]] = list(CHART_KEYS)

    class Selected(Message):
        """The selected curve, or the crosshair, moved: `x` is None without a crosshair.

        `checkpoint` is the snapshot under the crosshair, to fork or resume from.
        """

        def __init__(self, chart: LossChart, curve: int, x: float | None, checkpoint: Node | None) -> None:
            super().__init__()
            self.chart, self.curve, self.x, self.checkpoint = chart, curve, x, checkpoint

        @property
        def control(self) -> LossChart:
            return self.chart

    def __init__(self, comparison: Comparison | None = None, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.comparison = comparison
        self.view = View()
        self._lines: Lines | None = None
        self._frame: Frame | None = None
        self._styles: Mapping[int, Style] = {}

    def show(self, comparison: Comparison) -> None:
        """Draw this one from now on: the window, the crosshair and what is hidden stay. Costs one repaint."""
        chosen = self._chosen_label()
        other_axis = self.comparison is not None and self.comparison.x != comparison.x
        self.comparison, self._lines = comparison, None
        found = next((i for i, c in enumerate(comparison.nodes) if c.label == chosen), 0)
        view = replace(self.view, selected=found)
        self._look(replace(view, window=None, cursor=None) if other_axis else view)

    def on_mount(self) -> None:
        self.app.theme_changed_signal.subscribe(self, self._restyle)
        self._restyle(None)

    def _restyle(self, _: object) -> None:
        self._styles = _styles(self)
        self.refresh()

    def on_resize(self) -> None:
        self._frame = None

    def _look(self, view: View) -> None:
        if view != self.view or self._lines is None:
            moved = (view.selected, view.cursor) != (self.view.selected, self.view.cursor)
            self.view, self._frame = view, None
            self.refresh()
            if moved:
                self.post_message(self.Selected(self, view.selected, view.cursor, self.checkpoint))

    @property
    def lines(self) -> Lines | None:
        if self._lines is None and self.comparison is not None and self.comparison.nodes:
            self._lines = Lines(self.comparison)
        return self._lines

    def _chosen_label(self) -> str | None:
        nodes = self.comparison.nodes if self.comparison is not None else ()
        return nodes[self.view.selected].label if self.view.selected < len(nodes) else None

    def render_line(self, y: int) -> Strip:
        width, height = self.size
        if self._frame is None and self.lines is not None:
            self._frame = frame(self.lines, self.view, width, height, letters=self.app.no_color)
        ground = self.rich_style
        if self._frame is None or y >= len(self._frame.lines):
            return Strip.blank(width, ground)
        styles = self._styles
        segments = [
            Segment(text, ground + styles.get(ink, Style.null())) for text, ink in self._frame.lines[y]
        ]
        return Strip(segments, width)

    def action_cross(self, by: int) -> None:
        lines, view = self.lines, self.view
        if lines is None:
            return
        low, high = lines.window(view)
        if view.cursor is None:
            x = lines.neighbour(view.selected, view, high if by < 0 else low, 0 if by < 0 else 1)
        else:
            x = lines.neighbour(view.selected, view, view.cursor, by)
        if x is not None:
            view = replace(view, cursor=x)
            share = (x - (low + high) / 2) / (high - low)
            if not low <= x <= high:
                view = view.panned((low, high), share, lines.bounds())
            self._look(view)

    def action_end(self, side: int) -> None:
        if (lines := self.lines) is not None:
            edge = lines.window(self.view)[side > 0]
            x = lines.neighbour(
                self.view.selected, self.view, edge, int(side < 0 and self.view.window is not None)
            )
            self._look(replace(self.view, cursor=x))

    @property
    def checkpoint(self) -> Node | None:
        """The snapshot of the selected curve's lineage under the crosshair."""
        nodes = self.comparison.nodes if self.comparison is not None else ()
        if self.view.selected >= len(nodes):
            return None
        return next(
            (node for x, node in nodes[self.view.selected].checkpoints if x == self.view.cursor), None
        )

    def action_checkpoint(self, by: int) -> None:
        lines, view = self.lines, self.view
        if lines is None or view.selected >= len(lines.curves):
            return
        low, high = lines.window(view)
        places = [x for x, _ in lines.curves[view.selected].checkpoints if low <= x <= high]
        at = view.cursor if view.cursor is not None else high if by < 0 else low
        beyond = [x for x in places if (x > at if by > 0 else x < at)] or places
        if beyond:
            self._look(replace(view, cursor=beyond[0] if by > 0 else beyond[-1]))

    def action_select(self, by: int) -> None:
        count = len(self.comparison.nodes) if self.comparison is not None else 0
        self._look(replace(self.view, selected=(self.view.selected + by) % max(count, 1)))

    def action_toggle_curve(self) -> None:
        label = self._chosen_label()
        if label is not None:
            self._look(self.view.toggled(label))

    def action_only(self) -> None:
        label = self._chosen_label()
        if self.comparison is not None and label is not None:
            others = frozenset(c.label for c in self.comparison.nodes) - {label}
            self._look(replace(self.view, hidden=frozenset() if self.view.hidden == others else others))

    def action_zoom(self, factor: float) -> None:
        if (lines := self.lines) is not None:
            self._look(self.view.zoomed(lines.window(self.view), factor, lines.bounds()))

    def action_pan(self, share: float) -> None:
        if (lines := self.lines) is not None:
            self._look(self.view.panned(lines.window(self.view), share, lines.bounds()))

    def action_window(self) -> None:
        zoomed = self.view.window is not None
        self._look(replace(self.view, window=None, full=self.view.full if zoomed else not self.view.full))

    def action_log_y(self) -> None:
        self._look(replace(self.view, log_y=not self.view.log_y))

    def action_smooth(self) -> None:
        self._look(self.view.smoother())

    def action_delta(self) -> None:
        self._look(replace(self.view, delta=not self.view.delta))

    def action_tails(self) -> None:
        self._look(replace(self.view, tails=not self.view.tails))

    def action_reset(self) -> None:
        self._look(View(selected=self.view.selected))

    def on_click(self, event: events.Click) -> None:
        """A click in the plot puts the crosshair there; one in the legend selects, on its dot it hides."""
        lines, now = self.lines, self._frame
        if lines is None or now is None:
            return
        for line, start, curve in now.legend:
            if event.y == line and event.x >= start:
                view = replace(self.view, selected=curve)
                label = lines.curves[curve].label
                self._look(view.toggled(label) if event.x < start + 5 else view)
                return
        column = event.x - now.left
        if 0 <= column < now.columns and now.top <= event.y < now.top + now.rows:
            low, high = lines.window(self.view)
            x = low + (high - low) * (column + 0.5) / now.columns
            self._look(replace(self.view, cursor=lines.neighbour(self.view.selected, self.view, x, 0)))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.action_zoom(0.8)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.action_zoom(1.25)


def _styles(chart: LossChart) -> dict[int, Style]:
    """Inks to styles of the theme in force; a theme that is not ours gets our lane hues all the same."""
    named = {**missing_colours(chart.app.current_theme), **chart.app.theme_variables}

    def ink(name: str, *, bold: bool = False) -> Style:
        return Style(color=Color.parse(named[name]).hex6, bold=bold)

    styles = {
        BLANK: Style.null(),
        AXIS: ink("dim"),
        GRID: ink("cursor-ground"),
        INHERITED: ink("dim"),
        BAD: ink("error", bold=True),
        CROSS: ink("accent"),
        STRONG: ink("foreground", bold=True),
        FAINT: ink("faint"),
        GREY: ink("dim"),
    }
    for hue in range(HUES):
        styles[HUE + hue] = ink(f"lane-{hue}")
        styles[BOLD + hue] = ink(f"lane-{hue}", bold=True)
    return styles
