"""What files told, kept on disk: an object read once, in whichever bucket or fork, is not read again."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable, Sequence, Set
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from explorer.checkpoints import Checkpoint, Part
    from explorer.lineage.values import ObjectInfo

_MAX_FILES = 20_000
"""Beyond this the oldest half is dropped."""
_MOST_RECENT = 40_000
"""So many tensors, half a kilobyte each, are kept in memory: a diff once more reads no file at all."""


class KnownParts:
    """Parts by (store, file name, ETag, size): a fork shares its parent's objects, and so what they told.

    The folder may be deleted at any time; a file that cannot be read or written is as if it were not there.
    """

    def __init__(self, folder: Path, store: Callable[[], str]) -> None:
        self._folder = folder
        self._store = store
        self._writes = 0
        self._recent: dict[str, Part] = {}
        self._tensors = 0
        self._lock = Lock()

    def load(self, checkpoint: Checkpoint) -> dict[str, Part]:
        """What is known of a checkpoint's files, by key. Parts are values: those in memory are shared."""
        from explorer.checkpoints import part_from_json

        found: dict[str, Part] = {}
        for key, path in self._paths(checkpoint).items():
            part = self._recent.get(path)
            if part is None:
                try:
                    part = part_from_json(json.loads(zlib.decompress(Path(path).read_bytes())))
                except (OSError, ValueError, KeyError, TypeError, zlib.error):
                    continue
                self._remember(path, part)
            found[key] = part
        return found

    def _remember(self, path: str, part: Part) -> None:
        """Keep it in memory, if it is small, and let go of the oldest."""
        if len(part.tensors) > _MOST_RECENT:
            return
        with self._lock:
            if path in self._recent:
                return
            self._recent[path] = part
            self._tensors += 1 + len(part.tensors)
            while self._tensors > _MOST_RECENT:
                self._tensors -= 1 + len(self._recent.pop(next(iter(self._recent))).tensors)

    def keep(self, checkpoint: Checkpoint, parts: Sequence[Part], known: Set[str]) -> None:
        """Write down what was read just now: all parts but those whose keys are in `known`."""
        from explorer.checkpoints import part_to_json

        paths = {checkpoint.relative(key): (key, path) for key, path in self._paths(checkpoint).items()}
        for part in parts:
            key, path = paths[part.file]
            if key not in known:
                self._write(path, part_to_json(part))
                self._remember(path, part)

    def kinds(self, objects: Sequence[ObjectInfo]) -> dict[str, str | None]:
        """What the first bytes of objects are known to be (`kind_of`), by key."""
        found: dict[str, str | None] = {}
        for info in objects:
            with suppress(OSError, ValueError, KeyError, zlib.error):
                found[info.key] = json.loads(zlib.decompress(Path(self._head_path(info)).read_bytes()))[
                    "kind"
                ]
        return found

    def keep_kind(self, info: ObjectInfo, kind: str | None) -> None:
        self._write(self._head_path(info), {"kind": kind})

    def _head_path(self, info: ObjectInfo) -> str:
        return self._path("head", info.etag, info.size_bytes)

    def _path(self, *identity: str | int) -> str:
        from explorer.checkpoints import READER_VERSION

        whole = [READER_VERSION, self._store(), *identity]
        name = blake2b(json.dumps(whole).encode(), digest_size=20).hexdigest()
        return f"{self._folder}/{name[:2]}/{name[2:]}"

    def _paths(self, checkpoint: Checkpoint) -> dict[str, str]:
        from explorer.checkpoints import tasks

        return {task.info.key: self._path(task.file, *task.identity) for task in tasks(checkpoint)}

    def _write(self, path: str, body: dict[str, Any]) -> None:
        data = zlib.compress(json.dumps(body, separators=(",", ":")).encode(), 1)
        draft = Path(f"{path}.{os.getpid()}-{id(body)}")
        try:
            draft.parent.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(data)
            draft.replace(path)
            self._writes += 1
            if self._writes % 1000 == 0:
                self._drop_oldest()
        except OSError:
            with suppress(OSError):
                draft.unlink()

    def _drop_oldest(self) -> None:
        files = [path for path in self._folder.glob("*/*") if path.is_file()]
        if len(files) > _MAX_FILES:
            files.sort(key=lambda path: path.stat().st_mtime)
            for path in files[: len(files) // 2]:
                path.unlink(missing_ok=True)
