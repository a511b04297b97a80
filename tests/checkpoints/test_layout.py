"""Which objects are one checkpoint, for the layouts that people have."""

from __future__ import annotations

import pytest

from explorer.checkpoints import find_checkpoints
from explorer.checkpoints.values import Checkpoint
from explorer.lineage.values import ObjectInfo


def found(*keys: str, times: dict[str, int] | None = None, size: int = 10) -> tuple[Checkpoint, ...]:
    times = times or {}
    return find_checkpoints([ObjectInfo(key, size, "e", times.get(key, 1)) for key in keys])


def told(checkpoints: tuple[Checkpoint, ...]) -> list[tuple[str, str, int | None]]:
    return [(c.prefix, c.format, c.step) for c in checkpoints]


OURS = ("model.safetensors", "optimizer.safetensors", "config.json", "training_state.json")


def test_our_recorder():
    steps = ("000100", "000200", "001000")
    keys = [f"checkpoints/step-{s}/{name}" for s in steps for name in OURS]
    checkpoints = found(".explorer/fork.json", "runs/r1/run.json", "runs/r1/metrics.jsonl", *keys)
    assert told(checkpoints) == [
        ("checkpoints/step-001000/", "explorer", 1000),
        ("checkpoints/step-000200/", "explorer", 200),
        ("checkpoints/step-000100/", "explorer", 100),
    ]
    assert all(c.complete for c in checkpoints)
    assert checkpoints[0].relative("checkpoints/step-001000/config.json") == "config.json"
    assert checkpoints[0].size_bytes == 40


def test_an_interrupted_save_names_what_it_lacks():
    (checkpoint,) = found(
        *(f"checkpoints/step-000100/{name}" for name in OURS if name != "optimizer.safetensors")
    )
    assert checkpoint.missing == ("optimizer.safetensors",)
    assert not checkpoint.complete


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (["model.safetensors", "config.json"], [("", "safetensors", None)]),
        (["a/model.safetensors", "b/model.safetensors"], [("a/", "safetensors", None), ("b/", "safetensors", None)]),
        (
            ["out/checkpoint-500/model.safetensors", "out/checkpoint-500/trainer_state.json",
             "out/checkpoint-500/optimizer.pt", "out/checkpoint-1000/model.safetensors",
             "out/checkpoint-1000/trainer_state.json", "out/checkpoint-1000/optimizer.pt"],
            [("out/checkpoint-1000/", "hf-trainer", 1000), ("out/checkpoint-500/", "hf-trainer", 500)],
        ),
        (
            ["ds/latest", "ds/global_step20/mp_rank_00_model_states.pt", "ds/global_step10/mp_rank_00_model_states.pt"],
            [("ds/global_step20/", "deepspeed", 20), ("ds/global_step10/", "deepspeed", 10)],
        ),
        (
            ["checkpoint-500/global_step500/mp_rank_00_model_states.pt", "checkpoint-500/trainer_state.json",
             "checkpoint-500/model.safetensors"],
            [("checkpoint-500/", "deepspeed", 500)],
        ),
        (
            ["logs/epoch=1-step=8.ckpt", "logs/epoch=2-step=16.ckpt"],
            [("logs/epoch=2-step=16.ckpt", "lightning", 16), ("logs/epoch=1-step=8.ckpt", "lightning", 8)],
        ),
        (
            ["torchtitan/step-10/.metadata", "torchtitan/step-10/__0_0.distcp", "torchtitan/step-20/.metadata",
             "torchtitan/step-20/__0_0.distcp"],
            [("torchtitan/step-20/", "dcp", 20), ("torchtitan/step-10/", "dcp", 10)],
        ),
        (
            ["iter_0000100/metadata.json", "iter_0000100/common.pt", "iter_0000100/.metadata",
             "iter_0000100/__0_0.distcp", "latest_checkpointed_iteration.txt"],
            [("iter_0000100/", "megatron", 100)],
        ),
        (
            ["1000/_CHECKPOINT_METADATA", "1000/default/_METADATA", "1000/default/manifest.ocdbt",
             "2000/_CHECKPOINT_METADATA", "2000/default/_METADATA"],
            [("2000/", "orbax", 2000), ("1000/", "orbax", 1000)],
        ),
        (["sd/model_index.json", "sd/unet/diffusion_pytorch_model.safetensors", "sd/vae/model.safetensors"],
         [("sd/", "safetensors", None)]),
        (["w/model_step100.pt", "w/model_step200.pt"], [("w/model_step200.pt", "torch", 200),
                                                         ("w/model_step100.pt", "torch", 100)]),
        (["a-Q4.gguf", "a-Q8.gguf"], [("a-Q4.gguf", "gguf", None), ("a-Q8.gguf", "gguf", None)]),
        (
            ["model.safetensors", "runs/r1/run.json", "runs/exp/checkpoint-5/model.safetensors",
             "runs/exp/checkpoint-5/trainer_state.json"],
            [("", "safetensors", None), ("runs/exp/checkpoint-5/", "hf-trainer", 5)],
        ),
        (["readme.md", "data/train.parquet", "tokenizer.json"], []),
        (["adapter/adapter_config.json", "adapter/adapter_model.safetensors"], [("adapter/", "peft", None)]),
        ([], []),
    ],
    ids=lambda value: str(value[0]) if value else "nothing",
)  # fmt: skip
def test_layouts(keys: list[str], expected: list[tuple[str, str, int | None]]):
    assert sorted(told(found(*keys)), key=str) == sorted(expected, key=str)
    if any(step for _, _, step in expected):
        assert told(found(*keys)) == expected


def test_missing_shards_are_named():
    keys = [f"model-{i:05}-of-00004.safetensors" for i in (1, 2, 4)]
    (checkpoint,) = found(*keys, "model.safetensors.index.json")
    assert checkpoint.missing == ("model-00003-of-00004.safetensors",)


def test_shards_without_an_index_are_told():
    (checkpoint,) = found("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
    assert checkpoint.missing == ("model.safetensors.index.json",)


def test_a_hostile_number_of_shards_names_a_few():
    (checkpoint,) = found("model-00001-of-999999.safetensors")
    assert len(checkpoint.missing) <= 23


def test_a_trainer_folder_without_optimizer():
    (checkpoint,) = found("checkpoint-5/model.safetensors", "checkpoint-5/trainer_state.json")
    assert checkpoint.missing == ("optimizer",)


def test_an_empty_file_is_not_a_checkpoint_file():
    (checkpoint,) = found("step-1/model.safetensors", size=0)
    assert checkpoint.missing == ("model.safetensors (empty)",)


def test_dcp_without_metadata():
    (checkpoint,) = found("step-1/__0_0.distcp")
    assert checkpoint.missing == (".metadata",)


def test_steps_outrank_times_among_siblings_but_a_later_final_save_is_newest():
    times = {
        "checkpoint-500/model.safetensors": 9,
        "checkpoint-1000/model.safetensors": 5,
        "final/model.safetensors": 20,
    }
    checkpoints = found(*times, times=times)
    assert [c.name for c in checkpoints] == ["final", "checkpoint-1000", "checkpoint-500"]


def test_a_hundred_thousand_objects_in_one_pass():
    keys = [f"checkpoints/step-{i:06}/{name}" for i in range(25_000) for name in OURS]
    assert len(found(*keys)) == 25_000


def test_data_beside_a_model_is_no_part_of_it_but_folders_of_a_step_are():
    (model,) = found("model.safetensors", "config.json", "data/train.parquet", "logs/a.txt")
    assert [info.key for info in model.objects] == ["config.json", "model.safetensors"]
    (step,) = found("step-5/model.safetensors", "step-5/context/model.yaml")
    assert len(step.objects) == 2
