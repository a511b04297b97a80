"""A diff and a manifest as rows that every screen can paint: titles, marks and texts, already printable."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from explorer.checkpoints.folding import Row, fold
from explorer.checkpoints.printable import printable
from explorer.checkpoints.tensor_changes import place
from explorer.checkpoints.value_changes import Change
from explorer.checkpoints.values import Tensor, Value
from explorer.lineage.values import show_scalar

if TYPE_CHECKING:
    from explorer.checkpoints.diffs import Diff, Side
    from explorer.checkpoints.metric_points import MetricPair, Point

NAME_WIDTH = 120
_SUMMARY_CHANGES = 6


@dataclass(frozen=True, slots=True)
class Section:
    """A titled, collapsible group of rows. `note` says in a few words what is in it."""

    title: str
    note: str
    rows: tuple[Row, ...] = ()


def sections(diff: Diff, *, folded: bool = True) -> tuple[Section, ...]:
    """Warnings first, then what people look for first: config, state, metrics, tensors, objects.

    With `folded` the tensors of equal layers share a row (`layers.0-31.mlp.weight`).
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
        Section("metrics", _points_in_words(diff), tuple(_metric_rows(diff))),
        Section("tensors", tensors_in_words(diff), fold(tensors) if folded else tuple(tensors)),
        Section("objects", _objects_in_words(diff), tuple(_object_rows(diff))),
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
            shown = ", ".join(_metric_in_words(pair) for pair in differing[:_SUMMARY_CHANGES])
            more = len(differing) - _SUMMARY_CHANGES
            lines.append(f"  metrics: {shown}" + (f" and {more} more" if more > 0 else ""))
        lines.append(f"  tensors: {tensors_in_words(diff)}")
        lines.append(f"  objects: {_objects_in_words(diff)}")
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


def show_bytes(count: int) -> str:
    """`1.5 MB`, in powers of 1024 as the store counts them."""
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if abs(amount) < 1024 or unit == "TB":
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{count} B"


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


def _metric_rows(diff: Diff) -> Iterable[Row]:
    steps = [_step_of(side) for side in (diff.a, diff.b)]
    for pair in diff.metrics:
        if pair.differs:
            a, b = (_point(point, step) for point, step in zip((pair.a, pair.b), steps, strict=True))
            mark = "+" if pair.a is None else "-" if pair.b is None else "~"
            yield Row(mark, printable(pair.name, NAME_WIDTH), a, b)


def _point(point: Point | None, step: int | None) -> str:
    """A value, and its row's step where that is not the checkpoint's own."""
    if point is None:
        return ""
    told = show_scalar(point.value)
    return told if point.step == step else f"{told} (step {show_scalar(point.step)})"


def _metric_in_words(pair: MetricPair) -> str:
    a, b = ("none" if point is None else show_scalar(point.value) for point in (pair.a, pair.b))
    return f"{printable(pair.name, 60)} {a} → {b}"


def _points_in_words(diff: Diff) -> str:
    a, b = ("the end" if (step := _step_of(side)) is None else f"step {step}" for side in (diff.a, diff.b))
    return f"at {a}" if a == b else f"at {a} and at {b}"


def _step_of(side: Side) -> int | None:
    if side.manifest is not None:
        return side.manifest.step
    return side.checkpoint.step if side.checkpoint is not None else None


def _object_rows(diff: Diff) -> Iterable[Row]:
    sizes_a = {info.key: info.size_bytes for info in diff.a.objects}
    sizes_b = {info.key: info.size_bytes for info in diff.b.objects}
    o = diff.objects
    yield from (Row("+", printable(k, NAME_WIDTH), "", show_bytes(sizes_b[k])) for k in o.added)
    yield from (Row("-", printable(k, NAME_WIDTH), show_bytes(sizes_a[k]), "") for k in o.removed)
    for key in o.changed:
        yield Row("~", printable(key, NAME_WIDTH), show_bytes(sizes_a[key]), show_bytes(sizes_b[key]))
    yield from (
        Row("→", printable(new, NAME_WIDTH), printable(old, NAME_WIDTH), "renamed") for old, new in o.renamed
    )


def _objects_in_words(diff: Diff) -> str:
    o = diff.objects
    counts = (("added", o.added), ("removed", o.removed), ("changed", o.changed), ("renamed", o.renamed))
    told = [f"{len(group)} {word}" for word, group in counts if group]
    sizes = f"{show_bytes(o.shared_bytes)} shared, {show_bytes(o.b_only_bytes)} own"
    return f"{', '.join(told) or 'none differ'}; {sizes}"


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
