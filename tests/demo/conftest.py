from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from explorer.settings import Settings
from explorer.workspace.opener import open_workspace
from explorer.workspace.workspace import Workspace


@pytest.fixture
def workspace(store_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """A workspace on the session's local store, where trainings do not dawdle."""
    monkeypatch.setenv("EXPLORER_DEMO_PACE", "0")
    opened = open_workspace(Settings(data=store_folder))
    yield opened
    for run in opened.state.runs.values():
        if run.is_live:
            opened.stop(run.id)
    opened.close()


@pytest.fixture
def base(workspace: Workspace) -> str:
    """An empty bucket that no other test uses."""
    return workspace.create_bucket(f"demo-{secrets.token_hex(4)}").bucket
