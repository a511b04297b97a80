"""Values of real nodes in the local store: what they cost, how they are told, how they end."""

from __future__ import annotations

import json
import threading
import zlib
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from explorer.checkpoints.statistics import Statistics
from explorer.checkpoints.value_plan import Plan, matching, plan
from explorer.errors import Conflict
from explorer.lineage.address import Node
from explorer.storage import Store
from explorer.workspace import value_statistics
from explorer.workspace.core import Core
from explorer.workspace.manifests import Manifests
from explorer.workspace.value_statistics import ValueStatistics

LAYERS = 150
"""More than are located at a time."""


@pytest.fixture
def bucket(store: Store, request: pytest.FixtureRequest) -> str:
    name = f"values-{abs(hash(request.node.name)) % 10**8}"
    store.create_bucket(name)
    return name


def layers(scale: float) -> dict[str, np.ndarray]:
    chance = np.random.default_rng(0)
    return {f"layers.{at}.w": chance.normal(size=(10, 30)).astype("f4") * scale for at in range(LAYERS)}


def write(store: Store, bucket: str, step: int, scale: float, *, wide: int = 0) -> Node:
    arrays = layers(scale)
    if wide:
        arrays["wide"] = np.full(wide, scale, "f4")
    store.write(bucket, "checkpoints/step-1/model.safetensors", save(arrays))
    store.write(bucket, "checkpoints/step-1/optimizer.safetensors", save({"exp_avg": np.ones(50, "f4")}))
    return store.take_snapshot(bucket, f"step-{step}").node


def planned(core: Core, a: Node, b: Node, glob: str = "*") -> Plan:
    manifests = Manifests(core)
    return plan(manifests.manifest(a), manifests.manifest(b), matching(glob))


def test_every_tensor_is_told_and_neighbours_are_read_together(core: Core, bucket: str):
    a, b = write(core.store, bucket, 1, 1.0), write(core.store, bucket, 2, 1.5)
    todo = planned(core, a, b)
    assert (len(todo.pairs), len(todo.identical)) == (LAYERS, 1)
    assert todo.read_bytes == 2 * LAYERS * 300 * 4
    told: list[Statistics] = []
    seen: list[tuple[int, int]] = []
    fetched: list[int] = []
    read_many = core.store.read_many

    def counted(node, wants, **more):
        fetched.append(len(wants))
        return read_many(node, wants, **more)

    core.store.read_many = counted
    outcome = ValueStatistics(core).read(a, b, todo, told.append, lambda *at: seen.append(at))
    assert tuple(told) == outcome.found
    assert not outcome.stopped
    assert outcome.read_bytes == todo.read_bytes
    assert seen[-1] == (todo.read_bytes, todo.read_bytes)
    assert seen == sorted(seen)
    assert sum(fetched) <= 6
    assert told[0].identical
    expected = layers(1.0)
    for one in told[1:]:
        assert one.relative == pytest.approx(0.5)
        assert one.norm_a == pytest.approx(np.linalg.norm(expected[one.name].astype("f8")))


def test_a_copy_on_write_fork_costs_no_read(core: Core, bucket: str):
    a = write(core.store, bucket, 1, 1.0)
    fork = core.store.fork(a, f"{bucket}-fork")
    todo = planned(core, a, fork.head)
    core.store.read_many = None  # whoever reads now fails
    outcome = ValueStatistics(core).read(a, fork.head, todo)
    assert (todo.read_bytes, outcome.read_bytes) == (0, 0)
    assert len(outcome.found) == LAYERS + 1
    assert all(told.identical for told in outcome.found)


def test_it_stops_where_it_is_and_keeps_what_is_done(core: Core, bucket: str):
    a, b = (
        write(core.store, bucket, 1, 1.0, wide=9_000_000),
        write(core.store, bucket, 2, 1.5, wide=9_000_000),
    )
    todo = planned(core, a, b)
    cancel = threading.Event()
    seen: list[int] = []
    threads = threading.active_count()  # other tests of this process may have left some

    def progress(done: int, total: int) -> None:
        seen.append(done)
        if done > total // 4:
            cancel.set()

    outcome = ValueStatistics(core).read(a, b, todo, on_progress=progress, cancel=cancel)
    assert outcome.stopped
    assert len(outcome.found) < len(todo.pairs) + len(todo.identical)
    assert todo.read_bytes // 4 < outcome.read_bytes < todo.read_bytes // 2
    assert threading.active_count() < threads + 40
    again = ValueStatistics(core).read(a, b, todo, cancel=cancel)
    assert again.read_bytes == 0


def test_memory_is_bounded_whatever_the_size(core: Core, bucket: str):
    a, b = (
        write(core.store, bucket, 1, 1.0, wide=30_000_000),
        write(core.store, bucket, 2, 1.5, wide=30_000_000),
    )
    held: list[int] = []
    real = value_statistics._settled

    def watched(reads, wave, pending):
        held.append(sum(job.read_bytes for job in wave))
        return real(reads, wave, pending)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(value_statistics, "_settled", watched)
        outcome = ValueStatistics(core).read(a, b, planned(core, a, b, "wide"))
    assert sum(held) == outcome.read_bytes == 240_000_000
    assert max(held) <= 16 * 2**20


def test_the_speed_is_assumed_until_it_was_measured(core: Core, bucket: str):
    values = ValueStatistics(core)
    assert values.bytes_s == 100e6
    a, b = write(core.store, bucket, 1, 1.0, wide=500_000), write(core.store, bucket, 2, 1.5, wide=500_000)
    outcome = values.read(a, b, planned(core, a, b))
    assert values.bytes_s == pytest.approx(outcome.read_bytes / outcome.seconds)


def test_a_head_that_moved_on_is_a_conflict(core: Core, bucket: str):
    a = write(core.store, bucket, 1, 1.0)
    write(core.store, bucket, 2, 1.5)
    todo = planned(core, a, Node(bucket))
    write(core.store, bucket, 3, 2.0)
    with pytest.raises(Conflict) as refused:
        ValueStatistics(core).read(a, Node(bucket), todo)
    assert refused.value.hint


def test_sharded_checkpoints_of_torch(core: Core, bucket: str, tmp_path: Path):
    torch = pytest.importorskip("torch", reason="torch writes the sample; it is in the extra `torch`")
    import torch.distributed.checkpoint as dcp

    nodes = []
    for step, scale in ((1, 1.0), (2, 1.25)):
        folder = tmp_path / f"step-{step}"
        weights = {name: torch.from_numpy(array) for name, array in layers(scale).items()}
        dcp.save(weights, checkpoint_id=str(folder))
        for path in folder.iterdir():
            core.store.write(bucket, f"checkpoints/step-7/{path.name}", path.read_bytes())
        nodes.append(core.store.take_snapshot(bucket, f"step-{step}").node)
    outcome = ValueStatistics(core).read(*nodes, planned(core, *nodes, "layers.1*.w"))
    assert len(outcome.found) == 61
    assert not outcome.refused
    assert {round(told.relative, 6) for told in outcome.found} == {0.25}


def chunked(store: Store, bucket: str, step: int, arrays: dict[str, np.ndarray], spoilt: str = "") -> Node:
    """As Orbax writes without its key-value store: a folder an array, here of compressed chunks of three rows."""
    store.write(bucket, "7/_CHECKPOINT_METADATA", b'{"commit_timestamp_nsecs": 1}')
    for name, array in arrays.items():
        described = {"shape": array.shape, "chunks": [3, array.shape[1]], "dtype": "<f4", "zarr_format": 2}
        described |= {"compressor": {"id": "zlib"}, "order": "C", "filters": None, "fill_value": None}
        store.write(bucket, f"7/{name}/.zarray", json.dumps(described).encode())
        for at in range(0, len(array), 3):
            data = zlib.compress(array[at : at + 3].tobytes())
            store.write(bucket, f"7/{name}/{at // 3}.0", data[:-9] if name == spoilt else data)
    return store.take_snapshot(bucket, f"step-{step}").node


def test_compressed_chunks_cost_what_was_told_and_a_damaged_one_is_one_refusal(core: Core, bucket: str):
    chance = np.random.default_rng(2)
    arrays = {name: chance.integers(0, 9, (12, 500)).astype("f4") for name in ("params.a", "params.b")}
    a = chunked(core.store, bucket, 1, arrays)
    b = chunked(core.store, bucket, 2, {name: array * 3 for name, array in arrays.items()}, "params.b")
    todo = planned(core, a, b)
    assert 0 < todo.read_bytes < sum(2 * array.nbytes for array in arrays.values()) / 2
    told: list[object] = []
    done = ValueStatistics(core).read(a, b, todo, told.append)
    (found,), (refused,) = done.found, done.refused
    assert (found.name, found.relative, found.elements) == ("params.a", pytest.approx(2), 6000)
    assert refused.tensor.name == "params.b"
    assert "bytes instead of" in refused.why
    assert told == [found, refused]
    assert done.read_bytes == todo.read_bytes
