"""What a file is by its first bytes: endings lie (`.bin` and `.ckpt` may be any of six formats)."""

from __future__ import annotations

HEAD_BYTES = 64
"""So much of a file tells its kind."""
LEGACY_START = b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"
"""LONG1 of ten bytes: the magic number 0x1950a86a20f9469cfc6c, behind PROTO 2."""
HDF5_START = b"\x89HDF\r\n\x1a\n"
GGUF_START = b"GGUF"
_OLDER_GGML = (b"lmgg", b"fmgg", b"tjgg", b"algg")
_LLM_C = (
    (20240326).to_bytes(4, "little"),
    (20240327).to_bytes(4, "little"),
    (20240527).to_bytes(4, "little"),
)
"""Weights and optimizer states of llm.c; 20240520 begins its files of tokens."""


def kind_of(head: bytes, size_bytes: int) -> str | None:
    """The kind of checkpoint file that begins so: None for anything else, data included.

    Of the kinds `ggml` and `llm.c` nothing more is read than this.
    """
    for kind, is_it in (
        ("zip", is_zip(head)),
        ("gguf", head[:4] == GGUF_START),
        ("legacy", is_legacy(head)),
        ("hdf5", head[:8] == HDF5_START),
        ("safetensors", is_safetensors(head, size_bytes)),
        ("pickle", is_pickle(head)),
        ("msgpack", is_msgpack(head)),
        ("ggml", head[:4] in _OLDER_GGML),
        ("llm.c", head[:4] in _LLM_C),
    ):
        if is_it:
            return kind
    return None


def is_zip(head: bytes) -> bool:
    return head[:4] == b"PK\x03\x04"


def is_legacy(head: bytes) -> bool:
    """What torch.save wrote before version 1.6."""
    return head[2:14] == LEGACY_START


def is_pickle(head: bytes) -> bool:
    """A pickle of protocol 2 or later; from 4 on its first opcode has to be one that pickles begin with."""
    if len(head) < 4 or head[0] != 0x80 or not 2 <= head[1] <= 5:
        return False
    return head[1] < 4 or head[2] == 0x95 or head[2:3] in b"}](c\x8c"


def is_safetensors(head: bytes, size_bytes: int) -> bool:
    """Whether a file that begins so is meant as safetensors."""
    return (
        len(head) > 8 and head[8:9] in b"{ " and int.from_bytes(head[:8], "little") < max(size_bytes, 2**27)
    )


def is_msgpack(head: bytes) -> bool:
    """A map whose first key is a text, as Flax writes a state."""
    key = (
        {0xDE: 3, 0xDF: 5}.get(head[0], 1)
        if head and (0x81 <= head[0] <= 0x8F or head[0] in (0xDE, 0xDF))
        else 0
    )
    return 0 < key < len(head) and (0xA0 <= head[key] <= 0xBF or head[key] in (0xD9, 0xDA))
