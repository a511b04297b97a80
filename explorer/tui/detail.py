"""What is known of one node: four lines under the list, or a column at its right. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from explorer import wording
from explorer.lineage.address import Node
from explorer.lineage.rows import Rows
from explorer.lineage.state import State
from explorer.lineage.values import RunView, Scalar, show_scalar
from explorer.tui.columns import Piece
from explorer.tui.fitting import fit
from explorer.tui.glyphs import Glyphs
from explorer.tui.names import shown
from explorer.tui.readings import (
    curve_of,
    effective_overrides,
    extent,
    loss_at,
    newest_run,
    parent_node,
    step_of,
    thinned,
    time_of,
)
from explorer.tui.theme import Palette

Line = list[Piece]
_NAME_WIDTH = 13
"""Of the names of facts, with a blank behind the longest of them (`on this disk`)."""


@dataclass(frozen=True, slots=True)
class Known:
    """What reading the node told, beyond the state: both come later than the row, or never."""

    checkpoint: str | None = None
    """Its format, and whether files are missing."""
    parameters: str | None = None
    """How many, of which types."""
    log: tuple[str, ...] = ()
    """The last lines of the run, oldest first, printable."""


class Detail:
    """Writes about one node of one state."""

    def __init__(
        self,
        state: State,
        rows: Rows,
        node: Node,
        known: Known,
        palette: Palette,
        glyphs: Glyphs,
        now_ns: int,
    ) -> None:
        self.state, self.rows, self.node, self.known = state, rows, node, known
        self.palette, self.glyphs, self.now_ns = palette, glyphs, now_ns
        row = rows.index(node)
        self.lane = rows.column(row) if row is not None else 0
        origin = rows.origin(row) if row is not None else None
        self.origin = rows.node(origin) if origin is not None else None
        self.parent = parent_node(rows, node)
        self.run = newest_run(state, node.bucket)

    @property
    def title(self) -> str:
        return shown(self.state.label(self.node)) + (" (head)" if self.node.is_head else "")

    def compact(self, width: int) -> list[Line]:
        """Four lines: where from, how good, what is there, what happened last."""
        lines = [
            self._joined(self._from()),
            self._joined([[(f"{self._metric()} ", self.palette.dim), *self._loss()], *self._when()]),
            self._joined(self._kept()),
        ]
        lines.append(self._trouble() or self._joined([self._run(), self._last_words(width)]))
        return [[(" ", self.palette.text), *line] for line in lines]

    def full(self, width: int, *, chart: int = 4, log: int = 6) -> list[Line]:
        """A column of named facts, the curve as a chart of `chart` lines, the last `log` lines of the run."""
        lines: list[Line] = []
        trouble = self._trouble()
        if trouble:
            lines += [*_wrapped(trouble, width), []]
        lines += [
            self._row("parent", [(self._label(self.parent) or "none: this is a root", self.palette.text)])
        ]
        if self.origin is not None and self.origin != self.parent:
            lines.append(self._row("fork of", [(self._label(self.origin), self.palette.text)]))
        for index, change in enumerate(self._changes()):
            lines.append(self._row("changed" if index == 0 else "", change))
        lines.append([])
        loss = self._loss()
        while len(loss) > 1 and _NAME_WIDTH + sum(len(text) for text, _ in loss) > width:
            loss.pop()  # rather than half a word
        lines.append(self._row(self._metric(), loss))
        lines += self._chart(width, chart)
        step = step_of(self.state, self.node)
        if step is not None:
            lines.append(self._row("step", [(f"{step:,}", self.palette.text)]))
        lines.append(self._row("taken" if self.node.version else "modified", self._date()))
        lines.append([])
        lines += [self._row(name, piece) for name, piece in self._stored()]
        forks = [self.rows.node(at) for at in self.rows.forks(self.rows.index(self.node) or 0)]
        for index, fork in enumerate(forks[:6]):
            lines.append(self._row("forks" if index == 0 else "", [(shown(fork.bucket), self.palette.text)]))
        if len(forks) > 6:
            lines.append(self._row("", [(f"and {len(forks) - 6} more", self.palette.dim)]))
        if self.run is not None:
            lines += [
                [],
                self._row("run", self._run()),
                self._row("", [(shown(self.run.id), self.palette.dim)]),
            ]
            if self.run.reason and not self.run.is_live:
                lines += _wrapped([(shown(self.run.reason), self.palette.bad)], width)
            lines += [[(fit(said, width), self.palette.dim)] for said in self.known.log[-log:]]
        return lines

    # -- pieces that both forms are made of

    def _label(self, node: Node | None) -> str:
        return shown(self.state.label(node)) if node is not None else ""

    def _row(self, name: str, value: Line) -> Line:
        return [(f"{name:<{_NAME_WIDTH}}", self.palette.dim), *value]

    def _joined(self, groups: list[Line]) -> Line:
        line: Line = []
        for group in groups:
            if group:
                line += [("   ", self.palette.text), *group] if line else group
        return line

    def _from(self) -> list[Line]:
        if self.parent is None:
            return [[("root", self.palette.dim)], *self._changes()]
        groups: list[Line] = [[("parent ", self.palette.dim), (self._label(self.parent), self.palette.text)]]
        if self.origin is not None and self.origin != self.parent:
            groups.append([("fork of ", self.palette.dim), (self._label(self.origin), self.palette.text)])
        return groups + self._changes()

    def _changes(self) -> list[Line]:
        """What the fork changed, with what it was before; the inherited rest dim."""
        own = self.state.overrides.get(self.node.bucket, ())
        parent = (
            self.state.buckets[self.node.bucket].parent if self.node.bucket in self.state.buckets else None
        )
        before = dict(effective_overrides(self.state, parent.bucket)) if parent is not None else {}
        lines: list[Line] = []
        for name, value in own:
            line: Line = [(f"{shown(name)} ", self.palette.dim), (_said(value), self.palette.accent)]
            if name in before:
                line.append((f" was {_said(before[name])}", self.palette.dim))
            lines.append(line)
        inherited = [(name, value) for name, value in before.items() if name not in dict(own)]
        return lines + [[(f"{shown(name)} {_said(value)}", self.palette.faint)] for name, value in inherited]

    def _metric(self) -> str:
        curve, _ = curve_of(self.state, self.node)
        return fit(shown(curve.metric), 10, self.glyphs.more) if curve else "loss"

    def _loss(self) -> Line:
        value = loss_at(self.state, self.node)
        if value is None:
            facts = self.state.facts.get(self.node)
            empty = facts is not None and facts.checkpoint is None
            known = self.node.bucket in self.state.curves
            return [("none" if known or empty else "not read yet", self.palette.dim)]
        number = self.palette.strong if math.isfinite(value) else self.palette.bad
        line: Line = [(wording.loss(value), number)]
        before = loss_at(self.state, self.parent) if self.parent is not None else None
        if before is not None and math.isfinite(before) and math.isfinite(value):
            change = value - before
            if not change:
                return [*line, ("  as its parent", self.palette.dim)]
            sign = self.glyphs.down if change <= 0 else self.glyphs.up
            style = self.palette.good if change <= 0 else self.palette.bad
            line += [(f" {sign}{wording.delta(change)}", style), (" vs parent", self.palette.dim)]
        return line

    def _when(self) -> list[Line]:
        step = step_of(self.state, self.node)
        groups: list[Line] = []
        if step is not None:
            groups.append([("step ", self.palette.dim), (f"{step:,}", self.palette.text)])
        groups.append(self._date(short=True))
        return groups

    def _date(self, *, short: bool = False) -> Line:
        then = time_of(self.state, self.node)
        ago = wording.age(then, self.now_ns)
        line: Line = [(ago if ago == "now" else f"{ago} ago", self.palette.text)]
        if not short and then:
            line.append((f"  {datetime.fromtimestamp(then / 1e9):%Y-%m-%d %H:%M}", self.palette.dim))
        return line

    def _kept(self) -> list[Line]:
        return [[(f"{name} ", self.palette.dim), *value] for name, value in self._stored()]

    def _stored(self) -> list[tuple[str, Line]]:
        """What lies in the store, and how much of it on this disk."""
        facts = self.state.facts.get(self.node)
        rows: list[tuple[str, Line]] = []
        if facts is None:
            rows.append(("checkpoint", [("not read yet", self.palette.faint)]))
        else:
            what = self.known.checkpoint or (
                shown(facts.checkpoint or "/") if facts.checkpoint is not None else "none"
            )
            rows.append(("checkpoint", [(what, self.palette.text)]))
            if self.known.parameters:
                rows.append(("parameters", [(self.known.parameters, self.palette.text)]))
            size: Line = [(wording.size(facts.size_bytes), self.palette.text)]
            if facts.objects is not None:
                size.append((f" in {wording.count(facts.objects, 'object')}", self.palette.dim))
            rows.append(("size", size))
        progress = self.state.prefetched.get(self.node)
        if progress is not None:
            share = progress.done_bytes / max(1, progress.total_bytes)
            badge = self.glyphs.badge(progress.done_bytes, progress.total_bytes)
            if progress.complete:
                rows.append(("on this disk", [(f"{badge} yes", self.palette.good)]))
            else:
                bar = f"{badge} {self.glyphs.bar(share, 8)} {int(100 * share)}%"
                rows.append(("on this disk", [(bar, self.palette.primary)]))
        return rows

    def _run(self) -> Line:
        run = self.run
        if run is None:
            return [("no run has written here", self.palette.faint)]
        end = run.ended_ns or self.now_ns
        line: Line = [(f"{self.glyphs.run(run.state)} {run.state}", self.palette.run(run.state))]
        line.append((f" {wording.age(run.started_ns, end)}", self.palette.dim))
        if run.exit_code:
            line.append((f", exit code {run.exit_code}", self.palette.bad))
        return line

    def _last_words(self, width: int) -> Line:
        if self.run is not None and self.run.reason and not self.run.is_live:
            return [(shown(self.run.reason), self.palette.bad)]
        return [(self.known.log[-1], self.palette.dim)] if self.known.log else []

    def _trouble(self) -> Line | None:
        failure = self.state.failures.get(self.node) or self.state.failures.get(Node(self.node.bucket))
        if failure is None:
            return None
        said = f"{self.glyphs.warning} {shown(failure.message)}"
        return [(said, self.palette.bad), (f"  {shown(failure.hint)}", self.palette.dim)]

    def _chart(self, width: int, height: int) -> list[Line]:
        curve, until = curve_of(self.state, self.node)
        if curve is None or height <= 0:
            return []
        values, inherited = thinned(curve, until, 2 * width)
        lines = self.glyphs.sketch(values, *extent(curve.values), height)
        own, inherited = self.palette.lane(self.lane), inherited // 2
        return [[(line[:inherited], self.palette.faint), (line[inherited:], own)] for line in lines]


def run_title(run: RunView) -> str:
    """A run as its log's title says it."""
    return f"{shown(run.bucket)}  {shown(run.id)}"


def _said(value: Scalar) -> str:
    return shown(show_scalar(value))


def _wrapped(line: Line, width: int) -> list[Line]:
    """A line over as many as it takes, broken at spaces."""
    lines: list[Line] = [[]]
    used = 0
    for text, style in line:
        for word in text.split(" "):
            if used and used + len(word) + 1 > width:
                lines.append([])
                used = 0
            space = " " if used else ""
            lines[-1].append((space + word, style))
            used += len(space) + len(word)
    return lines
