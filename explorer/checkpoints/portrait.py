"""A manifest as rows that every screen can paint: what it is, its modules, tensors, config and state."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

from explorer import wording
from explorer.checkpoints.folding import Row
from explorer.checkpoints.printable import printable
from explorer.checkpoints.sections import Section, show_shape, show_value
from explorer.checkpoints.values import Manifest, Tensor, Values

_NUMBER = re.compile(r"(?<=\.)\d+(?=\.)")
_NAME_WIDTH = 120


def manifest_sections(manifest: Manifest, match: str | None = None) -> tuple[Section, ...]:
    """Sections in the order people ask: what it is, troubles, state, config, modules, tensors, globals.

    `match` is a glob that tensors have to match by name. Texts are printable; cost O(tensors).
    """
    tensors = [t for t in manifest.tensors if match is None or fnmatchcase(t.name, match)]
    globals_note = "named by its pickles; none was imported"
    found = (
        Section(*_headline(manifest)),
        Section("warnings", "", tuple(Row("!", printable(text, 400)) for text in _troubles(manifest))),
        Section("state", wording.count(len(manifest.state), "value"), _values(manifest.state)),
        Section("config", wording.count(len(manifest.config), "value"), _values(manifest.config)),
        Section("modules", "parameters by module", tuple(_modules(manifest.tensors))),
        Section("tensors", wording.count(len(tensors), "tensor"), tuple(map(_tensor, tensors))),
        Section(
            "tied",
            "names of one tensor",
            tuple(Row("=", printable(a), "", printable(b)) for a, b in manifest.aliases),
        ),
        Section(
            "refers to", globals_note, tuple(Row(" ", printable(name, 200)) for name in manifest.refers_to)
        ),
    )
    return tuple(section for section in found if section.rows)


def _headline(manifest: Manifest) -> tuple[str, str, tuple[Row, ...]]:
    checkpoint = manifest.checkpoint
    mix = ", ".join(f"{printable(dtype)} {wording.size(size)}" for dtype, size in manifest.dtypes[:4])
    by = manifest.framework
    objects = wording.count(len(checkpoint.objects), "object")
    rows = [
        Row(" ", "format", "", f"{checkpoint.format} ({by})" if by else checkpoint.format),
        Row(" ", "step", "", "unknown" if manifest.step is None else str(manifest.step)),
        Row(" ", "parameters", "", f"{manifest.parameters:,}" + (f" ({mix})" if mix else "")),
        Row(" ", "size", "", f"{wording.size(checkpoint.size_bytes)} in {objects}"),
        Row(" ", "complete", "", "yes" if manifest.complete else "no"),
    ]
    return "checkpoint", printable(checkpoint.prefix or "(root)", _NAME_WIDTH), tuple(rows)


def _troubles(manifest: Manifest) -> Iterable[str]:
    yield from manifest.damaged
    yield from (f"missing: {name}" for name in manifest.missing)
    yield from manifest.warnings


def _values(values: Values) -> tuple[Row, ...]:
    return tuple(
        Row(" ", printable(path, _NAME_WIDTH), "", show_value(value)) for path, value in values.items()
    )


def _tensor(tensor: Tensor) -> Row:
    name = printable(tensor.name, _NAME_WIDTH)
    label = name if tensor.part == "model" else f"{tensor.part}: {name}"
    pieces = "" if tensor.chunks == 1 else f" in {tensor.chunks} pieces"
    told = f"{show_shape(tensor)}  {wording.size(tensor.size_bytes)}  {printable(tensor.file, 60)}{pieces}"
    return Row(" ", label, "", told)


def _modules(tensors: Iterable[Tensor]) -> Iterable[Row]:
    """One row for each module of the first two levels, layers of one stack folded into one row."""
    sums: dict[str, int] = {}
    layers: dict[str, set[str]] = {}
    for tensor in tensors:
        if tensor.part != "model":
            continue
        folded = _NUMBER.sub("*", tensor.name)
        module = ".".join(folded.split(".")[:-1][:3]) or folded
        sums[module] = sums.get(module, 0) + tensor.elements
        layers.setdefault(module, set()).update(_NUMBER.findall(tensor.name)[:1])
    for module, elements in sums.items():
        many = f"  {len(layers[module])} layers" if "*" in module else ""
        yield Row(" ", printable(module, _NAME_WIDTH), "", f"{elements:,}{many}")
