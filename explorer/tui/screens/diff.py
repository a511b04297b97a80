"""What differs between nodes: a summary, then sections that open and close; tensors by value on demand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult

from explorer.checkpoints.narrowing import ORDERS, Filter, Order, arrange
from explorer.errors import ExplorerError
from explorer.lineage.address import Node
from explorer.tui.actions import Action, bindings
from explorer.tui.columns import Piece
from explorer.tui.differing import Differing, differing, fork_of
from explorer.tui.exporting import FORMATS, Asked, Shown, to_bytes
from explorer.tui.fitting import fit, fit_end
from explorer.tui.names import shown
from explorer.tui.paint import LineView
from explorer.tui.screens.diff_keys import ACTIONS
from explorer.tui.screens.diff_values import DiffValues
from explorer.tui.section_rows import Widths
from explorer.tui.session import Session
from explorer.tui.status import Said
from explorer.tui.verbs import Verbs
from explorer.wording import count, size

if TYPE_CHECKING:
    from explorer.checkpoints import Cost, Diff, Section
    from explorer.checkpoints.fork_diff import ThreeWay


@dataclass(frozen=True, slots=True)
class _Read:
    """What one reading brought, measured where it was read."""

    diff: Diff | None
    three: ThreeWay | None
    sections: Sequence[Section]
    widths: Mapping[str, Widths]


class DiffScreen(DiffValues):
    """Reads headers only, in a thread; a and b are shown older first."""

    ACTIONS: ClassVar[tuple[Action, ...]] = ACTIONS
    BINDINGS = bindings(ACTIONS)
    TITLE_OF_KEYS = "Diff"

    def __init__(self, session: Session, a: Node, b: Node, *, three_way: bool = False) -> None:
        super().__init__(session)
        self._a, self._b = a, b
        self._is_three = three_way
        self._three: ThreeWay | None = None
        self._unchanged = False
        self._order: int | None = None
        """Of `ORDERS`; None as the tensors lie in their files."""

    def compose(self) -> ComposeResult:
        yield LineView(id="header")
        yield self.view
        yield from self.bottom()

    def on_mount(self) -> None:
        self.state_changed()
        self._read()

    def situation(self) -> Differing:
        return differing(
            self.session.state,
            self._a,
            self._b,
            diff=self.diff,
            three=self._three,
            is_comparing=self.run is not None,
            has_results=bool(self.results),
        )

    @property
    def nodes(self) -> tuple[Node, Node]:
        return self._a, self._b

    # -- reading

    def _read(self) -> None:
        workspace, unchanged = self.session.workspace, self._unchanged
        if workspace is None:
            return
        self.say(Said("reading headers …", "busy"))
        a, b, fork = self._a, self._b, fork_of(self.situation()) if self._is_three else None

        def call() -> _Read:
            return _three(workspace, fork) if fork is not None else _two(workspace, a, b, unchanged=unchanged)

        self.session.run(self, call, self._took, self._failed, group="diff", exclusive=True)

    def _took(self, read: _Read) -> None:
        self.diff, self._three = read.diff, read.three
        self.hush()
        self.fill(read.sections, read.widths)
        self.state_changed()

    def _failed(self, error: ExplorerError) -> None:
        self._is_three = self._three is not None
        self.complain(error)

    def arranged(self, sections: Sequence[Section], wanted: Filter) -> Sequence[Section]:
        return arrange(sections, wanted, dict(self.results), self.order, unchanged=self._unchanged)

    @property
    def is_in_order(self) -> bool:
        return self.order is None

    @property
    def order(self) -> Order | None:
        return ORDERS[self._order] if self._order is not None else None

    # -- painting

    def paint(self) -> None:
        palette, state, glyphs = self.session.palette, self.session.state, self.session.glyphs
        room = self.size.width - 12
        if self._is_three:
            fork = fork_of(self.situation())
            base = state.buckets[fork.bucket].parent if fork is not None else None
            if fork is not None and base is not None:
                names = (
                    f"{shown(state.label(fork))} and {shown(base.bucket)} since {shown(state.label(base))}"
                )
                left: list[Piece] = [
                    (" 3-way  ", palette.dim),
                    (fit(names, room, glyphs.more), palette.strong),
                ]
                self.query_one("#header", LineView).write(left)
                return
        b = fit_end(shown(state.label(self._b)), room // 2, glyphs.more)
        a = fit_end(shown(state.label(self._a)), room - len(b), glyphs.more)
        self.query_one("#header", LineView).write(
            [
                (" diff  ", palette.dim),
                (a, palette.strong),
                (f" {glyphs.arrow} ", palette.faint),
                (b, palette.strong),
            ]
        )

    def idle_status(self) -> tuple[list[Piece], list[Piece]]:
        palette = self.session.palette
        if self.run is not None:
            return self.run.status(palette, self.session.glyphs)
        cost, is_different = self._cost()
        if cost is None:
            return [], []
        left = self.filter_status() or [(" they differ" if is_different else " no difference", palette.dim)]
        if self.order is not None:
            left.append((f"  by {self.order.title}", palette.accent))
        read = f"read {count(cost.requests, 'range')}, {size(cost.read_bytes)} "
        return left, [(read if cost.requests else "from memory ", palette.dim)]

    def _cost(self) -> tuple[Cost | None, bool]:
        if self._three is not None:
            fork, parent = self._three.fork, self._three.parent
            return fork.cost + parent.cost, fork.any or parent.any
        return (self.diff.cost, self.diff.any) if self.diff is not None else (None, False)

    # -- keys

    def do_swap(self) -> None:
        self._a, self._b = self._b, self._a
        self._forget_values()
        self.state_changed()
        self._read()

    def do_unchanged(self) -> None:
        self._unchanged = not self._unchanged
        self._read()

    def do_three_way(self) -> None:
        self.stop_values()
        self._is_three = self._three is None
        self._read()

    def do_sort(self) -> None:
        self._sort(1)

    def do_sort_back(self) -> None:
        self._sort(-1)

    def _sort(self, step: int) -> None:
        """Through the orders, with the order of the files between the last and the first."""
        at = -1 if self._order is None else self._order
        at = (at + 1 + step) % (len(ORDERS) + 1) - 1
        self._order = at if at >= 0 else None
        self.rearrange()
        self.view.move_to_title("tensors")
        self.say(f"tensors by {self.order.title}" if self.order is not None else "tensors as they lie")

    def _forget_values(self) -> None:
        self.stop_values()
        self.results = {}
        self._order = None
        self.view.show_results(self.results)

    def do_leave(self) -> None:
        """Stop reading first, then out of the filter, then out of the page."""
        if not self.stop_values():
            super().do_leave()

    def do_back(self) -> None:
        self.stop_values()
        super().do_back()

    # -- out of the screen

    @property
    def _asked(self) -> Asked:
        store, fork = self.session.state.store, fork_of(self.situation()) if self._is_three else None
        return Asked(store, self._a, self._b, self.wanted, fork, values=bool(self.results))

    def do_copy(self) -> None:
        self.app.copy_to_clipboard(self._asked.python)
        self.say(Said("the Python for a notebook was copied", "good"))

    def do_copy_command(self) -> None:
        command = self._asked.command
        self.app.copy_to_clipboard(command)
        self.say(Said(f"{shown(command)} copied", "good"))

    def do_save(self) -> None:
        from explorer.tui.screens.save_as import SaveAs, put

        told = self._three or self.diff
        if told is None:
            return
        what = Shown(told, self.shown, dict(self.results))

        def answered(path: Path | None) -> None:
            if path is not None:
                self.session.run(
                    self,
                    lambda: put(path, to_bytes(what, path)),
                    lambda _: self.say(Said(f"{shown(str(path))} written", "good")),
                    self.complain,
                    group="export",
                )

        self.app.push_screen(SaveAs(Path.cwd() / "diff.csv", FORMATS, self.session), answered)


def _two(workspace: Verbs, a: Node, b: Node, *, unchanged: bool) -> _Read:
    from explorer.checkpoints.outline import outline

    diff = workspace.diff(a, b)
    sections = outline(diff, unchanged=unchanged)
    return _Read(diff, None, sections, DiffScreen.measured(sections))


def _three(workspace: Verbs, fork: Node) -> _Read:
    from explorer.checkpoints.outline import three_way_outline

    three = workspace.three_way(fork)
    sections = three_way_outline(three)
    return _Read(None, three, sections, DiffScreen.measured(sections))
