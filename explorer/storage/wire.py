"""What every call to a store shares: a leased client, translated errors, threads for parallel reads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from explorer.errors import ExplorerError
from explorer.lineage.address import Node
from explorer.lineage.values import StoreInfo
from explorer.storage.clients import Clients
from explorer.storage.translate import Asked, translate

PARALLEL_READS = 16


class Wire:
    """The connection under `Store`: its two halves, `Buckets` and `Objects`, speak through it."""

    def __init__(self, clients: Clients, info: StoreInfo) -> None:
        self.info = info
        """Which store this is; `snapshots` is true until `probe` or a listing has found otherwise."""
        self._clients = clients
        self._with_snapshots: set[str] = set()  # buckets whose HEAD has said so
        self._bucket_names: tuple[str, ...] = ()  # of the newest listing, for the hints of errors
        self._threads: ThreadPoolExecutor | None = None
        self._threads_lock = threading.Lock()

    @contextmanager
    def _speaking(
        self,
        node: Node | None = None,
        key: str | None = None,
        *,
        creates: str | None = None,
        known: Callable[[], Iterable[str]] | None = None,
    ) -> Iterator[Any]:
        """A client of our own for one call; whatever it raises leaves as an explorer error."""
        try:
            with self._clients.lease(node) as client:
                yield client
        except ExplorerError:
            raise
        except Exception as error:
            raise self._translated(error, node, key, creates=creates, known=known) from error

    def _translated(
        self,
        error: Exception,
        node: Node | None,
        key: str | None,
        *,
        creates: str | None = None,
        known: Callable[[], Iterable[str]] | None = None,
    ) -> ExplorerError:
        names = known or (lambda: self._bucket_names)
        return translate(
            error, Asked(self._clients.endpoint, self._clients.source, node, key, creates, names)
        )

    def _pool(self) -> ThreadPoolExecutor:
        with self._threads_lock:
            if self._threads is None:
                self._threads = ThreadPoolExecutor(PARALLEL_READS, thread_name_prefix="store")
            return self._threads

    def close(self) -> None:
        """Let go of threads and idle connections; returns at once, calls under way come to their end."""
        with self._threads_lock:
            threads, self._threads = self._threads, None
        if threads is not None:
            threads.shutdown(wait=False, cancel_futures=True)
        self._clients.close()


def retries_of(error: BaseException | None) -> int:
    """How often botocore had sent the request again: above 0, an answer may have been lost."""
    response: Any = getattr(error, "response", None)
    return int(response["ResponseMetadata"].get("RetryAttempts", 0)) if isinstance(response, dict) else 0
