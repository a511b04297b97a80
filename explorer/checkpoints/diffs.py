"""What differs between two places of the tree: objects, tensors, config, training state, contradictions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from explorer.checkpoints.learning_rate import unheeded
from explorer.checkpoints.metric_points import MetricPair, Point, pair_metrics
from explorer.checkpoints.objects import ObjectChanges, compare_objects
from explorer.checkpoints.printable import exportable
from explorer.checkpoints.sections import Section, sections, summarize
from explorer.checkpoints.tensor_changes import TensorChanges, compare_tensors
from explorer.checkpoints.value_changes import Change, compare_values
from explorer.checkpoints.values import Checkpoint, Cost, Manifest
from explorer.lineage.values import ObjectInfo

if TYPE_CHECKING:
    from pandas import DataFrame


_EVERYDAY = re.compile(
    r"torch\._utils\._rebuild_\w+|torch\.\w+Storage|torch\.storage\.\w+Storage|torch\.Size|"
    r"torch\.(?:b?float|u?int|complex|bool)\w*|torch\.serialization\._get_layout|collections\.OrderedDict|"
    r"torch\.distributed\.checkpoint\.(?:metadata\.\w+|filesystem\._StorageInfo)|_codecs\.encode"
)
"""Globals that every torch file names: another mix of them is no news. Anything else that appears is."""


@dataclass(frozen=True, slots=True)
class Side:
    """One place to compare: its whole listing, and its newest checkpoint if there is one."""

    label: str
    objects: Sequence[ObjectInfo]
    checkpoint: Checkpoint | None = None
    manifest: Manifest | None = None
    metrics: Mapping[str, Point] = field(default_factory=dict)
    """What was logged up to the checkpoint's step."""
    troubles: tuple[str, ...] = ()
    """What went wrong beside the checkpoint."""


@dataclass(frozen=True, slots=True)
class Diff:
    """What differs between `a` and `b`; from a to b, so `added` is what b has and a lacks."""

    a: Side
    b: Side
    objects: ObjectChanges
    tensors: TensorChanges
    config: tuple[Change, ...]
    state: tuple[Change, ...]
    metrics: tuple[MetricPair, ...] = ()
    """Every metric of either side, equal ones included; `any` does not depend on them."""
    warnings: tuple[str, ...] = ()
    cost: Cost = field(default=Cost())

    @property
    def any(self) -> bool:
        """Whether anything differs: what the exit code of `explorer diff` tells."""
        return bool(self.objects.any or self.tensors.any or self.config or self.state)

    @property
    def summary(self) -> str:
        """A few lines: what differs most, and every warning."""
        return summarize(self)

    def sections(self, *, folded: bool = True) -> tuple[Section, ...]:
        """What a screen paints, one section per kind of difference, empty ones left out.

        With `folded` the tensors of equal layers share a row (`layers.0-31.mlp.weight`).
        """
        return sections(self, folded=folded)

    def to_json(self) -> dict[str, Any]:
        """The shape that `explorer diff --json` promises."""
        return {
            "a": self.a.label,
            "b": self.b.label,
            "different": self.any,
            "checkpoints": {"a": _checkpoint(self.a), "b": _checkpoint(self.b)},
            "objects": self.objects.to_json(),
            "tensors": self.tensors.to_json(),
            "config": [change.to_json() for change in self.config],
            "state": [change.to_json() for change in self.state],
            "metrics": [pair.to_json() for pair in self.metrics],
            "warnings": list(self.warnings),
            "cost": self.cost.to_json(),
        }

    def to_frame(self) -> DataFrame:
        """All differences as rows: section, change, name, a, b. Texts are fit for a spreadsheet."""
        import pandas

        rows = [
            (section.title, row.mark, exportable(row.name), exportable(row.a), exportable(row.b))
            for section in self.sections(folded=False)
            for row in section.rows
        ]
        return pandas.DataFrame(rows, columns=["section", "change", "name", "a", "b"])


def diff(a: Side, b: Side) -> Diff:
    """Compare two places. Pure: whatever had to be read has been read. Cost: O(objects + tensors)."""
    left, right = a.manifest, b.manifest
    warnings = [f"{side.label}: {text}" for side in (a, b) for text in _troubles(side)]
    if left is not None and right is not None:
        tensors = compare_tensors(left, right)
        config, state = compare_values(left.config, right.config), compare_values(left.state, right.state)
        warnings = [*unheeded(left.config, left.state, right.config, right.state), *warnings]
        new = sorted(n for n in set(right.refers_to) - set(left.refers_to) if not _EVERYDAY.fullmatch(n))
        if new and left.refers_to:
            warnings.append(
                f"{b.label}: its pickles name globals that {a.label} does not: {', '.join(new[:8])}"
            )
    else:
        tensors, config, state = TensorChanges(), (), ()
    cost = sum((s.manifest.cost for s in (a, b) if s.manifest is not None), Cost())
    objects, metrics = compare_objects(a.objects, b.objects), pair_metrics(a.metrics, b.metrics)
    return Diff(a, b, objects, tensors, config, state, metrics, tuple(warnings), cost)


def _troubles(side: Side) -> list[str]:
    if side.manifest is None:
        absent = (
            ["no checkpoint was found here, only objects are compared"] if side.checkpoint is None else []
        )
        return [*absent, *side.troubles]
    manifest = side.manifest
    lacking = [f"incomplete: {', '.join(manifest.missing[:5])} missing"] if manifest.missing else []
    return [*manifest.damaged, *lacking, *manifest.warnings, *side.troubles]


def _checkpoint(side: Side) -> dict[str, Any] | None:
    found = side.checkpoint
    if found is None:
        return None
    step = found.step if side.manifest is None else side.manifest.step
    return {"prefix": found.prefix, "format": found.format, "step": step}
