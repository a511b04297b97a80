"""Which objects of a listing are one checkpoint: by their names, where those are silent by their bytes."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set

from explorer.checkpoints.absent import missing_by_name
from explorer.checkpoints.kinds import MARKERS, format_of, holds_weights, is_state, stands_alone
from explorer.checkpoints.ranking import Found, newest_first
from explorer.checkpoints.values import Checkpoint
from explorer.lineage.values import ObjectInfo, step_in

_STEP_FOLDER = re.compile(
    r"(?:.*[-_.=])?(?:global_?step|step|steps|checkpoint|ckpt|iter|iteration|epoch)[-_=]?\d+(?:[-_.=].*)?",
    re.IGNORECASE,
)
_OURS = re.compile(r"\.explorer/|runs/[^/]+/(?:run\.json|metrics\.jsonl)$")
"""What our own recorder keeps beside the checkpoints. Others do keep theirs in a folder called runs."""
_MODULE = re.compile(r"\d+_[A-Z]\w*")
"""A folder of sentence-transformers' pipeline, whose `modules.json` lies above."""
_MOST_DOUBTFUL = 64

Folders = Mapping[str, list[ObjectInfo]]


def find_checkpoints(objects: Sequence[ObjectInfo], proven: Set[str] | None = None) -> tuple[Checkpoint, ...]:
    """The checkpoints in a listing, newest first.

    Within one family (checkpoints that share a parent folder) a higher step is newer, because copying a
    bucket scrambles the times; one without a step (`last.ckpt`, `final/`) goes by its time. `proven` are the
    keys among `doubtful(objects)` whose bytes are those of a checkpoint, and the others are none; without it
    all of them are taken for one. They come last: with and without it the same one is first, mostly.
    Cost: O(objects).
    """
    return newest_first(_Listing(objects, proven).checkpoints())


def doubtful(objects: Sequence[ObjectInfo]) -> tuple[ObjectInfo, ...]:
    """Files that only their first bytes can tell (`kind_of`): `.bin` and the like, at most 64."""
    listing = _Listing(objects, None)
    return tuple(
        info
        for folder in listing.folders.values()
        for info in folder
        if listing.weights.get(info.key) is False and info.size_bytes
    )[:_MOST_DOUBTFUL]


def choose(found: Sequence[Checkpoint]) -> Checkpoint | None:
    """The one that is meant where nobody says which: the newest that is complete, else the newest."""
    return next((c for c in found if c.complete), found[0] if found else None)


class _Listing:
    """Objects by folder, and which are weights: True if their names say so, False if only their bytes do."""

    def __init__(self, objects: Sequence[ObjectInfo], proven: Set[str] | None) -> None:
        self.folders: dict[str, list[ObjectInfo]] = defaultdict(list)
        for info in objects:
            if not info.key.endswith("/") and not _OURS.match(info.key):
                self.folders[_folder(info.key)].append(info)
        self.names = {folder: {_name(i.key) for i in found} for folder, found in self.folders.items()}
        self.weights: dict[str, bool] = {}
        for folder, found in self.folders.items():
            for info in found:
                told = holds_weights(info.key, self.names[folder])
                if told or (told is None and (proven is None or info.key in proven)):
                    self.weights[info.key] = told is True

    def checkpoints(self) -> Iterable[Found]:
        roots = {folder: self._root(folder) for folder, found in self.folders.items() if self._any(found)}
        owned = set(roots.values())
        groups: dict[str, list[ObjectInfo]] = {root: [] for root in owned}
        for folder, found in self.folders.items():
            root = roots.get(folder)
            if root is None:
                # a folder without weights belongs to a checkpoint only where that is surely a folder of its
                # own: training data beside a model at the bucket's root is not a part of it
                above = next((up for up in _upwards(folder) if up in owned), None)
                root = above if above is not None and (above == folder or self._is_its_own(above)) else None
            if root is not None:
                groups[root].extend(found)
        for root, found in groups.items():
            yield from self._split(root, found)

    def _any(self, found: Iterable[ObjectInfo]) -> bool:
        return any(info.key in self.weights for info in found)

    def _root(self, folder: str) -> str:
        """The folder that is the checkpoint: the innermost that is named after a step, or has a marker."""
        marked = folder
        if _MODULE.fullmatch(_name(folder)) and "modules.json" in self.names.get(_parent(folder), ()):
            marked = _parent(folder)
        for up in _upwards(folder):
            if MARKERS & self.names.get(up, set()):
                marked = up
            if _STEP_FOLDER.fullmatch(_name(up)) and not _is_file_like(up):
                above = _parent(up)
                # DeepSpeed inside an HF folder: checkpoint-500/global_step500/
                same = step_in(_name(above)) is not None and step_in(_name(above)) == step_in(_name(up))
                return above if same and _STEP_FOLDER.fullmatch(_name(above)) else up
        # Orbax numbers its folders plainly: 1000/_CHECKPOINT_METADATA, items below
        return marked

    def _is_its_own(self, root: str) -> bool:
        marked = MARKERS & self.names.get(root, set())
        return bool(marked) or _name(root).isdigit() or _STEP_FOLDER.fullmatch(_name(root)) is not None

    def _split(self, root: str, found: list[ObjectInfo]) -> Iterable[Found]:
        """One checkpoint, or several where single files in one flat folder are a checkpoint each."""
        here = [info for info in found if _folder(info.key) == root and info.key in self.weights]
        alone = [info for info in here if stands_alone(info.key)]
        by_step: dict[int, list[ObjectInfo]] = defaultdict(list)
        for info in here:
            step = step_in(_name(info.key))
            if step is not None and info not in alone:
                by_step[step].append(info)
        if len(by_step) > 1 and all(step_in(_name(info.key)) is not None for info in here):
            shared = [i for i in found if i.key not in self.weights]
            for step, files in by_step.items():
                yield self._found(files[0].key if len(files) == 1 else root, [*files, *shared], step)
        else:
            left_out = {info.key for info in alone}
            rest = [info for info in found if info.key not in left_out]
            of_model = any(info.key in self.weights and not is_state(info.key) for info in rest)
            if of_model or (not alone and self._any(rest) and self._is_its_own(root)):
                yield self._found(root, rest, None)
        for info in alone:
            yield self._found(info.key, [info], step_in(_name(info.key)))

    def _found(self, prefix: str, files: Sequence[ObjectInfo], step: int | None) -> Found:
        sure = any(self.weights.get(info.key) for info in files)
        return Found(_checkpoint(prefix, files, step, self._lacks_model(files)), sure)

    def _lacks_model(self, files: Iterable[ObjectInfo]) -> bool:
        return all(is_state(info.key) for info in files if info.key in self.weights)


def _checkpoint(prefix: str, found: Sequence[ObjectInfo], step: int | None, lacks_model: bool) -> Checkpoint:
    files = tuple(sorted(found, key=lambda info: info.key))
    kind = format_of([info.key[len(_folder(prefix)) :] for info in files])
    if step is None:
        step = step_in(_name(prefix))
    if step is None and _name(prefix).isdigit():
        step = int(_name(prefix)[:18])
    if step is None:
        inner = {step_in(part) for info in files for part in info.key[len(prefix) :].split("/")[:-1]} - {None}
        step = inner.pop() if len(inner) == 1 else None
    missing = missing_by_name(prefix, kind, files)
    if lacks_model and not missing:
        missing = ("the model's weights",)
    return Checkpoint(prefix, kind, step, files, missing)


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


def _is_file_like(folder: str) -> bool:
    return _name(folder).startswith("model.") or _name(folder).startswith("layers.")
