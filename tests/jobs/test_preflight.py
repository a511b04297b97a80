"""One bucket, one answer: what is shown of it is what is resumed from and what is prefetched."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from explorer.errors import BadCheckpoint, NotFound
from explorer.jobs.preflight import check_start
from explorer.lineage.address import Node
from explorer.lineage.state import State
from explorer.prefetch import choose_objects
from explorer.settings import Settings
from explorer.storage import Store
from explorer.workspace.core import Core
from explorer.workspace.manifests import Manifests
from tests.checkpoints.mutations import gguf_file, torch_zip
from tests.checkpoints.test_buckets import DATA, MODELS

WEIGHTS = save({"w": np.ones(4, "f4")})
NOISE = bytes(range(1, 200))


def bucket_of(store: Store, objects: dict[str, bytes]) -> Node:
    name = f"start-{uuid.uuid4().hex[:10]}"
    store.create_bucket(name)
    for key, data in objects.items():
        store.write(name, key, data)
    return store.take_snapshot(name, "s").node


def shown(store: Store, node: Node, data: Path) -> tuple[str, set[str]] | None:
    """What `explorer show` tells of a node: a prefix, and the files."""
    manifests = Manifests(Core(store, Settings(data=data), State(store.info)))
    try:
        checkpoint = manifests.manifest(node).checkpoint
    except NotFound:
        return None
    fetched = {o.key for o in choose_objects(store.list_objects(node), manifests.checkpoints(node))}
    assert {o.key for o in checkpoint.objects} <= fetched, "a prefetch brings what is shown"
    return checkpoint.prefix, {o.key for o in checkpoint.objects}


def started(store: Store, node: Node) -> tuple[str, set[str]] | None:
    try:
        start = check_start(store, node, read_headers=False)
    except (NotFound, BadCheckpoint) as error:
        return None if isinstance(error, NotFound) else ("refused", set())
    return start.checkpoint.prefix, {o.key for o in start.objects}


@pytest.mark.parametrize("layout", [*DATA, *MODELS])
def test_shown_resumed_and_prefetched_are_one(store: Store, tmp_path: Path, layout: str):
    keys = DATA.get(layout) or MODELS[layout][0]
    node = bucket_of(store, dict.fromkeys(keys, NOISE))
    told, start = shown(store, node, tmp_path), started(store, node)
    assert start == told or (start is not None and start[0] == "refused" and told is not None)
    both = bucket_of(store, dict.fromkeys(keys, NOISE) | {"ck/step-000007/model.safetensors": WEIGHTS})
    assert started(store, both) == shown(store, both, tmp_path)


def test_files_without_a_telling_name_start_a_run_if_their_bytes_are_a_models(store: Store, tmp_path: Path):
    net = torch_zip(b"\x80\x02}q\x00.", {})
    for proven in (net, gguf_file()):
        node = bucket_of(store, {"blobs/a.bin": proven, "blobs/notes.txt": b"x"})
        assert started(store, node) == shown(store, node, tmp_path)
        assert started(store, node) is not None
    for data in (NOISE, b"", b"\x00" * 64):
        node = bucket_of(store, {"blobs/a.bin": data})
        assert started(store, node) is None
        assert shown(store, node, tmp_path) is None


def test_a_save_that_was_cut_off_gives_way_to_the_one_before_it(store: Store, tmp_path: Path):
    index = {"metadata": {}, "weight_map": {"w": "model-00001-of-00002.safetensors"}}
    node = bucket_of(
        store,
        {
            "step-1/model.safetensors": WEIGHTS,
            "step-2/model-00001-of-00002.safetensors": WEIGHTS,
            "step-2/model.safetensors.index.json": json.dumps(index).encode(),
        },
    )
    assert started(store, node) == shown(store, node, tmp_path)
    assert started(store, node)[0] == "step-1/"  # type: ignore[index]
    with pytest.raises(BadCheckpoint, match="not complete"):
        check_start(store, node, 2)


@pytest.mark.parametrize("key", ["a b/ü/model.safetensors", "step-1//model.safetensors", "x" * 900 + "/model.safetensors",
                                 "step-99999999999999999999/model.safetensors", "%2e%2e/model.safetensors"])  # fmt: skip
def test_odd_keys(store: Store, tmp_path: Path, key: str):
    node = bucket_of(store, {key: WEIGHTS})
    assert started(store, node) == shown(store, node, tmp_path)
    assert started(store, node) is not None
