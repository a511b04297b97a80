"""The part of the diff screen that compares tensors by value: choosing, reading, showing as it comes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from explorer.checkpoints.outline import TensorRow, members
from explorer.checkpoints.value_plan import left_out
from explorer.errors import ExplorerError
from explorer.lineage.address import Node
from explorer.tui.names import shown
from explorer.tui.screens.reader import Reader
from explorer.tui.screens.values import ChooseValues, Scope
from explorer.tui.session import Session
from explorer.tui.status import Said
from explorer.tui.values_run import ValuesRun
from explorer.wording import count, duration, size

if TYPE_CHECKING:
    from collections.abc import Iterable

    from explorer.checkpoints import Diff, Row
    from explorer.checkpoints.statistics import Statistics
    from explorer.checkpoints.value_plan import Plan
    from explorer.workspace.value_statistics import Outcome

Key = tuple[str, str]
_EVERY_S = 0.15
_EVERY_S_OF_MANY = 1.0
_AT_ONCE = 3_000
"""Of so many tensors what reading takes is known within a frame."""
_MANY = 5_000
"""With so many results, adding up what folded rows stand for takes longer than a frame."""


class DiffValues(Reader):
    """Holds what was compared, and the reading that is under way."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.diff: Diff | None = None
        self.run: ValuesRun | None = None
        self.results: dict[Key, Statistics] = {}
        self._painted = 0.0

    def on_unmount(self) -> None:
        if self.run is not None:
            self.run.stop()

    @property
    def nodes(self) -> tuple[Node, Node]:
        raise NotImplementedError

    def do_values(self) -> None:
        """Plan in a thread, ask, then read."""
        diff, workspace, choices = self.diff, self.session.workspace, self._choices()
        if diff is None or workspace is None:
            return
        left, right = diff.a.manifest, diff.b.manifest
        if not choices or left is None or right is None:
            self.say(Said("No tensor in sight is on both sides.", "why"))
            return
        done = frozenset(self.results)

        def plan() -> list[Scope]:
            from explorer.checkpoints.value_plan import named, narrowed, plan

            whole = plan(left, right, named(choices[-1][1] - done))
            return [Scope(title, narrowed(whole, (keys - done).__contains__)) for title, keys in choices]

        def planned(scopes: list[Scope]) -> None:
            useful = [scope for scope in scopes if scope.plan.any or scope.plan.refused]
            if not useful:
                self.say(Said("All of these have been compared.", "why", "s sorts by what was found"))
                return
            self.app.push_screen(ChooseValues(useful, workspace.values_bytes_s, self.session), self._chosen)

        if len(right.tensors) <= _AT_ONCE:
            planned(plan())  # on the spot: the enter that follows must meet the question
        else:
            self.session.run(self, plan, planned, self.complain, group="plan", exclusive=True)

    def _choices(self) -> list[tuple[str, frozenset[Key]]]:
        """What can be compared from where the cursor is, the narrowest first, all in sight last."""
        found: list[tuple[str, frozenset[Key]]] = []
        here = self.view.here
        if here is not None and isinstance(here.row, TensorRow):
            keys = _keys((here.row,))
            many = count(here.row.count, "tensor")
            found.append((f"{shown(here.row.name)}" + (f" ({many})" if here.row.rows else ""), keys))
        everything = _keys(row for s in self.shown if s.title == "tensors" for row in s.rows)
        title = f"all that match {shown(self.wanted.text)}" if self.wanted else "all tensors on both sides"
        found.append((title, everything))
        return [(title, keys) for title, keys in found if keys]

    def _chosen(self, plan: Plan | None) -> None:
        workspace = self.session.workspace
        if plan is None or workspace is None:
            return
        run = self.run = ValuesRun(workspace, *self.nodes, plan)
        self.hush()
        if self.view.here is None or not isinstance(self.view.here.row, TensorRow):
            self.view.move_to_title("tensors")
        self.session.run(
            self,
            run.call,
            lambda outcome: self._ended(run, outcome),
            lambda error: self._broke(run, error),
            group="values",
        )
        self.state_changed()

    def beat(self) -> None:
        """Show what has been told since: numbers appear while the rest is read."""
        run = self.run
        if run is None:
            return
        every = _EVERY_S_OF_MANY if len(self.results) > _MANY else _EVERY_S
        if time.monotonic() - self._painted >= every:
            self._painted = time.monotonic()
            self._take(run)
            self.paint_status()

    def _take(self, run: ValuesRun) -> None:
        from explorer.checkpoints.statistics import Statistics

        news = [told for told in run.news() if isinstance(told, Statistics)]
        if news:
            run.found += len(news)
            self.results |= {(told.part, told.name): told for told in news}
            self.view.show_results(self.results)

    def stop_values(self) -> bool:
        """Stop what is being read, at once; False where nothing is."""
        run = self.run
        if run is None:
            return False
        run.stop()
        self._take(run)
        self.run = None
        self.say(Said(f"stopped: {run.found:,} of {count(run.total, 'tensor')} compared", "why"))
        self.paint_footer()
        return True

    def _ended(self, run: ValuesRun, outcome: Outcome) -> None:
        if run is not self.run:
            return
        self._take(run)
        self.run = None
        took = (
            f"{size(outcome.read_bytes)} in {duration(outcome.seconds)}"
            if outcome.read_bytes
            else "nothing read"
        )
        differ = sum(told.equal < told.elements for told in outcome.found)
        said = f"{differ:,} of {count(len(outcome.found), 'tensor')} differ in value ({took})"
        out = left_out(run.plan) if run.plan.refused else ""
        out = "; ".join([out, *(r.why for r in outcome.refused[:1])]).strip("; ")
        self.say(Said(said, "good", shown(out) or "s sorts by change"))
        self.rearrange()
        self.paint_footer()

    def _broke(self, run: ValuesRun, error: ExplorerError) -> None:
        if run is self.run:
            self._take(run)
            self.run = None
            self.complain(error)
            self.paint_footer()


def _keys(rows: Iterable[Row]) -> frozenset[Key]:
    """(part, name) of the tensors that rows stand for and that both sides have."""
    return frozenset(
        member.key
        for row in rows
        for member in members(row)
        if isinstance(member, TensorRow) and member.key is not None
    )
