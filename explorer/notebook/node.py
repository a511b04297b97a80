"""A node bound to its explorer, so that it has the verbs: what `ex["bucket@name"]` returns."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from explorer.lineage.address import Node
from explorer.lineage.rows import Rows
from explorer.lineage.values import Overrides, show_overrides
from explorer.notebook.columns import line
from explorer.notebook.page import heading, page, table
from explorer.wording import age

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from explorer.lineage.values import Scalar
    from explorer.notebook.checkpoint import CheckpointView
    from explorer.notebook.diff import DiffView, ThreeWayView
    from explorer.notebook.explorer import Explorer
    from explorer.notebook.prefetching import Prefetch
    from explorer.notebook.run import RunHandle


class BoundNode:
    """A place in the lineage with its verbs, equal to any other of the same place; `node` is the value."""

    __slots__ = ("_explorer", "node")

    def __init__(self, explorer: Explorer, node: Node) -> None:
        self._explorer = explorer
        self.node = node

    @property
    def address(self) -> str:
        """As people write it: `bucket@name` where that names this very snapshot, else `bucket@version`."""
        return self._explorer.address(self.node)

    @property
    def bucket(self) -> str:
        return self.node.bucket

    @property
    def version(self) -> str | None:
        """Decimal UNIX nanoseconds as the store wrote them; None at a head."""
        return self.node.version

    @property
    def step(self) -> int | None:
        """The training step, as far as it is known already; nothing is read."""
        return line(self._explorer.state, self.node).step

    @property
    def overrides(self) -> Overrides:
        """What the fork that this node is in changed."""
        return self._explorer.state.overrides.get(self.node.bucket, ())

    @property
    def parent(self) -> BoundNode | None:
        """What it grew from: the next older snapshot, or the fork point; None at a root."""
        rows = Rows(self._explorer.state.buckets)
        row = rows.index(self.node)
        above = rows.parent(row) if row is not None else None
        return BoundNode(self._explorer, rows.node(above)) if above is not None else None

    @property
    def forks(self) -> tuple[BoundNode, ...]:
        """The heads of the buckets forked from here (from any of its snapshots, at a head), oldest first."""
        found = self._explorer.state.forks_of(self.node.bucket)
        return tuple(
            BoundNode(self._explorer, b.head) for b in found if self.node.is_head or b.parent == self.node
        )

    @property
    def snapshots(self) -> tuple[BoundNode, ...]:
        """The snapshots of its bucket, oldest first."""
        found = self._explorer.state.bucket(self.node.bucket).snapshots
        return tuple(BoundNode(self._explorer, s.node) for s in found)

    def checkpoints(self) -> tuple[CheckpointView, ...]:
        """The checkpoints that lie here, newest first; their tensors are read when asked for."""
        return self._explorer.checkpoints(self)

    def checkpoint(self, step: int | None = None) -> CheckpointView:
        """The newest checkpoint, or that of a step.

        Raises:
            NotFound: there is none.
        """
        return self._explorer.checkpoint(self, step)

    def diff(self, other: object) -> DiffView:
        """What changes from here to `other`. Two listings, and the heads of the files that differ."""
        return self._explorer.diff(self, other)

    def three_way(self) -> ThreeWayView:
        """This fork and its parent's head, each against the snapshot that the fork was made from.

        Raises:
            BadInput: its bucket is no fork.
        """
        return self._explorer.three_way(self)

    def fork(
        self, name: str | None = None, *, overrides: Mapping[str, Scalar] | None = None, **changes: object
    ) -> BoundNode:
        """A copy-on-write fork of this place: `node.fork(lr=3e-5)`."""
        return self._explorer.fork(self, name, overrides=overrides, **changes)

    def sweep(self, **values: Sequence[object]) -> tuple[BoundNode, ...]:
        """One fork per combination of values: `node.sweep(lr=[1e-4, 3e-5])`."""
        return self._explorer.sweep(self, **values)

    def resume(
        self, template: str | None = None, *, overrides: Mapping[str, Scalar] | None = None, **changes: object
    ) -> RunHandle:
        """Train on from here, in a fork of its own; returns at once."""
        return self._explorer.resume(self, template, overrides=overrides, **changes)

    def prefetch(self) -> Prefetch:
        """Read its checkpoint onto this disk in the background; returns at once."""
        return self._explorer.prefetch(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BoundNode) and other.node == self.node

    def __hash__(self) -> int:
        return hash(self.node)

    def __str__(self) -> str:
        return self.address

    def __repr__(self) -> str:
        said = line(self._explorer.state, self.node)
        step = "" if said.step is None else f"step {said.step}"
        notes = ", ".join(n for n in (step, f"loss {said.loss}" if said.loss else "", said.changed) if n)
        return f"<node {self.address}{': ' if notes else ''}{notes}>"

    def _repr_html_(self) -> str:
        said = line(self._explorer.state, self.node)
        parent, forks = self.parent, self.forks
        facts = (
            ("step", "" if said.step is None else f"{said.step:,}"),
            ("loss", said.loss),
            ("changed", show_overrides(self.overrides)),
            ("version", self.node.version or "head"),
            ("age", age(said.created_ns, time.time_ns())),
            ("size", said.size),
            ("grew from", parent.address if parent is not None else ""),
            ("forks", ", ".join(f.address for f in forks)),
            ("on this disk", "" if not said.cached else "yes" if said.cached == 1 else f"{said.cached:.0%}"),
            ("run", said.run),
            ("trouble", said.failure),
        )
        return page(heading(self.address), table(("", ""), [fact for fact in facts if fact[1]]))
