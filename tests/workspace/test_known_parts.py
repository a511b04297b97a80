"""What is kept of files in memory and on disk: the same parts, and no more than there is room for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from explorer.checkpoints import drive, find_checkpoints, read_parts
from explorer.workspace import known_parts
from explorer.workspace.known_parts import KnownParts
from tests.checkpoints.shelf import Shelf


def shelf_of(index: int, tensors: int = 10) -> Shelf:
    arrays = {f"layer.{at}": np.full(3, index, "f4") for at in range(tensors)}
    return Shelf({f"step-{index}/model.safetensors": save(arrays)})


def test_memory_is_bounded_and_the_disk_has_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(known_parts, "_MOST_RECENT", 35)
    known = KnownParts(tmp_path, lambda: "store")
    told = {}
    for index in range(6):
        shelf = shelf_of(index)
        (checkpoint,) = find_checkpoints(shelf.listing())
        parts = drive(read_parts(checkpoint), shelf.fetch)
        known.keep(checkpoint, parts, frozenset())
        told[checkpoint] = parts
    for checkpoint, parts in told.items():
        assert tuple(known.load(checkpoint).values()) == parts
    assert known._tensors == sum(1 + len(p.tensors) for p in known._recent.values()) <= 35
    again = KnownParts(tmp_path, lambda: "store")
    assert [tuple(again.load(c).values()) for c in told] == list(told.values())


def test_what_is_too_large_for_memory_is_on_disk_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(known_parts, "_MOST_RECENT", 5)
    known = KnownParts(tmp_path, lambda: "store")
    shelf = shelf_of(1)
    (checkpoint,) = find_checkpoints(shelf.listing())
    parts = drive(read_parts(checkpoint), shelf.fetch)
    known.keep(checkpoint, parts, frozenset())
    assert not known._recent
    assert tuple(known.load(checkpoint).values()) == parts
