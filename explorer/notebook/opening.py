"""`explorer.open()`: settings in, one live connection per store and kernel."""

from __future__ import annotations

import atexit
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.notebook.explorer import Explorer
from explorer.settings import Settings, read_settings

if TYPE_CHECKING:
    from explorer.workspace.workspace import Workspace

LOCAL = "local"
_open: dict[Settings, Workspace] = {}
_opening = threading.Lock()


def open(endpoint: str | None = None, profile: str | None = None, data: str | Path | None = None) -> Explorer:
    """The store of `endpoint`, else of the settings file, else of the environment, else the local store.

    `endpoint="local"` means the local store, whatever else is set. `data` is the folder of the local store
    and of everything kept on disk. A cell that runs again gets the same connection. One request is made.

    Raises:
        BadInput, Unreachable, NotAllowed, StoreTrouble: with a hint of what to set.
    """
    named = None if endpoint == LOCAL else endpoint
    settings = read_settings(data=data, endpoint=named, profile=profile)
    if endpoint == LOCAL:
        settings = replace(settings, endpoint=None, endpoint_from=None)
    given = {"endpoint": endpoint, "profile": profile, "data": None if data is None else str(data)}
    told = ", ".join(
        repr(value) if name == "endpoint" else f"{name}={value!r}" for name, value in given.items() if value
    )
    with _opening:
        if settings not in _open:
            from explorer.workspace.opener import open_workspace

            _open[settings] = open_workspace(settings)
        return Explorer(_open[settings], f"explorer.open({told})", lambda: _close(settings))


def _close(settings: Settings) -> None:
    with _opening:
        workspace = _open.pop(settings, None)
    if workspace is not None:
        workspace.close()


@atexit.register
def _close_all() -> None:
    for settings in tuple(_open):
        _close(settings)
