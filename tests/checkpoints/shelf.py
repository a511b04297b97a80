"""A bucket in memory: objects by key, listed like a store lists them, read in waves that are counted."""

from __future__ import annotations

import json
import struct
from hashlib import md5
from pathlib import Path

from explorer.checkpoints import Manifest, Side, drive, find_checkpoints, read_manifest
from explorer.lineage.values import ObjectInfo, Range


class Shelf:
    def __init__(self, objects: dict[str, bytes] | None = None) -> None:
        self.objects = dict(objects or {})
        self.waves: list[tuple[Range, ...]] = []
        self.read_bytes = 0

    @classmethod
    def of_folder(cls, folder: Path, prefix: str = "") -> Shelf:
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return cls({prefix + str(path.relative_to(folder)): path.read_bytes() for path in files})

    @property
    def requests(self) -> int:
        return sum(map(len, self.waves))

    def listing(self) -> tuple[ObjectInfo, ...]:
        return tuple(
            ObjectInfo(key, len(data), md5(data).hexdigest(), index)
            for index, (key, data) in enumerate(sorted(self.objects.items()))
        )

    def fetch(self, wants: tuple[Range, ...]) -> list[bytes]:
        self.waves.append(wants)
        answers = []
        for want in wants:
            data = self.objects[want.key]
            assert want.start >= 0
            assert want.length is not None
            assert 0 < want.length <= len(data) - want.start, "readers never ask past the end"
            answers.append(data[want.start : want.start + want.length])
        self.read_bytes += sum(map(len, answers))
        return answers

    def manifest(self, index: int = 0) -> Manifest:
        return drive(read_manifest(find_checkpoints(self.listing())[index]), self.fetch)

    def side(self, label: str) -> Side:
        listing = self.listing()
        newest = find_checkpoints(listing)[0]
        return Side(label, listing, newest, drive(read_manifest(newest), self.fetch))


def safetensors_of(header: object, data: bytes = b"", *, length: int | None = None) -> bytes:
    """A file by hand: `header` as JSON text or value, with whatever is wrong in it."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def tensor(dtype: str, shape: list[int], begin: int, end: int) -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}
