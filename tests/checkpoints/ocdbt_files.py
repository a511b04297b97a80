"""The files of a key-value store, made by hand."""

from __future__ import annotations

import json

from explorer.checkpoints.ocdbt import crc32c

ZARRAY = json.dumps({"shape": [2, 3], "dtype": "<f4", "chunks": [2, 3], "zarr_format": 2}).encode()


def varint(number: int) -> bytes:
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def sealed(magic: str, body: bytes, *, packed: bool = False) -> bytes:
    """A manifest or a node with its length and its checksum around it."""
    head = bytes.fromhex(magic) + (18 + len(body)).to_bytes(8, "little") + bytes([0, packed])
    return head + body + crc32c(head + body).to_bytes(4, "little")


def files(*paths: bytes) -> bytes:
    shared = b"".join(varint(0) for _ in paths[1:])
    return (
        varint(len(paths))
        + shared
        + b"".join(varint(len(p)) for p in paths)
        + b"\0" * len(paths)
        + b"".join(paths)
    )


def manifest(path: bytes, length: int, height: int = 0) -> bytes:
    config = bytes(16) + b"\0" + varint(1024) + varint(8_000_000) + b"\x04" + b"\0"
    version = (
        varint(1)
        + varint(1)
        + bytes([height])
        + varint(0)
        + varint(0)
        + varint(length)
        + b"\0\0\0"
        + bytes(8)
    )
    return sealed("0cdb3a2a", config + files(path) + version + varint(0))


def leaf(key: bytes = b"a.b/.zarray", value: bytes = ZARRAY) -> bytes:
    return sealed(
        "0cdb20de", b"\0" + files() + varint(1) + varint(len(key)) + key + varint(len(value)) + b"\0" + value
    )


def inner(path: bytes, length: int, height: int = 1) -> bytes:
    refs = varint(0) + varint(0) + varint(length) + b"\0\0\0"
    return sealed("0cdb20de", bytes([height]) + files(path) + varint(1) + varint(0) + varint(0) + refs)
