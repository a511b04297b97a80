"""Walks through inert values: everything once, the tensors with their paths. Cycles end them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from explorer.checkpoints.inert import Call, Persistent, as_mapping, fields_of
from explorer.checkpoints.torch_views import TensorView, view

_MODULE_PARTS = ("_parameters", "_buffers", "_modules")
_MAX_NODES = 3_000_000


def everything_in(value: Any) -> Iterator[Any]:
    """Every value inside, each container once however often it is shared. Cost: O(size), bounded."""
    todo, seen, left = [value], set[int](), _MAX_NODES
    while todo and left:
        left -= 1
        item = todo.pop()
        yield item
        if isinstance(item, dict | list | tuple | Call | Persistent):
            if id(item) in seen:
                continue
            seen.add(id(item))
            todo += _inside(item)


def _inside(item: Any) -> list[Any]:
    if isinstance(item, dict):
        return list(item.values())
    if isinstance(item, Call):
        return [item.args, item.state, item.entries, item.items]
    return [item.pid] if isinstance(item, Persistent) else list(item)


def tensors_in(value: Any, prefix: str = "") -> Iterator[tuple[str, TensorView]]:
    """The tensors inside with their dotted paths, without the folders of modules (`_parameters`)."""
    todo: list[tuple[str, Any]] = [(prefix, value)]
    seen: set[int] = set()
    left = _MAX_NODES
    while todo and left:
        left -= 1
        path, item = todo.pop()
        tensor = view(item)
        if tensor is not None:
            yield path, tensor
            continue
        inner = _members(item)
        if inner and id(item) not in seen:
            seen.add(id(item))
            todo += [(_joined(path, key), member) for key, member in reversed(inner)]


def _members(item: Any) -> list[tuple[Any, Any]]:
    entries = as_mapping(item)
    if entries is None and isinstance(item, Call):
        entries = fields_of(item)
    if entries:
        return list(entries.items())
    if isinstance(item, list | tuple):
        return list(enumerate(item))
    return []


def _joined(path: str, key: Any) -> str:
    if key in _MODULE_PARTS or not isinstance(key, str | int):
        return path
    return f"{path}.{key}" if path else str(key)
