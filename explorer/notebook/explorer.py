"""What `explorer.open()` returns: one store in a notebook, with every verb; it shows the lineage."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from explorer.errors import BadInput, NotFound
from explorer.lineage.address import Address, Node
from explorer.lineage.state import State
from explorer.lineage.values import Scalar
from explorer.notebook import static
from explorer.notebook.addresses import address_of, known_addresses
from explorer.notebook.backstage import Backstage
from explorer.notebook.changes import changes_of, grid_of
from explorer.notebook.followed import Followed
from explorer.notebook.node import BoundNode
from explorer.notebook.overrides import check

if TYPE_CHECKING:
    from explorer.notebook.checkpoint import CheckpointView
    from explorer.notebook.comparison import ComparisonView
    from explorer.notebook.diff import DiffView, ThreeWayView
    from explorer.notebook.prefetching import Prefetch
    from explorer.notebook.run import RunHandle
    from explorer.notebook.tree import LineageTree
    from explorer.workspace.workspace import Workspace


class Explorer:
    """A store, its lineage, and the verbs. A place is an address (`bucket@name`), a node or a run."""

    def __init__(
        self,
        workspace: Workspace,
        opened_by: str = "explorer.open()",
        close: Callable[[], None] | None = None,
    ) -> None:
        self.workspace = workspace
        self._close = close or workspace.close
        self.opened_by = opened_by
        self.backstage = Backstage()
        self.followed = Followed()
        self._tree: LineageTree | None = None

    @property
    def state(self) -> State:
        """The newest that is known of the store: an immutable value."""
        return self.workspace.state

    @property
    def buckets(self) -> tuple[BoundNode, ...]:
        """The heads of all buckets, oldest first."""
        found = sorted(self.state.buckets.values(), key=lambda b: (b.created_ns, b.name))
        return tuple(BoundNode(self, bucket.head) for bucket in found)

    @property
    def runs(self) -> tuple[RunHandle, ...]:
        """The runs that are known, newest first."""
        from explorer.notebook.run import RunHandle

        found = sorted(self.state.runs.values(), key=lambda run: -run.started_ns)
        return tuple(RunHandle(self, run) for run in found)

    def __getitem__(self, place: object) -> BoundNode:
        """`ex["bucket"]` is the head, `ex["bucket@name"]` a snapshot.

        Raises:
            NotFound (a KeyError): naming the nearest that exists.
        """
        return BoundNode(self, self.node(place).node if not isinstance(place, Node) else place)

    def node(self, place: object) -> BoundNode:
        """The node of an address, of a value, or of what another verb returned."""
        if isinstance(place, BoundNode):
            return place
        if isinstance(place, Node):
            return BoundNode(self, place)
        if isinstance(of_run := getattr(place, "node", None), BoundNode):
            return of_run  # a run is where it writes
        if not isinstance(place, str | Address):
            raise BadInput(
                f"A {type(place).__name__} names no place.",
                hint='write an address like "bucket@name", or use ex["bucket"]',
            )
        try:
            return BoundNode(self, self.workspace.resolve(place))
        except NotFound:
            self.refresh()  # somebody else may have made it a second ago
            return BoundNode(self, self.workspace.resolve(place))

    def address(self, node: Node) -> str:
        """`bucket@name` where the name means this very snapshot, else `bucket@version`."""
        return address_of(self.state, node)

    def refresh(self) -> Explorer:
        """List the lineage now. Blocks: one request a page of buckets, one a bucket."""
        self.workspace.refresh()
        self.backstage.pump()
        return self

    def tree(self, height: int | None = None) -> LineageTree:
        """The lineage widget, the one that this object shows as well; it follows the store from now on."""
        if self._tree is None:
            from explorer.notebook.tree import LineageTree

            self._tree = LineageTree(self)
            self.workspace.start_refreshing()
        if height is not None:
            self._tree.height = height
        return self._tree

    def snapshot(self, bucket: object, name: str | None = None) -> BoundNode:
        """Freeze a bucket's head as it is now."""
        wanted = self.node(bucket)
        if wanted.version is not None:
            raise BadInput(
                f"`{wanted}` is a snapshot already.", hint=f"snapshot its bucket: `{wanted.bucket}`"
            )
        return BoundNode(self, self.workspace.snapshot(wanted.bucket, name))

    def fork(
        self,
        place: object,
        /,
        name: str | None = None,
        *,
        overrides: Mapping[str, Scalar] | None = None,
        **changes: object,
    ) -> BoundNode:
        """A copy-on-write fork, `ex.fork("base@step-100", lr=3e-5)`: the head of the new bucket.

        `changes` must be known to the checkpoint's configuration; `overrides` is taken as it is.

        Raises:
            UnknownOverride (a TypeError): a change that the configuration does not know.
            NameTaken: there is a bucket of that name.
        """
        source = self.node(place)
        return BoundNode(
            self,
            self.workspace.fork(
                source.node, name, changes_of(self.workspace, source.node, overrides, changes)
            ),
        )

    def sweep(self, place: object, /, **values: Sequence[object]) -> tuple[BoundNode, ...]:
        """One fork per combination of values: `ex.sweep(node, lr=[1e-4, 3e-5], seed=[1, 2])` makes four."""
        source = self.node(place)
        grid = grid_of(self.workspace, source.node, values)
        return tuple(BoundNode(self, node) for node in self.workspace.sweep(source.node, grid))

    def resume(
        self,
        place: object,
        /,
        template: str | None = None,
        *,
        overrides: Mapping[str, Scalar] | None = None,
        **changes: object,
    ) -> RunHandle:
        """Train on from a node, in a fork of its own; returns as soon as the run is launched.

        Raises:
            UnknownOverride, NotFound, Conflict, ResumeFailed: nothing was started.
        """
        from explorer.notebook.run import RunHandle

        source = self.node(place)
        told = changes_of(self.workspace, source.node, overrides, changes)
        run = self.workspace.resume(source.node, template, told)
        return RunHandle(self, run)

    def create_bucket(self, name: str) -> BoundNode:
        """A new, empty bucket with snapshots on."""
        return BoundNode(self, self.workspace.create_bucket(name))

    def launch(self, bucket: object, /, template: str | None = None, **overrides: Scalar) -> RunHandle:
        """Train in a bucket in place: on from its newest snapshot, or from nothing; returns at once.

        Raises:
            Conflict: somebody is writing to it.
            BadInput, ResumeFailed: nothing was started.
        """
        from explorer.notebook.run import RunHandle

        changes = check(overrides, ())
        return RunHandle(self, self.workspace.launch(self.node(bucket).bucket, template, changes))

    def prefetch(self, place: object) -> Prefetch:
        """Read a node's newest checkpoint onto this disk, in the background."""
        from explorer.notebook.prefetching import Prefetch

        wanted = self.node(place)
        self.workspace.prefetch(wanted.node)
        return Prefetch(self, wanted)

    def diff(self, a: object, b: object) -> DiffView:
        """What changes from `a` to `b`: objects, tensors, configuration, training state."""
        from explorer.notebook.diff import DiffView, Places

        left, right = self.node(a).node, self.node(b).node
        return DiffView(self.workspace.diff(left, right), Places(self, left, right))

    def three_way(self, fork: object) -> ThreeWayView:
        """What a fork changed, and what its parent has changed since the fork point.

        Raises:
            BadInput: it is no fork.
        """
        from explorer.notebook.diff import ThreeWayView

        return ThreeWayView(self.workspace.three_way(self.node(fork).node))

    def compare(
        self, places: Iterable[object], metric: str | Iterable[str] | None = None, **look: object
    ) -> ComparisonView:
        """Metrics of several nodes along their lineages, inherited history included: one metric, or a list.

        `look` sets what its controls set: `x="tokens"`, `smoothing=0.9`, `colour_by="lr"`; see `Look`.

        Raises:
            BadInput: no such metric, axis, hyperparameter or setting.
        """
        from explorer.notebook.comparison import ComparisonView, preload

        preload(self)
        if isinstance(places, str | BoundNode | Node):
            places = (places,)
        nodes = [self.node(place).node for place in places]
        return ComparisonView(self, nodes, {"metric": metric, **look})

    def metrics(self, places: Iterable[object]) -> tuple[str, ...]:
        """The metrics that at least one of these nodes has."""
        return self.workspace.metrics([self.node(place).node for place in places])

    def checkpoints(self, place: object) -> tuple[CheckpointView, ...]:
        """The checkpoints at a node, newest first."""
        from explorer.notebook.checkpoint import checkpoints_at

        return checkpoints_at(self.workspace, self.node(place))

    def checkpoint(self, place: object, step: int | None = None) -> CheckpointView:
        """The newest checkpoint at a node, or that of a step.

        Raises:
            NotFound: there is none.
        """
        from explorer.notebook.checkpoint import checkpoint_at

        return checkpoint_at(self.workspace, self.node(place), step)

    def undo(self) -> str:
        """Take back the newest fork, snapshot or deletion of this session; says what it was."""
        return self.workspace.undo()

    def close(self) -> None:
        """Let go of the store. Runs go on; widgets stay on the page as they were last seen."""
        self.followed.rest()
        if self._tree is not None:
            self._tree.rest()
            self._tree = None
        self.backstage.close()
        self._close()

    def __enter__(self) -> Explorer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def snippet(self, node: Node) -> str:
        """A place as an expression that runs anywhere."""
        return f"{self.opened_by}[{self.address(node)!r}]"

    def _ipython_key_completions_(self) -> list[str]:
        """Addresses that are known already; nothing is read."""
        return known_addresses(self.state)

    def __repr__(self) -> str:
        return f"<Explorer {static.title(self.state)}>"

    def _repr_mimebundle_(self, **options: object) -> tuple[dict[str, Any], dict[str, Any]]:
        return self.tree()._repr_mimebundle_(**options)
