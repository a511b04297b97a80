"""Manifests and diffs of real nodes in the local store: what they cost, and what is never read again."""

from __future__ import annotations

import json

import numpy as np
import pytest
from safetensors.numpy import save

from explorer.errors import BadInput, Conflict, NotFound
from explorer.lineage.address import Node
from explorer.lineage.events import Listed
from explorer.storage import Store
from explorer.workspace.core import Core
from explorer.workspace.manifests import Manifests


def save_step(store: Store, bucket: str, step: int, *, lr: float = 1e-3, scale: float = 1.0) -> Node:
    weights = {"fc.weight": np.full((4, 3), scale, np.float32)}
    folder = f"checkpoints/step-{step:06}/"
    for name, data in {
        "model.safetensors": save(weights),
        "optimizer.safetensors": save({"exp_avg.fc.weight": weights["fc.weight"]}),
        "config.json": json.dumps({"lr": lr}).encode(),
        "training_state.json": json.dumps({"step": step, "lr": lr}).encode(),
    }.items():
        store.write(bucket, folder + name, data)
    return store.take_snapshot(bucket, f"step-{step}").node


@pytest.fixture
def bucket(store: Store, request: pytest.FixtureRequest) -> str:
    name = f"manifests-{abs(hash(request.node.name)) % 10**8}"
    store.create_bucket(name)
    return name


def test_a_second_look_costs_nothing(core: Core, bucket: str):
    node = save_step(core.store, bucket, 100)
    first = Manifests(core).manifest(node)
    assert (first.step, first.parameters, first.complete) == (100, 12, True)
    assert first.cost.requests == 4
    second = Manifests(core).manifest(node)  # another session: only the disk remembers
    assert second.cost.requests == 0
    assert second.tensors == first.tensors
    assert second.config == first.config


def test_a_fork_shares_what_its_parent_told(core: Core, bucket: str):
    node = save_step(core.store, bucket, 100)
    manifests = Manifests(core)
    manifests.manifest(node)
    fork = core.store.fork(node, f"{bucket}-fork").head
    assert manifests.manifest(fork).cost.requests == 0
    found = manifests.diff(node, fork)
    assert not found.any
    assert found.cost.requests == 0


def test_a_diff_reads_shared_files_once(core: Core, bucket: str):
    node = save_step(core.store, bucket, 100)
    fork = core.store.fork(node, f"{bucket}-fork").head
    save_step(core.store, fork.bucket, 100, lr=3e-5)
    found = Manifests(core).diff(node, fork)
    assert [(c.path, c.a, c.b) for c in found.config] == [("lr", 1e-3, 3e-5)]
    assert found.tensors.identical == 2
    assert found.cost.requests == 4 + 2  # of the fork only config and state
    assert found.to_json()["cost"]["bytes"] > 0


def test_steps_are_chosen_and_missing_ones_named(core: Core, bucket: str):
    save_step(core.store, bucket, 100)
    node = save_step(core.store, bucket, 200)
    manifests = Manifests(core)
    assert manifests.manifest(node).step == 200
    assert manifests.manifest(node, 100).step == 100
    with pytest.raises(NotFound) as refused:
        manifests.manifest(node, 300)
    assert refused.value.hint == "there are: 200, 100"


def test_an_empty_bucket_has_no_manifest_but_can_be_compared(core: Core, bucket: str):
    node = save_step(core.store, bucket, 100)
    core.store.create_bucket(f"{bucket}-empty")
    manifests = Manifests(core)
    empty = Node(f"{bucket}-empty")
    assert manifests.checkpoints(empty) == ()
    with pytest.raises(NotFound):
        manifests.manifest(empty)
    found = manifests.diff(empty, node)
    assert len(found.objects.added) == 4
    assert len(manifests.diff(node, empty).objects.removed) == 4


def test_an_object_replaced_while_it_is_read_is_a_conflict(core: Core, bucket: str):
    save_step(core.store, bucket, 100)
    manifests = Manifests(core)
    head = Node(bucket)
    (checkpoint,) = manifests.checkpoints(head)
    core.store.write(bucket, "checkpoints/step-000100/model.safetensors", save({"x": np.zeros(5)}))
    with pytest.raises(Conflict):
        manifests.read(head, checkpoint)


def test_a_spoilt_cache_is_read_anew(core: Core, bucket: str):
    node = save_step(core.store, bucket, 100)
    first = Manifests(core).manifest(node)
    for path in (core.data / "manifests").glob("*/*"):
        path.write_bytes(b"\x00garbage")
    again = Manifests(core).manifest(node)  # another session: this one still has it in memory
    assert again.tensors == first.tensors
    assert again.cost.requests == 4


def test_a_cache_that_cannot_be_written_is_no_error(core: Core, bucket: str):
    node = save_step(core.store, bucket, 100)
    (core.data / "manifests").write_text("a file where the folder should be")
    assert Manifests(core).manifest(node).step == 100


def test_a_truncated_model_is_told(core: Core, bucket: str):
    save_step(core.store, bucket, 100)
    key = "checkpoints/step-000100/model.safetensors"
    core.store.write(bucket, key, save({"x": np.zeros(100)})[:-10])
    manifest = Manifests(core).manifest(Node(bucket))
    assert not manifest.complete
    assert "the file ends at" in manifest.damaged[0]
    assert manifest.config == {"lr": 1e-3}


def test_a_fork_against_its_parent_twice(core: Core, bucket: str):
    node = save_step(core.store, bucket, 100)
    fork = core.store.fork(node, f"{bucket}-fork")
    save_step(core.store, fork.name, 150, lr=3e-5, scale=2.0)
    save_step(core.store, bucket, 200, lr=5e-4)
    core.emit(Listed(core.store.list_lineage()))
    told = Manifests(core).three_way(fork.head)
    assert [(c.path, c.b) for c in told.fork.config] == [("lr", 3e-5)]
    assert [(c.path, c.b) for c in told.parent.config] == [("lr", 5e-4)]
    ours, theirs = told.both[0]
    assert (ours.path, ours.b, theirs.b) == ("lr", 3e-5, 5e-4)
    assert "changed by both: lr 3e-5 in the fork, 0.0005 in the parent" in told.summary
    assert told.to_json()["both"][0] == {"path": "lr", "base": 1e-3, "fork": 3e-5, "parent": 5e-4}
    with pytest.raises(BadInput):
        Manifests(core).three_way(Node(bucket))


def test_a_diff_tells_the_metrics_at_both_checkpoints(workspace, name: str):
    store = workspace._core.store
    workspace.create_bucket(name)
    rows = "".join(
        json.dumps({"step": s, "loss": 5 - s / 100, "val/loss": 6 - s / 100}) + "\n"
        for s in range(0, 121, 10)
    )
    store.write(name, "runs/r1/metrics.jsonl", rows.encode())
    first = save_step(store, name, 100)
    workspace.refresh()
    fork = workspace.fork(first, f"{name}-fork", ())
    more = "".join(json.dumps({"step": s, "loss": 1.5}) + "\n" for s in range(105, 260, 10))
    told = {"run": "r2", "bucket": fork.bucket, "source": {"bucket": first.bucket, "version": first.version}}
    store.write(fork.bucket, "runs/r2/run.json", json.dumps({**told, "restored_step": 100}).encode())
    store.write(fork.bucket, "runs/r2/metrics.jsonl", more.encode())
    second = save_step(store, fork.bucket, 200)
    workspace.refresh()
    found = workspace.diff(first, second)
    told_at = {pair.name: (pair.a, pair.b) for pair in found.metrics}
    assert [(p.step, p.value) for p in told_at["loss"]] == [(100, 4.0), (195, 1.5)]
    assert [p.value for p in told_at["val/loss"]] == [5.0, 5.0], "inherited from the parent up to the fork"
    assert any(s.title == "metrics" for s in found.sections())
    assert any(s.title == "metrics" for s in workspace.three_way(fork).fork.sections())


def test_logs_that_cannot_be_read_do_not_stop_a_diff(core: Core, store: Store, bucket: str):
    def broken(node: Node) -> object:
        raise NotFound("The log is gone.", hint="none")

    a, b = save_step(store, bucket, 100), save_step(store, bucket, 200)
    found = Manifests(core, broken).diff(a, b)  # type: ignore[arg-type]
    assert found.tensors.same == 2
    assert any("metrics were not read: The log is gone." in warning for warning in found.warnings)
