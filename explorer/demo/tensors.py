"""safetensors files in a few lines: an 8-byte length, a JSON header, the tensors end to end.

Format: https://github.com/huggingface/safetensors#format. The same tensors always give the same bytes.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


def to_safetensors(tensors: Mapping[str, Array]) -> bytes:
    """The bytes of a file, tensors in the order of their names."""
    header: dict[str, object] = {"__metadata__": {"format": "np"}}
    body = []
    at = 0
    for name in sorted(tensors):
        data = np.ascontiguousarray(tensors[name], dtype="<f4").tobytes()
        header[name] = {
            "dtype": "F32",
            "shape": list(tensors[name].shape),
            "data_offsets": [at, at + len(data)],
        }
        body.append(data)
        at += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # so that the tensors are aligned
    return struct.pack("<Q", len(text)) + text + b"".join(body)


def from_safetensors(path: Path) -> dict[str, Array]:
    """The F32 tensors of a file that `to_safetensors` wrote."""
    data = path.read_bytes()
    (size,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + size])
    tensors = {}
    for name, told in header.items():
        if name != "__metadata__":
            start, end = (8 + size + offset for offset in told["data_offsets"])
            tensors[name] = np.frombuffer(data[start:end], dtype="<f4").reshape(told["shape"]).copy()
    return tensors
