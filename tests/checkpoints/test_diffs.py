"""Diffs of whole places: what is told, what is not claimed, and the JSON that other tools lean on."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
from safetensors.numpy import save

from explorer.checkpoints import Diff, Side, diff
from explorer.lineage.values import ObjectInfo
from tests.checkpoints.shelf import Shelf


def training(step: int = 100, lr: float = 1e-3, **arrays: np.ndarray) -> dict[str, bytes]:
    weights = {"fc1.weight": np.ones((4, 3), np.float32), "fc1.bias": np.ones(4, np.float32)} | arrays
    moments = {f"exp_avg.{name}": value * 0 for name, value in weights.items()}
    folder = f"checkpoints/step-{step:06}/"
    return {
        folder + "model.safetensors": save(weights),
        folder + "optimizer.safetensors": save(moments),
        folder + "config.json": json.dumps({"lr": lr, "hidden": [4, 3], "model": {"name": "mlp"}}).encode(),
        folder + "training_state.json": json.dumps(
            {"step": step, "epoch": 1, "lr": lr, "optimizer": "adamw", "rng": {"state": list(range(700))}}
        ).encode(),
    }


def diff_of(a: dict[str, bytes], b: dict[str, bytes]) -> Diff:
    return diff(Shelf(a).side("a"), Shelf(b).side("b"))


def test_equal_places_do_not_differ():
    found = diff_of(training(), training())
    assert not found.any
    assert found.tensors.identical == found.tensors.same == 4
    assert found.summary == "a and b do not differ."
    assert found.sections() == ()


def test_a_fork_with_another_rate():
    found = diff_of(training(lr=1e-3), training(lr=3e-5))
    assert [(c.path, c.a, c.b) for c in found.config] == [("lr", 1e-3, 3e-5)]
    assert [(c.path, c.a, c.b) for c in found.state] == [("lr", 1e-3, 3e-5)]
    assert found.objects.changed == (
        "checkpoints/step-000100/config.json",
        "checkpoints/step-000100/training_state.json",
    )
    assert found.tensors.identical == 4
    assert not found.warnings
    assert "config: lr 0.001 → 3e-5" in found.summary


def test_tensors_added_removed_reshaped_retyped():
    found = diff_of(
        training(old=np.zeros(2, np.float32), both=np.zeros(6, np.float32), kind=np.zeros(2, np.float32)),
        training(
            new=np.zeros(5, np.float32), both=np.zeros((2, 3), np.float32), kind=np.zeros(2, np.float16)
        ),
    )
    document = json.loads(json.dumps(found.to_json()))
    model = {
        change: [t["name"] for t in document["tensors"][change] if t["part"] == "model"]
        for change in ("added", "removed", "reshaped", "retyped")
    }
    assert model == {"added": ["new"], "removed": ["old"], "reshaped": ["both"], "retyped": ["kind"]}
    (reshaped,) = [t for t in document["tensors"]["reshaped"] if t["part"] == "model"]
    assert (reshaped["a"], reshaped["b"]) == ([6], [2, 3])
    (retyped,) = [t for t in document["tensors"]["retyped"] if t["part"] == "model"]
    assert (retyped["a"], retyped["b"]) == ("F32", "F16")
    assert document["tensors"]["parameters"] == {"a": 26, "b": 29}


def test_wrappers_are_renames():
    weights = {f"layers.{i}.weight": np.full((i + 1, 2), i, np.float32) for i in range(4)}
    a = {"model.safetensors": save(weights)}
    for prefix in ("module.", "_orig_mod.", "model.", "module._orig_mod."):
        b = {"model.safetensors": save({prefix + name: value for name, value in weights.items()})}
        found = diff_of(a, b)
        assert len(found.tensors.renamed) == 4
        assert {r.because for r in found.tensors.renamed} == {"wrapper"}
        assert not found.tensors.added
        assert not found.tensors.removed


def test_renames_by_shape_and_order_say_so_and_guess_no_further():
    a = {
        "model.safetensors": save(
            {"enc.0.w": np.zeros((2, 3)), "enc.1.w": np.zeros((2, 3)), "x.b": np.zeros(3)}
        )
    }
    b = {
        "model.safetensors": save(
            {"dec.0.w": np.zeros((2, 3)), "dec.1.w": np.zeros((2, 3)), "y.c": np.zeros(3)}
        )
    }
    found = diff_of(a, b)
    assert [(r.a.name, r.b.name) for r in found.tensors.renamed] == [
        ("enc.0.w", "dec.0.w"),
        ("enc.1.w", "dec.1.w"),
    ]
    assert found.tensors.renamed[0].because == "shape and order"
    assert [t.name for t in found.tensors.added] == ["y.c"]


def sharded(*shards: dict[str, np.ndarray]) -> dict[str, bytes]:
    count = len(shards)
    names = [f"model-{i + 1:05}-of-{count:05}.safetensors" for i in range(count)]
    placed = {tensor: name for name, shard in zip(names, shards, strict=True) for tensor in shard}
    index = json.dumps({"metadata": {"total_size": 1}, "weight_map": placed}).encode()
    return {
        **{name: save(shard) for name, shard in zip(names, shards, strict=True)},
        "model.safetensors.index.json": index,
    }


def test_resharding_moves_tensors_and_changes_none():
    w = {f"w{i}": np.full(3, i, np.float32) for i in range(4)}
    two = sharded({"w0": w["w0"], "w1": w["w1"]}, {"w2": w["w2"], "w3": w["w3"]})
    four = sharded(*({name: value} for name, value in w.items()))
    found = diff_of(two, four)
    assert len(found.tensors.moved) == 4
    assert found.tensors.parameters_a == found.tensors.parameters_b == 12
    assert not [*found.tensors.added, *found.tensors.removed, *found.tensors.renamed]


def test_a_renamed_object_is_one():
    a = training()
    b = {("x/" + key if "config" in key else key): value for key, value in a.items()}
    found = diff_of(a, b)
    assert found.objects.renamed == (
        ("checkpoints/step-000100/config.json", "x/checkpoints/step-000100/config.json"),
    )
    assert not found.objects.added


def test_without_a_checkpoint_only_objects_are_compared():
    empty = Side("nothing", ())
    full = Shelf(training()).side("b")
    found = diff(empty, full)
    assert len(found.objects.added) == 4
    assert found.warnings == ("nothing: no checkpoint was found here, only objects are compared",)
    assert found.to_json()["checkpoints"]["a"] is None


def test_declared_rate_that_took_no_effect():
    def side(declared: float) -> dict[str, bytes]:
        objects = training(lr=1e-3)
        key = "checkpoints/step-000100/config.json"
        return objects | {key: json.dumps({"lr": declared}).encode()}

    found = diff_of(side(1e-3), side(5e-4))
    assert found.warnings[0] == (
        "lr was changed from 0.001 to 0.0005, but lr is 0.001 on both sides: the change did not take effect"
    )
    assert found.to_json()["warnings"]


def test_a_schedule_explains_a_lower_rate():
    key = "checkpoints/step-000100/config.json"
    plain = Shelf(training(lr=1e-4) | {key: json.dumps({"lr": 1e-3}).encode()}).manifest()
    assert any("declares lr 0.001" in warning for warning in plain.warnings)
    scheduled = {key: json.dumps({"lr": 1e-3, "schedule": "cosine"}).encode()}
    assert not Shelf(training(lr=1e-4) | scheduled).manifest().warnings


def test_random_states_compare_by_digest():
    a, b = training(), training()
    key = "checkpoints/step-000100/training_state.json"
    state = json.loads(b[key])
    state["rng"]["state"][0] = 99
    (change,) = diff_of(a, b | {key: json.dumps(state).encode()}).state
    assert change.path == "rng"
    assert len(str(change.a)) < 30


def test_hostile_names_arrive_printable():
    hostile = {"\x1b]0;owned\x07": np.zeros(1), "a\u202eb\n[bold]": np.zeros(2), "=cmd()": np.zeros(3)}
    a = {"model.safetensors": save({"w": np.zeros(9)})}
    found = diff_of(a, {"model.safetensors": save({"w": np.zeros(9), **hostile})})
    texts = [
        cell for section in found.sections() for row in section.rows for cell in (row.name, row.a, row.b)
    ]
    assert all(text.isprintable() for text in texts)
    assert found.summary.replace("\n", "").isprintable()
    frame = found.to_frame()
    assert "'=cmd()" in list(frame["name"])
    assert list(frame.columns) == ["section", "change", "name", "a", "b"]


def test_an_incomplete_side_is_told():
    a, b = training(), training()
    del b["checkpoints/step-000100/optimizer.safetensors"]
    found = diff_of(a, b)
    assert any("optimizer.safetensors missing" in warning for warning in found.warnings)


def test_a_damaged_side_is_told_and_the_rest_still_compared():
    a, b = training(lr=1e-3), training(lr=2e-3)
    key = "checkpoints/step-000100/model.safetensors"
    found = diff_of(a, b | {key: b[key][:-3]})
    assert any("the file ends at" in warning for warning in found.warnings)
    assert [c.path for c in found.config] == ["lr"]


def test_cost_is_the_sum_of_both_sides():
    side = Shelf(training()).side("a")
    assert side.manifest is not None
    from explorer.checkpoints import Cost

    paid = replace(side, manifest=replace(side.manifest, cost=Cost(4, 100)))
    assert diff(paid, paid).to_json()["cost"] == {"requests": 8, "bytes": 200}


def test_nan_equals_itself_and_true_is_not_one():
    def state(**values: object) -> dict[str, bytes]:
        return training() | {"checkpoints/step-000100/config.json": json.dumps(values).encode()}

    assert not diff_of(state(x=float("nan")), state(x=float("nan"))).config
    (change,) = diff_of(state(x=1), state(x=True)).config
    assert (change.a, change.b) == (1, True)
    document = diff_of(state(x=float("nan")), state(x=float("inf"))).to_json()
    assert document["config"] == [{"path": "x", "a": "NaN", "b": "Infinity"}]


def test_many_objects_are_told_by_folder_as_deep_as_a_screen_allows():
    few, many = (
        Side("a", ()),
        [f"checkpoints/step-{step:06}/{name}" for step in range(10) for name in ("a", "b", "c")],
    )
    names = [*many, *(f"logs/{day}/{hour}.txt" for day in range(30) for hour in range(5)), "notes.md"]
    found = diff(few, Side("b", [ObjectInfo(name, 1000, name, 1) for name in names]))
    (section,) = [s for s in found.sections() if s.title == "objects"]
    assert [(row.name, row.b, row.count) for row in section.rows] == [
        ("checkpoints/", "30 kB", 30), ("logs/", "150 kB", 150), ("notes.md", "1.0 kB", 1)
    ]  # fmt: skip
    assert [row.name for row in section.rows[0].rows] == many
    (unfolded,) = [s for s in found.sections(folded=False) if s.title == "objects"]
    assert len(unfolded.rows) == len(names)
    assert len(found.to_frame()) == len(names) + len(found.warnings)


def test_as_many_objects_as_a_screen_shows_are_told_one_by_one():
    found = diff(Side("a", ()), Side("b", [ObjectInfo(f"x/{i}", 1, str(i), 1) for i in range(40)]))
    (section,) = [s for s in found.sections() if s.title == "objects"]
    assert len(section.rows) == 40
