"""The nouns of the lineage: buckets, snapshots, what a fork changed, what is known of a node."""

from __future__ import annotations

import re
from dataclasses import dataclass

from explorer.lineage.address import Node

Scalar = str | int | float | bool | None
Overrides = tuple[tuple[str, Scalar], ...]
"""What a fork changed, in the order given: `(("lr", 3e-5), ("seed", 7))`."""

_STEP = re.compile(r"(?:^|[^a-z])(?:global_?)?(?:step|checkpoint|iter)[-_=]?0*(\d+)(?!\d)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A bucket frozen at `version`; `name` is free text, need not be unique, may be absent."""

    bucket: str
    version: str
    name: str | None = None

    @property
    def node(self) -> Node:
        return Node(self.bucket, self.version)

    @property
    def created_ns(self) -> int:
        return int(self.version) if self.version.isdigit() else 0

    @property
    def step(self) -> int | None:
        """The training step its name tells (`step-100`, `checkpoint-500`), if it does."""
        return step_in(self.name) if self.name else None


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket, forked or not, with its snapshots oldest first."""

    name: str
    created_ns: int
    parent: Node | None = None
    """The snapshot of the parent that this fork was made from."""
    snapshots_on: bool = True
    snapshots: tuple[Snapshot, ...] = ()

    @property
    def head(self) -> Node:
        return Node(self.name)


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """One object of a listing. `etag` is without quotes."""

    key: str
    size_bytes: int
    etag: str
    modified_ns: int


@dataclass(frozen=True, slots=True)
class Range:
    """Bytes wanted from one object: `length` None means to its end; negative `start` counts from the end."""

    key: str
    start: int = 0
    length: int | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What reading a node told: filled in the background, the parts unknown are None."""

    step: int | None = None
    size_bytes: int | None = None
    """Bytes of the newest checkpoint, or of all objects where no checkpoint is found."""
    objects: int | None = None
    checkpoint: str | None = None
    """The prefix of the newest checkpoint (`""` for the bucket's root)."""
    modified_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Curve:
    """A bucket's main loss, inherited history included: the tree's column and sparkline come from it.

    `steps` rise strictly; `values` has the same length; both are thinned to what a row can show.
    """

    metric: str
    steps: tuple[int, ...]
    values: tuple[float, ...]
    own_from: int | None = None
    """The first step that this bucket's own runs wrote; None where all is inherited."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How much of a node's checkpoint is on this disk."""

    done_bytes: int
    total_bytes: int
    active: bool = False

    @property
    def complete(self) -> bool:
        return not self.active and self.done_bytes >= self.total_bytes


@dataclass(frozen=True, slots=True)
class RunView:
    """A launched or observed run, as far as a screen needs it."""

    id: str
    bucket: str
    source: Node | None
    state: str
    """`queued`, `running`, `done`, `failed`, `stopped` or `lost`."""
    started_ns: int
    ended_ns: int | None = None
    exit_code: int | None = None
    overrides: Overrides = ()
    backend: str = "local"
    reason: str | None = None

    @property
    def is_live(self) -> bool:
        return self.state in ("queued", "running")


@dataclass(frozen=True, slots=True)
class Failure:
    """A background failure, to be painted where it happened."""

    message: str
    hint: str
    at_ns: int


@dataclass(frozen=True, slots=True)
class StoreInfo:
    """Which store this is: shown by every screen and every JSON document."""

    label: str
    """`local store` or the endpoint's host."""
    endpoint: str
    is_local: bool
    snapshots: bool = True
    """False where the endpoint is plain S3: buckets are browsed, there is nothing to fork."""

    @property
    def identity(self) -> str:
        """What caches on disk know this store by: the local one's port changes."""
        return "local" if self.is_local else self.endpoint


def step_in(text: str) -> int | None:
    """The training step that a name or a prefix tells, the last one if there are several."""
    found = _STEP.findall(text)
    return int(found[-1]) if found else None


def parse_scalar(text: str) -> Scalar:
    """An override's value as typed: a number, true/false/null, else the text itself."""
    special: dict[str, Scalar] = {"true": True, "false": False, "null": None, "none": None}
    if text.lower() in special:
        return special[text.lower()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def show_scalar(value: Scalar) -> str:
    """A value in as few characters as say it: `3e-05` is `3e-5`."""
    if isinstance(value, bool) or value is None:
        return str(value).lower() if value is not None else "null"
    if isinstance(value, float):
        return re.sub(r"e([+-])0*(\d)", lambda m: f"e{m[1].replace('+', '')}{m[2]}", f"{value:.6g}")
    return str(value)


def show_overrides(overrides: Overrides) -> str:
    """`lr 3e-5  seed 7`, as the tree writes it."""
    return "  ".join(f"{name} {show_scalar(value)}" for name, value in overrides)
