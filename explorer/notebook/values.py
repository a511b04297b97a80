"""Tensors being compared by value: a handle that returns at once, a bar with a button, a table that fills."""

from __future__ import annotations

import threading
import time
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from explorer.checkpoints import exportable
from explorer.checkpoints.statistics import Statistics
from explorer.checkpoints.value_plan import Plan, Refused, in_words, left_out, plan
from explorer.errors import BadInput, ExplorerError, Unreachable
from explorer.notebook.page import dim, heading, page, table, warnings
from explorer.wording import count, duration, size

if TYPE_CHECKING:
    import ipywidgets
    import pandas as pd

    from explorer.checkpoints import Diff, Tensor
    from explorer.notebook.diff import Places

_SMALL_BYTES = 256_000_000
_POLL_S = 0.1
_MOST_ROWS = 100
_NUMBERS = (
    "relative", "cosine", "equal_share", "max_delta", "norm_a", "norm_b", "delta_norm", "non_finite_a",
    "non_finite_b",
)  # fmt: skip


class Values:
    """Goes on in the background of this session. `plan` says what it takes; `found` grows while it reads."""

    def __init__(
        self, places: Places, diff: Diff, glob: str, shown: frozenset[tuple[str, str]] | None = None
    ) -> None:
        self._places = places
        self._title = f"{diff.a.label} → {diff.b.label}"
        self._glob = glob
        self.plan = _plan(diff, glob, shown)
        self._found: list[Statistics] = []
        self._refused: tuple[Refused, ...] = self.plan.refused
        self._done_bytes = 0
        self._cancel = threading.Event()
        self._ended = threading.Event()
        self._has_begun = False
        self._error: ExplorerError | None = None
        self._seconds = 0.0
        self._views: list[_View] = []

    @property
    def is_small(self) -> bool:
        """Whether so little is read that nobody need be asked."""
        return self.plan.read_bytes <= _SMALL_BYTES

    @property
    def found(self) -> tuple[Statistics, ...]:
        """What is known by now, in the order in which it was read."""
        return tuple(self._found)

    @property
    def done(self) -> bool:
        return self._ended.is_set()

    @property
    def progress(self) -> tuple[int, int]:
        """Bytes read and bytes in all."""
        return self._done_bytes, self.plan.read_bytes

    def start(self) -> Values:
        """Begin to read, once; returns at once."""
        if not self._has_begun:
            self._has_begun = True
            self._places.explorer.backstage.submit(self._read)
            self._tell()
        return self

    def cancel(self) -> Values:
        """Stop; what has been compared is kept."""
        self._cancel.set()
        if not self._has_begun:
            self._has_begun = True
            self._ended.set()
        self._tell()
        return self

    def wait(self, timeout_s: float | None = None) -> Values:
        """Block until all is compared, starting it if need be. An interrupt stops the reading.

        Raises:
            Unreachable: `timeout_s` passed.
            Conflict and others: what the reading failed with.
        """
        self.start()
        until = None if timeout_s is None else time.monotonic() + timeout_s
        backstage = self._places.explorer.backstage
        try:
            while not self._ended.wait(_POLL_S):
                if until is not None and time.monotonic() > until:
                    raise Unreachable(
                        f"{self!r} is not done after {timeout_s:g} s.", hint="wait on, or `.cancel()`"
                    )
                backstage.pump()
        except KeyboardInterrupt:
            self.cancel()
            raise
        backstage.pump()
        if self._error is not None:
            raise self._error
        return self

    def to_frame(self) -> pd.DataFrame:
        """A row a tensor: part, name, elements, change, cosine, share of equal ones, norms; waits for all.

        What is identical on both sides was not read: its change is 0 and its norms are NaN.
        """
        import pandas

        if not self._cancel.is_set():
            self.wait()
        rows = []
        for told in self.found:
            numbers = (getattr(told, name) for name in _NUMBERS)
            rows.append((told.part, exportable(told.name), told.elements, *numbers, told.identical))
        return pandas.DataFrame(rows, columns=["part", "name", "elements", *_NUMBERS, "identical"])

    def widget(self) -> ipywidgets.Widget:
        """A bar with a button, and below it the table as it fills."""
        view = _View(self)
        self._views.append(view)
        return view.box

    # -- in a worker

    def _read(self) -> None:
        places = self._places
        began = time.monotonic()
        try:
            outcome = places.explorer.workspace.values(
                places.a, places.b, self.plan, self._told, self._moved, self._cancel
            )
            self._refused = (*self.plan.refused, *outcome.refused)
        except ExplorerError as error:
            self._error = error
        finally:
            self._seconds = time.monotonic() - began
            self._ended.set()
            self._tell()

    def _told(self, told: Statistics | Refused) -> None:
        if isinstance(told, Statistics):
            self._found.append(told)
        self._tell()

    def _moved(self, done: int, total: int) -> None:
        self._done_bytes = done
        self._tell()

    def _tell(self) -> None:
        for view in tuple(self._views):
            view.live.mark()

    # -- in words

    def words(self) -> str:
        """How far it is, in a line."""
        bytes_s = self._places.explorer.workspace.values_bytes_s
        if not self._has_begun:
            return in_words(self.plan, bytes_s)
        total = len(self.plan.pairs) + len(self.plan.identical)
        if not self.done:
            done, whole = self.progress
            return f"{len(self._found):,} of {count(total, 'tensor')}, {size(done)} of {size(whole)}"
        if self._error is not None:
            return f"{self._error} ({self._error.hint})"
        differ = sum(told.equal < told.elements for told in self.found)
        said = f"{differ:,} of {count(len(self._found), 'tensor')} differ in value"
        if len(self._found) + len(self._refused) - len(self.plan.refused) < total:
            return f"stopped after {len(self._found):,} of {count(total, 'tensor')}; {said}"
        return f"{said} ({size(self._done_bytes)} in {duration(self._seconds)})" if self._done_bytes else said

    def html(self) -> str:
        """The table of what is known by now, the largest change first."""
        found = sorted(self.found, key=lambda told: -told.relative)
        heads = ("name", "change", "cosine", "equal", "max diff", "|a|", "|b|", "|b−a|", "NaN/inf")
        rows = [_cells(told) for told in found]
        out = left_out(self.plan)
        refused = [f"{r.tensor.name}: not compared, {r.why}" for r in self._refused[len(self.plan.refused) :]]
        return page(
            heading(self._title, "" if self._glob == "*" else self._glob),
            warnings(refused),
            table(heads, rows, most=_MOST_ROWS, numbers=range(1, 9)),
            dim(out) if out else "",
        )

    def __repr__(self) -> str:
        return f"<values {self._title}: {self.words()}>"

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        from explorer.notebook.run_widget import view_of

        static = self.html() if self.found else page(dim(self.words()))
        return {**view_of(self.widget()), "text/html": static, "text/plain": repr(self)}


class _View:
    """One widget of a comparison: painted on the kernel's loop, at most ten times a second."""

    def __init__(self, values: Values) -> None:
        import ipywidgets

        from explorer.notebook.live import Live

        self._values = values
        self._bar = ipywidgets.FloatProgress(min=0, max=1, value=0)
        self._words = ipywidgets.Label()
        self._button = ipywidgets.Button()
        self._button.layout.width = "90px"
        self._table = ipywidgets.HTML()
        self._shown = -1
        top = ipywidgets.HBox([self._button, self._bar, self._words])
        top.layout.align_items = "center"
        top.layout.grid_gap = "10px"
        self.box = ipywidgets.VBox([top, self._table])
        self._button.on_click(self._pressed)
        self.live = Live(self._paint)
        values._places.explorer.backstage.follow(self.live)
        self._paint()

    def _paint(self) -> None:
        values = self._values
        done, total = values.progress
        self._words.value = values.words()
        self._bar.value = 1.0 if values.done and values._error is None else done / total if total else 0.0
        self._bar.bar_style = ("danger" if values._error else "success") if values.done else ""
        self._button.description = "Cancel" if values._has_begun else "Compare"
        self._button.layout.display = "none" if values.done else None
        if len(values._found) != self._shown:
            self._shown = len(values._found)
            self._table.value = values.html()
        if values.done:
            values._places.explorer.backstage.unfollow(self.live)

    def _pressed(self, _button: object) -> None:
        if self._values._has_begun:
            self._values.cancel()
        else:
            self._values.start()


def _plan(diff: Diff, glob: str, shown: frozenset[tuple[str, str]] | None) -> Plan:
    left, right = diff.a.manifest, diff.b.manifest

    def wanted(tensor: Tensor) -> bool:
        return fnmatchcase(tensor.name, glob) and (shown is None or (tensor.part, tensor.name) in shown)

    made = plan(left, right, wanted) if left is not None and right is not None else None
    if made is None or not (made.any or made.refused):
        raise BadInput(
            f"No tensor on both sides matches {glob!r}.", hint="`.checkpoint().to_frame()` lists them"
        )
    if not made.any:
        first = made.refused[0]
        raise BadInput(
            f"`{first.tensor.name[:80]}` cannot be compared by value: {first.why}.",
            hint="choose others by a glob",
        )
    return made


def _cells(told: Statistics) -> tuple[str, ...]:
    name = told.name if told.part == "model" else f"{told.part}: {told.name}"
    if told.identical:
        return (name, "identical", "", "", "", "", "", "", "")
    odd = f"{told.non_finite_a}/{told.non_finite_b}" if told.non_finite else ""
    cosine = "" if told.cosine != told.cosine else f"{told.cosine:.5f}"
    numbers = (told.max_delta, told.norm_a, told.norm_b, told.delta_norm)
    return (
        name,
        f"{told.relative:.3g}",
        cosine,
        f"{told.equal_share:.1%}",
        *(f"{n:.3g}" for n in numbers),
        odd,
    )
