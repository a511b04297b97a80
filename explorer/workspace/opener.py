"""Turns settings into a workspace; the only place that knows there may be a local store."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from explorer.lineage.state import State
from explorer.settings import Settings
from explorer.workspace.seen import read_seen, store_label
from explorer.workspace.workspace import Workspace

if TYPE_CHECKING:
    from explorer.storage import Store


def open_workspace(settings: Settings, state: State | None = None) -> Workspace:
    """Connect to the store that the settings name, starting the local one if they name none.

    `state` is what is on screen already, as `read_seen` gave it. One request is made, to learn
    whether the endpoint answers, takes these credentials and speaks snapshots.

    Raises:
        Unreachable, NotAllowed, StoreTrouble: with a hint of what to set.
    """
    store = connect(settings)
    info = store.probe()
    seen = state if state is not None else read_seen(settings)
    return Workspace(store, settings, replace(seen, store=info))


def connect(settings: Settings) -> Store:
    """The store that the settings name; the local one is started if they name none. Nothing is asked yet."""
    from explorer.storage import open_store

    label = store_label(settings)
    if settings.endpoint is None:
        from explorer.localstore import ensure_running

        running = ensure_running(settings.data)
        return open_store(
            running.endpoint,
            access_key=running.access_key,
            secret_key=running.secret_key,
            label=label,
            is_local=True,
        )
    ours = _is_served_here(settings)
    return open_store(
        settings.endpoint,
        profile=settings.profile,
        region=settings.region,
        label="local store" if ours else label,
        is_local=ours,
    )


def _is_served_here(settings: Settings) -> bool:
    """Whether an endpoint by name is the local store of this data folder, as `serve --env` exports it.

    It is one store then, with one cache, its runs and its keys, whichever way it was come to.
    """
    from explorer.localstore import status

    if settings.endpoint is None or not settings.endpoint.startswith("http://127.0.0.1:"):
        return False
    running = status(settings.data)
    return running is not None and running.endpoint == settings.endpoint.rstrip("/")
