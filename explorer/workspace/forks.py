"""Verbs that change the tree: create, snapshot, fork, sweep, delete, and how each is taken back."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial

from explorer.errors import BadInput, Conflict, NameTaken
from explorer.lineage.address import Node, check_bucket_name
from explorer.lineage.events import BucketCreated, BucketDeleted, Forked, SnapshotDeleted, SnapshotTaken
from explorer.lineage.fork_note import FORK_NOTE, write_fork_note
from explorer.lineage.values import Bucket, Overrides, Scalar, Snapshot, show_overrides
from explorer.workspace.core import Core
from explorer.workspace.journal import Journal
from explorer.workspace.naming import propose

_TRIES = 4


class Forks:
    """Each verb does it, folds the answer in, and notes how to take it back."""

    def __init__(self, core: Core, journal: Journal) -> None:
        self._core = core
        self._journal = journal

    def create_bucket(self, name: str) -> Node:
        """A new, empty bucket with snapshots on."""
        bucket = self._core.store.create_bucket(check_bucket_name(name))
        self._core.emit(BucketCreated(bucket))
        self._journal.record("create", f"bucket {name}", lambda: self._drop_empty(bucket), bucket=name)
        return bucket.head

    def snapshot(self, bucket: str, name: str | None = None) -> Node:
        """Freeze a bucket's head. O(1) in the store."""
        if name is not None and (not name.isprintable() or not name.isascii() or not name.strip()):
            raise BadInput(
                f"`{name!r}` cannot be a snapshot's name.",
                hint="names travel in a header: printable ASCII only",
            )
        snapshot = self._core.store.take_snapshot(bucket, name)
        self._core.emit(SnapshotTaken(snapshot))
        self._journal.record(
            "snapshot",
            f"snapshot {bucket}@{name or snapshot.version}",
            lambda: self._drop_unused(snapshot),
            bucket=bucket,
            version=snapshot.version,
        )
        return snapshot.node

    def fork(self, source: Node, name: str | None = None, overrides: Overrides = ()) -> Node:
        """A copy-on-write bucket from a node; without a name, one is found that is free.

        Raises:
            NameTaken: the name that was asked for belongs to something else.
            SnapshotsOff: the source's bucket keeps no snapshots.
        """
        bucket = self._fork_named(source, name, overrides) if name else self._fork_free(source, overrides)
        if overrides:
            self._write_overrides(bucket, overrides)
        self._core.emit(Forked(bucket, overrides))
        said = f"fork {bucket.name}" + (f" ({show_overrides(overrides)})" if overrides else "")
        self._journal.record(
            "fork",
            said,
            lambda: self._drop_untouched(bucket),
            bucket=bucket.name,
            parent=bucket.parent.address if bucket.parent else None,
            overrides=dict(overrides),
        )
        return bucket.head

    def sweep(self, source: Node, grid: Mapping[str, Sequence[Scalar]]) -> tuple[Node, ...]:
        """One fork per combination of the values, in the order of the grid."""
        if not grid or not all(grid.values()):
            raise BadInput("A sweep needs values.", hint="sweep(node, lr=[1e-4, 3e-5])")
        return tuple(
            self.fork(source, overrides=tuple(zip(grid, values, strict=True)))
            for values in itertools.product(*grid.values())
        )

    def delete_bucket(self, name: str, *, force: bool = False) -> None:
        """Delete a bucket. A fork without anything of its own can be brought back by undo.

        Raises:
            Conflict: other buckets were forked from it, a run writes to it, or it has data of its own
                and `force` was not given.
        """
        bucket = self._core.state.bucket(name)
        self._refuse_if_used(bucket)
        own = self.own_objects(bucket)
        if not force and (bucket.snapshots or own):
            raise Conflict(
                f"`{name}` has data of its own ({len(bucket.snapshots)} snapshots, {own} objects).",
                hint="deleting it cannot be undone; confirm it, or use --yes",
            )
        overrides = self._core.state.overrides.get(name, ())
        self._core.store.delete_bucket(name, force=True)
        self._core.emit(BucketDeleted(name))
        undo: Callable[[], None] | None = None
        if bucket.parent is not None and not bucket.snapshots and not own:
            undo = partial(self._bring_back, name, bucket.parent, overrides)
        self._journal.record("delete", f"deletion of {name}", undo, bucket=name)

    def delete_snapshot(self, node: Node) -> None:
        """Delete a snapshot; forks already made from it keep what they have. Cannot be undone."""
        self._core.store.delete_snapshot(node)
        self._core.emit(SnapshotDeleted(node))
        self._journal.record("delete", f"deletion of {node}", None, bucket=node.bucket, version=node.version)

    def own_objects(self, bucket: Bucket) -> int:
        """How many objects of a bucket's head differ from what it was forked with, our own notes left out."""
        mine = self._listing(bucket.head)
        inherited = self._listing(bucket.parent) if bucket.parent is not None else frozenset()
        return len(mine ^ inherited)

    def _listing(self, node: Node) -> frozenset[tuple[str, str, int]]:
        objects = self._core.store.list_objects(node)
        return frozenset((o.key, o.etag, o.size_bytes) for o in objects if not o.key.startswith(".explorer/"))

    def _fork_named(self, source: Node, name: str, overrides: Overrides) -> Bucket:
        check_bucket_name(name)
        if name in self._core.state.buckets:
            free = propose(source.bucket, overrides, self._core.state.buckets)
            raise NameTaken(f"There is a bucket `{name}` already.", hint=f"`{free}` is free")
        return self._core.store.fork(source, name)

    def _fork_free(self, source: Node, overrides: Overrides) -> Bucket:
        """Bucket names are global on Tigris: what looks free here may be somebody's elsewhere."""
        taken = set(self._core.state.buckets)
        for _ in range(_TRIES):
            name = propose(source.bucket, overrides, taken)
            try:
                return self._core.store.fork(source, name)
            except NameTaken:
                taken.add(name)
        name = f"{propose(source.bucket, overrides, taken)[:58]}-{secrets.token_hex(2)}"
        return self._core.store.fork(source, name)

    def _write_overrides(self, bucket: Bucket, overrides: Overrides) -> None:
        note = write_fork_note(bucket.name, bucket.parent, overrides, datetime.now(UTC))
        self._core.store.write(bucket.name, FORK_NOTE, note)

    def _refuse_if_used(self, bucket: Bucket) -> None:
        forks = self._core.state.forks_of(bucket.name)
        if forks:
            were = "was" if len(forks) == 1 else "were"
            names = ", ".join(f"`{f.name}`" for f in forks[:3])
            raise Conflict(f"{names} {were} forked from `{bucket.name}`.", hint="delete the forks first")
        live = [run for run in self._core.state.runs_in(bucket.name) if run.is_live]
        if live:
            raise Conflict(f"Run {live[0].id} writes to `{bucket.name}`.", hint="stop the run first")

    def _drop_empty(self, bucket: Bucket) -> None:
        self._refuse_if_used(self._core.state.bucket(bucket.name))
        self._core.store.delete_bucket(bucket.name)
        self._core.emit(BucketDeleted(bucket.name))

    def _drop_untouched(self, bucket: Bucket) -> None:
        now = self._core.state.bucket(bucket.name)
        self._refuse_if_used(now)
        own = self.own_objects(bucket)
        if now.snapshots or own:
            raise Conflict(
                f"`{bucket.name}` has been written to since ({len(now.snapshots)} snapshots, {own} objects).",
                hint="delete the fork itself if that is what you want",
            )
        self._core.store.delete_bucket(bucket.name, force=True)
        self._core.emit(BucketDeleted(bucket.name))

    def _drop_unused(self, snapshot: Snapshot) -> None:
        used = [b.name for b in self._core.state.forks_of(snapshot.bucket) if b.parent == snapshot.node]
        if used:
            raise Conflict(f"`{used[0]}` was forked from {snapshot.node}.", hint="delete the fork first")
        self._core.store.delete_snapshot(snapshot.node)
        self._core.emit(SnapshotDeleted(snapshot.node))

    def _bring_back(self, name: str, parent: Node, overrides: Overrides) -> None:
        bucket = self._core.store.fork(parent, name)
        if overrides:
            self._write_overrides(bucket, overrides)
        self._core.emit(Forked(bucket, overrides))
