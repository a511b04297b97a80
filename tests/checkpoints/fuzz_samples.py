"""One small valid file of every kind that has a reader, to be spoilt inside and outside of its wrapping.

Checksums and lengths of archives are made after the inside was spoilt: else nothing behind them is ever reached.
"""

from __future__ import annotations

import io
import json
import pickle
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tests.checkpoints.mutations import nemo_file, onnx_file, samples, spoilt, state_dict, torch_zip
from tests.checkpoints.ocdbt_files import leaf, manifest, sealed

ARRAYS = b'{"shape": [2, 3], "dtype": "<f4", "chunks": [2, 3], "zarr_format": 2, "fill": "%s"}' % (
    b"abcdefg" * 60
)
CONFIG = b"model:\n  hidden: [1024, 512]\n  optim: {lr: 1e-3, betas: [0.9, 0.95]}\n  note: 'a\n\n    b'\nitems:\n- a: 1\n- - x\n"


@dataclass(frozen=True)
class Sample:
    """A file: what is inside, and what is put around it."""

    inside: bytes
    wrap: Callable[[bytes], bytes] = bytes

    @property
    def whole(self) -> bytes:
        return self.wrap(self.inside)

    def spoilt(self, chance: random.Random) -> bytes:
        """Spoilt within its wrapping, or as a whole, or both."""
        where = chance.randrange(3)
        inside = spoilt(self.inside, chance) if where != 1 else self.inside
        whole = self.wrap(inside)
        return spoilt(whole, chance) if where else whole


def packed(value: object) -> bytes:
    """msgpack by hand: texts, small numbers, maps, and arrays as Flax has them."""
    if isinstance(value, np.ndarray):
        raw = value.tobytes()
        shape = bytes([0x90 + value.ndim, *value.shape])
        body = b"\x93" + shape + packed(value.dtype.name) + b"\xc6" + struct.pack(">I", len(raw)) + raw
        return b"\xc9" + struct.pack(">Ib", len(body), 1) + body
    if isinstance(value, dict):
        return bytes([0x80 + len(value)]) + b"".join(packed(k) + packed(v) for k, v in value.items())
    if isinstance(value, str):
        return bytes([0xA0 + len(value)]) + value.encode()
    return {True: b"\xc3", None: b"\xc0"}.get(value) or bytes([int(str(value))])


def flax_state() -> bytes:
    layer = {"kernel": np.ones((2, 3), np.float32), "bias": np.zeros(3, np.float16)}
    pieces = {
        "__msgpack_chunked_array__": True,
        "shape": {"0": 2, "1": 3},
        "chunks": {"0": np.ones(4), "1": np.ones(2)},
    }
    return packed(
        {"params": {"a": layer, "long": pieces}, "opt_state": {"0": layer}, "step": 7, "note": "x", "z": None}
    )


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def hdf5_file(libver: str | None, many: int) -> bytes | None:
    try:
        import h5py
    except ImportError:
        return None
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", libver=libver) as file:
        for index in range(many):
            file.create_dataset(f"layers/dense_{index}/vars/0", data=np.ones((2, 3), np.float32))
    return buffer.getvalue()


def legacy() -> bytes:
    heads = [pickle.dumps(value, 2) for value in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True})]
    storage = struct.pack("<q", 4) + bytes(16)
    return b"".join([*heads, state_dict("a", "b"), pickle.dumps(["0", "1"], 2), storage, storage])


def pipeline(data: bytes) -> bytes:
    return struct.pack("<Q", len(data)) + data + bytes(24)


SHARDED = json.dumps(
    {
        "zarr_format": 3,
        "shape": [6],
        "data_type": "bfloat16",
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [12]}},
        "chunk_key_encoding": {"name": "default"},
        "fill_value": 0.5,
        "codecs": [
            {
                "name": "sharding_indexed",
                "configuration": {
                    "chunk_shape": [6],
                    "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}],
                    "index_codecs": [{"name": "bytes", "configuration": {"endian": "little"}}],
                },
            }
        ],
    }
).encode()


def every_sample() -> dict[str, Sample]:
    """By file name, relative to the checkpoint."""
    layers = {"class_name": "Dense", "module": "keras.layers", "config": {"units": 3}}
    keras = {"config.json": json.dumps(layers).encode(), "metadata.json": b'{"keras_version": "3.15.1"}'}
    header = {
        "w": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
        "__metadata__": {"format": "pt"},
    }
    found = {name: Sample(data) for name, data in samples().items()}
    found |= {
        "shard.safetensors": Sample(json.dumps(header).encode(), pipeline),
        "inside/model.pt": Sample(state_dict("a", "b"), lambda data: torch_zip(data, {"0": bytes(16), "1": bytes(16)})),
        "inside/optimizer.pt": Sample(
            pickle.dumps({"state": {0: {"exp_avg": 1}}, "param_groups": [{"lr": 0.1, "params": [0]}]}, 4),
            lambda data: torch_zip(data, {}),
        ),
        "old/model.pth": Sample(legacy()),
        "model.msgpack": Sample(flax_state()),
        "checkpoint_10": Sample(flax_state()),
        "m.onnx": Sample(onnx_file({"w": np.zeros((2, 3), np.float32), "b": np.zeros(3)})),
        "outside/m.onnx": Sample(onnx_file({"w": np.zeros(3)}, location="m.data")),
        "hparams.yaml": Sample(CONFIG),
        "yaml.nemo": Sample(CONFIG, lambda data: nemo_file({"model_config.yaml": data})),
        "weights.nemo": Sample(state_dict("a"), lambda data: nemo_file({"model_weights.ckpt": torch_zip(data, {"0": bytes(16)})})),
        "sharded.nemo": Sample(found[".metadata"].inside, lambda data: nemo_file({"w/.metadata": data, "w/__0_0.distcp": b"x" * 24})),
        "config.keras": Sample(keras["config.json"], lambda data: zipped({**keras, "config.json": data})),
        "item/manifest.ocdbt": Sample(manifest(b"d/1", len(leaf()))[14:-4], _manifest),
        "item/d/1": Sample(leaf()[14:-4], _node),
        "item/_METADATA": Sample(b'{"tree_metadata": {"a": {"key_metadata": [{"key": "a"}], "value_metadata": {"value_type": "jax.Array"}}}, "use_ocdbt": true}'),
        "zarr/.zarray": Sample(json.dumps({"shape": [2, 3], "dtype": "<f4", "chunks": [2, 2], "zarr_format": 2, "compressor": {"id": "zlib"}, "fill_value": 1}).encode()),
        "zarr/0.0": Sample(zlib.compress(bytes(16))),
        "zarr/0.1": Sample(zlib.compress(bytes(16))),
        "cut/zarr.json": Sample(SHARDED),
        "cut/c/0": Sample(bytes(12) + b"\xff" * 16 + (0).to_bytes(8, "little") + (12).to_bytes(8, "little")),
    }  # fmt: skip
    try:
        import zstandard

        node = zstandard.ZstdCompressor(level=19).compress(leaf(value=ARRAYS)[14:-4])
        found["packed/manifest.ocdbt"] = Sample(manifest(b"d/1", len(node) + 18)[14:-4], _manifest)
        found["packed/d/1"] = Sample(node, lambda data: sealed("0cdb20de", data, packed=True))
    except ImportError:
        pass
    for name, libver, many in (("old.h5", None, 3), ("new.h5", "latest", 3), ("many.h5", "latest", 40)):
        data = hdf5_file(libver, many)
        if data is not None:
            found[name] = Sample(data)
            found[f"{name}.keras"] = Sample(data, lambda data: zipped({**keras, "model.weights.h5": data}))
    return found


def _manifest(body: bytes) -> bytes:
    return sealed("0cdb3a2a", body)


def _node(body: bytes) -> bytes:
    return sealed("0cdb20de", body)
