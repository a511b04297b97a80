"""What a checkpoint lacks, as far as the names of its files can tell."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from explorer.checkpoints.kinds import base, is_optimizer
from explorer.lineage.values import ObjectInfo

_SHARD = re.compile(r"(.*?)-(\d{5,6})-of-(\d{5,6})(\.[a-z.]+)")
_MAX_NAMED = 20
_OURS = ("model.safetensors", "optimizer.safetensors", "config.json", "training_state.json")


def missing_by_name(prefix: str, kind: str, files: Sequence[ObjectInfo]) -> tuple[str, ...]:
    """Names of absent files, relative to the checkpoint; `optimizer` where any file of that role would do."""
    folder = prefix[: prefix.rfind("/") + 1]
    names = [info.key[len(folder) :] for info in files]
    present = set(names)
    missing = [*_shards(names)]
    if kind == "explorer":
        missing += [name for name in _OURS if name not in present]
    elif kind == "hf-trainer" and not any(is_optimizer(n) or "global_step" in n for n in names):
        missing.append("optimizer")
    elif kind in ("dcp", "megatron") and any(n.endswith(".distcp") for n in names):
        folders = {n[: n.rfind("/") + 1] for n in names if n.endswith(".distcp")}
        missing += sorted(f"{f}.metadata" for f in folders if f"{f}.metadata" not in present)
    elif kind == "peft" and not any(base(n).startswith("adapter_model") for n in names):
        missing.append("adapter_model.safetensors")
    elif kind == "orbax" and "orbax-checkpoint-tmp" in prefix:
        missing.append("the commit: this is a folder that Orbax had not finished")
    missing += [f"{n} (empty)" for n, info in zip(names, files, strict=True) if _is_empty(n, info)]
    return tuple(dict.fromkeys(missing))


def _is_empty(name: str, info: ObjectInfo) -> bool:
    return info.size_bytes == 0 and name.endswith((".safetensors", ".pt", ".bin", ".ckpt", ".metadata"))


def _shards(names: Sequence[str]) -> list[str]:
    sets: dict[tuple[str, str, str], set[int]] = defaultdict(set)
    for name in names:
        found = _SHARD.fullmatch(name)
        if found:
            sets[found[1], found[3], found[4]].add(int(found[2]))
    missing: list[str] = []
    for (stem, total, ending), have in sets.items():
        # a hostile total must not make us count to a billion
        lost = [i for i in range(1, min(int(total), 100_000) + 1) if i not in have]
        missing += [f"{stem}-{i:0{len(total)}}-of-{total}{ending}" for i in lost[:_MAX_NAMED]]
        if len(lost) > _MAX_NAMED:
            missing.append(f"and {len(lost) - _MAX_NAMED} more shards of {stem}")
        index = f"{stem}{ending}.index.json"
        if ending in (".safetensors", ".bin") and int(total) > 1 and index not in names:
            missing.append(index)
    return missing
