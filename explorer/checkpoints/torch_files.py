"""torch.save: a zip with `data.pkl` at its start, its directory at the end; before 1.6 pickles in a row.

Two ranges tell everything, whatever the size of the file. Source: torch/serialization.py.
"""

from __future__ import annotations

from collections.abc import Mapping

from explorer.checkpoints import pickles
from explorer.checkpoints.dtypes import size_in_bytes
from explorer.checkpoints.inert import BadPickle
from explorer.checkpoints.torch_contents import part_of_value
from explorer.checkpoints.torch_views import storage_of
from explorer.checkpoints.torch_walks import everything_in
from explorer.checkpoints.values import Part
from explorer.checkpoints.waves import Reading, drive
from explorer.checkpoints.zips import Archive, Entry, read_archive, read_entry
from explorer.errors import BadCheckpoint
from explorer.lineage.values import ObjectInfo, Range

MAX_PICKLE_BYTES = 64 * 2**20
_GROW = 8
_FIRST_MORE_BYTES = 256 * 1024


def read_zip(info: ObjectInfo, file: str, head: bytes, tail: bytes) -> Reading[Part]:
    """A zip that torch wrote. Two reads, a third where the pickle is longer than the first.

    Raises:
        BadCheckpoint: no sound archive, or not exactly one `data.pkl` in it.
        BadPickle: the pickle in it is damaged or beyond the limits.
    """
    archive = yield from read_archive(info, file, head, tail)
    found = _pickle_of(archive)
    data = yield from read_entry(archive, found, MAX_PICKLE_BYTES)
    stem = found.name.removesuffix("data.pkl")
    scripted = any(entry.name.startswith(stem + "code/") for entry in archive.entries)
    contents = {
        entry.name.removeprefix(stem + "data/"): entry
        for entry in archive.entries
        if entry.name.startswith(stem + "data/")
    }
    loaded = pickles.load(data)
    return part_of_value(
        loaded,
        file,
        "torchscript" if scripted else "torch",
        storages={key: entry.size_bytes for key, entry in contents.items()},
        entries={key: entry.start for key, entry in contents.items() if entry.method == 0},
        prints={key: f"{entry.crc:08x}" for key, entry in contents.items()},
    )


def value_in_zip(data: bytes, name: str) -> pickles.Loaded:
    """The value in a small archive that is at hand as a whole.

    Raises:
        BadCheckpoint: as `read_zip`.
    """

    def reading() -> Reading[pickles.Loaded]:
        archive = yield from read_archive(ObjectInfo(name, len(data), "", 0), name, data, data)
        found = _pickle_of(archive)
        return pickles.load((yield from read_entry(archive, found, MAX_PICKLE_BYTES)))

    return drive(reading(), lambda wants: [data[want.start :][: want.length] for want in wants])


def read_legacy(info: ObjectInfo, file: str, head: bytes) -> Reading[Part]:
    """Five pickles in a row (magic, protocol, system, the object, keys of storages), then the storages."""
    data = head
    while True:
        try:
            return _legacy(info, file, data)
        except BadPickle as error:
            more = min(max(_FIRST_MORE_BYTES, len(data) * (_GROW - 1)), info.size_bytes - len(data))
            if not error.cut or more <= 0 or len(data) + more > MAX_PICKLE_BYTES:
                raise
        (rest,) = yield (Range(info.key, len(data), more),)
        data += rest


def read_pickle(info: ObjectInfo, file: str, head: bytes) -> Reading[Part]:
    """A bare pickle: random states and other small things."""
    data = head
    if info.size_bytes > len(head):
        if info.size_bytes > MAX_PICKLE_BYTES:
            raise BadCheckpoint(
                f"`{file}` is a pickle of {info.size_bytes} bytes, at most {MAX_PICKLE_BYTES} are read.",
                hint="keep tensors in safetensors, or save them with torch.save",
            )
        (rest,) = yield (Range(info.key, len(head), info.size_bytes - len(head)),)
        data += rest
    return part_of_value(pickles.load(data), file, "pickle")


def _pickle_of(archive: Archive) -> Entry:
    found = [e for e in archive.entries if e.name.count("/") == 1 and e.name.endswith("/data.pkl")]
    if len(found) != 1:
        raise BadCheckpoint(
            f"`{archive.file}` holds {len(found)} files called data.pkl, torch writes one.",
            hint="it was made to mislead readers" if found else "another program wrote this archive",
        )
    return found[0]


def _legacy(info: ObjectInfo, file: str, data: bytes) -> Part:
    at = 0
    values = []
    refers: dict[str, None] = {}
    for _ in range(5):
        try:
            loaded = pickles.load(data, at)
        except BadPickle as error:
            error.refers_to = tuple(dict.fromkeys([*refers, *error.refers_to]))
            raise
        refers |= dict.fromkeys(loaded.refers_to)
        values.append(loaded.value)
        at = loaded.end
    keys = values[4] if isinstance(values[4], list) else []
    used = _storages(values[3])
    starts: dict[str, int] = {}

    for key in keys:
        dtype, count = used.get(str(key)[:100], ("", 0))
        starts[str(key)[:100]] = at + 8  # each storage is its number of elements, then the elements
        at += 8 + (size_in_bytes(dtype, (count,)) or 0)
    loaded = pickles.Loaded(values[3], tuple(refers), at)
    part = part_of_value(loaded, file, "torch-legacy", starts=starts)
    if at != info.size_bytes and all(size_in_bytes(dtype, ()) is not None for dtype, _ in used.values()):
        raise BadCheckpoint(
            f"`{file}` has {info.size_bytes} bytes, its storages end at byte {at}.",
            hint="the upload was cut short: save it again",
        )
    return part


def _storages(value: object) -> Mapping[str, tuple[str, int]]:
    """Dtype and elements of every storage that a value refers to, by key."""
    found: dict[str, tuple[str, int]] = {}
    for item in everything_in(value):
        storage = storage_of(item)
        if storage is not None:
            found[storage[1]] = (storage[0], storage[2])
    return found
