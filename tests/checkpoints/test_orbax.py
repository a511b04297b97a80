"""Orbax's folders, written by Orbax: shapes and dtypes are those of the arrays, whatever process saved which part."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.checkpoints.shelf import Shelf
from tests.checkpoints.tables import read

ocp = pytest.importorskip("orbax.checkpoint", reason="orbax writes the samples; it is in the extra `formats`")

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402

TREE = {
    "params": {"dense": {"kernel": jnp.ones((3, 4)), "bias": jnp.zeros((4,), jnp.bfloat16)}},
    "opt_state": [{"mu": jnp.zeros((3, 4))}, None],
    "step": 300,
}
MODEL = {"params.dense.kernel": ("F32", (3, 4), 48), "params.dense.bias": ("BF16", (4,), 8)}


@pytest.fixture(scope="module")
def managed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("orbax")
    with ocp.CheckpointManager(folder) as manager:
        for step in (100, 300):
            manager.save(step, args=ocp.args.StandardSave(TREE))
        manager.wait_until_finished()
    return folder


def test_a_managed_checkpoint(managed: Path):
    shelf = Shelf.of_folder(managed)
    manifest = shelf.manifest()
    assert (manifest.checkpoint.prefix, manifest.checkpoint.format, manifest.step) == ("300/", "orbax", 300)
    assert read(manifest) == MODEL
    assert read(manifest, "optimizer") == {"opt_state.0.mu": ("F32", (3, 4), 48)}
    assert manifest.state["step"] == 300
    assert manifest.complete
    assert not manifest.warnings
    assert len(shelf.waves) == 2
    assert shelf.read_bytes < 4096


@pytest.mark.parametrize("options", [{}, {"use_ocdbt": False}, {"use_zarr3": True}], ids=str)
def test_other_ways_to_write(tmp_path: Path, options: dict[str, bool]):
    tree = {"a": np.arange(6, dtype=np.int32).reshape(2, 3), "b": jnp.ones((5,), jnp.float16)}
    handler = ocp.PyTreeCheckpointHandler(**options)
    ocp.Checkpointer(handler).save(tmp_path / "one", tree)
    manifest = Shelf.of_folder(tmp_path).manifest()
    assert read(manifest) == {"a": ("I32", (2, 3), 24), "b": ("F16", (5,), 10)}
    assert manifest.complete
    assert not manifest.warnings


def test_many_arrays_make_a_deeper_tree(tmp_path: Path):
    tree = {f"layer_{i:04}": {"kernel": np.zeros((2, i % 7 + 1), np.float32)} for i in range(1500)}
    ocp.PyTreeCheckpointer().save(tmp_path / "many", tree)
    manifest = Shelf.of_folder(tmp_path).manifest()
    assert read(manifest) == {
        f"layer_{i:04}.kernel": ("F32", (2, i % 7 + 1), 8 * (i % 7 + 1)) for i in range(1500)
    }


def test_an_unfinished_save(managed: Path):
    shelf = Shelf.of_folder(managed)
    key = "300/_CHECKPOINT_METADATA"
    body = json.loads(shelf.objects[key])
    shelf.objects[key] = json.dumps(body | {"commit_timestamp_nsecs": None}).encode()
    assert shelf.manifest().missing == ("the commit: the save was not finished",)


def test_a_data_file_that_is_gone_or_spoilt(managed: Path):
    shelf = Shelf.of_folder(managed)
    (node,) = (key for key in shelf.objects if key.startswith("300/default/d/"))
    data = shelf.objects.pop(node)
    assert "is named and not there" in shelf.manifest().damaged[0]
    shelf.objects[node] = data[:20] + bytes([data[20] ^ 0xFF]) + data[21:]
    assert shelf.manifest().damaged
    shelf.objects[node] = data
    assert not shelf.manifest().damaged


def test_names_that_no_array_has_are_told(managed: Path):
    shelf = Shelf.of_folder(managed)
    key = "300/default/_METADATA"
    body = json.loads(shelf.objects[key])
    ghost = {"key_metadata": [{"key": "__proto__"}], "value_metadata": {"value_type": "jax.Array"}}
    body["tree_metadata"]["('__proto__',)"] = ghost
    shelf.objects[key] = json.dumps(body).encode()
    assert any("`__proto__` that no shard holds" in warning for warning in shelf.manifest().warnings)
    assert jax.__version__
