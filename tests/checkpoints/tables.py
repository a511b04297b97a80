"""Tensor tables to hold side by side: what torch says, what a manifest says. Torch itself is imported when used."""

from __future__ import annotations

import io

from explorer.checkpoints import Manifest
from explorer.checkpoints.dtypes import named

Table = dict[str, tuple[str, tuple[int, ...], int]]
"""dtype, shape and bytes by name."""


def saved(value: object, **options: object) -> bytes:
    """What `torch.save` writes."""
    import torch

    buffer = io.BytesIO()
    torch.save(value, buffer, **options)
    return buffer.getvalue()


def headers(tensors: dict[str, object]) -> Table:
    return {
        name: (named(str(t.dtype)), tuple(t.shape), t.numel() * t.element_size())
        for name, t in tensors.items()
    }


def read(found: Manifest, part: str = "model") -> Table:
    return {t.name: (t.dtype, t.shape, t.size_bytes) for t in found.tensors if t.part == part}
