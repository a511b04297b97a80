"""A part as JSON and back: how what a file told is kept between sessions."""

from __future__ import annotations

from typing import Any

from explorer.checkpoints.values import Part, Tensor, Value


def part_to_json(part: Part) -> dict[str, Any]:
    """Plain JSON; `NaN` and the infinities stay numbers, as Python's json writes them."""
    return {
        "file": part.file,
        "format": part.format,
        "tensors": [
            [
                t.name,
                t.dtype,
                list(t.shape),
                t.size_bytes,
                t.file,
                t.start,
                t.part,
                t.archived,
                t.chunks,
                t.strides,
                t.stored_bytes,
            ]
            for t in part.tensors
        ],
        "config": dict(part.config),
        "state": dict(part.state),
        "placed": dict(part.placed),
        "aliases": [list(pair) for pair in part.aliases],
        "refers_to": list(part.refers_to),
        "needs": list(part.needs),
        "warnings": list(part.warnings),
        "damage": part.damage,
    }


def part_from_json(body: dict[str, Any]) -> Part:
    """What `part_to_json` wrote. Raises KeyError, TypeError or ValueError on anything else."""
    return Part(
        body["file"],
        body["format"],
        tuple(
            Tensor(n, d, tuple(s), b, f, at, p, (z[0], z[1]) if z else None, c, tuple(x) if x else None, y)
            for n, d, s, b, f, at, p, z, c, x, y in body["tensors"]
        ),
        _values(body["config"]),
        _values(body["state"]),
        body["placed"],
        tuple((a, b) for a, b in body["aliases"]),
        tuple(body["refers_to"]),
        tuple(body["needs"]),
        tuple(body["warnings"]),
        body["damage"],
    )


def _values(body: dict[str, Any]) -> dict[str, Value]:
    return {path: tuple(value) if isinstance(value, list) else value for path, value in body.items()}
