"""Whole buckets as people have them: what is a checkpoint in them, what only looks like one, which one is meant."""

from __future__ import annotations

import io
import pickle
import struct

import numpy as np
import pytest
from safetensors.numpy import save

from explorer.checkpoints import choose, doubtful, find_checkpoints
from explorer.checkpoints.heads import HEAD_BYTES, kind_of
from explorer.lineage.values import ObjectInfo
from tests.checkpoints.mutations import gguf_file, torch_zip

OURS = ("model.safetensors", "optimizer.safetensors", "config.json", "training_state.json")
STEP = [f"checkpoints/step-000100/{name}" for name in OURS]


def found(keys: list[str], *, late: tuple[str, ...] = (), proven: set[str] | None = None) -> list[str]:
    listing = [ObjectInfo(key, 10, "e", 9 if key in late else 1) for key in keys]
    return [c.prefix for c in find_checkpoints(listing, proven)]


DATA = {
    "nanoGPT": ["data/openwebtext/train.bin", "data/openwebtext/val.bin", "data/openwebtext/meta.pkl", "config.py"],
    "nanoGPT at the root": ["train.bin", "val.bin", "meta.pkl", "input.txt"],
    "modded nanoGPT, llm.c": ["data/fineweb10B/fineweb_train_000001.bin", "data/fineweb10B/fineweb_val_000000.bin"],
    "llama2.c": ["data/tok4096.bin", "data/tok4096.model", "data/TinyStories_all_data/data00.bin", "tokenizer.bin"],
    "Megatron": ["corpora/my-gpt2_text_document.bin", "corpora/my-gpt2_text_document.idx", "c/pile.bin", "c/pile.idx"],
    "Hugging Face datasets": ["d/dataset_info.json", "d/state.json", "d/data-00000-of-00002.arrow", "d/cache-1f.arrow"],
    "parquet": ["data/train-00000-of-00010.parquet", "README.md", ".gitattributes"],
    "torchvision": ["MNIST/processed/training.pt", "MNIST/processed/test.pt", "MNIST/raw/train-images-idx3-ubyte"],
    "arrays": ["features.npy", "x/features.h5", "x/embeddings.pt", "labels.npz", "train_data.pth", "dataset.h5"],
    "streaming": ["mds/index.json", "mds/shard.00000.mds", "lit/index.json", "lit/chunk-0-0.bin", "wds/shard-000000.tar"],
    "tokenizers": ["tokenizer.json", "tokenizer.model", "vocab.bin", "spiece.model", "vocab.json", "merges.txt"],
    "a tracker's folder": ["wandb/run-20261124_1-ab/files/config.yaml", "wandb/run-20261124_1-ab/files/wandb-summary.json",
                           "wandb/run-20261124_1-ab/run-ab.wandb", "wandb/run-20261124_1-ab/files/media/table/x.table.json"],
    "an optimizer by itself": ["optim/optimizer.pt", "optim/scheduler.pt"],
    "logs": ["lightning_logs/version_0/hparams.yaml", "lightning_logs/version_0/events.out.tfevents.1.host.1.0"],
}  # fmt: skip


@pytest.mark.parametrize("layout", DATA)
def test_data_is_no_checkpoint_and_never_preferred_to_one(layout: str):
    keys = DATA[layout]
    assert found(keys) == []
    assert found([*keys, *STEP], late=tuple(keys)) == ["checkpoints/step-000100/"]


MODELS = {
    "nanoGPT": (["out/ckpt.pt", "data/openwebtext/train.bin", "data/openwebtext/meta.pkl"], ["out/"]),
    "llama.cpp": (["models/7B/ggml-model-q4_0.gguf", "models/7B/ggml-model-f16.gguf", "models/7B/ggml-vocab.bin"],
                  ["models/7B/ggml-model-f16.gguf", "models/7B/ggml-model-q4_0.gguf"]),
    "llama, as Meta has it": (["llama/consolidated.00.pth", "llama/consolidated.01.pth", "llama/params.json",
                               "llama/tokenizer.model"], ["llama/"]),
    "a hub repository": (
        ["config.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
         "model.safetensors.index.json", "pytorch_model.bin", "flax_model.msgpack", "tf_model.h5", "rust_model.ot",
         "tokenizer.json", "onnx/model.onnx", "openvino/openvino_model.bin", "original/consolidated.00.pth",
         "1_Pooling/config.json", ".gitattributes", "README.md"],
        ["", "onnx/", "openvino/", "original/"]),
    "sentence-transformers": (["modules.json", "model.safetensors", "1_Pooling/config.json", "2_Dense/pytorch_model.bin"],
                              [""]),
    "Lightning": (
        ["lightning_logs/version_0/checkpoints/epoch=9-step=1000.ckpt", "lightning_logs/version_0/metrics.csv",
         "lightning_logs/version_0/checkpoints/last.ckpt", "lightning_logs/version_0/hparams.yaml"],
        ["lightning_logs/version_0/checkpoints/epoch=9-step=1000.ckpt", "lightning_logs/version_0/checkpoints/last.ckpt"]),
    "W&B": (["wandb/run-1/files/model.h5", "wandb/run-1/files/config.yaml", "wandb/run-1/run-1.wandb"],
            ["wandb/run-1/files/"]),
    "DeepSpeed": (
        ["ds/latest", "ds/zero_to_fp32.py", "ds/global_step20/mp_rank_00_model_states.pt",
         "ds/global_step20/zero_pp_rank_0_mp_rank_00_optim_states.pt"], ["ds/global_step20/"]),
    "Orbax": (
        ["ck/1000/_CHECKPOINT_METADATA", "ck/1000/default/_METADATA", "ck/1000/default/manifest.ocdbt",
         "ck/1000/default/d/1f", "ck/1000/default/ocdbt.process_0/d/2a", "ck/1000/default/array_metadatas/process_0"],
        ["ck/1000/"]),
    "Flax": (["run/checkpoint_1000", "run/checkpoint_2000", "run/config.yaml"], ["run/checkpoint_2000", "run/checkpoint_1000"]),
    "modded nanoGPT": (["logs/8f/state_step005100.pt", "logs/8f.txt", "data/fineweb10B/fineweb_train_000001.bin"],
                       ["logs/8f/"]),
    "ImageNet": (["checkpoint.pth.tar", "model_best.pth.tar"], [""]),
    "a diffusion pipeline": (["sd/model_index.json", "sd/unet/diffusion_pytorch_model.bin", "sd/vae/config.json"], ["sd/"]),
    "NeMo": (["m/megatron_gpt.nemo", "m/model_config.yaml"], ["m/megatron_gpt.nemo"]),
    "wheels": (["lpips/weights/v0.1/alex.pth", "lpips/weights/v0.0/alex.pth"], ["lpips/weights/v0.0/", "lpips/weights/v0.1/"]),
}  # fmt: skip


@pytest.mark.parametrize("layout", MODELS)
def test_models_among_other_things(layout: str):
    keys, expected = MODELS[layout]
    assert found(keys) == expected
    assert not set(doubtful([ObjectInfo(key, 10, "e", 1) for key in keys if "rust" not in key]))


UNKNOWN = ["cc.en.300.bin", "blobs/a.bin", "blobs/b.bin", "w/vgg16.h5"]


def test_files_that_only_their_bytes_can_tell_come_last_and_go_where_those_deny_it():
    assert found([*UNKNOWN, *STEP], late=tuple(UNKNOWN))[0] == "checkpoints/step-000100/"
    assert found(UNKNOWN, proven=set()) == []
    assert found(UNKNOWN, proven={"w/vgg16.h5"}) == ["w/"]
    listing = [ObjectInfo(key, 10, "e", 1) for key in [*UNKNOWN, *STEP, "data/train.bin"]]
    assert [info.key for info in doubtful(listing)] == UNKNOWN


def test_ten_thousand_doubtful_files_are_not_ten_thousand_reads():
    assert len(doubtful([ObjectInfo(f"b/{i}.bin", 10, "e", 1) for i in range(10_000)])) == 64


def test_the_one_that_is_meant_is_the_newest_that_is_complete():
    keys = [*STEP, "checkpoints/step-000200/model.safetensors", "checkpoints/step-000200/training_state.json"]
    listing = [ObjectInfo(key, 10, "e", 1) for key in keys]
    newest, older = find_checkpoints(listing)
    assert (newest.step, newest.complete) == (200, False)
    assert choose((newest, older)) is older
    assert choose((newest,)) is newest
    assert choose(()) is None


def test_an_optimizer_in_a_step_is_a_checkpoint_without_its_model():
    (checkpoint,) = find_checkpoints([ObjectInfo("checkpoint-5/optimizer.pt", 10, "e", 1)])
    assert checkpoint.missing == ("the model's weights",)


def test_forms_of_a_model_come_after_it_whatever_their_times():
    keys = ["model.safetensors", "onnx/model.onnx"]
    assert found(keys, late=("onnx/model.onnx",)) == ["", "onnx/"]
    assert found(["a/onnx/model.onnx", "b/model.safetensors"], late=("a/onnx/model.onnx",)) == [
        "a/onnx/",
        "b/",
    ]


def heads() -> dict[str, tuple[bytes, str | None]]:
    h5 = b"\x89HDF\r\n\x1a\n" + bytes(90)
    return {
        "safetensors": (save({"w": np.zeros(3)}), "safetensors"),
        "torch": (torch_zip(b"\x80\x02}.", {}), "zip"),
        "gguf": (gguf_file(), "gguf"),
        "hdf5": (h5, "hdf5"),
        "pickles": (pickle.dumps({"a": [1, 2]}, 2), "pickle"),
        "newer pickles": (pickle.dumps({"a": [1, 2]}, 5), "pickle"),
        "llm.c's weights": (struct.pack("<I", 20240326) + bytes(1020), "llm.c"),
        "llm.c's tokens": (struct.pack("<I", 20240520) + bytes(1020), None),
        "tokens": (np.arange(1000, dtype=np.uint16).tobytes(), None),
        "GPT-2's tokens": (np.array([50256, 464, 318, 262], np.uint16).tobytes() * 20, None),
        "noise": (bytes(range(200, 256)) * 3, None),
        "text": (b"hello world, this is fastText 2000000 300\n", None),
        "a numpy array": (_npy(), None),
        "arrow": (b"ARROW1\0\0" + bytes(60), None),
        "nothing": (b"", None),
    }


def _npy() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(9))
    return buffer.getvalue()


@pytest.mark.parametrize("name", heads())
def test_what_a_file_is_by_its_head(name: str):
    data, expected = heads()[name]
    assert kind_of(data[:HEAD_BYTES], len(data)) == expected


def test_what_flax_and_older_torch_write():
    msgpack = pytest.importorskip("msgpack", reason="msgpack writes the sample; it is in the extra `formats`")
    for many in (2, 40, 70_000):
        assert kind_of(msgpack.packb({f"params{i}": i for i in range(many)})[:HEAD_BYTES], 999) == "msgpack"
    torch = pytest.importorskip("torch", reason="torch writes the sample; it is in the extra `torch`")
    buffer = io.BytesIO()
    torch.save({"w": torch.zeros(3)}, buffer, _use_new_zipfile_serialization=False)
    assert kind_of(buffer.getvalue()[:HEAD_BYTES], 999) == "legacy"
