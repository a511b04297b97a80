"""Past-tense facts. `fold` is the only place that says what they mean."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.lineage.address import Node
from explorer.lineage.values import Bucket, Curve, Facts, Failure, Overrides, Progress, RunView, Snapshot


@dataclass(frozen=True, slots=True)
class Listed:
    """The store listed all buckets with their snapshots; what is not in it is gone."""

    buckets: tuple[Bucket, ...]


@dataclass(frozen=True, slots=True)
class BucketCreated:
    bucket: Bucket


@dataclass(frozen=True, slots=True)
class BucketDeleted:
    name: str


@dataclass(frozen=True, slots=True)
class Forked:
    bucket: Bucket
    overrides: Overrides = ()


@dataclass(frozen=True, slots=True)
class SnapshotTaken:
    snapshot: Snapshot


@dataclass(frozen=True, slots=True)
class SnapshotDeleted:
    node: Node


@dataclass(frozen=True, slots=True)
class OverridesRead:
    """What a fork changed; `created_ns` tells a bucket from a later one of the same name."""

    bucket: str
    created_ns: int
    overrides: Overrides


@dataclass(frozen=True, slots=True)
class FactsRead:
    node: Node
    facts: Facts


@dataclass(frozen=True, slots=True)
class CurveRead:
    bucket: str
    curve: Curve


@dataclass(frozen=True, slots=True)
class PrefetchMoved:
    node: Node
    progress: Progress


@dataclass(frozen=True, slots=True)
class PrefetchDropped:
    node: Node


@dataclass(frozen=True, slots=True)
class RunChanged:
    """A run started, moved or ended: `run.state` says which."""

    run: RunView


@dataclass(frozen=True, slots=True)
class RunForgotten:
    id: str


@dataclass(frozen=True, slots=True)
class Failed:
    """Something in the background failed; `node` None means the store as a whole."""

    node: Node | None
    failure: Failure


@dataclass(frozen=True, slots=True)
class Recovered:
    node: Node | None


Event = (
    Listed
    | BucketCreated
    | BucketDeleted
    | Forked
    | SnapshotTaken
    | SnapshotDeleted
    | OverridesRead
    | FactsRead
    | CurveRead
    | PrefetchMoved
    | PrefetchDropped
    | RunChanged
    | RunForgotten
    | Failed
    | Recovered
)
