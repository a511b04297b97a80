"""The one value that both screens paint from, and `fold`, its only writer."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import assert_never

from immutables import Map

from explorer.errors import NotFound, nearest
from explorer.lineage.address import Address, Node, is_version, version_order
from explorer.lineage.events import (
    BucketCreated,
    BucketDeleted,
    CurveRead,
    Event,
    FactsRead,
    Failed,
    Forked,
    Listed,
    OverridesRead,
    PrefetchDropped,
    PrefetchMoved,
    Recovered,
    RunChanged,
    RunForgotten,
    SnapshotDeleted,
    SnapshotTaken,
)
from explorer.lineage.values import (
    Bucket,
    Curve,
    Facts,
    Failure,
    Overrides,
    Progress,
    RunView,
    Snapshot,
    StoreInfo,
)


@dataclass(frozen=True, slots=True)
class State:
    """Everything known of one store. Maps are persistent (HAMT): a fold costs O(log n), not a copy."""

    store: StoreInfo
    revision: int = 0
    tree_revision: int = 0
    """Rises only when buckets or snapshots change: rows are laid out again only then."""
    stale: bool = True
    """True while what is shown comes from this disk and not yet from the store."""
    buckets: Map[str, Bucket] = field(default_factory=Map)
    overrides: Map[str, Overrides] = field(default_factory=Map)
    facts: Map[Node, Facts] = field(default_factory=Map)
    curves: Map[str, Curve] = field(default_factory=Map)
    prefetched: Map[Node, Progress] = field(default_factory=Map)
    runs: Map[str, RunView] = field(default_factory=Map)
    failures: Map[Node | None, Failure] = field(default_factory=Map)

    def bucket(self, name: str) -> Bucket:
        """Raises NotFound, naming the nearest bucket."""
        found = self.buckets.get(name)
        if found is None:
            hint = nearest(name, self.buckets, "`explorer tree` lists the buckets of this store")
            raise NotFound(f"There is no bucket `{name}` in {self.store.label}.", hint=hint)
        return found

    def snapshot(self, node: Node) -> Snapshot | None:
        """The listed snapshot at this node; None at a head or at a version nobody named."""
        bucket = self.buckets.get(node.bucket)
        if bucket is None or node.version is None:
            return None
        # snapshots stand oldest first; screens ask this for every row they paint
        at = bisect_left(
            bucket.snapshots, version_order(node.version), key=lambda s: version_order(s.version)
        )
        found = bucket.snapshots[at] if at < len(bucket.snapshots) else None
        return found if found is not None and found.version == node.version else None

    def resolve(self, address: Address | str) -> Node:
        """The node that an address means; of several snapshots of one name the newest.

        Raises:
            NotFound: no such bucket, or no snapshot of that name in it.
        """
        if isinstance(address, str):
            address = Address.parse(address)
        bucket = self.bucket(address.bucket)
        if address.at is None:
            return bucket.head
        for snapshot in reversed(bucket.snapshots):
            if address.at in (snapshot.version, snapshot.name):
                return snapshot.node
        if is_version(address.at):
            return Node(bucket.name, address.at)  # any nanosecond is a readable version
        names = [s.name for s in bucket.snapshots if s.name]
        hint = nearest(address.at, names, f"`explorer snapshots list {bucket.name}` lists them")
        raise NotFound(f"`{bucket.name}` has no snapshot `{address.at}`.", hint=hint)

    def label(self, node: Node) -> str:
        """A node as people say it: `bucket@name` where the snapshot has a name."""
        snapshot = self.snapshot(node)
        return f"{node.bucket}@{snapshot.name}" if snapshot and snapshot.name else node.address

    def step(self, node: Node) -> int | None:
        """The training step of a node, from its facts or its snapshot's name."""
        facts = self.facts.get(node)
        if facts is not None and facts.step is not None:
            return facts.step
        snapshot = self.snapshot(node)
        return snapshot.step if snapshot else None

    def forks_of(self, name: str) -> tuple[Bucket, ...]:
        """The buckets forked from this one, oldest first."""
        forks = (b for b in self.buckets.values() if b.parent is not None and b.parent.bucket == name)
        return tuple(sorted(forks, key=lambda b: (b.created_ns, b.name)))

    def runs_in(self, name: str) -> tuple[RunView, ...]:
        """The runs known to write to a bucket, newest first."""
        return tuple(sorted((r for r in self.runs.values() if r.bucket == name), key=lambda r: -r.started_ns))


def fold(state: State, events: Iterable[Event]) -> State:
    """The state after `events`, in order. Events about buckets that are gone change nothing."""
    before = state
    for event in events:
        state = _fold(state, event)
    if state is before:
        return before
    tree_moved = state.buckets is not before.buckets
    return replace(
        state,
        revision=before.revision + 1,
        tree_revision=before.tree_revision + tree_moved,
    )


def _fold(state: State, event: Event) -> State:
    match event:
        case Listed(buckets):
            return _listed(state, buckets)
        case BucketCreated(bucket):
            return replace(state, buckets=state.buckets.set(bucket.name, bucket))
        case Forked(bucket, overrides):
            return replace(
                state,
                buckets=state.buckets.set(bucket.name, bucket),
                overrides=state.overrides.set(bucket.name, overrides),
            )
        case BucketDeleted(name):
            return _without(state, (name,))
        case SnapshotTaken(snapshot):
            return _with_snapshot(state, snapshot)
        case SnapshotDeleted(node):
            return _without_snapshot(state, node)
        case OverridesRead(name, created_ns, overrides):
            known = state.buckets.get(name)
            if known is None or known.created_ns != created_ns:
                return state
            return replace(state, overrides=state.overrides.set(name, overrides))
        case FactsRead(node, facts):
            if node.bucket not in state.buckets or state.facts.get(node) == facts:
                return state
            return replace(state, facts=state.facts.set(node, facts))
        case CurveRead(name, curve):
            if name not in state.buckets or state.curves.get(name) == curve:
                return state
            return replace(state, curves=state.curves.set(name, curve))
        case PrefetchMoved(node, progress):
            return replace(state, prefetched=state.prefetched.set(node, progress))
        case PrefetchDropped(node):
            if node not in state.prefetched:
                return state
            return replace(state, prefetched=state.prefetched.delete(node))
        case RunChanged(run):
            if state.runs.get(run.id) == run:
                return state
            return replace(state, runs=state.runs.set(run.id, run))
        case RunForgotten(run_id):
            return replace(state, runs=state.runs.delete(run_id)) if run_id in state.runs else state
        case Failed(where, failure):
            return replace(state, failures=state.failures.set(where, failure))
        case Recovered(where):
            if where not in state.failures:
                return state
            return replace(state, failures=state.failures.delete(where))
        case _:
            assert_never(event)


def _listed(state: State, buckets: tuple[Bucket, ...]) -> State:
    """Keep the very objects that did not change, so that an unchanged listing repaints nothing."""
    new = {bucket.name: bucket for bucket in buckets}
    gone = [name for name in state.buckets if name not in new]
    reborn = [n for n, b in new.items() if n in state.buckets and state.buckets[n].created_ns != b.created_ns]
    if gone or reborn:
        state = _without(state, (*gone, *reborn))
    changed = {name: bucket for name, bucket in new.items() if state.buckets.get(name) != bucket}
    if changed:
        state = replace(state, buckets=state.buckets.update(changed))
    if state.stale or None in state.failures:
        failures = state.failures.delete(None) if None in state.failures else state.failures
        state = replace(state, stale=False, failures=failures)
    return state


def _without(state: State, names: Iterable[str]) -> State:
    lost = frozenset(names)

    return replace(
        state,
        buckets=Map({n: b for n, b in state.buckets.items() if n not in lost}),
        overrides=Map({n: o for n, o in state.overrides.items() if n not in lost}),
        facts=Map({n: f for n, f in state.facts.items() if n.bucket not in lost}),
        curves=Map({n: c for n, c in state.curves.items() if n not in lost}),
        prefetched=Map({n: p for n, p in state.prefetched.items() if n.bucket not in lost}),
        failures=Map({n: f for n, f in state.failures.items() if n is None or n.bucket not in lost}),
    )


def _with_snapshot(state: State, snapshot: Snapshot) -> State:
    bucket = state.buckets.get(snapshot.bucket)
    if bucket is None or any(s.version == snapshot.version for s in bucket.snapshots):
        return state
    snapshots = tuple(sorted((*bucket.snapshots, snapshot), key=lambda s: version_order(s.version)))
    return replace(state, buckets=state.buckets.set(bucket.name, replace(bucket, snapshots=snapshots)))


def _without_snapshot(state: State, node: Node) -> State:
    bucket = state.buckets.get(node.bucket)
    if bucket is None:
        return state
    left = tuple(s for s in bucket.snapshots if s.version != node.version)
    return replace(state, buckets=state.buckets.set(bucket.name, replace(bucket, snapshots=left)))
