"""One suite, three stores: the local store, moto as plain S3, and a real account when one is named."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from explorer.storage import Store, open_store


@pytest.fixture(scope="session")
def local_store(store_folder: Path) -> Iterator[Store]:
    from explorer.localstore import ensure_running

    running = ensure_running(store_folder)
    store = open_store(
        running.endpoint,
        access_key=running.access_key,
        secret_key=running.secret_key,
        label="local store",
        is_local=True,
    )
    yield store
    store.close()


@pytest.fixture(scope="session")
def plain_store() -> Iterator[Store]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    store = open_store(f"http://{host}:{port}", access_key="test", secret_key="test", region="us-east-1")
    yield store
    store.close()
    server.stop()


@pytest.fixture(scope="session")
def account_store() -> Iterator[Store]:
    store = open_store(os.environ["EXPLORER_TEST_ENDPOINT"])
    yield store
    store.close()


ACCOUNT = pytest.param(
    "account_store",
    id="account",
    marks=[
        pytest.mark.account,
        pytest.mark.skipif("EXPLORER_TEST_ENDPOINT" not in os.environ, reason="no account named"),
    ],
)
LOCAL = pytest.param("local_store", id="local")
PLAIN = pytest.param("plain_store", id="plain")


@pytest.fixture(params=[LOCAL, PLAIN, ACCOUNT])
def store(request: pytest.FixtureRequest) -> Store:
    """Every store: what S3 itself can do."""
    return request.getfixturevalue(request.param)


@pytest.fixture(params=[LOCAL, ACCOUNT])
def tigris(request: pytest.FixtureRequest) -> Store:
    """Stores with snapshots and forks."""
    return request.getfixturevalue(request.param)


class Names:
    """Fresh bucket names, deleted newest first when the test is over."""

    def __init__(self) -> None:
        self.made: list[tuple[Store, str]] = []
        self.lock = threading.Lock()

    def new(self, store: Store, *, create: bool = True) -> str:
        name = f"explorer-test-{secrets.token_hex(5)}"
        if create:
            store.create_bucket(name, snapshots=store.probe().snapshots)
        with self.lock:
            self.made.append((store, name))
        return name


@pytest.fixture
def names() -> Iterator[Names]:
    from explorer.errors import ExplorerError
    from explorer.lineage.address import Node

    names = Names()
    yield names
    for store, name in reversed(names.made):
        try:
            if not store.info.snapshots:
                for item in store.list_objects(Node(name)):
                    store.delete_object(name, item.key)
            store.delete_bucket(name, force=True)
        except ExplorerError:
            pass  # the test deleted it, or never made it
