"""Whole checkpoints: shards against their index, JSON beside the weights, parts kept and found again."""

from __future__ import annotations

import json

import numpy as np
from safetensors.numpy import save

from explorer.checkpoints import drive, find_checkpoints, part_from_json, part_to_json, read_parts
from tests.checkpoints.shelf import Shelf
from tests.checkpoints.test_diffs import sharded, training


def test_a_manifest_of_our_recorder():
    shelf = Shelf(training())
    found = shelf.manifest()
    assert (found.step, found.parameters, found.complete) == (100, 16, True)
    assert found.config["model.name"] == "mlp"
    assert found.config["hidden"] == (4, 3)
    assert found.state["optimizer"] == "adamw"
    assert {t.part for t in found.tensors} == {"model", "optimizer"}
    document = json.loads(json.dumps(found.to_json(), allow_nan=False))
    for key in (
        "prefix",
        "format",
        "step",
        "complete",
        "missing",
        "tensors",
        "parameters",
        "config",
        "state",
    ):
        assert key in document
    assert document["tensors"][0].keys() >= {"name", "dtype", "shape", "bytes", "file"}
    assert [len(wave) for wave in shelf.waves] == [4]


def test_all_shards_and_the_index_in_one_wave():
    shelf = Shelf(sharded(*({f"w{i}": np.zeros(3, np.float32)} for i in range(30))))
    found = shelf.manifest()
    assert [len(wave) for wave in shelf.waves] == [31]
    assert found.parameters == 90
    assert found.complete
    assert not found.warnings


def index(placed: dict[str, str]) -> bytes:
    return json.dumps({"weight_map": placed}).encode()


def test_an_index_that_disagrees_with_its_shards():
    w = np.zeros(3, np.float32)
    objects = sharded({"a": w, "b": w}, {"c": w})
    first, second = (key for key in objects if key.endswith(".safetensors"))
    lying = {"a": second, "b": first, "ghost": first}
    found = Shelf(objects | {"model.safetensors.index.json": index(lying)}).manifest()
    told = " ".join(found.warnings)
    assert "names `ghost` that no shard holds" in told
    assert "places `a` in another shard" in told
    assert "does not name `c`" in told


def test_an_index_cannot_lead_out_of_the_folder_or_ask_for_a_million_files():
    w = np.zeros(3, np.float32)
    objects = sharded({"a": w}, {"b": w})
    names = ["../../other/secret.safetensors", "/etc/passwd", "s3://x/y", "..", "a\\b"]
    hostile = {f"t{i}": name for i, name in enumerate(names)} | {f"s{i}": f"shard-{i}" for i in range(50_000)}
    shelf = Shelf(objects | {"model.safetensors.index.json": index(hostile)})
    found = shelf.manifest()
    assert {want.key for wave in shelf.waves for want in wave} == set(objects)
    assert not any("secret" in name or "passwd" in name for name in found.missing)
    assert any("leaves the folder" in warning for warning in found.warnings)
    assert len(found.missing) <= 1000


def test_a_shard_that_the_index_names_and_nobody_saved():
    objects = sharded({"a": np.zeros(3)}, {"b": np.zeros(3)})
    gone = next(key for key in objects if "00002" in key)
    del objects[gone]
    assert gone in Shelf(objects).manifest().missing


def test_a_tensor_in_two_shards():
    objects = sharded({"a": np.zeros(3)}, {"b": np.zeros(3), "a": np.zeros(3)})
    assert any("`a` in more than one file" in warning for warning in Shelf(objects).manifest().warnings)


def test_a_trainer_state_keeps_the_last_of_each_log_entry():
    state = {
        "global_step": 500, "epoch": 2.5, "best_metric": None, "max_steps": 900,
        "log_history": [{"loss": 3.0, "learning_rate": 1e-3, "step": 1}, {"loss": 2.0, "step": 500},
                        {"eval_loss": float("nan"), "step": 500}],
    }  # fmt: skip
    objects = {
        "checkpoint-500/model.safetensors": save({"w": np.zeros(1)}),
        "checkpoint-500/optimizer.pt": b"",
    }
    found = Shelf(objects | {"checkpoint-500/trainer_state.json": json.dumps(state).encode()}).manifest()
    assert found.step == 500
    assert found.state["log.loss"] == 2.0
    assert found.state["log.learning_rate"] == 1e-3
    assert found.to_json()["state"]["log.eval_loss"] == "NaN"


def test_hostile_json_beside_good_weights_spoils_nothing_else():
    weights = {"step-5/model.safetensors": save({"w": np.zeros(4)})}
    for text in (b'{"a":' * 50_000, b"[1,2]", b"", b"\xff\xfe", b'{"log_history": 5, "global_step": 5}', b"null",
                 b'{"global_step": "five"}', b'{"x": ' + b"9" * 5000 + b"}", b'{"a": 1, "a": 2}'):  # fmt: skip
        found = Shelf(weights | {"step-5/trainer_state.json": text}).manifest()
        assert found.parameters == 4
        assert found.step == 5


def test_the_name_and_the_state_may_disagree_about_the_step():
    found = Shelf(
        {key.replace("step-000100", "step-000007"): value for key, value in training().items()}
    ).manifest()
    assert found.step == 100
    assert any("the name says step 7" in warning for warning in found.warnings)


def test_sets_of_an_adapter_have_no_order():
    def adapter(*modules: str) -> dict[str, bytes]:
        config = {"r": 8, "target_modules": list(modules)}
        return {
            "adapter_config.json": json.dumps(config).encode(),
            "adapter_model.safetensors": save({"a": np.ones(2)}),
        }

    a, b = Shelf(adapter("q", "v")).manifest(), Shelf(adapter("v", "q")).manifest()
    assert a.config == b.config
    assert a.config["adapter.r"] == 8


def test_parts_survive_being_kept():
    shelf = Shelf(training())
    checkpoint = find_checkpoints(shelf.listing())[0]
    parts = drive(read_parts(checkpoint), shelf.fetch)
    kept = [part_from_json(json.loads(json.dumps(part_to_json(part)))) for part in parts]
    assert tuple(kept) == parts
    before = shelf.requests
    known = {checkpoint.prefix + part.file: part for part in parts}
    assert drive(read_parts(checkpoint, known), shelf.fetch) == parts
    assert shelf.requests == before


def test_a_pipeline_of_several_models_names_tensors_after_them():
    w = save({"conv_in.weight": np.zeros(3, np.float32)})
    objects = {"sd/model_index.json": b"{}", "sd/unet/diffusion_pytorch_model.safetensors": w,
               "sd/vae/diffusion_pytorch_model.safetensors": w}  # fmt: skip
    found = Shelf(objects).manifest()
    assert [t.name for t in found.tensors] == ["unet.conv_in.weight", "vae.conv_in.weight"]
    assert found.parameters == 6
    assert not found.warnings


def test_one_model_in_two_formats_counts_once_and_is_told():
    w = {"w": np.zeros(3, np.float32)}
    found = Shelf({"model.safetensors": save(w), "model.fp16.safetensors": save(w)}).manifest()
    assert found.parameters == 3
    assert "`w` in more than one file" in found.warnings


def test_names_that_were_left_out_because_they_are_tied():
    w = {"embed.weight": np.zeros((2, 3), np.float32)}
    found = Shelf(
        {"model.safetensors": save(w, metadata={"head.weight": "embed.weight", "format": "pt"})}
    ).manifest()
    assert found.aliases == (("head.weight", "embed.weight"),)
    assert found.framework == "PyTorch"
    assert found.parameters == 6


def test_a_folder_of_data_is_no_storm_of_requests():
    objects = {f"data/part-{i:05}.bin": b"x" * 20 for i in range(3000)}
    shelf = Shelf(objects | {"data/model.safetensors": save({"w": np.zeros(1)})})
    found = shelf.manifest()
    assert shelf.requests <= 600
    assert found.parameters == 1
    assert any("2401 of its files were not read" in warning for warning in found.warnings)


def test_other_peoples_json_spoils_no_checkpoint():
    weights = {"model.safetensors": save({"w": np.zeros(3, np.float32)})}
    found = Shelf(
        weights
        | {"modules.json": b'[{"idx": 0, "type": "Transformer"}]', "log.json": b'{"a": 1}\n{"a": 2}\n'}
    ).manifest()
    assert found.complete
    assert found.config["modules.0.type"] == "Transformer"
    assert any("log.json" in warning for warning in found.warnings)
    assert Shelf(weights | {"config.json": b"[1]"}).manifest().damaged


def test_networks_of_one_kind_in_several_sizes_keep_their_tensors_apart():
    small, large = save({"fc.w": np.zeros(3, np.float32)}), save({"fc.w": np.zeros(5, np.float32)})
    found = Shelf({"small.safetensors": small, "large.safetensors": large}).manifest()
    assert {t.name: t.shape for t in found.tensors} == {"small.fc.w": (3,), "large.fc.w": (5,)}
    assert found.parameters == 8
    assert not found.warnings
