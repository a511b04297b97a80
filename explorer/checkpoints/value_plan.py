"""What comparing the values of chosen tensors would take, before anything is read; and why some cannot be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from math import lcm

from explorer.checkpoints.boxes import (
    MAX_SPAN_BYTES,
    Box,
    Boxes,
    aligned,
    read_bytes,
    regions,
    wanted,
)
from explorer.checkpoints.elements import block_of, unreadable
from explorer.checkpoints.ggml_blocks import BLOCKS
from explorer.checkpoints.orbax_places import is_packed
from explorer.checkpoints.pairing import pair
from explorer.checkpoints.places import is_sharded
from explorer.checkpoints.strides import row_major
from explorer.checkpoints.values import Checkpoint, Manifest, Tensor
from explorer.wording import count, duration, size

Pair = tuple[Tensor, Tensor]
_MOST_EXTRA = 4
"""A view in another order on each side is read at most so many times over."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A tensor whose values are not compared, and why, as a clause."""

    tensor: Tensor
    """On b's side."""
    why: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Pairs are (a, b), in the order of b. What is identical costs nothing; what is refused is not read."""

    a: Checkpoint
    b: Checkpoint
    pairs: tuple[Pair, ...]
    identical: tuple[Pair, ...]
    refused: tuple[Refused, ...]
    read_bytes: int

    @property
    def any(self) -> bool:
        """Whether it would tell anything."""
        return bool(self.pairs or self.identical)

    @property
    def refusals(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """The reasons, each with the names of the tensors, the most frequent first."""
        by_reason: dict[str, list[str]] = {}
        for refused in self.refused:
            by_reason.setdefault(refused.why, []).append(refused.tensor.name)
        return tuple((why, tuple(n)) for why, n in sorted(by_reason.items(), key=lambda item: -len(item[1])))


def plan(a: Manifest, b: Manifest, wanted_on_b: Callable[[Tensor], bool]) -> Plan:
    """Sort the tensors that are on both sides and chosen. Pure: reads nothing. Cost: O(tensors)."""
    told = pair(a.tensors, b.tensors)
    met = [*told.same, *((r.a, r.b) for r in told.renamed)]
    shared = Shared(a.checkpoint, b.checkpoint)
    pairs, identical, refused = [], [], []
    cost = 0
    for left, right in met:
        if not wanted_on_b(right):
            continue
        if shared.are_one(left, right):
            identical.append((left, right))
            continue
        why = why_not(left, right)
        if why is not None:
            refused.append(Refused(right, why))
            continue
        pairs.append((left, right))
        cost += pair_bytes(left, right)
    return Plan(a.checkpoint, b.checkpoint, tuple(pairs), tuple(identical), tuple(refused), cost)


def matching(glob: str) -> Callable[[Tensor], bool]:
    """Tensors whose names match `layers.*.weight`."""
    return lambda tensor: fnmatchcase(tensor.name, glob)


def named(keys: Iterable[tuple[str, str]]) -> Callable[[Tensor], bool]:
    """Tensors by (part, name)."""
    chosen = frozenset(keys)
    return lambda tensor: (tensor.part, tensor.name) in chosen


def why_not(a: Tensor, b: Tensor) -> str | None:
    """Why the values of these two are not compared, as a clause; None where they are."""
    for tensor in (a, b):
        reason = unreadable(tensor.dtype) or _unplaced(tensor)
        if reason is not None:
            return reason
    if a.shape != b.shape:
        return "it has another shape on each side, and values are compared one by one"
    if (a.dtype in BLOCKS or b.dtype in BLOCKS) and (_is_odd(a) or _is_odd(b)):
        return "quantised blocks are compared with plain tensors only, not with views or pieces"
    return _scattered(a, b)


def pair_bytes(a: Tensor, b: Tensor) -> int:
    """What reading both takes. Pieces of sharded tensors have a kilobyte more each."""
    if a.strides is None and b.strides is None:
        return sum(t.size_bytes if t.stored_bytes is None else t.stored_bytes for t in (a, b))
    shape, left, right = aligned(a.shape, *(_assumed(tensor) for tensor in (a, b)))
    return read_bytes(shape, left, a.dtype) + read_bytes(shape, right, b.dtype)


def unit_of(a: Tensor, b: Tensor) -> int:
    """How many elements belong together on one side or the other."""
    return lcm(block_of(a.dtype)[0], block_of(b.dtype)[0])


def _unplaced(tensor: Tensor) -> str | None:
    placed = tensor.start is not None or tensor.archived is not None
    if placed or is_sharded(tensor) or is_packed(tensor):
        return None
    if tensor.size_bytes == 0:
        return "it has no bytes of its own: it lies in pieces in other files, or was saved without data"
    return "its bytes are compressed, or packed with others, in their file"


def _is_odd(tensor: Tensor) -> bool:
    return tensor.strides is not None or is_sharded(tensor) or is_packed(tensor)


def _assumed(tensor: Tensor) -> Boxes:
    """As if a tensor began at the start of its file: what it costs does not depend on where it is."""
    strides = tensor.strides if tensor.strides is not None else row_major(tensor.shape)
    return (Box("", 0, (0,) * len(tensor.shape), tensor.shape, strides),)


def _scattered(a: Tensor, b: Tensor) -> str | None:
    if a.strides is None and b.strides is None:
        return None
    shape, left, right = aligned(a.shape, _assumed(a), _assumed(b))
    first = next(iter(regions(shape)), None)
    spans = [
        (found.length or 0) if first is not None and (found := wanted(side[0], first, t.dtype)) else 0
        for side, t in ((left, a), (right, b))
    ]
    if max(spans) > MAX_SPAN_BYTES or pair_bytes(a, b) > _MOST_EXTRA * (a.size_bytes + b.size_bytes) + 2**20:
        return (
            "its elements lie scattered, or in another order on each side, and it is too large to turn around"
        )
    return None


class Shared:
    """Which tensors are one stretch of one content on both sides: copy-on-write shares whole objects."""

    def __init__(self, a: Checkpoint, b: Checkpoint) -> None:
        self._a, self._b = (
            {side.relative(o.key): (o.etag, o.size_bytes) for o in side.objects} for side in (a, b)
        )
        self._folders: dict[str, bool] = {}

    def are_one(self, a: Tensor, b: Tensor) -> bool:
        if (a.dtype, a.shape, a.chunks) != (b.dtype, b.shape, b.chunks):
            return False
        if is_sharded(a) or is_packed(a) or a.chunks > 1:
            return a.name == b.name and a.file == b.file and self._folder(a.file[: a.file.rfind("/") + 1])
        content = self._a.get(a.file)
        if content is None or content != self._b.get(b.file):
            return False
        placed = (a.start, a.archived, a.strides) == (b.start, b.archived, b.strides)
        # one content read twice tells the same of the same name, wherever the bytes are
        return a.name == b.name or (placed and (a.start is not None or a.archived is not None))

    def _folder(self, folder: str) -> bool:
        """Whether everything in a folder is the same on both sides."""
        known = self._folders.get(folder)
        if known is None:
            sides: Sequence[dict[str, tuple[str, int]]] = [
                {file: content for file, content in side.items() if file.startswith(folder)}
                for side in (self._a, self._b)
            ]
            known = self._folders[folder] = bool(sides[0]) and sides[0] == sides[1]
        return known


def narrowed(whole: Plan, keep: Callable[[tuple[str, str]], bool]) -> Plan:
    """A plan of fewer tensors: those of which `keep` says so, by (part, name) on b's side."""

    def kept(tensor: Tensor) -> bool:
        return keep((tensor.part, tensor.name))

    pairs = tuple(p for p in whole.pairs if kept(p[1]))
    return replace(
        whole,
        pairs=pairs,
        identical=tuple(p for p in whole.identical if kept(p[1])),
        refused=tuple(r for r in whole.refused if kept(r.tensor)),
        read_bytes=sum(pair_bytes(*p) for p in pairs),
    )


def in_words(plan: Plan, bytes_s: float) -> str:
    """What a plan would take: `18 tensors, 1.2 GB to read, 12 s at 100 MB/s`."""
    if not plan.pairs:
        free = count(len(plan.identical), "identical tensor")
        return f"{free}: nothing to read" if plan.identical else "nothing that can be compared"
    took = f"{duration(plan.read_bytes / bytes_s)} at {size(int(bytes_s))}/s"
    return f"{count(len(plan.pairs), 'tensor')}, {size(plan.read_bytes)} to read, {took}"


def left_out(plan: Plan) -> str:
    """Which tensors of a plan are not read, and why; empty where there are none."""
    told = [f"{len(plan.identical):,} identical, not read"] if plan.identical and plan.pairs else []
    told += [f"{len(names):,} not compared: {why}" for why, names in plan.refusals]
    return "; ".join(told)
