"""`LossChart`: comparisons as an interactive chart. `frame` draws it; its keys belong to the screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.color import Color
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from explorer.lineage.address import Node
from explorer.metrics.comparison import Comparison, NodeCurve
from explorer.tui.charts import inks
from explorer.tui.charts.frame import Area, Frame, frame
from explorer.tui.charts.lines import Lines
from explorer.tui.charts.plan import span_of
from explorer.tui.charts.signs import UNICODE, Signs
from explorer.tui.charts.view import Span, View
from explorer.tui.theme import missing_colours


class LossChart(Widget, can_focus=True):
    """The curves of a comparison a metric; `show` replaces them and keeps how they are looked at."""

    DEFAULT_CSS = "LossChart { width: 1fr; height: 1fr; min-height: 4; }"

    class Looked(Message):
        """It is looked at in another way: another curve, crosshair, window."""

    def __init__(
        self, comparisons: Sequence[Comparison] = (), *, signs: Signs = UNICODE, id: str | None = None
    ) -> None:
        super().__init__(id=id)
        self.comparisons = tuple(comparisons)
        self.view = View()
        self.signs = signs
        self._lines: tuple[Lines, ...] | None = None
        self._frame: Frame | None = None
        self._stale = True
        self._styles: Mapping[int, Style] = {}
        self._pressed: tuple[Area, int, int, View] | None = None
        """Where the mouse went down, and how it looked then; the view while it drags is made from that."""

    # -- what is shown

    def show(self, comparisons: Sequence[Comparison], lines: tuple[Lines, ...] | None = None) -> None:
        """Draw these from now on: the window, the crosshair and what is hidden stay. Costs one repaint.

        `lines` are the comparisons as arrays, where they were made already.
        """
        chosen = self.curve.label if self.curve is not None else None
        other_axis = bool(self.comparisons) and self.comparisons[0].x != comparisons[0].x
        self.comparisons, self._lines, self._stale = tuple(comparisons), lines, True
        found = next((i for i, c in enumerate(self.curves) if c.label == chosen), 0)
        view = replace(self.view, selected=found)
        if other_axis:
            view = replace(view, window=None, cursor=None)
        self.look(view)

    def look(self, view: View) -> None:
        """Look at it in this way; the same again costs nothing."""
        if view != self.view or self._stale:
            self.view, self._stale = view, True
            self.refresh()
            self.post_message(self.Looked())

    @property
    def curves(self) -> tuple[NodeCurve, ...]:
        return self.comparisons[0].nodes if self.comparisons else ()

    @property
    def curve(self) -> NodeCurve | None:
        """The selected one."""
        return self.curves[self.view.selected] if self.view.selected < len(self.curves) else None

    @property
    def checkpoint(self) -> Node | None:
        """The snapshot of the selected curve's lineage under the crosshair: to fork and resume from."""
        if self.curve is None or self.view.cursor is None:
            return None
        return next((node for x, node in self.curve.checkpoints if x == self.view.cursor), None)

    @property
    def lines(self) -> tuple[Lines, ...]:
        """The curves as arrays, a value a metric; empty where nothing was read."""
        if self._lines is None and self.curves:
            self._lines = tuple(map(Lines, self.comparisons))
        return self._lines or ()

    # -- the crosshair

    def cross(self, by: int) -> None:
        """The crosshair `by` points of the selected curve further, into the window if it has to move."""
        if not self.lines:
            return
        lines, view, (low, high) = self.lines[0], self.view, self.window
        if view.cursor is None:
            x = lines.neighbour(view.selected, view, high if by < 0 else low, 0 if by < 0 else 1)
        else:
            x = lines.neighbour(view.selected, view, view.cursor, by)
        if x is not None:
            self.stand(x)

    def stand(self, x: float) -> None:
        """The crosshair at `x`; the window follows where it has to."""
        view, (low, high) = replace(self.view, cursor=x), self.window
        if not low <= x <= high:
            at, left, right = view.place(x), view.place(low), view.place(high)
            view = view.panned((low, high), (at - (left + right) / 2) / (right - left), self.bounds)
        self.look(view)

    def cross_end(self, side: int) -> None:
        """The crosshair to the first or last point of the curve in the window."""
        if self.lines:
            inside = int(side < 0 and self.view.window is not None)
            edge = self.window[side > 0]
            x = self.lines[0].neighbour(self.view.selected, self.view, edge, inside)
            self.look(replace(self.view, cursor=x))

    def walk_checkpoints(self, by: int) -> None:
        """The crosshair to the selected curve's next checkpoint, or the one before; round at the ends."""
        if self.curve is None:
            return
        places = [x for x, _ in self.curve.checkpoints]
        low, high = self.window
        at = self.view.cursor if self.view.cursor is not None else high if by < 0 else low
        beyond = [x for x in places if (x > at if by > 0 else x < at)] or places
        if beyond:
            self.stand(beyond[0] if by > 0 else beyond[-1])

    # -- the window

    @property
    def window(self) -> Span:
        return span_of(self.lines, self.view) if self.lines else (0.0, 1.0)

    @property
    def bounds(self) -> Span:
        spans = [lines.bounds(self.view) for lines in self.lines] or [(0.0, 1.0)]
        return min(low for low, _ in spans), max(high for _, high in spans)

    def zoom(self, factor: float, pivot: float | None = None) -> None:
        self.look(self.view.zoomed(self.window, factor, self.bounds, pivot))

    def pan(self, share: float) -> None:
        self.look(self.view.panned(self.window, share, self.bounds))

    # -- painting

    def on_mount(self) -> None:
        self.app.theme_changed_signal.subscribe(self, self._restyle)
        self._restyle(None)

    def _restyle(self, _: object) -> None:
        # looked up for each line, the ground would cost as much as drawing
        ground = self.rich_style
        self._styles = {ink: ground + style for ink, style in styles_of(self).items()}
        self.refresh()

    def on_resize(self) -> None:
        self._stale = True

    def render_line(self, y: int) -> Strip:
        width, height = self.size
        if self._stale and self.lines and height > 3:
            letters = self.app.no_color
            self._frame = frame(
                self.lines, self.view, width, height, letters=letters, signs=self.signs, before=self._frame
            )
            self._stale = False
        if self._frame is None or y >= len(self._frame.lines):
            return Strip.blank(width, self.rich_style)
        styles, ground = self._styles, self._styles[inks.BLANK]
        return Strip([Segment(text, styles.get(ink, ground)) for text, ink in self._frame.lines[y]], width)

    # -- the mouse: a click sets the crosshair, dragging pans, the wheel zooms, with shift it pans

    def _area(self, event: events.MouseEvent) -> Area | None:
        areas = self._frame.areas if self._frame is not None and self.lines else ()
        # the axis below a plot belongs to it: checkpoints are marked there
        return next((area for up in (0, 1) for area in areas if area.has(event.x, event.y - up)), None)

    def _x(self, area: Area, column: float, view: View, window: Span) -> float:
        low, high = view.place(window[0]), view.place(window[1])
        return view.back(low + (high - low) * (column - area.left + 0.5) / area.columns)

    def _point_at(self, area: Area, column: int) -> float | None:
        """The selected curve's checkpoint in a column, else its point."""
        view, window = self.view, self.window
        edges = [self._x(area, column + half, view, window) for half in (-0.5, 0.5)]
        inside = [x for x, _ in (self.curve.checkpoints if self.curve else ()) if edges[0] <= x < edges[1]]
        middle = self._x(area, column, view, window)
        return inside[0] if inside else self.lines[0].neighbour(view.selected, view, middle, 0)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        area = self._area(event)
        if area is not None and event.button == 1:
            self._pressed = (area, event.x, event.y, self.view)
            self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self._pressed is None or not event.button:
            return
        area, x, y, view = self._pressed
        if (event.x, event.y) == (x, y):
            return
        window = span_of(self.lines, view)
        view = view.panned(window, (x - event.x) / area.columns, self.bounds)
        self.look(replace(view, y_shift=view.y_shift + (event.y - y) / area.rows * view.y_zoom))

    def on_mouse_up(self, event: events.MouseUp) -> None:
        pressed, self._pressed = self._pressed, None
        self.release_mouse()
        if pressed is not None and pressed[3] == self.view and (event.x, event.y) == pressed[1:3]:
            self.look(replace(self.view, cursor=self._point_at(pressed[0], event.x)))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._wheel(event, 0.8)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._wheel(event, 1.25)

    def _wheel(self, event: events.MouseEvent, factor: float) -> None:
        event.stop()
        area = self._area(event)
        if event.shift:
            self.pan(-0.1 if factor < 1 else 0.1)
        elif event.ctrl:
            self.look(replace(self.view, y_zoom=self.view.y_zoom * factor))
        else:
            self.zoom(factor, None if area is None else self._x(area, event.x, self.view, self.window))


def styles_of(widget: Widget) -> dict[int, Style]:
    """Inks to styles of the theme in force; a theme that is not ours gets our lane hues all the same."""
    named = {**missing_colours(widget.app.current_theme), **widget.app.theme_variables}

    def ink(name: str, *, bold: bool = False) -> Style:
        return Style(color=Color.parse(named[name]).hex6, bold=bold)

    styles = {
        inks.BLANK: Style.null(),
        inks.AXIS: ink("dim"),
        inks.GRID: ink("cursor-ground"),
        inks.INHERITED: ink("dim"),
        inks.BAD: ink("error", bold=True),
        inks.CROSS: ink("accent"),
        inks.STRONG: ink("foreground", bold=True),
        inks.FAINT: ink("faint"),
        inks.GREY: ink("dim"),
    }
    # a scale from cold to warm that stops short of red, which is for failures
    cold, middle, warm = (Color.parse(named[f"lane-{n}"]) for n in (0, 1, 3))
    for step in range(inks.HUES):
        share = 2 * step / (inks.HUES - 1)
        colour = cold.blend(middle, share) if share <= 1 else middle.blend(warm, share - 1)
        styles[inks.HUE + step] = ink(f"lane-{step}")
        styles[inks.RAMP + step] = Style(color=colour.hex6)
    styles |= {at + inks.BOLD: style + Style(bold=True) for at, style in styles.items() if at >= inks.HUE}
    return styles
