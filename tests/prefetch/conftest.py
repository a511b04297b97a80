"""A store over a real wire whose objects a test can watch, change and hold back."""

from __future__ import annotations

import hashlib
import random
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from explorer.lineage.address import Node
from explorer.lineage.values import ObjectInfo, Progress
from explorer.prefetch import Cache, Prefetcher
from explorer.storage import Store, open_store
from tests.storage.scripted import Asked, Scripted, Told, error, serving

NODE = Node("bucket", "1751631910140685342")
MODIFIED_NS = 1751631910 * 10**9
PART_BYTES = 64 * 1024
"""Small, so that many parts are few bytes."""


class Shelf:
    """Objects by key, served with ranges and If-Match; `gate` holds answers back while it is shut."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.gate = threading.Event()
        self.gate.set()
        self.free_answers = 10**9
        self.script: Scripted | None = None

    def put(self, key: str, size: int, seed: int = 1) -> ObjectInfo:
        self.objects[key] = data = random.Random(f"{key}{seed}").randbytes(size)
        return ObjectInfo(key, size, hashlib.md5(data).hexdigest(), MODIFIED_NS)

    def answer(self, asked: Asked) -> Told:
        self.free_answers -= 1
        if self.free_answers < 0:
            self.gate.wait(30)
        data = self.objects.get(asked.path.removeprefix("/bucket/"))
        if data is None:
            return error(404, "NoSuchKey")
        etag = f'"{hashlib.md5(data).hexdigest()}"'
        if asked.headers.get("if-match", etag) != etag:
            return error(412, "PreconditionFailed")
        first, last = asked.headers["range"].removeprefix("bytes=").split("-")
        start, end = int(first), min(int(last), len(data) - 1)
        told = {"ETag": etag, "Content-Range": f"bytes {start}-{end}/{len(data)}"}
        return Told(206, data[start : end + 1], told)

    @property
    def served(self) -> int:
        """How many ranges were asked for."""
        assert self.script is not None
        return len(self.script.seen)

    @property
    def endpoint(self) -> str:
        assert self.script is not None
        return self.script.endpoint


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    shelf = Shelf()
    with serving(shelf.answer) as shelf.script:
        yield shelf
        shelf.gate.set()


@pytest.fixture
def store(shelf: Shelf) -> Iterator[Store]:
    store = open_store(shelf.endpoint, access_key="a", secret_key="b")
    yield store
    store.close()


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache.open(tmp_path / "cache", 2**30, part_bytes=PART_BYTES)


@pytest.fixture
def fetch(store: Store, cache: Cache):
    """Prefetch objects; returns the progress told last."""

    def fetch(*items: ObjectInfo, node: Node = NODE, into: Cache = cache) -> Progress:
        return Prefetcher(store, into).prefetch(node, items, lambda progress: None, threading.Event())

    return fetch
