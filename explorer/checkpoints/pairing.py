"""Which tensor of one checkpoint is which of another: by name, by name without wrappers, by place."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from explorer.checkpoints.values import Tensor

_WRAPPERS = re.compile(
    r"(?:^|(?<=\.))(?:module|_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module|_forward_module)\."
)
_PREFIX = re.compile(r"^(?:model|network|net|base_model|transformer|state_dict)\.")


@dataclass(frozen=True, slots=True)
class Renamed:
    """The same tensor under two names, and what makes us think so."""

    a: Tensor
    b: Tensor
    because: str
    """`wrapper` (a prefix that wrappers add), or `shape and order`."""


@dataclass(frozen=True, slots=True)
class Pairs:
    same: tuple[tuple[Tensor, Tensor], ...]
    """Under one name on both sides, in the order of b."""
    renamed: tuple[Renamed, ...]
    removed: tuple[Tensor, ...]
    added: tuple[Tensor, ...]


def pair(a: Sequence[Tensor], b: Sequence[Tensor]) -> Pairs:
    """Pair the tensors of two checkpoints; model and optimizer are never mixed. Cost: O(tensors)."""
    left = {(t.part, t.name): t for t in a}
    right = {(t.part, t.name): t for t in b}
    same = tuple((left[key], tensor) for key, tensor in right.items() if key in left)
    removed = [tensor for key, tensor in left.items() if key not in right]
    added = [tensor for key, tensor in right.items() if key not in left]
    renamed = [*_by_wrapper(removed, added)]
    gone_a, gone_b = {id(r.a) for r in renamed}, {id(r.b) for r in renamed}
    rest_a = [t for t in removed if id(t) not in gone_a]
    rest_b = [t for t in added if id(t) not in gone_b]
    by_order = [*_by_order(rest_a, rest_b)]
    gone_a |= {id(r.a) for r in by_order}
    gone_b |= {id(r.b) for r in by_order}
    return Pairs(
        same,
        (*renamed, *by_order),
        tuple(t for t in rest_a if id(t) not in gone_a),
        tuple(t for t in rest_b if id(t) not in gone_b),
    )


def bare(name: str) -> str:
    """A name without what torch.compile, DDP, FSDP and outer modules put around it."""
    return _PREFIX.sub("", _WRAPPERS.sub("", name))


def _by_wrapper(removed: Iterable[Tensor], added: Iterable[Tensor]) -> Iterable[Renamed]:
    by_bare: dict[tuple[str, str], list[Tensor]] = defaultdict(list)
    for tensor in removed:
        by_bare[tensor.part, bare(tensor.name)].append(tensor)
    for tensor in added:
        found = by_bare.get((tensor.part, bare(tensor.name)), [])
        if len(found) == 1 and found[0].shape == tensor.shape:
            yield Renamed(found.pop(), tensor, "wrapper")


def _by_order(removed: Iterable[Tensor], added: Iterable[Tensor]) -> Iterable[Renamed]:
    """Tensors of one shape, dtype and last word, as many on both sides: paired in their order."""
    sides: dict[tuple[object, ...], tuple[list[Tensor], list[Tensor]]] = defaultdict(lambda: ([], []))
    for index, tensors in enumerate((removed, added)):
        for tensor in tensors:
            last = tensor.name.rpartition(".")[2]
            sides[tensor.part, tensor.shape, tensor.dtype, last][index].append(tensor)
    for left, right in sides.values():
        if len(left) == len(right):
            yield from (Renamed(a, b, "shape and order") for a, b in zip(left, right, strict=True))
