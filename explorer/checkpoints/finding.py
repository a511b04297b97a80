"""Finding checkpoints, the one way for everybody: by names, by first bytes where those are silent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from explorer.checkpoints.heads import HEAD_BYTES, kind_of
from explorer.checkpoints.layout import doubtful, find_checkpoints
from explorer.checkpoints.values import Checkpoint
from explorer.checkpoints.waves import Reading
from explorer.lineage.values import ObjectInfo, Range


@dataclass(frozen=True, slots=True)
class Discovered:
    """What lies in a listing, the newest first, and which kind the files are that had to be asked."""

    checkpoints: tuple[Checkpoint, ...]
    kinds: Mapping[str, str | None]
    """By key; None where the bytes are no checkpoint's."""


def discover(
    objects: Sequence[ObjectInfo], known: Mapping[str, str | None] | None = None
) -> Reading[Discovered]:
    """The checkpoints in a listing. One wave of at most 64 tiny reads, none where names tell it all.

    `known` has kinds of an earlier time, by key.
    """
    asked = doubtful(objects)
    kinds = {info.key: known[info.key] for info in asked if info.key in known} if known else {}
    unknown = [info for info in asked if info.key not in kinds]
    if unknown:
        heads = yield tuple(Range(info.key, 0, min(HEAD_BYTES, info.size_bytes)) for info in unknown)
        kinds |= {i.key: kind_of(head, i.size_bytes) for i, head in zip(unknown, heads, strict=True)}
    found = find_checkpoints(objects, {key for key, kind in kinds.items() if kind})
    return Discovered(found, kinds)
