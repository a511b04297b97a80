"""What the launcher told this process by its environment, and how overrides change a config."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from explorer.errors import BadInput, NotFound
from explorer.jobs.spec import pinned
from explorer.lineage.address import Node
from explorer.lineage.fork_note import FORK_NOTE, read_fork_note
from explorer.lineage.values import Overrides
from explorer.storage import Store

log = logging.getLogger("explorer.recorder")


@dataclass(frozen=True, slots=True)
class Launch:
    """The launcher's words; all None or empty when a person started the script."""

    run: str | None = None
    bucket: str | None = None
    source: Node | None = None
    overrides: Overrides = ()
    restore_dir: Path | None = None
    endpoint: str | None = None
    """Given only by a launcher: it wins over a settings file, which is meant for people."""


def read_launch(environ: Mapping[str, str]) -> Launch:
    """Read `EXPLORER_*`.

    Raises:
        BadInput: they were set by hand and cannot be read.
    """
    run = environ.get("EXPLORER_RUN") or None
    folder = environ.get("EXPLORER_RESTORE_DIR")
    source = environ.get("EXPLORER_SOURCE")
    told = environ.get("EXPLORER_OVERRIDES") or "{}"
    try:
        overrides = json.loads(told)
        if not isinstance(overrides, dict):
            raise ValueError("it is not an object")
    except ValueError as error:
        raise BadInput(
            f"EXPLORER_OVERRIDES cannot be read: {error}", hint='write it like {"lr": 1e-4}', where=told[:80]
        ) from error
    node = pinned(source) if source else None
    if node is not None and node.is_head:
        raise BadInput(
            f"EXPLORER_SOURCE names no version: `{source}`.", hint="write bucket@version", where="environment"
        )
    return Launch(
        run=run,
        bucket=environ.get("EXPLORER_BUCKET") or None,
        source=node,
        overrides=tuple(overrides.items()),
        restore_dir=Path(folder) if folder else None,
        endpoint=environ.get("AWS_ENDPOINT_URL_S3") if run else None,
    )


def read_declared(store: Store, bucket: str) -> Overrides:
    """What was said to change when `bucket` was forked: for a training that a person starts in it.

    A launcher has read it already.
    """
    try:
        return read_fork_note(store.read_object(Node(bucket), FORK_NOTE)[0], bucket)
    except NotFound:
        return ()


def with_overrides(config: Mapping[str, Any], overrides: Overrides) -> dict[str, Any]:
    """The config as this run uses it; `optimizer.lr` reaches into nested tables.

    An override that the config does not know is put into it all the same, and logged: the script may read it.
    """
    merged = deepcopy(dict(config))
    for name, value in overrides:
        table, key = _place(merged, name)
        if key not in table:
            log.warning("the override %s=%r is not in this training's config", name, value)
        table[key] = value
    return merged


def _place(config: dict[str, Any], name: str) -> tuple[dict[str, Any], str]:
    table, path = config, name.split(".")
    if name in config:
        return config, name
    for part in path[:-1]:
        inner = table.get(part)
        if not isinstance(inner, dict):
            return config, name
        table = inner
    return table, path[-1]
