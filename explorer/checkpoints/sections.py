"""A diff and a manifest as rows that every screen can paint: titles, marks and texts, already printable."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from explorer.checkpoints.folding import Row, fold
from explorer.checkpoints.metric_rows import metric_in_words, metric_rows, points_in_words
from explorer.checkpoints.object_rows import object_rows, objects_in_words
from explorer.checkpoints.printable import NAME_WIDTH, printable
from explorer.checkpoints.tensor_changes import place
from explorer.checkpoints.value_changes import Change
from explorer.checkpoints.values import Tensor, Value
from explorer.lineage.values import show_scalar

if TYPE_CHECKING:
    from explorer.checkpoints.diffs import Diff

_SUMMARY_CHANGES = 6
__all__ = [
    "NAME_WIDTH",
    "Section",
    "sections",
    "show_shape",
    "show_value",
    "summarize",
    "tensors_in_words",
]


@dataclass(frozen=True, slots=True)
class Section:
    """A titled, collapsible group of rows. `note` says in a few words what is in it."""

    title: str
    note: str
    rows: tuple[Row, ...] = ()


def sections(diff: Diff, *, folded: bool = True) -> tuple[Section, ...]:
    """Warnings first, then what people look for first: config, state, metrics, tensors, objects.

    With `folded` the tensors of equal layers share a row (`layers.0-31.mlp.weight`), and many objects of one
    folder do.
    """
    tensors = _tensor_rows(diff)
    found = (
        Section(
            "warnings",
            _count(diff.warnings, "warning"),
            tuple(Row("!", printable(w, 400)) for w in diff.warnings),
        ),
        Section("config", _count(diff.config, "value differs", "values differ"), _values(diff.config)),
        Section("state", _count(diff.state, "value differs", "values differ"), _values(diff.state)),
        Section("metrics", points_in_words(diff), metric_rows(diff)),
        Section("tensors", tensors_in_words(diff), fold(tensors) if folded else tuple(tensors)),
        Section("objects", objects_in_words(diff), object_rows(diff, folded=folded)),
    )
    return tuple(section for section in found if section.rows)


def summarize(diff: Diff) -> str:
    """A few lines of plain text for a result cell or a terminal."""
    a, b = printable(diff.a.label, 80), printable(diff.b.label, 80)
    if not diff.any:
        lines = [f"{a} and {b} do not differ."]
    else:
        lines = [f"{a} → {b}"]
        for title, changes in (("config", diff.config), ("state", diff.state)):
            if changes:
                shown = ", ".join(_in_words(change) for change in changes[:_SUMMARY_CHANGES])
                more = len(changes) - _SUMMARY_CHANGES
                lines.append(f"  {title}: {shown}" + (f" and {more} more" if more > 0 else ""))
        differing = [pair for pair in diff.metrics if pair.differs]
        if differing:
            shown = ", ".join(metric_in_words(pair) for pair in differing[:_SUMMARY_CHANGES])
            more = len(differing) - _SUMMARY_CHANGES
            lines.append(f"  metrics: {shown}" + (f" and {more} more" if more > 0 else ""))
        lines.append(f"  tensors: {tensors_in_words(diff)}")
        lines.append(f"  objects: {objects_in_words(diff)}")
    return "\n".join([*lines, *(f"  warning: {printable(w, 400)}" for w in diff.warnings)])


def tensors_in_words(diff: Diff) -> str:
    """`3 added, 1 reshaped; 18 with the same header`: never claims that unread values are equal."""
    t = diff.tensors
    counts = (
        ("added", t.added), ("removed", t.removed), ("renamed", t.renamed),
        ("reshaped", t.reshaped), ("retyped", t.retyped), ("moved", t.moved),
    )  # fmt: skip
    told = [f"{len(group)} {word}" for word, group in counts if group]
    if t.same and t.identical == t.same:
        told.append(f"{t.same} identical")
    elif t.same:
        told.append(
            f"{t.same} of the same shape and dtype" + (f" ({t.identical} identical)" if t.identical else "")
        )
    if t.parameters_a != t.parameters_b:
        told.append(f"parameters {t.parameters_a:,} → {t.parameters_b:,}")
    return ", ".join(told) if told else "none to compare"


def show_value(value: Value, width: int = 60) -> str:
    """A value on one line, printable."""
    if isinstance(value, tuple):
        return printable("[" + ", ".join(show_value(item) for item in value) + "]", width)
    return printable(show_scalar(value), width)


def show_shape(tensor: Tensor) -> str:
    return f"{printable(tensor.dtype)}[{', '.join(map(str, tensor.shape))}]"


def _values(changes: Iterable[Change]) -> tuple[Row, ...]:
    rows = []
    for change in changes:
        mark = "+" if change.a is None else "-" if change.b is None else "~"
        a, b = ("" if value is None else show_value(value) for value in (change.a, change.b))
        rows.append(Row(mark, printable(change.path, NAME_WIDTH), a, b))
    return tuple(rows)


def _tensor_rows(diff: Diff) -> Iterable[Row]:
    t = diff.tensors
    yield from (Row("+", _name(x), "", show_shape(x)) for x in t.added)
    yield from (Row("-", _name(x), show_shape(x), "") for x in t.removed)
    yield from (Row("→", _name(r.b), _name(r.a), f"renamed ({r.because})") for r in t.renamed)
    shown = {}
    for a, b in (*t.reshaped, *t.retyped):
        shown[b.part, b.name] = Row("~", _name(b), show_shape(a), show_shape(b))
    yield from shown.values()
    yield from (Row("→", _name(b), printable(place(a)), printable(place(b))) for a, b in t.moved)


def _in_words(change: Change) -> str:
    path = printable(change.path, 60)
    if path.rpartition(".")[2].startswith("rng") and change.a is not None and change.b is not None:
        return f"{path} differs"
    return f"{path} {show_value(change.a, 30)} → {show_value(change.b, 30)}"


def _name(tensor: Tensor) -> str:
    name = printable(tensor.name, NAME_WIDTH)
    return name if tensor.part == "model" else f"{tensor.part}: {name}"


def _count(items: Sequence[object], one: str, many: str | None = None) -> str:
    return f"{len(items)} {one if len(items) == 1 else many or one + 's'}"
