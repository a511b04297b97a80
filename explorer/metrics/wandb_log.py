"""W&B's offline file `run-<id>.wandb`: a LevelDB-style log of protobuf records.

Source: wandb/proto/wandb_internal.proto (0.31), wandb/sdk/internal/datastore.py (before it). The file begins
with `:W&B`, a magic number and a version; then blocks of 32 KiB with pieces: CRC-32 of type and data, length,
type, data.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Iterator
from struct import Struct

from explorer.metrics.parsed import Column, Part, Troubles, Whole, series_of
from explorer.metrics.rows import MAX_COLUMNS, MAX_STEP
from explorer.metrics.tensor_proto import signed
from explorer.metrics.tfrecord import fields, varint
from explorer.metrics.told import number

_BLOCK, _HEADER = 32768, 7
_PIECE = Struct("<IHB")
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
_DOUBLE = Struct("<d")


def read_wandb(data: bytes, before: Whole) -> Whole:
    """The history of one run; `_step` is its step. What is behind a damaged piece of a block is left out."""
    troubles = Troubles(before.file)
    columns: dict[str, Column] = {}
    started, base = math.nan, None
    if not data.startswith(b":W&B"):
        troubles.tell(0, "not a W&B file")
        return Whole(before.file, len(data), troubles.all())
    for offset, record in _records(data, troubles):
        try:
            for kind, wire, start, end in fields(record):
                if (kind, wire) == (2, 2):
                    _take(record[start:end], columns, troubles, offset)
                elif (kind, wire) == (17, 2):
                    started, base = _run(record[start:end], started, base)
        except (ValueError, IndexError):
            troubles.tell(offset, "a record that cannot be read")
    part = Part(series_of(columns), started_s=started, restored_step=base)
    return Whole(before.file, len(data), troubles.all(), (part,))


def _records(data: bytes, troubles: Troubles) -> Iterator[tuple[int, bytes]]:
    """Whole records, put together from their pieces, each with the offset of its first one."""
    at, began, pieces = _HEADER, 0, list[bytes]()
    while at + _HEADER <= len(data):
        room = _BLOCK - at % _BLOCK
        if room < _HEADER:  # too little for a piece: padding
            at += room
            continue
        crc, length, kind = _PIECE.unpack_from(data, at)
        if kind == 0 and length == 0:
            at += room
            continue
        end = at + _HEADER + length
        if end > len(data):
            return  # torn: it is still being written
        content = data[at + _HEADER : end]
        if (
            kind not in (_FULL, _FIRST, _MIDDLE, _LAST)
            or zlib.crc32(content, zlib.crc32(bytes([kind]))) != crc
        ):
            troubles.tell(at, "a damaged piece: the rest of its block was left out")
            pieces, at = [], at + room
            continue
        if kind in (_FULL, _FIRST):
            began, pieces = at, []
        pieces.append(content)
        if kind in (_FULL, _LAST):
            yield began, b"".join(pieces)
            pieces = []
        at = end


def _take(history: bytes, columns: dict[str, Column], troubles: Troubles, offset: int) -> None:
    row: dict[str, float] = {}
    step: float | None = None
    for kind, wire, start, end in fields(history):
        if (kind, wire) == (1, 2):
            name, value = _item(history[start:end])
            if name and value is not None:
                row[name] = value
        elif (kind, wire) == (2, 2):
            inside = history[start:end]
            step = next(
                (float(signed(varint(inside, s)[0])) for n, w, s, _ in fields(inside) if (n, w) == (1, 0)),
                0.0,
            )
    step = row.pop("_step", step)
    if step is None or not 0 <= step <= MAX_STEP:
        troubles.tell(offset, "a row whose step is no step")
        return
    wall = row.pop("_timestamp", math.nan)
    for name, value in row.items():
        if name.startswith("_"):
            continue  # W&B's own: _runtime, _wandb
        if name not in columns and len(columns) >= MAX_COLUMNS:
            troubles.tell(offset, f"more than {MAX_COLUMNS} metrics: the others were left out")
            continue
        columns.setdefault(name, Column.empty()).add(step, value, wall)


def _item(item: bytes) -> tuple[str, float | None]:
    """A key and its value; since 0.31 values are typed, before they were JSON text."""
    keys: list[str] = []
    value: float | None = None
    for kind, wire, start, end in fields(item):
        content = item[start:end]
        if kind in (1, 2) and wire == 2:
            keys.append(content.decode("utf-8", "replace"))
        elif (kind, wire) == (5, 0):
            value = float(signed(varint(item, start)[0]))
        elif (kind, wire) == (6, 1):
            (value,) = _DOUBLE.unpack(content)
        elif kind in (7, 8, 16) and wire == 2:
            try:
                value = number(json.loads(content))
            except (ValueError, RecursionError):
                value = number(content.decode("utf-8", "replace"))
    return ".".join(keys), value


def _run(run: bytes, started: float, base: float | None) -> tuple[float, float | None]:
    """When the run started, and the step before its first where it was forked or resumed."""
    for kind, wire, start, end in fields(run):
        if (kind, wire) == (17, 2):
            inside = run[start:end]
            for n, w, s, _ in fields(inside):
                if (n, w) == (1, 0):
                    started = float(varint(inside, s)[0])
        elif (kind, wire) == (14, 0):
            first = signed(varint(run, start)[0])
            base = float(first - 1) if first > 0 else base
    return started, base
