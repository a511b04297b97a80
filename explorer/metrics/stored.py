"""What a reader made of a file, as bytes to keep: a second process goes on from there.

A line of JSON says what is where, behind it are the columns as they lie in memory; what several metrics share
(steps, times) is there once. A checksum goes before both. Whoever makes a reader say something else of
the same bytes raises `_FORMAT`.
"""

from __future__ import annotations

import json
import math
import zlib
from array import array
from typing import Any

from explorer.metrics.parsed import Column, Part, Reading, Whole
from explorer.metrics.rows import Rows
from explorer.metrics.series import Series, Trouble
from explorer.metrics.tfevents import Events, Process

_FORMAT = 1
_HEAD = 8


def pack(reading: Reading) -> bytes | None:
    """A reading as bytes; None for one of a kind that is not kept."""
    blobs: dict[bytes, int] = {}

    def columns(told: Series | Column) -> list[int]:
        raw = (told.steps.tobytes(), told.values.tobytes(), told.walls.tobytes())
        return [blobs.setdefault(one, len(blobs)) for one in raw]

    told: dict[str, Any] = {
        "format": _FORMAT,
        "file": reading.file,
        "consumed": reading.consumed,
        "troubles": [[t.file, t.offset, t.message, t.count] for t in reading.troubles],
    }
    match reading:
        case Rows():
            told |= {
                "kind": "rows",
                "last": reading.last_line.hex(),
                "columns": {name: columns(c) for name, c in reading.columns.items()},
                "splits": [dict(split) for split in reading.splits],
                "rewinds": reading.rewinds,
            }
        case Events():
            told |= {
                "kind": "events",
                "last": reading.last.hex(),
                "processes": [
                    [{name: columns(c) for name, c in p.columns.items()}, p.restored_step]
                    for p in reading.processes
                ],
                "started_s": reading.started_s,
                "broken": reading.broken,
            }
        case Whole():
            told |= {
                "kind": "whole",
                "parts": [
                    [
                        {n: columns(s) for n, s in p.series.items()},
                        p.id,
                        p.started_s,
                        p.restored_step,
                        p.carries,
                    ]
                    for p in reading.found
                ],
            }
        case _:
            return None
    told["sizes"] = [len(blob) for blob in blobs]
    body = json.dumps(told).encode() + b"\n" + b"".join(blobs)
    return zlib.crc32(body).to_bytes(_HEAD, "little") + body


def unpack(data: bytes) -> Reading:
    """The reading that `pack` was given.

    Raises:
        ValueError: these bytes are damaged, or were written by another version of this.
    """
    body = memoryview(data)[_HEAD:]
    if zlib.crc32(body).to_bytes(_HEAD, "little") != data[:_HEAD]:
        raise ValueError("damaged")
    end = data.index(b"\n", _HEAD)
    told = json.loads(data[_HEAD:end])
    if told.get("format") != _FORMAT:
        raise ValueError("another version")
    blobs, at = [], end + 1
    for size in told["sizes"]:
        column = array("d")
        column.frombytes(data[at : at + size])
        blobs.append(column)
        at += size
    troubles = tuple(Trouble(*one) for one in told["troubles"])
    file, consumed = told["file"], told["consumed"]

    def columns(found: dict[str, list[int]]) -> dict[str, Column]:
        return {name: Column(*(blobs[i] for i in at)) for name, at in found.items()}

    match told["kind"]:
        case "rows":
            return Rows(
                file,
                consumed,
                bytes.fromhex(told["last"]),
                columns(told["columns"]),
                troubles,
                tuple(told["splits"]),
                told["rewinds"],
            )
        case "events":
            processes = tuple(Process(columns(found), step) for found, step in told["processes"])
            last, started = bytes.fromhex(told["last"]), told["started_s"]
            return Events(file, consumed, last, processes, troubles, started, told["broken"])
    parts = tuple(
        Part(
            {name: Series(*(blobs[i] for i in at)) for name, at in found.items()},
            id_,
            started if started is not None else math.nan,
            restored,
            carries,
        )
        for found, id_, started, restored, carries in told["parts"]
    )
    return Whole(file, consumed, troubles, parts)
