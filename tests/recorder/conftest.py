from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from explorer.localstore import ensure_running
from explorer.storage import Store, open_store


@pytest.fixture
def store(store_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The session's local store, which the environment names too, as `explorer serve --env` does."""
    running = ensure_running(store_folder)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", running.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", running.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", running.secret_key)
    opened = open_store(running.endpoint, access_key=running.access_key, secret_key=running.secret_key)
    yield opened
    opened.close()


@pytest.fixture
def bucket(store: Store) -> str:
    """A name that no other test uses; the bucket is there, with snapshots on."""
    return store.create_bucket(f"rec-{secrets.token_hex(5)}").name
