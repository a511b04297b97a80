"""A workspace on a real local store, shared for the session; tests choose their own bucket names."""

import secrets
from dataclasses import replace

import pytest

from explorer.lineage.state import State
from explorer.settings import Settings
from explorer.workspace.core import Core
from explorer.workspace.opener import open_workspace


@pytest.fixture
def workspace(store_folder, tmp_path):
    opened = open_workspace(Settings(data=store_folder))
    opened._core.settings = replace(opened._core.settings, data=tmp_path)
    opened.refresh()
    yield opened
    opened.close()


@pytest.fixture
def name():
    return f"b-{secrets.token_hex(4)}"


@pytest.fixture
def core(store, tmp_path):
    opened = Core(store, Settings(data=tmp_path), State(store.info))
    yield opened
    opened.pool.shutdown()
