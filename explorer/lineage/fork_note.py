"""The note in a fork that says what it was forked from and what it changes: `.explorer/fork.json`.

A fork inherits every object of its parent, its note too: a note counts only in the bucket that it names.
"""

from __future__ import annotations

import json
from datetime import datetime

from explorer.lineage.address import Node
from explorer.lineage.values import Overrides

FORK_NOTE = ".explorer/fork.json"


def write_fork_note(bucket: str, parent: Node | None, overrides: Overrides, now: datetime) -> bytes:
    """The note as JSON; `now` with its time zone."""
    told = {
        "bucket": bucket,
        "parent": {"bucket": parent.bucket, "version": parent.version} if parent else None,
        "overrides": dict(overrides),
        "created_at": now.isoformat(timespec="milliseconds"),
    }
    return json.dumps(told, indent=1).encode()


def read_fork_note(document: bytes, bucket: str) -> Overrides:
    """What the note says that `bucket` changes; nothing where it is another bucket's or damaged."""
    try:
        told = json.loads(document)
    except (ValueError, RecursionError):
        return ()
    if not isinstance(told, dict) or told.get("bucket") != bucket:
        return ()
    overrides = told.get("overrides")
    if not isinstance(overrides, dict):
        return ()
    return tuple((name, v) for name, v in overrides.items() if isinstance(v, str | int | float | None))
