from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from explorer.localstore import stop
from explorer.storage import Store
from tests.workspace.pushing.histories import Past
from tests.workspace.pushing.lineages import build, drop, forget, opened

_numbers = itertools.count()


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


@pytest.fixture(scope="module")
def past_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("push-past")
    yield folder
    stop(folder)


@pytest.fixture
def past(past_folder: Path) -> Iterator[Past]:
    made = Past(past_folder, f"past{next(_numbers)}")
    yield made
    forget(made.store, made.prefix)
    made.store.close()
