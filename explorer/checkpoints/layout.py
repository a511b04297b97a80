"""Which objects of a listing are one checkpoint: by their names alone, whatever the layout."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from explorer.checkpoints.absent import missing_by_name
from explorer.checkpoints.kinds import MARKERS, format_of, holds_weights, is_state, stands_alone
from explorer.checkpoints.values import Checkpoint
from explorer.lineage.values import ObjectInfo, step_in

_STEP_FOLDER = re.compile(
    r"(?:.*[-_.=])?(?:global_?step|step|steps|checkpoint|ckpt|iter|iteration|epoch)[-_=]?\d+(?:[-_.=].*)?",
    re.IGNORECASE,
)
_OURS = re.compile(r"\.explorer/|runs/[^/]+/(?:run\.json|metrics\.jsonl)$")
"""What our own recorder keeps beside the checkpoints. Others do keep theirs in a folder called runs."""


def find_checkpoints(objects: Sequence[ObjectInfo]) -> tuple[Checkpoint, ...]:
    """The checkpoints in a listing, newest first.

    Within one family (checkpoints that share a parent folder) a higher step is newer, because copying a
    bucket scrambles the times; one without a step (`last.ckpt`, `final/`) goes by its time.
    Cost: O(objects).
    """
    folders: dict[str, list[ObjectInfo]] = defaultdict(list)
    for info in objects:
        if not info.key.endswith("/") and not _OURS.match(info.key):
            folders[_folder(info.key)].append(info)
    roots = {folder: _root(folder, folders) for folder, found in folders.items() if _has_weights(found)}
    owned = set(roots.values())
    groups: dict[str, list[ObjectInfo]] = {root: [] for root in owned}
    for folder, found in folders.items():
        root = roots.get(folder)
        if root is None:
            # a folder without weights belongs to a checkpoint only where that is surely a folder of its own:
            # training data beside a model at the bucket's root is not a part of it
            above = next((up for up in _upwards(folder) if up in owned), None)
            root = above if above is not None and (above == folder or _is_its_own(above, folders)) else None
        if root is not None:
            groups[root].extend(found)
    checkpoints = [c for root, found in groups.items() for c in _split(root, found)]
    return tuple(_newest_first(checkpoints))


def _folder(key: str) -> str:
    return key[: key.rfind("/") + 1]


def _parent(folder: str) -> str:
    return _folder(folder.rstrip("/"))


def _name(folder: str) -> str:
    return folder.rstrip("/").rpartition("/")[2]


def _upwards(folder: str) -> Iterable[str]:
    yield folder
    while folder:
        folder = _parent(folder)
        yield folder


def _has_weights(found: Iterable[ObjectInfo]) -> bool:
    return any(holds_weights(info.key) for info in found)


def _root(folder: str, folders: dict[str, list[ObjectInfo]]) -> str:
    """The folder that is the checkpoint: the innermost one named after a step, or one with a marker in it."""
    marked = folder
    for up in _upwards(folder):
        names = {_name(info.key) for info in folders.get(up, ())}
        if MARKERS & names:
            marked = up
        if _STEP_FOLDER.fullmatch(_name(up)) and not _is_file_like(up):
            above = _parent(up)
            # DeepSpeed inside an HF folder: checkpoint-500/global_step500/
            same = step_in(_name(above)) is not None and step_in(_name(above)) == step_in(_name(up))
            return above if same and _STEP_FOLDER.fullmatch(_name(above)) else up
    # Orbax numbers its folders plainly: 1000/_CHECKPOINT_METADATA, items below
    return marked


def _is_its_own(root: str, folders: dict[str, list[ObjectInfo]]) -> bool:
    marked = MARKERS & {_name(info.key) for info in folders.get(root, ())}
    return bool(marked) or _name(root).isdigit() or _STEP_FOLDER.fullmatch(_name(root)) is not None


def _is_file_like(folder: str) -> bool:
    return _name(folder).startswith("model.") or _name(folder).startswith("layers.")


def _split(root: str, found: list[ObjectInfo]) -> Iterable[Checkpoint]:
    """One checkpoint, or several where single files in one flat folder are a checkpoint each."""
    here = [info for info in found if _folder(info.key) == root]
    alone = [info for info in here if stands_alone(info.key)]
    by_step: dict[int, list[ObjectInfo]] = defaultdict(list)
    for info in here:
        step = step_in(_name(info.key))
        if step is not None and holds_weights(info.key) and info not in alone:
            by_step[step].append(info)
    if len(by_step) > 1 and not any(holds_weights(i.key) and step_in(_name(i.key)) is None for i in here):
        shared = [i for i in found if not holds_weights(i.key)]
        for step, files in by_step.items():
            yield _checkpoint(files[0].key if len(files) == 1 else root, [*files, *shared], step)
    else:
        rest = [info for info in found if info not in alone] if alone else found
        if any(holds_weights(info.key) and not is_state(info.key) for info in rest) or (
            not alone and _has_weights(rest)
        ):
            yield _checkpoint(root, rest, None)
    for info in alone:
        yield _checkpoint(info.key, [info], step_in(_name(info.key)))


def _checkpoint(prefix: str, found: Sequence[ObjectInfo], step: int | None) -> Checkpoint:
    files = tuple(sorted(found, key=lambda info: info.key))
    kind = format_of([info.key[len(_folder(prefix)) :] for info in files])
    if step is None:
        step = step_in(_name(prefix))
    if step is None and _name(prefix).isdigit():
        step = int(_name(prefix)[:18])
    if step is None:
        inner = {step_in(part) for info in files for part in info.key[len(prefix) :].split("/")[:-1]} - {None}
        step = inner.pop() if len(inner) == 1 else None
    return Checkpoint(prefix, kind, step, files, missing_by_name(prefix, kind, files))


def _newest_first(checkpoints: Iterable[Checkpoint]) -> list[Checkpoint]:
    families: dict[str, list[Checkpoint]] = defaultdict(list)
    for checkpoint in checkpoints:
        families[_parent(checkpoint.prefix)].append(checkpoint)
    ordered: list[list[Checkpoint]] = []
    for family in families.values():
        stepped = sorted(
            (c for c in family if c.step is not None),
            key=lambda c: (-(c.step or 0), -c.modified_ns, c.prefix),
        )
        latest = stepped[0].modified_ns if stepped else -1
        free = sorted((c for c in family if c.step is None), key=lambda c: (-c.modified_ns, c.prefix))
        newer = [c for c in free if c.modified_ns > latest]
        ordered.append([*newer, *stepped, *(c for c in free if c.modified_ns <= latest)])
    ordered.sort(key=lambda family: (-max(c.modified_ns for c in family), family[0].prefix))
    return [checkpoint for family in ordered for checkpoint in family]
