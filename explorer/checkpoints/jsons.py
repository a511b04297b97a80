"""JSON from strangers: bounded, and flattened to dotted paths."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import Any

from explorer.checkpoints.values import Value
from explorer.errors import BadCheckpoint

MAX_JSON_BYTES = 16 * 2**20
MAX_PATHS = 20_000
BOM = b"\xef\xbb\xbf"
_MAX_DEPTH = 40
_MAX_LIST = 64
"""Longer lists are told by their length and a digest: vocabularies, random states, schedules."""
_MAX_TEXT = 4_000
_OPAQUE = frozenset({"rng", "rng_state", "rng_states", "random_state", "random_states"})


def parse_json(data: bytes, file: str, *, pairs: Callable[[list[tuple[str, Any]]], Any] | None = None) -> Any:
    """The value of a JSON text; `NaN` and `Infinity` are taken, trainers write them.

    Raises:
        BadCheckpoint: not UTF-8, not JSON, nested too deeply, or with a number beyond reason.
    """
    try:
        return json.loads(data.removeprefix(BOM).decode(), object_pairs_hook=pairs)
    except json.JSONDecodeError as error:
        raise BadCheckpoint(
            f"`{file}` is not JSON: {error.msg}.",
            hint="it may be cut short; save the checkpoint again",
            where=f"byte {error.pos}",
        ) from None
    except (RecursionError, ValueError) as error:  # 100,000 brackets, 5,000 digits, not UTF-8
        what = "nested too deeply" if isinstance(error, RecursionError) else "not readable as JSON"
        raise BadCheckpoint(
            f"`{file}` is {what}.", hint="no trainer writes such a file", where=file
        ) from None


def parse_object(data: bytes, file: str) -> dict[str, Any]:
    """The object that a JSON text must be. Raises BadCheckpoint."""
    value = parse_json(data, file)
    if not isinstance(value, dict):
        raise BadCheckpoint(
            f"`{file}` holds {type(value).__name__}, an object was expected.",
            hint="another program wrote a file of this name",
        )
    return value


def flatten(value: Any, prefix: str = "") -> dict[str, Value]:
    """Nested values as dotted paths, in the order of the file.

    Lists of scalars stay lists while they are short; random states and long lists become their length and
    a digest: two of them can be compared, and neither fills a screen. Beyond 20,000 paths the rest is cut.
    """
    paths: dict[str, Value] = {}
    for path, leaf in _leaves(value, prefix, 0):
        if len(paths) >= MAX_PATHS:
            paths["…"] = f"cut after {MAX_PATHS} entries"
            break
        # a key with dots in it may spell the path of another one: keep both
        paths[path if path not in paths else f"{path}'"] = leaf
    return paths


def digest(value: Any) -> str:
    """A short fingerprint of a JSON value or of bytes: equal values have equal ones."""
    raw = value if isinstance(value, bytes) else json.dumps(value, sort_keys=True, default=repr).encode()
    return blake2b(raw, digest_size=6).hexdigest()


def _leaves(value: Any, path: str, depth: int) -> Iterator[tuple[str, Value]]:
    if path.rpartition(".")[2] in _OPAQUE and isinstance(value, dict | list | tuple):
        yield path, f"state {digest(value)}"
    elif depth > _MAX_DEPTH:
        yield path, "…"
    elif isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}" if path else str(key), depth + 1)
    elif isinstance(value, list | tuple):
        yield from _items(list(value), path, depth)
    else:
        yield path, _scalar(value)


def _items(items: list[Any], path: str, depth: int) -> Iterator[tuple[str, Value]]:
    if all(item is None or isinstance(item, str | int | float) for item in items):
        if len(items) <= _MAX_LIST:
            yield path, tuple(_scalar(item) for item in items)
        else:
            yield path, f"{len(items)} values {digest(items)}"
        return
    if len(items) > _MAX_LIST:
        yield path, f"{len(items)} entries {digest(items)}"
        return
    for index, inner in enumerate(items):
        yield from _leaves(inner, f"{path}.{index}" if path else str(index), depth + 1)


def _scalar(value: Any) -> str | int | float | bool | None:
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return value if value.bit_length() <= 128 else f"an integer of {value.bit_length()} bits"
    if isinstance(value, dict):
        return "{}"
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= _MAX_TEXT else f"{text[:_MAX_TEXT]}… ({len(text)} characters)"
