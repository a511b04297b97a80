"""What differs between the tensors of two manifests, as far as their headers tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from explorer.checkpoints.pairing import Pairs, Renamed, pair
from explorer.checkpoints.values import Manifest, Tensor

Pair = tuple[Tensor, Tensor]


@dataclass(frozen=True, slots=True)
class TensorChanges:
    """Pairs are (a, b). One pair may be in several groups: reshaped and retyped, or renamed and moved."""

    added: tuple[Tensor, ...] = ()
    removed: tuple[Tensor, ...] = ()
    renamed: tuple[Renamed, ...] = ()
    reshaped: tuple[Pair, ...] = ()
    retyped: tuple[Pair, ...] = ()
    moved: tuple[Pair, ...] = ()
    """Same name, shape and dtype in another file, or cut into another number of pieces."""
    same: int = 0
    """Same name, shape, dtype and file."""
    identical: int = 0
    """Of these, the ones in files that have one ETag on both sides: their values are equal for certain."""
    parameters_a: int = 0
    parameters_b: int = 0

    @property
    def any(self) -> bool:
        return bool(self.added or self.removed or self.renamed or self.reshaped or self.retyped or self.moved)

    def to_json(self) -> dict[str, Any]:
        return {
            "added": [t.to_json() for t in self.added],
            "removed": [t.to_json() for t in self.removed],
            "renamed": [
                {
                    "a": r.a.name,
                    "b": r.b.name,
                    "shape": list(r.b.shape),
                    "dtype": r.b.dtype,
                    "because": r.because,
                }
                for r in self.renamed
            ],
            "reshaped": [_both(a, b, list(a.shape), list(b.shape)) for a, b in self.reshaped],
            "retyped": [_both(a, b, a.dtype, b.dtype) for a, b in self.retyped],
            "moved": [_both(a, b, place(a), place(b)) for a, b in self.moved],
            "same": self.same,
            "identical": self.identical,
            "parameters": {"a": self.parameters_a, "b": self.parameters_b},
        }


def compare_tensors(a: Manifest, b: Manifest) -> TensorChanges:
    """Pair the tensors and sort the differences. Cost: O(tensors), no reading."""
    pairs: Pairs = pair(a.tensors, b.tensors)
    met: Sequence[Pair] = [*pairs.same, *((r.a, r.b) for r in pairs.renamed)]
    reshaped = [(x, y) for x, y in met if x.shape != y.shape]
    retyped = [(x, y) for x, y in met if x.dtype != y.dtype]
    alike = [(x, y) for x, y in pairs.same if x.shape == y.shape and x.dtype == y.dtype]
    renamed = _renamed_files(met)
    moved = [(x, y) for x, y in alike if _moved(x, y, renamed)]
    files_a, files_b = _contents(a), _contents(b)
    still = [(x, y) for x, y in alike if not _moved(x, y, renamed)]
    unchanged = {file for file, content in files_a.items() if files_b.get(file) == content}
    return TensorChanges(
        pairs.added,
        pairs.removed,
        pairs.renamed,
        tuple(reshaped),
        tuple(retyped),
        tuple(moved),
        len(still),
        sum(x.file in unchanged for x, _ in still),
        a.parameters,
        b.parameters,
    )


def place(tensor: Tensor) -> str:
    """Where a tensor lies: its file, and into how many pieces it is cut if that is more than one."""
    return tensor.file if tensor.chunks == 1 else f"{tensor.file} in {tensor.chunks} pieces"


def _renamed_files(met: Sequence[Pair]) -> Mapping[str, str]:
    """Files that hold the same tensors under another name: those tensors have not moved."""
    to: dict[str, set[str]] = {}
    back: dict[str, set[str]] = {}
    for a, b in met:
        to.setdefault(a.file, set()).add(b.file)
        back.setdefault(b.file, set()).add(a.file)
    lone = {a: next(iter(files)) for a, files in to.items() if len(files) == 1}
    return {a: b for a, b in lone.items() if len(back[b]) == 1}


def _moved(a: Tensor, b: Tensor, renamed: Mapping[str, str]) -> bool:
    return a.chunks != b.chunks or (a.file != b.file and renamed.get(a.file) != b.file)


def _contents(manifest: Manifest) -> Mapping[str, tuple[str, int]]:
    relative = manifest.checkpoint.relative
    return {relative(o.key): (o.etag, o.size_bytes) for o in manifest.checkpoint.objects}


def _both(a: Tensor, b: Tensor, was: Any, now: Any) -> dict[str, Any]:
    named = {"name": b.name, "part": b.part, "a": was, "b": now}
    return named if a.name == b.name else {**named, "name_a": a.name}
