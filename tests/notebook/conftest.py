"""A lineage that was really trained, on a real local store, shared by the tests of this room."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from explorer.notebook.explorer import Explorer
from tests.notebook.lab import serve

BASE = "nb-base"
FORK = "nb-base-lr-1e-1"


@pytest.fixture(scope="session")
def trained(store_folder: Path) -> Path:
    """The data folder of a store with BASE (steps 50, 100, 150) and FORK from its step 100 with lr 0.1."""
    from explorer.settings import Settings
    from explorer.workspace.opener import open_workspace

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXPLORER_DEMO_PACE", "0")
        ex = Explorer(open_workspace(Settings(data=store_folder)))
        ex.create_bucket(BASE)
        ex.launch(BASE, "demo", steps=150, save_every=50).wait(60)
        ex[f"{BASE}@step-100"].fork(FORK, lr=0.1).resume().wait(60)
        ex.close()
    return store_folder


@pytest.fixture(scope="session")
def jupyter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """One JupyterLab for all pages: where it answers, and the folder that it serves."""
    folder, home = tmp_path_factory.mktemp("notebooks"), tmp_path_factory.mktemp("jupyter")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXPLORER_CONFIG", str(home / "none.toml"))
        with serve(folder, home) as base:
            yield base, folder


@pytest.fixture(scope="session")
def connection(trained: Path) -> Iterator[Explorer]:
    """One connection for all tests: what each forks or takes, it takes back."""
    import explorer

    opened = explorer.open(data=trained)
    yield opened
    opened.close()


@pytest.fixture
def ex(connection: Explorer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Explorer]:
    """An explorer of the trained lineage with its own widgets."""
    monkeypatch.setenv("EXPLORER_DEMO_PACE", "0")
    one = Explorer(connection.workspace, connection.opened_by, close=lambda: None)
    one.refresh()
    yield one
    one.close()
