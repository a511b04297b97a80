"""The rows of `metrics.jsonl`: kept in memory as the bytes that are uploaded."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from typing import Any

from explorer.errors import BadInput


class Rows:
    """Append-only; any thread may read a prefix of it."""

    def __init__(self, before: bytes = b"") -> None:
        self._bytes = bytearray(before)
        self._lock = threading.Lock()

    def append(self, step: int, values: Mapping[str, Any]) -> None:
        """One row. Numbers may be of any kind that `float()` takes; what is not finite stays NaN or Infinity.

        Raises:
            BadInput: a value is no number.
        """
        row: dict[str, Any] = {"step": int(step), "time": round(time.time(), 3)}
        for name, value in values.items():
            row[name] = _number(name, value)
        line = json.dumps(row).encode() + b"\n"
        with self._lock:
            self._bytes += line

    def __len__(self) -> int:
        """In bytes."""
        return len(self._bytes)

    def head(self, size: int) -> bytes:
        """The first `size` bytes: the rows as they were when the length was `size`."""
        with self._lock:
            return bytes(memoryview(self._bytes)[:size])


def _number(name: str, value: Any) -> int | float:
    if isinstance(value, int | float):
        return value
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        kind = type(value).__name__
        raise BadInput(
            f"`{name}` is no number but a {kind}.", hint="log numbers, like loss=loss.item()", where="run.log"
        ) from error
