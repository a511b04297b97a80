"""Before a key press starts anything: is there a complete checkpoint at the place to resume from?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from explorer.checkpoints import Checkpoint, Manifest, choose, discover, drive, read_manifest
from explorer.checkpoints.dcp import Engine, digest_here
from explorer.errors import BadCheckpoint, NotFound
from explorer.jobs.record import Record, read_writer
from explorer.lineage.address import Node
from explorer.lineage.values import ObjectInfo
from explorer.storage import Store


@dataclass(frozen=True, slots=True)
class Start:
    """A place that a training can start from: pinned, listed once, found complete."""

    node: Node
    checkpoint: Checkpoint
    objects: tuple[ObjectInfo, ...]
    """The checkpoint's own objects."""
    record: Record | None
    """The run that wrote it, if it said so."""


def check_start(
    store: Store,
    node: Node,
    step: int | None = None,
    *,
    read_headers: bool = True,
    engine: Engine = digest_here,
) -> Start:
    """Find the newest complete checkpoint at a pinned node (or the one of `step`), the one that is shown.

    One listing, tiny reads where only bytes tell what files are, one read of the writer's record and, with
    `read_headers`, the ranged reads of a manifest: they find a file that was cut short although it is there.
    `engine` digests large metadata of sharded checkpoints, in another process if the caller has one.

    Raises:
        NotFound: there is no checkpoint at this node, or none of this step.
        BadCheckpoint: the checkpoint is not complete; what is missing is named.
    """
    objects = store.list_objects(node)
    found = drive(discover(objects), lambda wants: store.read_many(node, wants)).checkpoints
    checkpoint = _chosen(found, node, step)
    if (
        step is None
        and checkpoint is not found[0]
        and _was_saved(found[0], read_writer(store, node, objects))
    ):
        checkpoint = found[0]  # a run said that it saved this: an older one is not what is meant
    if not checkpoint.complete:
        raise _incomplete(checkpoint, checkpoint.missing, node)
    record = read_writer(store, node, objects, checkpoint.prefix)
    _check_saved(checkpoint, record, node)
    if read_headers:
        _check_headers(
            drive(read_manifest(checkpoint, engine), lambda wants: store.read_many(node, wants)), node
        )
    return Start(node, checkpoint, tuple(checkpoint.objects), record)


def _chosen(found: Sequence[Checkpoint], node: Node, step: int | None) -> Checkpoint:
    if not found:
        hint = "resume from a snapshot that was taken after a save"
        raise NotFound(f"There is no checkpoint at `{node.address}`.", hint=hint, where=node.address)
    if step is None:
        return choose(found) or found[0]
    of_step = choose([checkpoint for checkpoint in found if checkpoint.step == step])
    if of_step is not None:
        return of_step
    steps = ", ".join(str(c.step) for c in found if c.step is not None)
    raise NotFound(f"There is no checkpoint of step {step}.", hint=f"there are {steps}", where=node.address)


def _was_saved(checkpoint: Checkpoint, record: Record | None) -> bool:
    return record is not None and record.saved_prefix == checkpoint.prefix


def _check_saved(checkpoint: Checkpoint, record: Record | None, node: Node) -> None:
    """Compare with the list of files that the run wrote down before its snapshot."""
    if record is None or not _was_saved(checkpoint, record):
        return
    sizes = {o.key: o.size_bytes for o in checkpoint.objects}
    for name, saved in record.saved_files.items():
        size = sizes.get(f"{record.saved_prefix}{name}")
        if size != saved.size_bytes:
            got = "is missing" if size is None else f"has {size} bytes"
            raise BadCheckpoint(
                f"The checkpoint is not what was saved: `{name}` {got}, {saved.size_bytes} were written.",
                hint="resume from an earlier snapshot",
                where=f"{node.address}/{record.saved_prefix}",
            )


def _check_headers(manifest: Manifest, node: Node) -> None:
    if manifest.damaged:
        raise BadCheckpoint(
            f"The checkpoint `{manifest.checkpoint.name}` is damaged: {manifest.damaged[0]}",
            hint="resume from an earlier snapshot",
            where=node.address,
        )
    if manifest.missing:
        raise _incomplete(manifest.checkpoint, manifest.missing, node)


def _incomplete(checkpoint: Checkpoint, missing: Sequence[str], node: Node) -> BadCheckpoint:
    names = ", ".join(f"`{name}`" for name in missing[:5])
    return BadCheckpoint(
        f"The checkpoint `{checkpoint.name}` is not complete: {names} is missing.",
        hint="resume from an earlier snapshot",
        where=node.address,
    )
