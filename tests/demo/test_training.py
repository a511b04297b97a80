"""The demo's training is a real one: deterministic, resumable to the bit, and it stops when asked."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load, save

from explorer.demo.network import AdamW, gradients, loss_of, new_network
from explorer.demo.spirals import spirals
from explorer.demo.tensors import from_safetensors, to_safetensors
from explorer.errors import BadInput, Conflict
from explorer.lineage.address import Node
from explorer.lineage.values import RunView
from explorer.workspace.workspace import Workspace

SHORT = (("steps", 40), ("save_every", 10))


def finished(workspace: Workspace, run: RunView, *, max_s: float = 60.0) -> RunView:
    deadline = time.monotonic() + max_s
    while workspace.state.runs[run.id].is_live:
        assert time.monotonic() < deadline, workspace.log(run.id, 0)[0].decode()
        time.sleep(0.05)
    workspace.refresh()
    return workspace.state.runs[run.id]


def snapshots(workspace: Workspace, bucket: str) -> dict[int | None, Node]:
    return {s.step: s.node for s in workspace.state.bucket(bucket).snapshots}


def contents(workspace: Workspace, node: Node, step: int) -> dict[str, str]:
    found = next(c for c in workspace.checkpoints(node) if c.step == step)
    return {info.key: info.etag for info in found.objects}


def log(workspace: Workspace, run: RunView) -> str:
    return workspace.log(run.id, 0)[0].decode()


def test_a_resumed_training_writes_the_bytes_of_one_that_never_stopped(
    workspace: Workspace, base: str
) -> None:
    first = finished(workspace, workspace.launch(base, "demo", SHORT))
    assert first.state == "done", log(workspace, first)
    whole = snapshots(workspace, base)
    assert list(whole) == [10, 20, 30, 40]
    resumed = finished(workspace, workspace.resume(whole[20]))
    assert resumed.state == "done", log(workspace, resumed)
    assert resumed.source == whole[20]
    again = snapshots(workspace, resumed.bucket)
    assert list(again) == [30, 40]
    for step in (30, 40):
        assert contents(workspace, again[step], step) == contents(workspace, whole[step], step)


def test_forks_with_other_seeds_train_on_other_batches_and_go_on_with_them(
    workspace: Workspace, base: str
) -> None:
    finished(workspace, workspace.launch(base, "demo", SHORT))
    whole = snapshots(workspace, base)
    ends = {contents(workspace, whole[40], 40)["checkpoints/step-000040/model.safetensors"]}
    for seed in (8, 9):
        fork = finished(workspace, workspace.resume(whole[20], overrides=(("seed", seed),)))
        assert fork.state == "done", log(workspace, fork)
        told = snapshots(workspace, fork.bucket)
        ends.add(contents(workspace, told[40], 40)["checkpoints/step-000040/model.safetensors"])
        again = finished(workspace, workspace.resume(told[30]))
        resumed = snapshots(workspace, again.bucket)
        assert contents(workspace, resumed[40], 40) == contents(workspace, told[40], 40)
    assert len(ends) == 3


def test_a_training_at_its_end_says_that_nothing_is_left(workspace: Workspace, base: str) -> None:
    finished(workspace, workspace.launch(base, "demo", SHORT))
    again = finished(workspace, workspace.resume(snapshots(workspace, base)[40]))
    assert again.state == "done"
    assert "nothing is left to train: step 40 of 40" in log(workspace, again)


def test_what_a_fork_changed_holds_through_its_descendants(workspace: Workspace, base: str) -> None:
    finished(workspace, workspace.launch(base, "demo", SHORT))
    fork = workspace.fork(snapshots(workspace, base)[20], f"{base}-f", (("lr", 0.5),))
    first = finished(workspace, workspace.resume(fork))
    assert first.bucket == f"{base}-f"  # a fork that nobody writes to is resumed in place
    third = finished(workspace, workspace.resume(Node(f"{base}-f"), overrides=(("steps", 45),)))
    assert (third.bucket, third.state) == (f"{base}-f", "done"), log(workspace, third)
    assert workspace.state.overrides[f"{base}-f"] == (("lr", 0.5), ("steps", 45))
    second = workspace.resume(snapshots(workspace, f"{base}-f")[30], overrides=(("weight_decay", 0.3),))
    assert second.bucket != f"{base}-f"
    assert dict(second.overrides) == {**dict(SHORT), "lr": 0.5, "weight_decay": 0.3}
    finished(workspace, second)
    diff = workspace.diff(snapshots(workspace, base)[40], snapshots(workspace, second.bucket)[40]).to_json()
    assert {c["path"]: c["b"] for c in diff["config"]} == {"lr": 0.5, "weight_decay": 0.3}
    workspace.read_overrides()
    assert workspace.state.overrides[second.bucket] == (("weight_decay", 0.3),)


def test_a_stopped_training_has_saved_where_it_was(
    workspace: Workspace, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXPLORER_DEMO_PACE", "0.05")
    run = workspace.launch(base, "demo")
    with pytest.raises(Conflict, match="writer"):
        workspace.launch(base, "demo")
    while b"step     50" not in workspace.log(run.id, 0)[0]:
        assert workspace.state.runs[run.id].is_live, log(workspace, run)
        time.sleep(0.05)
    workspace.stop(run.id)
    ended = finished(workspace, run)
    assert (ended.state, ended.exit_code) == ("stopped", 0), log(workspace, run)
    steps = sorted(step for step in snapshots(workspace, base) if step is not None)
    assert 50 < steps[-1] < 500
    newest = snapshots(workspace, base)[steps[-1]]
    assert workspace.manifest(newest).complete
    key = f"runs/{run.id}/run.json"
    told = json.loads(workspace._core.store.read_object(Node(base), key)[0])
    assert told["state"] == "stopped"
    monkeypatch.setenv("EXPLORER_DEMO_PACE", "0")
    again = finished(workspace, workspace.launch(base, "demo", (("steps", steps[-1] + 5),)))
    assert again.state == "done", log(workspace, again)
    assert again.source == newest


def test_overrides_are_checked_before_anything_is_forked(workspace: Workspace, base: str) -> None:
    finished(workspace, workspace.launch(base, "demo", SHORT))
    before = set(workspace.state.buckets)
    with pytest.raises(BadInput) as caught:
        workspace.resume(snapshots(workspace, base)[20], overrides=(("weight_decy", 0.1),))
    assert "`weight_decay`" in caught.value.hint
    with pytest.raises(BadInput, match="wrong type"):
        workspace.resume(snapshots(workspace, base)[20], overrides=(("lr", "fast"),))
    assert set(workspace.state.buckets) == before


def test_a_training_that_cannot_go_on_says_why_in_one_line(workspace: Workspace, base: str) -> None:
    run = finished(workspace, workspace.launch(base, "demo", (("batch_size", 10), ("steps", 5), ("lr", 1e2))))
    assert run.state == "done"  # a training that explodes is still a training
    command = [sys.executable, "-m", "explorer.demo.train", "--bucket", base]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: It is not said which store")
    assert "hint: " in done.stderr
    assert "Traceback" not in done.stderr


def test_our_safetensors_are_read_by_the_package_and_back(tmp_path: Path) -> None:
    network = new_network([2, 5, 3], np.random.default_rng(1))
    data = to_safetensors(network)
    theirs = load(data)
    assert sorted(theirs) == sorted(network)
    assert all(np.array_equal(theirs[name], network[name]) for name in network)
    path = tmp_path / "model.safetensors"
    path.write_bytes(save(network))
    ours = from_safetensors(path)
    assert all(np.array_equal(ours[name], network[name]) for name in network)
    assert (data[:8], int.from_bytes(data[:8], "little") % 8) == (data[:8], 0)


def test_the_gradient_is_the_slope_of_the_loss() -> None:
    points, labels = spirals(60, seed=3)
    network = new_network([2, 8, 3], np.random.default_rng(1))
    exact = {name: tensor.astype(np.float64) for name, tensor in network.items()}
    _, found = gradients(exact, points, labels)
    for name, gradient in found.items():
        at = np.unravel_index(int(np.abs(gradient).argmax()), gradient.shape)
        losses = []
        for nudge in (1e-6, -1e-6):
            moved = {n: t.copy() for n, t in exact.items()}
            moved[name][at] += nudge
            losses.append(loss_of(moved, points, labels)[0])
        assert gradient[at] == pytest.approx((losses[0] - losses[1]) / 2e-6, rel=1e-3)


def test_weight_decay_shrinks_weights_and_leaves_biases() -> None:
    network = new_network([2, 8, 3], np.random.default_rng(1))
    before = {name: tensor.copy() for name, tensor in network.items()}
    nothing = {name: np.zeros_like(tensor) for name, tensor in network.items()}
    AdamW(network).step(network, nothing, number=1, lr=0.1, weight_decay=0.5)
    assert np.allclose(network["layers.0.weight"], 0.95 * before["layers.0.weight"])
    assert np.array_equal(network["layers.0.bias"], before["layers.0.bias"])
