"""In which order checkpoints are told: newest first, by what can be trusted of steps and times."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from explorer.checkpoints.values import Checkpoint

_VARIANT = re.compile(
    r"(?:.*/)?(?:onnx|openvino|coreml|original|gguf|ggml|mlx|tflite|flax|tf|fp16|bf16|fp32|int8|quantized|exported?)"
    r"(?:/|$)",
    re.IGNORECASE,
)
"""A folder beside a model that holds the same one in another form."""


@dataclass(frozen=True, slots=True)
class Found:
    """A checkpoint, and whether a name says so: else it is one only by an ending that anybody uses."""

    checkpoint: Checkpoint
    sure: bool


def newest_first(found: Iterable[Found]) -> tuple[Checkpoint, ...]:
    """Families by their newest time, their members by step; forms of another model and doubtful ones last."""
    families: dict[str, list[Found]] = defaultdict(list)
    for item in found:
        families[_parent(item.checkpoint.prefix)].append(item)
    every = [item.checkpoint for family in families.values() for item in family]
    plain = {c.prefix for c in every if not _VARIANT.fullmatch(c.prefix)}
    ordered: list[tuple[tuple[bool, bool, int, str], list[Checkpoint]]] = []
    for family in families.values():
        for sure in (True, False):
            members = [item.checkpoint for item in family if item.sure is sure]
            for variant in (False, True):
                alike = [c for c in members if _is_variant(c, plain) is variant]
                if alike:
                    newest = max(c.modified_ns for c in alike)
                    ordered.append(
                        ((not sure, variant, -newest, min(c.prefix for c in alike)), _by_step(alike))
                    )
    ordered.sort(key=lambda pair: pair[0])
    return tuple(checkpoint for _, family in ordered for checkpoint in family)


def _by_step(family: list[Checkpoint]) -> list[Checkpoint]:
    stepped = sorted(
        (c for c in family if c.step is not None),
        key=lambda c: (-(c.step or 0), -c.modified_ns, c.prefix),
    )
    latest = stepped[0].modified_ns if stepped else -1
    free = sorted((c for c in family if c.step is None), key=lambda c: (-c.modified_ns, c.prefix))
    newer = [c for c in free if c.modified_ns > latest]
    return [*newer, *stepped, *(c for c in free if c.modified_ns <= latest)]


def _is_variant(checkpoint: Checkpoint, plain: set[str]) -> bool:
    """Whether it lies in a folder named after a form, below or beside a checkpoint that does not."""
    if checkpoint.step is not None or not _VARIANT.fullmatch(checkpoint.prefix):
        return False
    above = _parent(checkpoint.prefix)
    while True:
        if above in plain:
            return True
        if not above:
            return False
        above = _parent(above)


def _parent(prefix: str) -> str:
    prefix = prefix.rstrip("/")
    return prefix[: prefix.rfind("/") + 1]
