"""What to fetch for a node, in what order, in what pieces. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from explorer.checkpoints import Checkpoint, choose
from explorer.lineage.values import ObjectInfo

PART_BYTES = 8 * 2**20
_BESIDE_BYTES = 4 * 2**20
_METADATA = (".json", ".txt", ".yaml", ".yml", ".model", ".metadata")
_NOT_OURS_TO_FETCH = (".explorer/", "runs/")


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of an object: `index` counts from 0, all but the last have the same length."""

    index: int
    start: int
    length: int


def parts_of(size: int, part_bytes: int = PART_BYTES) -> tuple[Part, ...]:
    """The pieces of an object of `size` bytes, in order; none for an empty object."""
    return tuple(
        Part(index, start, min(part_bytes, size - start))
        for index, start in enumerate(range(0, size, part_bytes))
    )


def choose_objects(listing: Sequence[ObjectInfo], found: Sequence[Checkpoint]) -> tuple[ObjectInfo, ...]:
    """What a run needs to go on from here: the newest complete checkpoint and the small files around it.

    `found` are the checkpoints in the listing, as `discover` finds them. Without a complete one the newest at
    all, without any everything. Metadata comes first: it is what a loader, and a person, reads first.
    """
    checkpoint = choose(found)
    if checkpoint is None:
        chosen = tuple(info for info in listing if not info.key.endswith("/"))
    else:
        chosen = (*checkpoint.objects, *_beside(checkpoint, listing))
    return tuple(sorted({info.key: info for info in chosen}.values(), key=_priority))


def _beside(checkpoint: Checkpoint, listing: Sequence[ObjectInfo]) -> tuple[ObjectInfo, ...]:
    """Small files right in a folder above the checkpoint: a config, a tokenizer, a pointer to the newest."""
    own = {info.key for info in checkpoint.objects}
    above = {""}
    folder = checkpoint.prefix.rstrip("/")
    while folder:
        folder = folder.rpartition("/")[0]
        above.add(f"{folder}/" if folder else "")
    return tuple(
        info
        for info in listing
        if info.key not in own
        and info.size_bytes <= _BESIDE_BYTES
        and info.key[: info.key.rfind("/") + 1] in above
        and not info.key.startswith(_NOT_OURS_TO_FETCH)
        and not info.key.endswith("/")
    )


def _priority(info: ObjectInfo) -> tuple[bool, str]:
    return not info.key.lower().endswith(_METADATA), info.key
