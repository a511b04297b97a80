"""`ls`, `show` and `diff` as people and as scripts use them."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from safetensors.numpy import save


@pytest.fixture
def saved(store, bucket):
    """A bucket with checkpoints and snapshots of steps 100 and 200, and a fork of the first with another rate."""

    def save_step(name, step, lr, scale=1.0):
        folder = f"checkpoints/step-{step:06}/"
        weights = {f"layers.{i}.w": np.full((2, 3), scale, np.float32) for i in range(4)}
        for key, data in {
            "model.safetensors": save(weights),
            "optimizer.safetensors": save({"m": np.zeros(2)}),
            "config.json": json.dumps({"lr": lr}).encode(),
            "training_state.json": json.dumps({"step": step, "lr": lr}).encode(),
        }.items():
            store.write(name, folder + key, data)
        return store.take_snapshot(name, f"step-{step}").node

    first = save_step(bucket, 100, 1e-3)
    save_step(bucket, 200, 1e-3, 1.5)
    store.fork(first, f"{bucket}-fork")
    save_step(f"{bucket}-fork", 150, 3e-5, 2.0)
    return bucket


def test_ls_shows_one_level_and_all(run, saved):
    code, out, _ = run("ls", saved)
    assert code == 0
    assert "checkpoints/" in out
    assert "8 objects" in out
    _, out, _ = run("ls", f"{saved}@step-100/checkpoints/")
    assert "step-000100/" in out
    assert "step-000200/" not in out
    _, document, _ = run("ls", saved, "--json")
    assert {o["key"] for o in document["objects"]} >= {"checkpoints/step-000100/config.json"}
    assert document["objects"][0].keys() == {"key", "bytes", "etag", "modified_at"}


def test_show_reads_the_newest_and_lists_the_rest(run, saved):
    code, document, _ = run("show", saved, "--json")
    assert code == 0
    newest, older = document["checkpoints"]
    assert (newest["step"], newest["format"], newest["parameters"], newest["complete"]) == (
        200,
        "explorer",
        24,
        True,
    )
    assert newest["read"] is True
    assert (older["step"], older["read"]) == (100, False)
    _, document, _ = run("show", saved, "--all", "--json")
    assert [c["read"] for c in document["checkpoints"]] == [True, True]
    _, out, _ = run("show", f"{saved}@step-100")
    assert "parameters" in out
    assert "layers.0.w" in out


def test_show_of_what_is_not_there_names_what_is(run, saved):
    code, _, err = run("show", saved, "--step", "7")
    assert code == 1
    assert "hint: there are checkpoints/step-000200/, checkpoints/step-000100/" in err


def test_show_of_a_damaged_checkpoint_fails_and_says_why(run, saved, store):
    store.write(saved, "checkpoints/step-000200/model.safetensors", b"\xff" * 100)
    code, out, _ = run("show", saved)
    assert code == 1
    assert "is not a safetensors file" in out
    code, document, _ = run("show", saved, "--json")
    assert code == 1
    assert document["checkpoints"][0]["damaged"]


def test_diff_exit_codes_and_json(run, saved):
    code, document, _ = run("diff", saved, f"{saved}@step-200", "--json")
    assert (code, document["different"]) == (0, False)
    code, document, _ = run("diff", f"{saved}@step-100", f"{saved}-fork", "--json")
    assert code == 1
    assert document["config"] == [{"path": "lr", "a": 1e-3, "b": 3e-5}]
    assert document.keys() >= {"a", "b", "objects", "tensors", "config", "state", "warnings", "cost", "store"}
    assert document["objects"].keys() >= {"added", "removed", "changed", "renamed"}
    assert document["tensors"].keys() >= {"added", "removed", "renamed", "reshaped", "retyped", "moved"}
    assert document["cost"].keys() == {"requests", "bytes"}


def test_diff_of_two_steps_in_one_bucket(run, saved):
    a, b = (f"{saved}/checkpoints/step-000{step}/" for step in (100, 200))
    code, document, _ = run("diff", a, b, "--json")
    assert code == 1
    assert document["objects"]["changed"] == ["model.safetensors", "training_state.json"]
    assert [c["path"] for c in document["state"]] == ["step"]
    code, _, err = run("diff", f"{saved}/nowhere/", b)
    assert code == 1
    assert "Nothing lies under `nowhere/`" in err


def test_diff_of_a_fork_alone_is_three_way(run, saved):
    code, out, _ = run("diff", f"{saved}-fork")
    assert code == 1
    assert "the fork since the fork point" in out
    assert "its parent since then" in out
    _, document, _ = run("diff", f"{saved}-fork", "--json")
    assert document["fork"]["config"] == [{"path": "lr", "a": 1e-3, "b": 3e-5}]
    assert document["parent"]["config"] == []
    code, _, err = run("diff", saved)
    assert code == 1
    assert "is not a fork" in err


def test_diff_narrowed_to_a_section_and_to_names(run, saved):
    _, out, _ = run("diff", f"{saved}@step-100", f"{saved}-fork", "--only", "config")
    assert out.split() == ["config:", "1", "value", "differs", "~", "lr", "0.001", "→", "3e-5"]
    _, out, _ = run("diff", f"{saved}@step-100", f"{saved}-fork", "--match", "*config.json")
    assert out.count("config.json") == 1
    assert run("diff", saved, saved, "--only", "nonsense")[0] == 2


def test_values(run, saved):
    code, document, _ = run(
        "diff", f"{saved}@step-100", f"{saved}@step-200", "--values", "layers.*", "--json"
    )
    assert code == 1
    assert len(document["values"]) == 4
    assert document["values"][0]["relative"] == pytest.approx(0.5)
    assert document["bytes"] == 2 * 4 * 24
    code, out, _ = run("diff", f"{saved}@step-100", f"{saved}@step-100", "--values", "layers.0.w")
    assert code == 0
    assert "0 B read, 1 identical" in out


def test_hostile_names_reach_no_terminal(run, saved, store):
    hostile = save({"\x1b]0;owned\x07\u202e": np.zeros(1, np.float32)})
    store.write(saved, "checkpoints/step-000200/model.safetensors", hostile)
    store.write(saved, "checkpoints/step-000200/\x1b[2Jnotes", b"x")
    for verb in (("ls", saved, "-r"), ("show", saved), ("diff", f"{saved}@step-100", saved)):
        _, out, _ = run(*verb)
        assert out.replace("\n", "").isprintable()


def test_ls_of_a_folder_that_is_not_there_names_the_nearest(run, saved):
    code, out, err = run("ls", f"{saved}@step-100/chekpoints/")
    assert (code, out) == (1, "")
    assert "did you mean `checkpoints/`" in err


def test_tensors_that_are_not_there_are_told(run, saved):
    code, out, err = run("show", saved, "--tensors", "layer.0.w")
    assert (code, out) == (1, "")
    assert "did you mean `layers.0.w`" in err
    assert "layers.0.w" in run("show", saved, "--tensors", "layers.0*")[1]


def test_one_is_not_many(run, bucket, store):
    store.write(bucket, "checkpoints/step-1/model.safetensors", save({"w": np.zeros(3, np.float32)}))
    store.write(bucket, "checkpoints/step-1/config.json", b'{"lr": 1}')
    for verb in ("show", "ls"):
        out = run(verb, bucket)[1]
        assert not re.search(r"\b1 (tensors|values|objects|checkpoints)\b", out)
    assert "tensors: 1 tensor\n" in run("show", bucket)[1]
