"""Checkpoints, manifests and diffs of nodes: drives the pure readers, and never reads a file twice."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from explorer.errors import BadInput, Conflict, ExplorerError, NotFound, nearest
from explorer.lineage.address import Node
from explorer.lineage.values import ObjectInfo, Range
from explorer.workspace.core import Core
from explorer.workspace.known_parts import KnownParts
from explorer.workspace.metrics_at import Lineage, metrics_at
from explorer.workspace.unpickling import digest_in_child

if TYPE_CHECKING:
    from explorer.checkpoints import Checkpoint, Cost, Diff, Manifest, Part, Side, ThreeWay
    from explorer.metrics.stitch import Branch

_LISTINGS = 64
"""So many listings of snapshots are kept in memory: they cannot change."""


class Manifests:
    """What is saved at a node. Blocks; any thread."""

    def __init__(self, core: Core, lineage: Lineage | None = None) -> None:
        """`lineage` tells what a node's runs have logged; without it a diff has no metrics."""
        self._core = core
        self._lineage = lineage
        self._known = KnownParts(core.data / "manifests", lambda: core.store.info.identity)
        self._listings: OrderedDict[Node, tuple[ObjectInfo, ...]] = OrderedDict()
        self._lock = threading.Lock()

    def checkpoints(self, node: Node) -> tuple[Checkpoint, ...]:
        """The checkpoints at a node, newest first.

        Cost: one listing; one wave of tiny reads, once, where only their bytes tell what files are.
        """
        return self.found(node, self.objects(node))

    def objects(self, node: Node) -> tuple[ObjectInfo, ...]:
        """Everything at a node; a snapshot's listing is kept, a head's is not."""
        with self._lock:
            kept = self._listings.get(node)
            if kept is not None:
                self._listings.move_to_end(node)
                return kept
        listed = self._core.store.list_objects(node)
        if not node.is_head:
            with self._lock:
                self._listings[node] = listed
                if len(self._listings) > _LISTINGS:
                    self._listings.popitem(last=False)
        return listed

    def manifest(self, node: Node, step: int | None = None) -> Manifest:
        """The manifest of the newest complete checkpoint, else of the newest at all, or the one of `step`.

        Cost: one listing and two waves of ranged reads, none for files that were read before.

        Raises:
            NotFound: no checkpoint here, or none of that step; the hint names the steps there are.
        """
        return self.read(node, self._choose(node, self.checkpoints(node), step))

    def read(self, node: Node, checkpoint: Checkpoint) -> Manifest:
        """The manifest of a checkpoint found at this node.

        Raises:
            Conflict: an object was replaced while it was read.
        """
        from explorer.checkpoints import assemble

        parts, cost = self._read_parts(node, checkpoint, frozenset())
        return replace(assemble(checkpoint, parts), cost=cost)

    def diff(self, a: Node, b: Node, under: tuple[str, str] = ("", "")) -> Diff:
        """What differs between two nodes: their objects, their checkpoints' metadata, what was logged there.

        With `under` only what lies below a prefix on each side, by its key relative to it: two steps of one
        bucket, say. Cost: two listings and two waves of ranged reads, both sides at once; a file that both
        sides share is read once, one that was read before not at all.

        Raises:
            NotFound: nothing lies below a prefix.
        """
        from explorer.checkpoints import diff

        return diff(*self._sides(a, b, under))

    def three_way(self, fork: Node) -> ThreeWay:
        """A fork and its parent's head, each against the snapshot that the fork was made from.

        Raises:
            BadInput: the node's bucket is not a fork.
        """
        from explorer.checkpoints import three_way

        base = self._core.state.bucket(fork.bucket).parent
        if base is None:
            raise BadInput(f"`{fork.bucket}` is not a fork.", hint="name two addresses to compare")
        start, ours = self._sides(base, fork)
        _, theirs = self._sides(base, Node(base.bucket))
        return three_way(start, ours, theirs)

    def _sides(self, a: Node, b: Node, under: tuple[str, str] = ("", "")) -> list[Side]:
        from explorer.checkpoints import Side, assemble, choose, tasks

        # threads of its own: the shared pool may be full of callers that wait just like this one
        with ThreadPoolExecutor(3, thread_name_prefix="diff") as others:
            logged = [others.submit(self._logged, node) for node in (a, b)]
            second = others.submit(self._objects_under, b, under[1])
            listings = (self._objects_under(a, under[0]), second.result())
            found = [self.found(node, objects) for node, objects in zip((a, b), listings, strict=True)]
            newest = [choose(every) for every in found]
            named = [{(t.file, t.identity): t.info.key for t in tasks(c)} if c else {} for c in newest]
            shared = frozenset(key for known, key in named[1].items() if known in named[0])
            pending = others.submit(self._read_parts, b, newest[1], shared)
            told = [self._read_parts(a, newest[0], frozenset()), pending.result()]
            lineages = [waiting.result() for waiting in logged]
        told_by_a = {part.file: part for part in told[0][0]}
        sides: list[Side] = []
        for index, (node, prefix, objects, checkpoint) in enumerate(
            zip((a, b), under, listings, newest, strict=True)
        ):
            label, manifest = self._core.state.label(node) + (f"/{prefix}" if prefix else ""), None
            if checkpoint is not None:
                parts, cost = told[index]
                if index:  # b: what it shares with a was left to a
                    lent = {checkpoint.relative(key) for key in shared}
                    parts = tuple(told_by_a[part.file] if part.file in lent else part for part in parts)
                manifest = replace(assemble(checkpoint, parts), cost=cost)
            step = manifest.step if manifest is not None else None
            lineage, trouble = lineages[index]
            troubles = (*_passed_over(found[index], checkpoint), *trouble)
            shown = [replace(info, key=info.key[len(prefix) :].lstrip("/")) for info in objects]
            sides.append(
                Side(
                    label,
                    shown if prefix else objects,
                    checkpoint,
                    manifest,
                    metrics_at(lineage, step),
                    troubles,
                )
            )
        return sides

    def _logged(self, node: Node) -> tuple[Sequence[Branch], tuple[str, ...]]:
        """What the runs of a node's lineage logged; unreadable logs are a trouble that is told."""
        if self._lineage is None:
            return (), ()
        try:
            return self._lineage(node), ()
        except ExplorerError as error:
            return (), (f"its metrics were not read: {error}",)

    def found(self, node: Node, objects: Sequence[ObjectInfo]) -> tuple[Checkpoint, ...]:
        """The checkpoints in a node's listing, newest first; tiny reads where only bytes tell, once each."""
        from explorer.checkpoints import discover, doubtful, drive

        asked = doubtful(objects)
        known = self._known.kinds(asked)
        told = drive(discover(objects, known), Fetch(self._core, node, asked))
        for info in asked:
            if info.key not in known:
                self._known.keep_kind(info, told.kinds[info.key])
        return told.checkpoints

    def _objects_under(self, node: Node, prefix: str) -> Sequence[ObjectInfo]:
        objects = self.objects(node)
        found = [info for info in objects if info.key.startswith(prefix)]
        if prefix and not found:
            folders = {info.key[: info.key.rfind("/") + 1] for info in objects}
            hint = nearest(prefix, folders, "`explorer ls` shows the objects that are there")
            raise NotFound(f"Nothing lies under `{prefix}` at {self._core.state.label(node)}.", hint=hint)
        return found if prefix else objects

    def _read_parts(
        self, node: Node, checkpoint: Checkpoint | None, elsewhere: frozenset[str]
    ) -> tuple[tuple[Part, ...], Cost]:
        """What the files tell; keys in `elsewhere` are read by somebody else and come back empty."""
        from explorer.checkpoints import Cost, Part, drive, read_parts

        if checkpoint is None:
            return (), Cost()
        known = self._known.load(checkpoint)
        blank = {key: Part(checkpoint.relative(key)) for key in elsewhere}
        fetch = Fetch(self._core, node, checkpoint.objects)
        parts = drive(read_parts(checkpoint, known | blank, digest_in_child), fetch)
        self._known.keep(checkpoint, parts, known.keys() | elsewhere)
        return parts, fetch.cost

    def _choose(self, node: Node, found: Sequence[Checkpoint], step: int | None) -> Checkpoint:
        from explorer.checkpoints import choose

        label = self._core.state.label(node)
        if not found:
            raise NotFound(
                f"There is no checkpoint at {label}.",
                hint="`explorer ls` shows the objects that are there",
            )
        if step is None:
            return choose(found) or found[0]
        chosen = next((c for c in found if c.step == step), None)
        if chosen is None:
            steps = ", ".join(str(c.step) for c in found[:8] if c.step is not None)
            raise NotFound(f"{label} has no checkpoint of step {step}.", hint=f"there are: {steps or 'none'}")
        return chosen


def _passed_over(found: Sequence[Checkpoint], chosen: Checkpoint | None) -> tuple[str, ...]:
    """In words, where the newest checkpoint gave way to a complete one."""
    if chosen is None or chosen is found[0]:
        return ()
    lacking = ", ".join(found[0].missing[:3])
    return (f"the newer {found[0].name} is incomplete ({lacking} missing): {chosen.name} was compared",)


class Fetch:
    """One node's reads, wave by wave, each object pinned to the listing; counts what it costs."""

    def __init__(self, core: Core, node: Node, objects: Sequence[ObjectInfo]) -> None:
        self._core = core
        self._node = node
        self._pinned: Mapping[str, ObjectInfo] = {info.key: info for info in objects}
        self._requests = 0
        self._read_bytes = 0

    @property
    def cost(self) -> Cost:
        from explorer.checkpoints import Cost

        return Cost(self._requests, self._read_bytes)

    def __call__(self, wants: tuple[Range, ...]) -> tuple[bytes, ...]:
        if not wants:
            return ()
        answers = self._core.store.read_many(self._node, wants, expect=self._pinned)
        self._requests += len(wants)
        self._read_bytes += sum(map(len, answers))
        for want, data in zip(wants, answers, strict=True):
            if want.length is not None and len(data) != want.length:
                raise Conflict(
                    f"Asked for {want.length} bytes, got {len(data)}.",
                    hint="the object changed or the answer was cut off: try again",
                    where=f"{self._node}/{want.key}",
                )
        return answers
