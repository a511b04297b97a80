"""`hparams.yaml` beside metrics, as Lightning's loggers write it: what the run was configured with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from explorer.errors import BadCheckpoint
from explorer.lineage.address import Node
from explorer.lineage.values import ObjectInfo, Overrides, Range
from explorer.metrics.hyperparameters import flattened
from explorer.metrics.series import Attempt
from explorer.workspace.core import Core
from explorer.workspace.recent import Recent

_NAME = "hparams.yaml"
_MAX_BYTES = 256 * 1024


class Hparams:
    """Read once for each content; one that cannot be read tells nothing."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._read: Recent[tuple[str, str], Overrides] = Recent(2000)

    def told(
        self, node: Node, attempts: Sequence[Attempt], objects: Iterable[ObjectInfo]
    ) -> tuple[Attempt, ...]:
        """The attempts with what the files in their folders say; costs a small GET for each new file."""
        folders = {_folder(attempt.key) for attempt in attempts}
        files = {
            _folder(o.key): o
            for o in objects
            if o.key.rpartition("/")[2] == _NAME
            and _folder(o.key) in folders
            and 0 < o.size_bytes <= _MAX_BYTES
        }
        new = [o for o in files.values() if self._read.get((o.key, o.etag)) is None]
        wants = [Range(o.key) for o in new]
        for info, data in zip(new, self._core.store.read_many(node, wants) if wants else (), strict=True):
            self._read.put((info.key, info.etag), _parsed(data, info.key))
        known = {folder: self._read.get((o.key, o.etag)) or () for folder, o in files.items()}
        return tuple(replace(a, config=known.get(_folder(a.key), a.config)) for a in attempts)


def _parsed(data: bytes, key: str) -> Overrides:
    from explorer.checkpoints.yamls import parse_yaml

    try:
        return flattened(parse_yaml(data, key)[0])
    except BadCheckpoint:
        return ()


def _folder(key: str) -> str:
    return key.rpartition("/")[0]
