"""Which objects a prefetched node consists of, kept beside the blobs: later sessions need not ask."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import astuple, dataclass
from hashlib import sha256
from pathlib import Path

from explorer.lineage.address import Node
from explorer.lineage.values import ObjectInfo


@dataclass(frozen=True, slots=True)
class Plan:
    """What was fetched of a node of a store."""

    store: str
    node: Node
    objects: tuple[ObjectInfo, ...]


class Plans:
    """One small file for each prefetched node. Losing them loses no blob."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, plan: Plan) -> None:
        """Raises OSError."""
        path = self._path(plan.store, plan.node)
        self._folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder.mkdir(exist_ok=True)
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        told = {
            "store": plan.store,
            "bucket": plan.node.bucket,
            "version": plan.node.version,
            "objects": [astuple(item) for item in plan.objects],
        }
        draft.write_text(json.dumps(told))
        draft.replace(path)

    def forget(self, store: str, node: Node) -> None:
        self._path(store, node).unlink(missing_ok=True)

    def clear(self) -> None:
        for path in self._folder.glob("*.json"):
            path.unlink(missing_ok=True)

    def all(self) -> Iterator[Plan]:
        """Every plan of every store; files that cannot be read are passed over."""
        for path in sorted(self._folder.glob("*.json")):
            with suppress(OSError, ValueError, KeyError, TypeError):
                told = json.loads(path.read_text())
                objects = tuple(ObjectInfo(*fields) for fields in told["objects"])
                yield Plan(told["store"], Node(told["bucket"], told["version"]), objects)

    def _path(self, store: str, node: Node) -> Path:
        name = sha256(f"{store}|{node.address}".encode()).hexdigest()[:32]
        return self._folder / f"{name}.json"
