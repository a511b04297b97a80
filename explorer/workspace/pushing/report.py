"""What a push tells while it goes and when it is done."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PushProgress:
    """`doing` is for people: `sending base@step-100`. Totals leave out what is there already."""

    doing: str
    done_bytes: int
    total_bytes: int
    done_objects: int
    total_objects: int
    replaced_bytes: int = 0
    """Of the total: versions that were replaced or deleted before the next snapshot."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """A bucket as it is over there: `versions` maps our snapshot versions to theirs."""

    bucket: str
    name: str
    versions: tuple[tuple[str, str], ...]
    history: str = "equal"
    """`equal`: every version of every key was found over there, in order. `states`: only what snapshots and
    the head show was sent, or the versions cannot be listed. `different`: some versions are missing or are
    there twice, because they were deleted for good or an earlier push sent only states. `none`: the bucket
    keeps no versions."""


@dataclass(frozen=True, slots=True)
class PushReport:
    """What a push did; `verified` counts the places that were listed over there and found equal."""

    buckets: tuple[Pushed, ...]
    snapshots: int
    objects: int
    """Objects that were written over there, replayed versions included."""
    sent_bytes: int
    verified: int
    copied_bytes: int = 0
    """Bytes that the store over there had already, and copied itself."""
    labels: int = 0
    """Of what was sent, the objects whose headers, metadata and tags were compared: up to 32 a bucket."""
