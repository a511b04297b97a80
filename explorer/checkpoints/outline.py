"""A diff for a screen to walk through: a summary, then sections whose tensors can be chosen and expanded.

Unlike the sections of a diff these have the tensors with equal headers too: whether their values differ is
what somebody may want to read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from explorer.checkpoints.folding import Row, fold
from explorer.checkpoints.object_rows import object_rows
from explorer.checkpoints.pairing import pair
from explorer.checkpoints.printable import printable
from explorer.checkpoints.sections import (
    NAME_WIDTH,
    Section,
    show_shape,
    show_value,
    tensors_in_words,
)
from explorer.checkpoints.tensor_changes import place
from explorer.checkpoints.value_plan import Shared

if TYPE_CHECKING:
    from explorer.checkpoints.diffs import Diff, Side
    from explorer.checkpoints.fork_diff import ThreeWay
    from explorer.checkpoints.values import Tensor, Values

MARKS = {
    "added": "+", "removed": "-", "renamed": "→", "moved": "→", "reshaped": "~", "retyped": "~",
    "changed": "~", "unread": "?", "same": "=", "warning": "!",
}  # fmt: skip
"""By kind. `unread`: one header on both sides, values nobody has compared; `same`: equal for certain."""
_KINDS = {
    "+": "added",
    "-": "removed",
    "→": "renamed",
    "~": "changed",
    "!": "warning",
    "=": "same",
    "?": "unread",
}


@dataclass(frozen=True, slots=True)
class TensorRow(Row):
    """A row of the tensors' section, with the tensors that it is about; of a folded row the first."""

    kind: str = "unread"
    left: Tensor | None = None
    right: Tensor | None = None

    @property
    def key(self) -> tuple[str, str] | None:
        """(part, name) of the tensor on b's side, where it is on both."""
        both = self.left is not None and self.right is not None
        return (self.right.part, self.right.name) if both and self.right is not None else None


def kind_of(row: Row) -> str:
    """What a row says has happened: a word of `MARKS`, `value` where it is only told."""
    return row.kind if isinstance(row, TensorRow) else _KINDS.get(row.mark, "value")


def members(row: Row) -> tuple[Row, ...]:
    """The rows that a folded one stands for; a single one stands for itself."""
    return row.rows or (row,)


def outline(diff: Diff, *, unchanged: bool = False) -> tuple[Section, ...]:
    """Summary, warnings and what differs; with `unchanged` also values, tensors and objects that do not.

    Folded rows keep their members. Cost: O(tensors + objects), a second for 100,000.
    """
    told = []
    for section in diff.sections(folded=False):
        if section.title == "objects":
            told.append(replace(section, rows=object_rows(diff, unchanged=unchanged)))
        elif section.title != "tensors":
            told.append(_with_unchanged(section, diff) if unchanged else section)
    tensors = _tensors(diff, unchanged=unchanged)
    if tensors.rows:
        at = next((i for i, s in enumerate(told) if s.title == "objects"), len(told))
        told.insert(at, tensors)
    if unchanged:
        told = [*told, *_only_unchanged(diff, {section.title for section in told})]
    return (_summary(diff, told), *told)


def three_way_outline(told: ThreeWay) -> tuple[Section, ...]:
    """What both have changed, then the fork's sections, then the parent's; each titled after its side."""
    both = [
        Row(
            "!",
            printable(ours.path, NAME_WIDTH),
            f"fork {show_value(ours.b)}",
            f"parent {show_value(theirs.b)}",
        )
        for ours, theirs in told.both
    ]
    sections = [Section("both", f"{len(both)} changed by fork and parent, to different values", tuple(both))]
    for side, diff in (("fork", told.fork), ("parent", told.parent)):
        sections += [replace(section, title=f"{side}: {section.title}") for section in outline(diff)]
    return tuple(section for section in sections if section.rows)


def _summary(diff: Diff, told: Sequence[Section]) -> Section:
    """A line for each section, and what is compared."""
    rows = [Row("", "checkpoint", _checkpoint(diff.a), _checkpoint(diff.b))]
    rows += [Row("", section.title, "", section.note) for section in told if section.note]
    if not diff.tensors.any and not any(section.title == "tensors" for section in told):
        rows.append(Row("", "tensors", "", tensors_in_words(diff)))
    return Section("summary", "they differ" if diff.any else "no difference", tuple(rows))


def _checkpoint(side: Side) -> str:
    found = side.checkpoint
    if found is None:
        return "none"
    step = side.manifest.step if side.manifest is not None else found.step
    name = printable(found.prefix.rstrip("/").rpartition("/")[2] or "(root)", 40)
    told = name if step is None or str(step) in name else f"{name}, step {step}"
    return f"{told}, {printable(found.format)}"


def _tensors(diff: Diff, *, unchanged: bool) -> Section:
    t = diff.tensors
    rows: list[Row] = [_row("added", "", show_shape(x), None, x) for x in t.added]
    rows += [_row("removed", show_shape(x), "", x, None) for x in t.removed]
    rows += [_row("renamed", _name(r.a), f"renamed ({r.because})", r.a, r.b) for r in t.renamed]
    met: set[int] = {id(r.b) for r in t.renamed}
    for kind, pairs in (("reshaped", t.reshaped), ("retyped", t.retyped)):
        for a, b in pairs:
            if id(b) not in met:  # a tensor of another shape and dtype is told once
                met.add(id(b))
                rows.append(_row(kind, show_shape(a), show_shape(b), a, b))
    for a, b in t.moved:
        met.add(id(b))
        rows.append(_row("moved", printable(place(a)), printable(place(b)), a, b))
    rows += _alike(diff, met, unchanged=unchanged)
    unread = any(isinstance(row, TensorRow) and row.kind == "unread" for row in rows)
    note = tensors_in_words(diff) + ("; ? values not compared" if unread else "")
    return Section("tensors", note, fold(rows))


def _alike(diff: Diff, met: set[int], *, unchanged: bool) -> Iterable[Row]:
    """Tensors with one header on both sides: unread ones always, identical ones on request."""
    left, right = diff.a.manifest, diff.b.manifest
    if left is None or right is None:
        return
    shared = Shared(left.checkpoint, right.checkpoint)
    for a, b in pair(left.tensors, right.tensors).same:
        if id(b) in met:
            continue
        same = shared.are_one(a, b)
        if same and not unchanged:
            continue
        yield _row("same" if same else "unread", "", show_shape(b), a, b)


def _row(kind: str, a: str, b: str, left: Tensor | None, right: Tensor | None) -> TensorRow:
    tensor = right if right is not None else left
    name = _name(tensor) if tensor is not None else ""
    return TensorRow(MARKS[kind], name, a, b, kind=kind, left=left, right=right)


def _name(tensor: Tensor) -> str:
    name = printable(tensor.name, NAME_WIDTH)
    return name if tensor.part == "model" else f"{tensor.part}: {name}"


def _with_unchanged(section: Section, diff: Diff) -> Section:
    return replace(section, rows=(*section.rows, *_unchanged(section.title, diff)))


def _only_unchanged(diff: Diff, titles: set[str]) -> Iterable[Section]:
    """Sections of which nothing differs."""
    for title in ("config", "state", "objects"):
        rows = () if title in titles else _unchanged(title, diff)
        if title == "objects" and title not in titles:
            rows = object_rows(diff, unchanged=True)
        if rows:
            yield Section(title, "nothing differs", rows)


def _unchanged(title: str, diff: Diff) -> tuple[Row, ...]:
    left, right = diff.a.manifest, diff.b.manifest
    if left is None or right is None or title not in ("config", "state"):
        return ()
    changed = {change.path for change in (diff.config if title == "config" else diff.state)}
    values: Values = right.config if title == "config" else right.state
    return tuple(
        Row("=", printable(path, NAME_WIDTH), "", show_value(value))
        for path, value in values.items()
        if path not in changed
    )
