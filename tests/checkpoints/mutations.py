"""Valid files of every format, the ways to spoil them, and a watch over what reading them sets off."""

from __future__ import annotations

import io
import json
import pickle
import random
import struct
import sys
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import islice

import numpy as np
from safetensors.numpy import save

from explorer.checkpoints import (
    Manifest,
    Side,
    assemble,
    diff,
    drive,
    find_checkpoints,
    manifest_sections,
    part_from_json,
    part_to_json,
    read_parts,
)
from explorer.checkpoints.boxes import cells, gathered, wanted
from explorer.checkpoints.orbax_places import is_packed
from explorer.checkpoints.places import locate
from explorer.errors import BadCheckpoint
from tests.checkpoints.shelf import Shelf

FORBIDDEN = (
    "exec",
    "import",
    "open",
    "compile",
    "subprocess.",
    "os.",
    "socket.",
    "pickle.find_class",
    "ctypes.",
)
_watching: int | None = (
    None  # the thread: others of this process, of tests that ran before, do what they must
)
_seen: list[str] = []


def _hook(event: str, _: object) -> None:
    if _watching == threading.get_ident() and event.startswith(FORBIDDEN):
        _seen.append(event)


sys.addaudithook(_hook)  # cannot be taken away again, hence the switch


@contextmanager
def watched() -> Iterator[list[str]]:
    """What the interpreter reports while a reader runs: must stay empty."""
    global _watching
    _seen.clear()
    _watching = threading.get_ident()
    try:
        yield _seen
    finally:
        _watching = None


class Record:
    """Stands for torch's dataclasses: readers go by fields, not by classes."""

    def __init__(self, **fields: object) -> None:
        self.__dict__.update(fields)


def torch_zip(value: bytes, storages: dict[str, bytes]) -> bytes:
    """An archive as torch.save lays it out, without torch."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("archive/data.pkl", value)
        archive.writestr("archive/byteorder", "little")
        for key, data in storages.items():
            archive.writestr(f"archive/data/{key}", data)
        archive.writestr("archive/version", "3\n")
    return buffer.getvalue()


def pickled_tensor(key: str, count: int) -> bytes:
    """One tensor as torch pickles it, protocol 2."""

    def text(word: str) -> bytes:
        return b"X" + len(word).to_bytes(4, "little") + word.encode()

    storage = (
        b"("
        + text("storage")
        + b"ctorch\nFloatStorage\n"
        + text(key)
        + text("cpu")
        + b"K"
        + bytes([count])
        + b"tQ"
    )
    shape = b"K" + bytes([count]) + b"\x85"
    return (
        b"ctorch._utils\n_rebuild_tensor_v2\n("
        + storage
        + b"K\x00"
        + shape
        + b"K\x01\x85"
        + b"\x89ccollections\nOrderedDict\n)RtR"
    )


def gguf_file() -> bytes:
    def text(word: str) -> bytes:
        return struct.pack("<Q", len(word)) + word.encode()

    words = struct.pack("<IQ", 8, 3) + text("a") + text("b") + text("c")
    settings = text("a.b") + struct.pack("<II", 4, 7) + text("tokens") + struct.pack("<I", 9) + words
    head = (
        b"GGUF"
        + struct.pack("<IQQ", 3, 1, 2)
        + settings
        + text("blk.0.w")
        + struct.pack("<I2QIQ", 2, 3, 2, 0, 0)
    )
    return head + bytes(-len(head) % 32) + bytes(24)


def onnx_file(
    arrays: dict[str, np.ndarray], *, dims: tuple[int, ...] | None = None, location: str | None = None
) -> bytes:
    """A model of initialisers alone, field by field as onnx.proto has them."""

    def number(value: int) -> bytes:
        out = bytearray()
        while value > 127:
            out.append(value & 127 | 128)
            value >>= 7
        return bytes([*out, value])

    def part(field: int, body: bytes) -> bytes:
        return number(field << 3 | 2) + number(len(body)) + body

    graph = part(2, b"net")
    for name, array in arrays.items():
        kind = {"float32": 1, "float64": 11}[array.dtype.name]
        sides = b"".join(b"\x08" + number(side) for side in dims or array.shape)
        body = sides + b"\x10" + number(kind) + part(8, name.encode())
        if location is None:
            body += part(9, array.tobytes())
        else:
            body += part(13, part(1, b"location") + part(2, location.encode())) + b"\x70\x01"
        graph += part(5, body)
    return b"\x08\x08" + part(2, b"tests") + part(7, graph) + part(8, part(1, b"") + b"\x10\x11")


def nemo_file(members: dict[str, bytes], *, mode: str = "w", form: int = tarfile.GNU_FORMAT) -> bytes:
    """A tar with `./` in front of every name, as NeMo packs its folder."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode, format=form) as archive:  # type: ignore[call-overload]
        for name, data in members.items():
            told = tarfile.TarInfo(f"./{name}")
            told.size = len(data)
            archive.addfile(told, io.BytesIO(data))
    return buffer.getvalue()


def state_dict(*names: str) -> bytes:
    entries = b"".join(
        b"X" + len(name).to_bytes(4, "little") + name.encode() + pickled_tensor(str(i), 4)
        for i, name in enumerate(names)
    )
    return b"\x80\x02}(" + entries + b"u."


def samples() -> dict[str, bytes]:
    """A small valid file for each key; several of them make up one checkpoint."""
    weights = {f"layers.{i}.weight": np.zeros((2, 3), np.float32) for i in range(3)}
    chunk = Record(offsets=(0, 0), sizes=(2, 3))
    described = Record(properties=Record(dtype=None), size=(2, 3), chunks=[chunk])
    stored = {Record(fqn="w", index=0): Record(relative_path="__0_0.distcp", offset=0, length=24)}
    metadata = Record(state_dict_metadata={"w": described}, storage_data=stored)
    return {
        "model.safetensors": save(weights, metadata={"format": "pt"}),
        "model-00001-of-00002.safetensors": save(weights),
        "model.safetensors.index.json": json.dumps({"weight_map": dict.fromkeys(weights, "model-00001-of-00002.safetensors")}).encode(),
        "config.json": json.dumps({"lr": 1e-3, "layers": [1, 2], "a": {"b": None}}).encode(),
        "trainer_state.json": json.dumps({"global_step": 5, "log_history": [{"loss": 1.5, "step": 5}]}).encode(),
        "adapter_config.json": json.dumps({"r": 8, "target_modules": ["q", "v"]}).encode(),
        "pytorch_model.bin": torch_zip(state_dict("a", "b"), {"0": bytes(16), "1": bytes(16)}),
        "optimizer.pt": torch_zip(pickle.dumps({"state": {}, "param_groups": [{"lr": 0.1, "params": [0]}]}, 2), {}),
        "random_states_0.pkl": pickle.dumps({"step": 3, "random_state": (3, tuple(range(50)), None)}, 4),
        "model.gguf.bin": gguf_file(),
        ".metadata": pickle.dumps(metadata, 2),
    }  # fmt: skip


def spoilt(data: bytes, chance: random.Random) -> bytes:
    """One to four of: a bit flipped, a stretch cut, doubled or made of noise, a number made huge, the end lost."""
    out = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        if not out:
            break
        at, kind = chance.randrange(len(out)), chance.randrange(7)
        span = min(len(out) - at, chance.choice((1, 2, 4, 8, 64)))
        if kind == 0:
            out[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            del out[at : at + span]
        elif kind == 2:
            out[at:at] = out[at : at + span]
        elif kind == 3:
            out[at : at + span] = chance.randbytes(span)
        elif kind == 4:
            out[at : at + span] = b"\xff" * span
        elif kind == 5:
            del out[at:]
        else:
            out[at : at + span] = chance.choice(
                (b"9" * 40, b"\x80\x04", b"[" * 50, b"PK\x05\x06", b'"a":', b"\0" * 8)
            )
    return bytes(out)


def read_all(objects: dict[str, bytes]) -> None:
    """Everything that is done with checkpoints: found, read, kept, shown, compared."""
    shelf = Shelf({f"step-5/{key}": data for key, data in objects.items()})
    listing = shelf.listing()
    for checkpoint in find_checkpoints(listing):
        parts = drive(read_parts(checkpoint), shelf.fetch)
        kept = json.loads(json.dumps([part_to_json(part) for part in parts]))
        assert [part_from_json(body) for body in kept] == list(parts) or "NaN" in json.dumps(kept)
        manifest = assemble(checkpoint, parts)
        json.dumps(manifest.to_json(), allow_nan=False)
        for section in manifest_sections(manifest):
            assert all(row.name.isprintable() and row.b.isprintable() for row in section.rows)
        read_chunks(manifest, shelf)
        side = Side("spoilt", listing, checkpoint, manifest)
        json.dumps(diff(side, side).to_json(), allow_nan=False)


def read_chunks(manifest: Manifest, shelf: Shelf) -> None:
    """The values of arrays in compressed chunks, the first few: found, unpacked, laid out."""
    packed = [t for t in manifest.tensors if is_packed(t)][:4]
    for tensor, boxes in zip(packed, drive(locate(packed, manifest.checkpoint), shelf.fetch), strict=True):
        with suppress(BadCheckpoint):
            if isinstance(boxes, BadCheckpoint):
                raise boxes
            for region in list(islice(cells(tensor.shape, boxes, boxes), 4)):
                wants = tuple(w for box in boxes if (w := wanted(box, region, tensor.dtype)) is not None)
                gathered(boxes, region, shelf.fetch(wants), tensor.dtype)
