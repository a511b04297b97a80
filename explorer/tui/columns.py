"""One row of the lineage as styled pieces of text: which columns there are at which width, what they say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rich.cells import cell_len
from rich.style import Style

from explorer import wording
from explorer.lineage.address import Node
from explorer.lineage.rows import Rows
from explorer.lineage.state import State
from explorer.lineage.values import Curve, show_scalar
from explorer.tui.fitting import changes, fit, fit_end, shorten_step
from explorer.tui.glyphs import Glyphs
from explorer.tui.names import shown
from explorer.tui.readings import curve_until, extent, loss_on, newest_run, step_of, thinned, time_of
from explorer.tui.theme import Palette

Piece = tuple[str, Style]
GUTTER = 2
"""Cells in front of the lanes: the cursor's bar and the mark."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How a width is shared out. `columns` are (name, width) from left to right, one or two cells apart."""

    width: int
    lanes: int
    """How many lanes are shown; two cells each."""
    columns: tuple[tuple[str, int], ...]
    gap: int = 1


_TITLES = {"step": "STEP", "spark": "LOSS", "loss": "", "changed": "CHANGED", "age": "AGE", "size": "SIZE"}
_RIGHT = frozenset({"step", "loss", "age", "size"})
_ORDER = ("name", "step", "spark", "loss", "changed", "age", "size", "cache", "run")
# What is given room first. A name that comes again is the same column, wider; `lanes` takes two cells a lane,
# `gap` one cell more between all columns.
_WANTED = (
    ("loss", 6),
    ("run", 1),
    ("step", 5),
    ("cache", 1),
    ("changed", 9),
    ("age", 3),
    ("spark", 7),
    ("lanes", 4),
    ("run", 6),
    ("name", 24),
    ("lanes", 7),
    ("changed", 11),
    ("step", 6),
    ("size", 4),
    ("name", 27),
    ("cache", 5),
    ("run", 9),
    ("lanes", 10),
    ("gap", 2),
    ("name", 30),
    ("changed", 14),
    ("spark", 12),
    ("step", 7),
    ("changed", 24),
    ("name", 44),
)
_PARTLY = frozenset({"name", "changed", "spark"})
_NAME_LEAST = 16
_LANES_LEAST = 3
_SHORT_RUN = {"running": "run", "failed": "fail", "queued": "wait", "stopped": "stop"}


def lay_out(width: int, lanes: int) -> Layout:
    """Share out `width` cells: columns come in the order of their worth, and grow while there is room."""
    shown_lanes = max(1, min(lanes, _LANES_LEAST))
    gap = 1
    room = width - GUTTER - 2 * shown_lanes - 1  # the last cell stays free, for the scroll bar's sake
    widths = {"name": min(_NAME_LEAST, max(4, room))}
    room -= widths["name"]
    for name, wanted in _WANTED:
        if name == "lanes":
            more = max(0, min(wanted, lanes) - shown_lanes)
            more = min(more, room // 2)
            shown_lanes += more
            room -= 2 * more
        elif name == "gap":
            if room >= len(widths):
                gap, room = wanted, room - len(widths)
        elif name not in widths:
            if wanted + gap > room:
                break  # a lesser column in its place would go again on a wider screen
            widths[name] = wanted
            room -= wanted + gap
        else:
            cost = max(0, wanted - widths[name])
            cost = min(cost, room) if name in _PARTLY else cost if cost <= room else 0
            widths[name] += cost
            room -= cost
    return Layout(width, shown_lanes, tuple((name, widths[name]) for name in _ORDER if name in widths), gap)


def heading(layout: Layout, palette: Palette) -> list[Piece]:
    """The titles above the columns."""
    pieces = [(" " * (GUTTER + 2 * layout.lanes), palette.dim)]
    for name, width in layout.columns:
        title = "NAME" if name == "name" else _TITLES.get(name, "")
        if name == "loss" and "spark" not in dict(layout.columns):
            title = "LOSS"
        if name == "cache":
            title = "CACHE" if width > 4 else ""
        if name == "run":
            title = "RUN" if width > 2 else ""
        text = title.rjust(width) if name in _RIGHT else title.ljust(width)
        pieces.append((text[:width] + " " * layout.gap, palette.dim))
    return pieces


class Row:
    """Writes rows for one state; holds what all cells of a screen share."""

    def __init__(
        self, state: State, rows: Rows, layout: Layout, palette: Palette, glyphs: Glyphs, now_ns: int
    ) -> None:
        self.state = state
        self.rows = rows
        self.layout = layout
        self.palette = palette
        self.glyphs = glyphs
        self.now_ns = now_ns
        self._at: int | None = None
        self._curve: Curve | None = None
        self._until: int | None = None
        self._spans: dict[int, tuple[float, float]] = {}
        """By the identity of a curve's values, which `state` keeps alive."""
        self._cells: dict[str, Callable[[Node, int, int], list[Piece]]] = {
            "name": self._name,
            "step": self._step,
            "spark": self._spark,
            "loss": self._loss,
            "changed": self._changed,
            "age": self._age,
            "size": self._size,
            "cache": self._cache,
            "run": self._run,
        }

    def pieces(self, row: int, first_lane: int) -> list[Piece]:
        """The lanes from `first_lane` on, then the columns; without the gutter."""
        node = self.rows.node(row)
        # looked up once: three cells of the row are about the same point of the same curve
        self._at = step = step_of(self.state, node)
        self._curve, self._until = curve_until(self.state, node, None if node.is_head else step)
        pieces = self._graph(row, first_lane)
        for name, width in self.layout.columns:
            cell = self._cells[name](node, row, width)
            used = sum(cell_len(text) for text, _ in cell)
            blank = (" " * (width - used), self.palette.text)
            pieces.extend((blank, *cell) if name in _RIGHT else (*cell, blank))
            pieces.append((" " * self.layout.gap, self.palette.text))
        return pieces

    def _graph(self, row: int, first: int) -> list[Piece]:
        """Every lane in its own colour; the way from a fork point to a lane is in that lane's colour."""
        width = 2 * self.layout.lanes
        lanes = self.rows.graph(row, first, first + self.layout.lanes).ljust(width)
        pieces: list[Piece] = []
        joining: int | None = None
        for at in range(width - 1, -1, -1):
            glyph, column = lanes[at], first + at // 2
            if glyph in "┘┴":
                joining = column
            own = column if glyph in "│●○" or joining is None else joining
            pieces.append((self.glyphs.graph(glyph), self.palette.lane(own)))
        pieces.reverse()
        own = self.rows.column(row)
        if own >= first + self.layout.lanes:  # its own lane is out of sight: say where, in its colour
            pieces[-1] = (self.glyphs.beyond, self.palette.lane(own))
        return pieces

    def _name(self, node: Node, row: int, width: int) -> list[Piece]:
        column = self.rows.column(row)
        bucket = shown(node.bucket)
        if node.is_head:
            return [(fit(bucket, width, self.glyphs.more), self.palette.head(column))]
        snapshot = self.state.snapshot(node)
        at = shown(snapshot.name) if snapshot and snapshot.name else node.version or ""
        at = fit(at, max(4, width - 1 - min(len(bucket), 6)), self.glyphs.more)
        # forks of a family share their beginning: the end tells them apart
        bucket = fit_end(bucket, width - 1 - cell_len(at), self.glyphs.more)
        return [(bucket, self.palette.lane(column)), ("@", self.palette.faint), (at, self.palette.text)]

    def _step(self, node: Node, row: int, width: int) -> list[Piece]:
        return [(shorten_step(self._at, width), self.palette.text)] if self._at is not None else []

    def _loss(self, node: Node, row: int, width: int) -> list[Piece]:
        value = loss_on(self._curve, self._until)
        if value is None:
            return []
        text = wording.loss(value, width)
        number = text not in ("nan", "inf", "-inf")
        return [(text[:width], self.palette.text if number else self.palette.bad)]

    def _spark(self, node: Node, row: int, width: int) -> list[Piece]:
        curve, until = self._curve, self._until
        if curve is None:
            return []
        values, inherited = thinned(curve, until, width)
        span = self._spans.get(id(curve.values))
        if span is None:
            span = self._spans[id(curve.values)] = extent(curve.values)
        line = self.glyphs.sparkline(values, *span)
        own = self.palette.lane(self.rows.column(row))
        return [(line[:inherited], self.palette.inherited), (line[inherited:], own)]

    def _changed(self, node: Node, row: int, width: int) -> list[Piece]:
        told = [
            (shown(name), shown(show_scalar(value)))
            for name, value in self.state.overrides.get(node.bucket, ())
        ]
        text = changes(told, width, self.glyphs.more)
        return [(text, self.palette.text if node.is_head else self.palette.dim)]

    def _age(self, node: Node, row: int, width: int) -> list[Piece]:
        return [(wording.age(time_of(self.state, node), self.now_ns), self.palette.dim)]

    def is_older(self, node: Node, now_ns: int) -> bool:
        """Whether the age of a node reads differently now than when this row was written."""
        then = time_of(self.state, node)
        return wording.age(then, now_ns) != wording.age(then, self.now_ns)

    def _size(self, node: Node, row: int, width: int) -> list[Piece]:
        facts = self.state.facts.get(node)
        return [(wording.short_size(facts.size_bytes if facts else None), self.palette.dim)]

    def _cache(self, node: Node, row: int, width: int) -> list[Piece]:
        progress = self.state.prefetched.get(node)
        if progress is None:
            return [] if node.is_head else [(self.glyphs.remote, self.palette.faint)]
        badge = self.glyphs.badge(progress.done_bytes, progress.total_bytes)
        if progress.complete:
            return [(badge, self.palette.good)]
        share = 100 * progress.done_bytes // max(1, progress.total_bytes)
        more = f" {share}%"[: width - 1] if width > 4 else ""
        return [(badge + more, self.palette.primary if progress.active else self.palette.dim)]

    def _run(self, node: Node, row: int, width: int) -> list[Piece]:
        if node in self.state.failures:
            return [(f"{self.glyphs.warning} {'trouble' if width > 8 else 'fail'}"[:width], self.palette.bad)]
        run = newest_run(self.state, node.bucket) if node.is_head else None
        if run is None:
            return []
        word = run.state if len(run.state) + 2 <= width else _SHORT_RUN.get(run.state, run.state)
        return [(f"{self.glyphs.run(run.state)} {word}"[:width], self.palette.run(run.state))]
