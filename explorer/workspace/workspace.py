"""`Workspace`: the one object that a screen holds. It composes the nouns and does nothing itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, overload

from explorer.lineage.address import Address, Node
from explorer.lineage.state import State
from explorer.lineage.values import ObjectInfo, Overrides, RunView, Scalar
from explorer.settings import Settings
from explorer.workspace.caching import Caching
from explorer.workspace.core import Core
from explorer.workspace.curves import Curves
from explorer.workspace.enriching import Enriching
from explorer.workspace.forks import Forks
from explorer.workspace.journal import Journal
from explorer.workspace.manifests import Manifests
from explorer.workspace.refreshing import Refreshing
from explorer.workspace.resuming import Resuming
from explorer.workspace.runs import Runs
from explorer.workspace.value_statistics import ValueStatistics

if TYPE_CHECKING:
    from threading import Event

    from explorer.checkpoints import Checkpoint, Diff, Manifest, ThreeWay
    from explorer.checkpoints.statistics import Statistics
    from explorer.checkpoints.value_plan import Plan, Refused
    from explorer.metrics import Comparison
    from explorer.storage import Store
    from explorer.workspace.value_statistics import Outcome


class Workspace:
    """State, feed and verbs over one store.

    Verbs block, may be called from any thread, and raise `explorer.errors` only. What they change
    arrives in `state` before they return.
    """

    def __init__(self, store: Store, settings: Settings, state: State) -> None:
        self._core = core = Core(store, settings, state)
        self._journal = Journal(settings.data / "journal.jsonl")
        self._forks = Forks(core, self._journal)
        self._curves = Curves(core)
        self._manifests = Manifests(core, self._curves.lineage)
        self._values = ValueStatistics(core)
        self._caching = Caching(core, self._manifests)
        self._runs = Runs(core)
        self._resuming = Resuming(core, self._runs, self._forks.fork, self._caching)
        self._enriching = Enriching(core, self._curves, self._caching.saw, self._manifests.found)
        self._refreshing = Refreshing(core, self._curves, self._enriching)
        self._runs.watch()

    @property
    def state(self) -> State:
        """The newest state: immutable, read it as often as you like."""
        return self._core.state

    @property
    def settings(self) -> Settings:
        return self._core.settings

    def subscribe(self, subscriber: Callable[[int], None]) -> Callable[[], None]:
        """Be told of newer revisions, on any thread; returns the call that ends it."""
        return self._core.subscribe(subscriber)

    def resolve(self, address: Address | str) -> Node:
        """Raises NotFound with the nearest address that exists."""
        return self.state.resolve(address)

    def refresh(self) -> None:
        self._refreshing.refresh()

    @property
    def refreshed_ns(self) -> int | None:
        """When the store last answered a listing, for screens to say how fresh they are."""
        return self._refreshing.refreshed_ns

    def start_refreshing(self) -> None:
        self._refreshing.start()

    def want(self, nodes: Iterable[Node]) -> None:
        """These nodes are on screen: read what their rows lack. Returns at once."""
        self._enriching.want(nodes)
        self._caching.badges(nodes)

    def read_overrides(self) -> None:
        """Know what every fork changed, not only those on screen. Blocks."""
        self._enriching.read_overrides()

    def focus(self, node: Node) -> None:
        """The cursor rests here: read this one first. Returns at once."""
        self._enriching.first(node)

    def create_bucket(self, name: str) -> Node:
        return self._forks.create_bucket(name)

    def snapshot(self, bucket: str, name: str | None = None) -> Node:
        return self._forks.snapshot(bucket, name)

    def fork(self, source: Node, name: str | None = None, overrides: Overrides = ()) -> Node:
        return self._forks.fork(source, name, overrides)

    def sweep(self, source: Node, grid: Mapping[str, Sequence[Scalar]]) -> tuple[Node, ...]:
        return self._forks.sweep(source, grid)

    def delete_bucket(self, name: str, *, force: bool = False) -> None:
        self._forks.delete_bucket(name, force=force)

    def delete_snapshot(self, node: Node) -> None:
        self._forks.delete_snapshot(node)

    def undo(self) -> str:
        """Take back the newest verb of this session that can be; returns what it was."""
        return self._journal.undo()

    def checkpoints(self, node: Node) -> tuple[Checkpoint, ...]:
        return self._manifests.checkpoints(node)

    def manifest(self, node: Node, step: int | None = None) -> Manifest:
        return self._manifests.manifest(node, step)

    def read_manifest(self, node: Node, checkpoint: Checkpoint) -> Manifest:
        """The manifest of a checkpoint that `checkpoints(node)` found."""
        return self._manifests.read(node, checkpoint)

    def objects(self, node: Node) -> tuple[ObjectInfo, ...]:
        """Everything that is at a node, in key order."""
        return self._manifests.objects(node)

    def diff(self, a: Node, b: Node, under: tuple[str, str] = ("", "")) -> Diff:
        """What differs; `under` narrows each side to a prefix."""
        return self._manifests.diff(a, b, under)

    def three_way(self, fork: Node) -> ThreeWay:
        """What a fork changed, and what its parent has changed since. Raises BadInput where it is no fork."""
        return self._manifests.three_way(fork)

    @property
    def values_bytes_s(self) -> float:
        """How fast values are compared here: as measured the last time, else assumed."""
        return self._values.bytes_s

    def values(
        self,
        a: Node,
        b: Node,
        plan: Plan,
        on_result: Callable[[Statistics | Refused], None] = lambda told: None,
        on_progress: Callable[[int, int], None] = lambda done, total: None,
        cancel: Event | None = None,
    ) -> Outcome:
        """Compare the values of a plan's tensors by streaming them; told one by one, stopped by `cancel`."""
        return self._values.read(a, b, plan, on_result, on_progress, cancel)

    @overload
    def compare(
        self,
        nodes: Sequence[Node],
        metric: str | None = None,
        x: str = "step",
        *,
        smoothing: float = 0.0,
        baseline: Node | str = "parent",
    ) -> Comparison: ...
    @overload
    def compare(
        self,
        nodes: Sequence[Node],
        metric: list[str] | tuple[str, ...],
        x: str = "step",
        *,
        smoothing: float = 0.0,
        baseline: Node | str = "parent",
    ) -> tuple[Comparison, ...]: ...
    def compare(
        self,
        nodes: Sequence[Node],
        metric: str | list[str] | tuple[str, ...] | None = None,
        x: str = "step",
        *,
        smoothing: float = 0.0,
        baseline: Node | str = "parent",
    ) -> Comparison | tuple[Comparison, ...]:
        """Metrics along the lineages; a comparison for each where several are asked for.

        Differences are to each one's `parent`, or to the one `baseline` (a node or its address).
        """
        against = baseline if isinstance(baseline, Node) else None
        if isinstance(baseline, str) and baseline != "parent":
            against = self.resolve(baseline)
        several = metric if isinstance(metric, (list, tuple)) else (metric,)
        found = self._curves.compare(nodes, several, x, smoothing=smoothing, baseline=against)
        return found if several is metric else found[0]

    def metrics(self, nodes: Sequence[Node]) -> tuple[str, ...]:
        return self._curves.metrics(nodes)

    def prefetch(self, node: Node) -> None:
        """Queue a node's newest checkpoint for this disk; progress arrives in `state.prefetched`."""
        self._caching.prefetch(node)

    def cancel_prefetch(self, node: Node) -> None:
        self._caching.cancel(node)

    def resume(self, node: Node, template: str | None = None, overrides: Overrides = ()) -> RunView:
        return self._resuming.resume(node, template, overrides)

    def launch(self, bucket: str, template: str | None = None, overrides: Overrides = ()) -> RunView:
        """Train in a bucket in place: on from its newest snapshot, or from nothing."""
        return self._resuming.launch(bucket, template, overrides)

    def stop(self, run_id: str) -> None:
        self._runs.stop(run_id)

    def log(self, run_id: str, offset: int = 0) -> tuple[bytes, int]:
        """What a run printed from `offset` on, and the offset to go on from."""
        return self._runs.log(run_id, offset)

    def close(self) -> None:
        """Stop the threads and keep the lineage on disk. Runs go on; so does the local store."""
        self._refreshing.keep()
        self._caching.close()
        self._runs.close()
        self._core.close()
