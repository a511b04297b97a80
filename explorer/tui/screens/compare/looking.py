"""The keys that only change how the chart is looked at: crosshair, window, scales, what is drawn."""

from __future__ import annotations

from dataclasses import replace

from explorer.tui.charts.loss_chart import LossChart
from explorer.tui.charts.view import View
from explorer.tui.names import shown
from explorer.tui.screens.compare.comparing import parameters
from explorer.tui.screens.page import Page
from explorer.tui.screens.pick import Pick
from explorer.tui.session import Session
from explorer.tui.status import Said

_PICK_FROM = 3
"""Fewer hyperparameters than this are gone through with the key."""


class Looking(Page):
    """Everything here changes `chart.view`, and costs one repaint."""

    def __init__(self, session: Session, chart: LossChart) -> None:
        super().__init__(session)
        self.chart = chart

    @property
    def view(self) -> View:
        return self.chart.view

    # -- crosshair

    def do_cross_left(self) -> None:
        self.chart.cross(-1)

    def do_cross_right(self) -> None:
        self.chart.cross(1)

    def do_cross_far_left(self) -> None:
        self.chart.cross(-10)

    def do_cross_far_right(self) -> None:
        self.chart.cross(10)

    def do_cross_first(self) -> None:
        self.chart.cross_end(-1)

    def do_cross_last(self) -> None:
        self.chart.cross_end(1)

    def do_checkpoint_left(self) -> None:
        self.chart.walk_checkpoints(-1)

    def do_checkpoint_right(self) -> None:
        self.chart.walk_checkpoints(1)

    # -- axes

    def do_zoom_in(self) -> None:
        self.chart.zoom(0.5)

    def do_zoom_out(self) -> None:
        self.chart.zoom(2)

    def do_pan_left(self) -> None:
        self.chart.pan(-0.25)

    def do_pan_right(self) -> None:
        self.chart.pan(0.25)

    def do_taller(self) -> None:
        self.chart.look(replace(self.view, y_zoom=self.view.y_zoom * 0.7))

    def do_flatter(self) -> None:
        self.chart.look(replace(self.view, y_zoom=self.view.y_zoom / 0.7))

    def do_pan_up(self) -> None:
        self.chart.look(replace(self.view, y_shift=self.view.y_shift + self.view.y_zoom / 4))

    def do_pan_down(self) -> None:
        self.chart.look(replace(self.view, y_shift=self.view.y_shift - self.view.y_zoom / 4))

    def do_window(self) -> None:
        """A zoomed chart first goes back to what it was zoomed from."""
        view = self.view
        zoomed = view.window is not None
        self.chart.look(replace(view, window=None, full=view.full if zoomed else not view.full))

    def do_log_x(self) -> None:
        view = replace(self.view, log_x=not self.view.log_x)
        if view.log_x and view.window is not None and view.window[0] <= 0:
            view = replace(view, window=None)
        self.chart.look(view)

    def do_log_y(self) -> None:
        self.chart.look(replace(self.view, log_y=not self.view.log_y, y_zoom=1.0, y_shift=0.0))

    def do_extremes(self) -> None:
        self.chart.look(replace(self.view, extremes=not self.view.extremes))

    def do_reset(self) -> None:
        self.chart.look(self.view.at_first())

    # -- what is drawn

    def do_overlay(self) -> None:
        self.chart.look(replace(self.view, overlaid=not self.view.overlaid))

    def do_smooth(self) -> None:
        self.chart.look(self.view.smoothed(1))

    def do_rough(self) -> None:
        self.chart.look(self.view.smoothed(-1))

    def do_delta(self) -> None:
        self.chart.look(replace(self.view, delta=not self.view.delta, y_zoom=1.0, y_shift=0.0))

    def do_tails(self) -> None:
        self.chart.look(replace(self.view, tails=not self.view.tails))

    def do_means(self) -> None:
        self.chart.look(replace(self.view, means=not self.view.means))

    def do_colour(self) -> None:
        """The next hyperparameter, and after the last one none; of many one is picked from a list."""
        names = parameters(self.chart.curves)
        now = self.view.colour_by
        if len(names) < _PICK_FROM:
            around = (None, *names)
            at = around.index(now) if now in around else 0
            self._colour_by(around[(at + 1) % len(around)])
        elif now is not None:
            self._colour_by(None)
        else:

            def answered(picked: tuple[str, ...] | None) -> None:
                if picked:
                    self._colour_by(picked[0])

            self.app.push_screen(Pick("Group and colour by", names, (), self.session), answered)

    def _colour_by(self, name: str | None) -> None:
        self.chart.look(replace(self.view, colour_by=name, means=self.view.means and name is not None))
        said = "each curve has its own colour" if name is None else f"coloured by {shown(name)}"
        self.say(Said(said, "info", "G draws the mean of each group" if name else ""))
