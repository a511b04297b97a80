from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from explorer.localstore import stop
from explorer.storage import Store
from tests.workspace.pushing.lineages import build, drop, opened


@pytest.fixture(scope="module")
def source_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("push-source")
    store = opened(folder)
    build(store)
    store.close()
    yield folder
    stop(folder)


@pytest.fixture
def source(source_folder: Path) -> Iterator[Store]:
    store = opened(source_folder)
    yield store
    store.close()


@pytest.fixture(scope="module")
def target_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("push-target")
    yield folder
    stop(folder)


@pytest.fixture
def target(target_folder: Path) -> Iterator[Store]:
    store = opened(target_folder)
    for bucket in reversed(store.list_buckets()):
        drop(store, bucket)
    yield store
    store.close()
