"""From a checkpoint's files to its manifest: every file in parallel, then one view of all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from explorer.checkpoints.dcp import Engine, digest_here
from explorer.checkpoints.inert import BadPickle
from explorer.checkpoints.learning_rate import contradictions
from explorer.checkpoints.orbax_places import weighed
from explorer.checkpoints.registry import exports, left_unread, tasks
from explorer.checkpoints.values import Checkpoint, Manifest, Part, Tensor, Value
from explorer.checkpoints.waves import Reading, together
from explorer.errors import BadCheckpoint

_SHOWN = 5
"""So many names are spelled out in one warning; the rest is counted."""


def read_manifest(checkpoint: Checkpoint, engine: Engine = digest_here) -> Reading[Manifest]:
    """What a checkpoint's metadata says.

    Two waves for most checkpoints: the head of every file, then what some of them need beyond it. A file
    that is refused ends up in `Manifest.damaged` with the reason, the others are read all the same.
    """
    parts = yield from read_parts(checkpoint, engine=engine)
    return assemble(checkpoint, parts)


def read_parts(
    checkpoint: Checkpoint, known: Mapping[str, Part] | None = None, engine: Engine = digest_here
) -> Reading[tuple[Part, ...]]:
    """What each file tells, in the order of keys; files in `known` (by key) are not read again."""
    known = known or {}
    todo = tasks(checkpoint, engine)
    unread = [task for task in todo if task.info.key not in known]
    results = yield from together([task.reading() for task in unread])
    fresh = {task.info.key: _settled(task.file, result) for task, result in zip(unread, results, strict=True)}
    return tuple(known.get(task.info.key) or fresh[task.info.key] for task in todo)


def assemble(checkpoint: Checkpoint, parts: Iterable[Part]) -> Manifest:
    """One manifest out of what the files told; what they contradict each other in becomes a warning."""
    parts = tuple(parts)
    config: dict[str, Value] = {}
    state: dict[str, Value] = {}
    for part in parts:
        config |= part.config
        state |= {path: value for path, value in part.state.items() if path not in state}
    damaged = tuple(part.damage for part in parts if part.damage)
    warnings = [warning for part in parts for warning in part.warnings]
    tensors = _components(checkpoint, [tensor for part in parts for tensor in part.tensors])
    tensors = weighed(checkpoint, tensors)
    missing, index_warnings = _against_index(checkpoint, parts, tensors)
    warnings += index_warnings
    warnings += _repeated(tensors)
    warnings += contradictions(config, state)
    warnings += _without_reader(checkpoint)
    step = state.get("step")
    read_step = int(step) if isinstance(step, int | float) and step == step and abs(step) < 2**63 else None
    if read_step is not None and checkpoint.step is not None and read_step != checkpoint.step:
        warnings.append(f"the name says step {checkpoint.step}, the training state says {read_step}")
    return Manifest(
        checkpoint,
        checkpoint.step if read_step is None else read_step,
        tuple(tensors),
        config,
        state,
        aliases=tuple(pair for part in parts for pair in part.aliases),
        refers_to=tuple(sorted({name for part in parts for name in part.refers_to})),
        missing=tuple(dict.fromkeys([*checkpoint.missing, *missing])),
        damaged=damaged,
        warnings=tuple(dict.fromkeys(warnings)),
    )


def unread(checkpoint: Checkpoint) -> Manifest:
    """What the listing alone tells of a checkpoint, as a manifest without tensors."""
    return Manifest(checkpoint, checkpoint.step, (), {}, {}, missing=checkpoint.missing)


def _settled(file: str, result: Part | BadCheckpoint) -> Part:
    if isinstance(result, Part):
        return result
    why = f"{result} ({result.hint})"
    refers_to = result.refers_to if isinstance(result, BadPickle) else ()
    return Part(file, refers_to=refers_to, damage=why if f"`{file}`" in why else f"`{file}`: {why}")


def _against_index(
    checkpoint: Checkpoint, parts: Iterable[Part], tensors: Iterable[Tensor]
) -> tuple[list[str], list[str]]:
    """Shards that an index names and the listing lacks; tensors that lie elsewhere than it says."""
    parts = tuple(parts)
    placed = {name: shard for part in parts for name, shard in part.placed.items()}
    present = {checkpoint.relative(info.key) for info in checkpoint.objects}
    missing = [need for part in parts for need in part.needs if need not in present]
    if not placed:
        return missing, []
    read = {part.file for part in parts if part.format not in ("", "index", "json") and not part.damage}
    shards = set(placed.values())
    found = {tensor.name: tensor.file for tensor in tensors if tensor.file in shards}
    warnings = []
    for what, names in (
        ("names {} that no shard holds", [n for n, s in placed.items() if s in read and n not in found]),
        (
            "places {} in another shard than the one that holds it",
            [n for n, f in found.items() if placed.get(n, f) != f],
        ),
        ("does not name {}, which a shard holds", [n for n in found if n not in placed]),
    ):
        if names:
            warnings.append("the index " + what.format(_names(names)))
    return missing, warnings


def _without_reader(checkpoint: Checkpoint) -> list[str]:
    names = list(exports(checkpoint))
    too_many = left_unread(checkpoint)
    if too_many:
        return [f"{too_many} of its files were not read: a checkpoint of so many is unusual"]
    return [f"{_names(names)}: the model once more, in another form, compared as an object"] if names else []


def _components(checkpoint: Checkpoint, tensors: list[Tensor]) -> list[Tensor]:
    """Several models in one checkpoint: their tensors are named after the folders, or the files, of each."""
    if any(checkpoint.relative(info.key) == "model_index.json" for info in checkpoint.objects):
        folders = {t.file: t.file.rpartition("/")[0].replace("/", ".") for t in tensors}
        return [replace(t, name=f"{folders[t.file]}.{t.name}") if folders[t.file] else t for t in tensors]
    several = _of_different_models(tensors)
    stems = {file: file.rpartition(".")[0].replace("/", ".") for file in several}
    return [replace(t, name=f"{stems[t.file]}.{t.name}") if t.file in several else t for t in tensors]


def _of_different_models(tensors: Iterable[Tensor]) -> set[str]:
    """Files that give one name to tensors of different shapes: networks of one kind in several sizes."""
    shapes: dict[str, dict[tuple[int, ...], set[str]]] = {}
    for tensor in tensors:
        if tensor.part == "model":
            shapes.setdefault(tensor.name, {}).setdefault(tensor.shape, set()).add(tensor.file)
    return {file for found in shapes.values() if len(found) > 1 for files in found.values() for file in files}


def _repeated(tensors: Iterable[Tensor]) -> list[str]:
    seen: dict[tuple[str, str], str] = {}
    twice = []
    for tensor in tensors:
        other = seen.setdefault((tensor.part, tensor.name), tensor.file)
        if other != tensor.file and tensor.part == "model":
            twice.append(tensor.name)
    return [f"{_names(twice)} in more than one file"] if twice else []


def _names(names: list[str]) -> str:
    shown = ", ".join(f"`{name[:80]}`" for name in names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"
