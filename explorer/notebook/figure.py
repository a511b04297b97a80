"""The long-lived plotly figure of one comparison: numbers move in batches, the widget is made once."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from explorer.notebook.frame import layout_of, note_of
from explorer.notebook.plotly_widget import figure_widget
from explorer.notebook.polyline import Polyline, Polylines, packed
from explorer.notebook.scale import Scale, scale_of, window, y_range
from explorer.notebook.traces import traces

if TYPE_CHECKING:
    from plotly.graph_objects import FigureWidget

    from explorer.lineage.address import Node
    from explorer.metrics import Comparison
    from explorer.notebook.look import Look
    from explorer.notebook.pen import Trace

POINTS = 20_000
"""In all lines together, at most 12 bytes each: a plot is not wider, and the wire is not free."""
_FEWEST, _MOST = 200, 2000
"""Of one line."""
_MARKS = 80
"""Of one curve's checkpoints in the window."""


@dataclass(slots=True)
class _Slot:
    """One trace of the widget: what it shows now."""

    trace: Trace
    style: dict[str, Any]
    drawn: tuple[Polyline, float, float, int] | None = None
    x: Any = None
    y: Any = None
    kept: Sequence[int] = ()
    """Marks: which of the trace's places the points are."""


class ComparisonFigure:
    """Owns a FigureWidget. All calls belong on the kernel's loop.

    `chosen` is told which checkpoint was clicked.
    """

    def __init__(
        self,
        comparisons: Sequence[Comparison],
        look: Look,
        shown: frozenset[str],
        chosen: Callable[[Node], None] = lambda node: None,
    ) -> None:
        self._lines = Polylines()
        self._chosen = chosen
        self._selected: Node | None = None
        self._ours = False
        self._take(comparisons, look, shown)
        wanted = self._traces()
        self._slots = {trace.key: _Slot(trace, {}) for trace in wanted}
        self._aim = window(comparisons, after_fork=look.after_fork, log=look.log_x)
        # all at once: what is added later, while the page still loads plotly, is lost there (its widget
        # applies traces in a handler that it registers when it has loaded)
        data = [self._whole(slot, self._aim) for slot in self._slots.values()]
        layout = layout_of(self._comparisons, look, self._scale)
        layout["xaxis"] |= {"range": self._scale.range(*self._aim), "autorange": False}
        axes, layout["annotations"] = self._y_ranges(self._aim)
        for axis, ends in axes.items():
            layout[axis] |= {"range": ends, "autorange": False}
        self.widget: FigureWidget = figure_widget()({"data": data, "layout": layout})
        self.widget._config = {
            **self.widget._config,
            "responsive": True,
            "displaylogo": False,
            # a double click is answered below, with the window of the look
            "doubleClick": "autosize",
            "toImageButtonOptions": {"filename": comparisons[0].metric.replace("/", "-"), "scale": 2},
        }
        self.widget.layout.on_change(self._moved, "xaxis.range")
        self.widget.layout.on_change(self._reset, "xaxis.autorange")
        self._listen(range(len(self.widget.data)))

    def show(self, comparisons: Sequence[Comparison], look: Look, shown: frozenset[str]) -> None:
        """Paint newer numbers or another look: lines that are there already move, none blinks.

        The reader's zoom stays as long as the axes mean the same.
        """
        before, zoom = self._look, self._zoom()
        panels = [c.metric for c in self._comparisons]
        self._take(comparisons, look, shown)
        if (before.x, before.log_x, before.after_fork) != (look.x, look.log_x, look.after_fork):
            zoom = None
        same_y = (before.log_y, before.delta, before.baseline, panels) == (
            look.log_y, look.delta, look.baseline, [c.metric for c in comparisons]
        )  # fmt: skip
        wanted = {trace.key: trace for trace in self._traces()}
        new = [_Slot(trace, {}) for key, trace in wanted.items() if key not in self._slots]
        self._aim = window(comparisons, after_fork=look.after_fork, log=look.log_x)
        seen = zoom or self._aim
        for key, slot in self._slots.items():
            slot.trace = wanted.get(key) or _emptied(slot.trace)
        if new:
            # before the layout: plotly knows the axes of a panel only when something is drawn on them
            at = len(self._slots)
            self._slots |= {slot.trace.key: slot for slot in new}
            self.widget.add_traces([self._whole(slot, seen) for slot in new])
            self._listen(range(at, len(self._slots)))
        with self._painting():
            if before != look or panels != [c.metric for c in comparisons]:
                self.widget.update_layout(layout_of(self._comparisons, look, self._scale))
            self._paint(seen)
            self._look_at(zoom, keep_y=zoom is not None and same_y)

    def select(self, node: Node | None) -> None:
        """Show a checkpoint as the chosen one."""
        self._selected = node
        with self._painting():
            self._paint(self._zoom() or self._aim)

    def rest(self) -> None:
        """Let go of what makes the next paint fast."""
        self._lines.forget()

    def _take(self, comparisons: Sequence[Comparison], look: Look, shown: frozenset[str]) -> None:
        self._comparisons, self._look, self._shown = tuple(comparisons), look, shown
        low, high = window(comparisons, after_fork=False)
        self._scale: Scale = scale_of(look.x, high - low, look.log_x)

    def _traces(self) -> list[Trace]:
        return [
            trace
            for panel, comparison in enumerate(self._comparisons)
            for trace in traces(comparison, self._look, self._shown, self._lines, panel)
        ]

    @contextlib.contextmanager
    def _painting(self) -> Iterator[None]:
        """One message to the page, and no answer to our own changes."""
        self._ours = True
        try:
            with self.widget.batch_update():
                yield
        finally:
            self._ours = False

    def _paint(self, seen: tuple[float, float]) -> None:
        for line, slot in zip(self.widget.data, self._slots.values(), strict=True):
            news = self._news(slot, seen)
            if news:
                line.update(news, overwrite=True)

    def _whole(self, slot: _Slot, seen: tuple[float, float]) -> dict[str, Any]:
        return {"type": "scatter", "x": [], "y": [], **self._news(slot, seen)}

    def _news(self, slot: _Slot, seen: tuple[float, float]) -> dict[str, Any]:
        """What of a trace is not on the page yet: its look, and its points in the window."""
        trace, style = slot.trace, slot.trace.style
        news = {name: value for name, value in style.items() if slot.style.get(name) != value}
        slot.style = style
        most = self._budget()
        whole = len(trace.line) <= most
        drawn = (trace.line, *((-math.inf, math.inf) if whole else seen), most)
        if trace.places:
            slot.kept = _marks(trace.line, seen)
            at = [i for i, place in enumerate(slot.kept) if trace.places[place] == self._selected]
            x, y = trace.line.x[slot.kept], trace.line.y[slot.kept]
            news |= {"selectedpoints": at or None}
        elif slot.drawn == drawn:
            return news
        else:
            x, y = (
                trace.line.within(drawn[1], drawn[2], most)
                if not trace.style.get("fill")
                else (trace.line.x, trace.line.y)
            )
        slot.drawn, slot.x, slot.y = drawn, x, y
        news["x"], news["y"] = packed(self._scale.shown(x), y)
        return news

    def _budget(self) -> int:
        long = sum(1 for slot in self._slots.values() if len(slot.trace.line) > _FEWEST)
        return max(_FEWEST, min(_MOST, POINTS // max(long, 1)))

    def _zoom(self) -> tuple[float, float] | None:
        """The window that the reader chose; None while it is ours."""
        ends = self.widget.layout.xaxis.range
        if ends is None:
            return None
        found = self._scale.window(ends)
        room = 1e-6 * (self._aim[1] - self._aim[0])
        same = all(abs(a - b) <= room for a, b in zip(found, self._aim, strict=True))
        return None if same else found

    def _look_at(self, zoom: tuple[float, float] | None, *, keep_y: bool) -> None:
        if zoom is None:
            self.widget.layout.xaxis.update(range=self._scale.range(*self._aim), autorange=False)
        if not keep_y:
            axes, notes = self._y_ranges(zoom or self._aim)
            for axis, ends in axes.items():
                self.widget.layout[axis].update(range=ends, autorange=False)
            self.widget.layout.annotations = notes

    def _y_ranges(self, seen: tuple[float, float]) -> tuple[dict[str, list[float]], list[dict[str, Any]]]:
        """The ends of each panel's axis, and what stands in its corner of curves that leave it."""
        axes: dict[str, list[float]] = {}
        notes: list[dict[str, Any]] = []
        for panel, comparison in enumerate(self._comparisons):
            number = "" if not panel else str(panel + 1)
            lines = [
                slot
                for key, slot in self._slots.items()
                if key.startswith(f"{panel} ") and slot.y is not None and not key.startswith(f"{panel} raw ")
                if not slot.trace.places and not slot.trace.style.get("fill")
            ]
            drawn = [slot.y[(slot.x >= seen[0]) & (slot.x <= seen[1])] for slot in lines]
            found = y_range(drawn, comparison, self._look)
            if found is None:
                continue
            axes[f"yaxis{number}"] = [found.low, found.high]
            if note := found.note([str(slot.trace.style.get("name", "")) for slot in lines]):
                notes.append(note_of(note, number))
        return axes, notes

    def _moved(self, _layout: Any, ends: Any) -> None:
        """The reader zooms or pans: sample again for the part in view."""
        if self._ours or not ends:
            return
        with self._painting():
            self._paint(self._scale.window(ends))
            self.widget.layout.xaxis.autorange = False

    def _reset(self, _layout: Any, autorange: Any) -> None:
        """A double click: back to where the curves differ."""
        if self._ours or not autorange:
            return
        with self._painting():
            self._paint(self._aim)
            self._look_at(None, keep_y=False)

    def _listen(self, places: range) -> None:
        keys = list(self._slots)
        for at in places:
            self.widget.data[at].on_click(partial(self._clicked, keys[at]))

    def _clicked(self, key: str, line: Any, points: Any, _state: Any) -> None:
        slot = self._slots[key]
        if not points.point_inds:
            return
        at = points.point_inds[0]
        if slot.trace.places:
            node: Node | None = slot.trace.places[slot.kept[at]]
        else:
            x = (float(line.x[at]) - self._scale.shift) / self._scale.factor
            node = next((place for there, place in reversed(slot.trace.before) if there <= x), None)
        if node is not None:
            self._chosen(node)


def _marks(line: Polyline, seen: tuple[float, float]) -> list[int]:
    """Which marks to draw: those in the window, of many of them some."""
    inside = [i for i, x in enumerate(line.x) if seen[0] <= x <= seen[1]]
    return inside[:: -(-len(inside) // _MARKS) or 1]


def _emptied(trace: Trace) -> Trace:
    """A trace that is not wanted any more: its place stays, for when it comes back."""
    style = {**trace.style, "showlegend": False}
    return replace(trace, line=trace.line.part(0, 0), style=style, places=(), before=())
