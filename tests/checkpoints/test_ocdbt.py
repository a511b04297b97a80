"""Key-value stores made by hand, with whatever is wrong in them; their checksums are right."""

from __future__ import annotations

import random

import pytest

from tests.checkpoints.mutations import watched
from tests.checkpoints.ocdbt_files import inner, leaf, manifest, sealed
from tests.checkpoints.shelf import Shelf


def folder(root: bytes, data: dict[str, bytes]) -> Shelf:
    names = {"_METADATA": b'{"use_ocdbt": true, "tree_metadata": {}}', "manifest.ocdbt": root}
    return Shelf({f"7/{name}": blob for name, blob in (names | data).items()})


def test_a_store_by_hand_of_one_and_of_two_levels():
    low = leaf()
    found = folder(manifest(b"d/x", len(low)), {"d/x": low}).manifest()
    assert [(t.name, t.dtype, t.shape) for t in found.tensors] == [("a.b", "F32", (2, 3))]
    high = inner(b"d/x", len(low))
    found = folder(manifest(b"d/y", len(high), 1), {"d/x": low, "d/y": high}).manifest()
    assert [t.name for t in found.tensors] == ["a.b"]
    assert found.complete


@pytest.mark.parametrize("path", [b"../secret", b"/etc/passwd", b"d/../../secret"])
def test_a_path_that_leaves_the_folder_is_not_followed(path: bytes):
    low = leaf()
    shelf = folder(manifest(path, len(low)), {"d/x": low})
    shelf.objects["secret"] = low
    found = shelf.manifest()
    assert "leaves the folder" in found.damaged[0]
    assert "secret" not in {want.key for wave in shelf.waves for want in wave}


def test_a_node_that_is_its_own_child_ends():
    length = len(inner(b"d/y", 60, 3))
    loop = inner(b"d/y", length, 3)
    assert "not of its level" in folder(manifest(b"d/y", len(loop), 3), {"d/y": loop}).manifest().damaged[0]


def test_a_wrong_checksum_and_a_wrong_length():
    low = leaf()
    for broken in (low[:-1] + bytes([low[-1] ^ 1]), low[:-3]):
        assert folder(manifest(b"d/x", len(broken)), {"d/x": broken}).manifest().damaged


@pytest.mark.parametrize("seed", range(20))
def test_spoilt_nodes_with_right_checksums(seed: int):
    chance = random.Random(seed)
    for _ in range(30):
        body = bytearray(leaf()[14:-4])
        for _ in range(chance.randint(1, 4)):
            body[chance.randrange(len(body))] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
        low = sealed("0cdb20de", bytes(body))
        with watched() as events:
            found = folder(manifest(b"d/x", len(low)), {"d/x": low}).manifest()
        assert events == []
        assert found.damaged or len(found.tensors) <= 1


def test_a_data_file_that_ends_too_soon_is_told_before_it_is_read():
    low = leaf()
    shelf = folder(manifest(b"d/x", len(low)), {"d/x": low[:-5]})
    assert "ends before byte" in shelf.manifest().damaged[0]
    assert "7/d/x" not in {want.key for wave in shelf.waves for want in wave}
