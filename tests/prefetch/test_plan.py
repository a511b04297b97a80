import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.checkpoints import find_checkpoints
from explorer.lineage.values import ObjectInfo
from explorer.prefetch.plan import choose_objects, parts_of


@given(st.integers(0, 3000), st.integers(1, 4000))
def test_parts_cover_an_object_exactly(size, part_bytes):
    at = 0
    for index, part in enumerate(parts_of(size, part_bytes)):
        assert (part.index, part.start) == (index, at)
        assert 0 < part.length <= part_bytes
        at += part.length
    assert at == size


def listing(*keys, size=1000):
    return [ObjectInfo(key, size, f"e{i}", i) for i, key in enumerate(keys)]


def test_the_newest_complete_checkpoint_and_what_lies_beside_it():
    objects = listing(
        ".explorer/fork.json",
        "checkpoints/latest",
        "checkpoints/step-000100/config.json",
        "checkpoints/step-000100/model.safetensors",
        "checkpoints/step-000100/optimizer.safetensors",
        "checkpoints/step-000200/model-00001-of-00002.safetensors",
        "config.json",
        "data/train.csv",
        "runs/r1/metrics.jsonl",
    )
    assert [item.key for item in choose_objects(objects, find_checkpoints(objects))] == [
        "checkpoints/step-000100/config.json",
        "config.json",
        "checkpoints/latest",
        "checkpoints/step-000100/model.safetensors",
        "checkpoints/step-000100/optimizer.safetensors",
    ]


def test_big_files_beside_a_checkpoint_are_not_its_business():
    objects = [*listing("step-1/model.safetensors"), ObjectInfo("corpus.bin", 10**9, "e", 0)]
    assert [item.key for item in choose_objects(objects, find_checkpoints(objects))] == [
        "step-1/model.safetensors"
    ]


@pytest.mark.parametrize("keys", [("notes.txt", "table.csv"), ()])
def test_without_a_checkpoint_everything(keys):
    assert {item.key for item in choose_objects([*listing(*keys), *listing("folder/")], ())} == set(keys)
