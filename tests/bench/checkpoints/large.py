"""Readers at their real sizes: a 70B-class pair of 30 shards, a 21 MB DCP metadata, a 200 MB .pt, 100,000 tensors.

    python tests/bench/checkpoints/large.py [LATENCY_MS]

The shards are sparse: only their headers exist. A wave costs one latency, as 32 connections would make it.
"""

from __future__ import annotations

import json
import pickle
import struct
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from explorer.checkpoints import Manifest, Side, assemble, diff, drive, find_checkpoints, read_parts
from explorer.lineage.values import ObjectInfo, Range
from explorer.workspace.known_parts import KnownParts
from explorer.workspace.unpickling import digest_in_child


@dataclass
class Sparse:
    """Objects with a beginning, and zeros behind it."""

    latency_s: float = 0.0
    heads: dict[str, bytes] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    waves: int = 0
    requests: int = 0
    read_bytes: int = 0

    def put(self, key: str, head: bytes, size: int | None = None) -> None:
        self.heads[key], self.sizes[key] = head, len(head) if size is None else size

    def listing(self, tag: str) -> tuple[ObjectInfo, ...]:
        return tuple(
            ObjectInfo(k, self.sizes[k], f"{tag}{hash(self.heads[k])}", 1) for k in sorted(self.heads)
        )

    def fetch(self, wants: tuple[Range, ...]) -> list[bytes]:
        if wants:
            self.waves += 1
            time.sleep(self.latency_s)
        self.requests += len(wants)
        answers = []
        for want in wants:
            end = want.start + (want.length or 0)
            raw = self.heads[want.key][want.start : end]
            answers.append(raw + bytes(end - want.start - len(raw)))
        self.read_bytes += sum(map(len, answers))
        return answers


def shards(layers: int = 80, files: int = 30, dtype: str = "BF16") -> Sparse:
    """The shapes of a 70B llama: 723 tensors."""
    shapes: list[tuple[str, list[int]]] = [("model.embed_tokens.weight", [32000, 8192])]
    for layer in range(layers):
        for name, shape in (
            ("self_attn.q_proj", [8192, 8192]), ("self_attn.k_proj", [1024, 8192]), ("self_attn.v_proj", [1024, 8192]),
            ("self_attn.o_proj", [8192, 8192]), ("mlp.gate_proj", [28672, 8192]), ("mlp.up_proj", [28672, 8192]),
            ("mlp.down_proj", [8192, 28672]), ("input_layernorm", [8192]), ("post_attention_layernorm", [8192]),
        ):  # fmt: skip
            shapes.append((f"model.layers.{layer}.{name}.weight", shape))
    shapes += [("model.norm.weight", [8192]), ("lm_head.weight", [32000, 8192])]
    width = {"BF16": 2, "F8_E4M3": 1}[dtype]
    shelf, placed = Sparse(), {}
    for index in range(files):
        key = f"model-{index + 1:05}-of-{files:05}.safetensors"
        header, at = {}, 0
        for name, shape in shapes[index::files]:
            size = width
            for n in shape:
                size *= n
            header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + size]}
            placed[name] = key
            at += size
        text = json.dumps(header).encode()
        shelf.put(key, struct.pack("<Q", len(text)) + text, 8 + len(text) + at)
    shelf.put("model.safetensors.index.json", json.dumps({"weight_map": placed}).encode())

    return shelf


def read(shelf: Sparse, tag: str, known: KnownParts) -> tuple[Side, Manifest]:
    (checkpoint,) = find_checkpoints(shelf.listing(tag))
    had = known.load(checkpoint)
    parts = drive(read_parts(checkpoint, had, digest_in_child), shelf.fetch)
    known.keep(checkpoint, parts, had.keys())
    manifest = assemble(checkpoint, parts)
    return Side(tag, checkpoint.objects, checkpoint, manifest), manifest


def pair(latency_s: float, folder: Path) -> None:
    known = KnownParts(folder, lambda: "bench")
    a, b = shards(), shards(dtype="F8_E4M3")
    for run in ("cold", "warm"):
        a.latency_s = b.latency_s = latency_s
        for shelf in (a, b):
            shelf.waves = shelf.requests = shelf.read_bytes = 0
        start, cpu = time.perf_counter(), time.process_time()
        found = diff(read(a, "a", known)[0], read(b, "b", known)[0])
        rows = sum(len(s.rows) for s in found.sections())
        took = time.perf_counter() - start
        print(
            f"70B pair, {run}: {took * 1000:.0f} ms ({(time.process_time() - cpu) * 1000:.0f} ms CPU; both sides in turn), "
            f"{max(a.waves, b.waves)} waves a side, {a.requests + b.requests} GETs, "
            f"{(a.read_bytes + b.read_bytes) / 1e6:.2f} MB, {len(found.tensors.retyped)} retyped in {rows} rows"
        )


class Record:
    """Stands for torch's dataclasses, which pickle the same way."""

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)


def metadata(ranks: int = 64, tensors: int = 2169) -> bytes:
    described, stored = {}, {}
    for index in range(tensors):
        name = f"model.layers.{index // 9}.block.{index % 9}.weight"
        chunks = [Record(offsets=(r * 128, 0), sizes=(128, 4096)) for r in range(ranks)]
        described[name] = Record(properties=Record(dtype=None), size=(128 * ranks, 4096), chunks=chunks)
        for r in range(ranks):
            place = Record(relative_path=f"__{r}_0.distcp", offset=index * 10**6, length=10**6)
            stored[Record(fqn=name, offset=(r * 128, 0), index=r)] = place
    return pickle.dumps(Record(state_dict_metadata=described, storage_data=stored), 2)


def sharded(folder: Path) -> None:
    import resource

    known = KnownParts(folder, lambda: "bench")
    shelf = Sparse()
    shelf.put("step-1/.metadata", metadata())
    for rank in range(64):
        shelf.put(f"step-1/__{rank}_0.distcp", b"", 2169 * 10**6)
    for run in ("first", "from the cache"):
        start = time.perf_counter()
        _, manifest = read(shelf, "d", known)
        took = time.perf_counter() - start
        child = resource.getrusage(resource.RUSAGE_CHILDREN)
        print(
            f"DCP metadata of {shelf.sizes['step-1/.metadata'] / 1e6:.0f} MB, {run}: {took * 1000:.0f} ms, "
            f"{len(manifest.tensors)} tensors; child {child.ru_utime:.1f} s CPU, {child.ru_maxrss // 1024} MB"
        )


def archive() -> None:
    try:
        import torch
    except ImportError:
        print("200 MB .pt: torch is not installed")
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.pt"
        torch.save({f"layers.{i}.weight": torch.zeros(1024, 512) for i in range(100)}, path)
        shelf = Sparse()
        shelf.put("m.pt", path.read_bytes())
    start = time.perf_counter()
    (checkpoint,) = find_checkpoints(shelf.listing("p"))
    manifest = assemble(checkpoint, drive(read_parts(checkpoint), shelf.fetch))
    print(
        f"{shelf.sizes['m.pt'] / 1e6:.0f} MB .pt: {len(manifest.tensors)} tensors, {shelf.requests} GETs, "
        f"{shelf.read_bytes} bytes, {(time.perf_counter() - start) * 1000:.0f} ms"
    )


def many(count: int = 100_000) -> None:
    sides = []
    for width in (2, 4):
        dtype = {2: "BF16", 4: "F32"}[width]
        header = {
            f"layers.{i // 1000}.experts.{i % 1000}.w": {
                "dtype": dtype,
                "shape": [8],
                "data_offsets": [i * 8 * width, (i + 1) * 8 * width],
            }
            for i in range(count)
        }
        text = json.dumps(header).encode()
        shelf = Sparse()
        shelf.put("model.safetensors", struct.pack("<Q", len(text)) + text, 8 + len(text) + count * 8 * width)
        start = time.process_time()
        (checkpoint,) = find_checkpoints(shelf.listing(dtype))
        manifest = assemble(checkpoint, drive(read_parts(checkpoint), shelf.fetch))
        print(f"{count} tensors, header of {len(text) / 1e6:.0f} MB: {time.process_time() - start:.2f} s CPU")
        sides.append(Side(dtype, checkpoint.objects, checkpoint, manifest))
    start = time.process_time()
    found = diff(*sides)
    middle = time.process_time()
    rows = sum(len(section.rows) for section in found.sections())
    print(
        f"  diff {middle - start:.2f} s, {len(found.tensors.retyped)} retyped folded into {rows} rows in {time.process_time() - middle:.2f} s"
    )


def main(latency_ms: float = 20.0) -> None:
    with tempfile.TemporaryDirectory() as folder:
        pair(latency_ms / 1000, Path(folder))
        sharded(Path(folder))
    archive()
    many()


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
