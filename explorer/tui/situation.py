"""What is under the user's hands at this moment, and why a verb may not apply to it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from immutables import Map

from explorer.lineage.address import Node
from explorer.lineage.rows import Rows
from explorer.lineage.state import State
from explorer.lineage.values import Bucket, RunView
from explorer.tui.names import shown
from explorer.tui.readings import newest_run


@dataclass(frozen=True, slots=True)
class Situation:
    """The state, the node under the cursor, the marks: all that `when` may look at."""

    state: State
    rows: Rows
    node: Node | None
    marked: tuple[Node, ...] = ()
    is_open: bool = True
    """False while the workspace is still being opened, or cannot be."""
    is_filtered: bool = False

    @property
    def row(self) -> int | None:
        return self.rows.index(self.node) if self.node is not None else None

    @property
    def bucket(self) -> Bucket | None:
        return self.state.buckets.get(self.node.bucket) if self.node is not None else None

    @property
    def run(self) -> RunView | None:
        """The newest run that wrote to the bucket under the cursor."""
        return newest_run(self.state, self.node.bucket) if self.node is not None else None


def nowhere(state: State) -> Situation:
    """The situation of screens without a cursor in the tree."""
    return Situation(state, Rows(Map()), None)


def there(now: Situation) -> str | None:
    return "Nothing is under the cursor." if now.node is None or now.bucket is None else None


def open_(now: Situation) -> str | None:
    if not now.is_open:
        return "The store is not open yet; this is the lineage as last seen."
    return None


def on_node(now: Situation) -> str | None:
    return open_(now) or there(now)


def forkable(now: Situation) -> str | None:
    """Forks and snapshots need a store, and a bucket, that keeps snapshots."""
    why = on_node(now)
    if why or now.bucket is None:
        return why
    if not now.state.store.snapshots:
        return f"{now.state.store.label} is plain S3: it has no snapshots and no forks."
    if not now.bucket.snapshots_on:
        return f"{shown(now.bucket.name)} has snapshots turned off."
    return None


def has_parent(now: Situation) -> str | None:
    if there(now) or now.bucket is None:
        return there(now)
    if now.row is not None and now.rows.origin(now.row) is None:
        return f"{shown(now.bucket.name)} was not forked from anything."
    return None


def has_forks(now: Situation) -> str | None:
    if there(now) or now.node is None:
        return there(now)
    if now.row is not None and not now.rows.forks(now.row):
        return f"Nothing was forked from {shown(now.state.label(now.node))}."
    return None


def diffable(now: Situation) -> str | None:
    why = on_node(now)
    if why or now.node is None:
        return why
    if len(now.marked) > 2:
        return f"A diff is between two: {len(now.marked)} are marked."
    if len(now.marked) == 2 or (now.marked and now.marked[0] != now.node):
        return None
    if now.row is None or now.rows.parent(now.row) is None:
        return f"{shown(now.state.label(now.node))} has no parent to differ from: mark another with space."
    return None


def in_fork(now: Situation) -> str | None:
    why = on_node(now)
    if why or now.bucket is None:
        return why
    return f"{shown(now.bucket.name)} was not forked from anything." if now.bucket.parent is None else None


def has_run(now: Situation) -> str | None:
    why = on_node(now)
    if why or now.bucket is None:
        return why
    return None if now.run else f"No run has written to {shown(now.bucket.name)}."


def has_live_run(now: Situation) -> str | None:
    why = has_run(now)
    if why or now.run is None:
        return why
    return None if now.run.is_live else f"Run {shown(now.run.id)} is {now.run.state} already."


def prefetchable(now: Situation) -> str | None:
    why = on_node(now)
    if why or now.node is None:
        return why
    if now.node.is_head:
        return "A head moves on: take a snapshot with s and prefetch that."
    progress = now.state.prefetched.get(now.node)
    if progress is not None and progress.complete:
        return f"{shown(now.state.label(now.node))} is on this disk already."
    return None


def prefetching(now: Situation) -> str | None:
    why = on_node(now)
    if why or now.node is None:
        return why
    progress = now.state.prefetched.get(now.node)
    if progress is None or not progress.active:
        return f"{shown(now.state.label(now.node))} is not being prefetched."
    return None


def deletable(now: Situation) -> str | None:
    why = on_node(now)
    if why or now.bucket is None:
        return why
    name = shown(now.bucket.name)
    if now.bucket.parent is None:
        return f"{name} is not a fork: `explorer buckets delete {name}` deletes it."
    forks = now.state.forks_of(now.bucket.name)
    if forks:
        return f"{shown(forks[0].name)} was forked from {name}: delete the forks first."
    if now.run is not None and now.run.is_live:
        return f"A run writes to {name}: stop it first (X)."
    return None


def filtered(now: Situation) -> str | None:
    return None if now.is_filtered else "No filter is set: / sets one."


def something_marked(now: Situation) -> str | None:
    return None if now.marked else "Nothing is marked: space marks."
