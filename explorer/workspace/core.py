"""What every noun of the workspace stands on: the store, the state, threads, and how to fail."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.errors import ExplorerError, Unreachable
from explorer.lineage.address import Node
from explorer.lineage.events import (
    BucketCreated,
    BucketDeleted,
    Event,
    Failed,
    Forked,
    SnapshotDeleted,
    SnapshotTaken,
)
from explorer.lineage.state import State, fold
from explorer.lineage.values import Failure
from explorer.settings import Settings
from explorer.workspace.feed import Feed

if TYPE_CHECKING:
    from explorer.storage import Store

_OWN_WRITES = (BucketCreated, BucketDeleted, Forked, SnapshotTaken, SnapshotDeleted)


class Core:
    """Holds the newest state; `emit` is the only way to change it."""

    def __init__(self, store: Store, settings: Settings, state: State) -> None:
        self.store = store
        self.settings = settings
        self.feed = Feed()
        self.pool = ThreadPoolExecutor(8, thread_name_prefix="explorer")
        self.closing = threading.Event()
        self._lock = threading.Lock()
        self._state = state
        self._writes = 0

    @property
    def data(self) -> Path:
        return self.settings.data

    @property
    def state(self) -> State:
        return self._state

    @property
    def writes(self) -> int:
        """Rises with each change that we made to the tree ourselves: dates a listing."""
        return self._writes

    def emit(self, *events: Event) -> State:
        """Fold events in, in order, and tell the feed once."""
        with self._lock:
            before = self._state
            self._writes += sum(isinstance(event, _OWN_WRITES) for event in events)
            self._state = state = fold(before, events)
        if state is not before:
            self.feed.tell(state.revision)
        return state

    def emit_if(self, writes: int, event: Event) -> bool:
        """Fold `event` unless we changed the tree since `writes` was read: it would undo that."""
        with self._lock:
            if self._writes != writes:
                return False
            before = self._state
            self._state = state = fold(before, (event,))
        if state is not before:
            self.feed.tell(state.revision)
        return True

    def fail(self, node: Node | None, error: Exception) -> None:
        """Paint a background failure where it happened."""
        hint = error.hint if isinstance(error, ExplorerError) else "`explorer doctor` tells more"
        message = str(error) or type(error).__name__
        if isinstance(error, Unreachable) and self.store.info.is_local:
            message = "The local store is not there any more: `explorer serve` starts it."
        known = self._state.failures.get(node)
        if known is None or known.message != message:  # the same trouble again repaints nothing
            self.emit(Failed(node, Failure(message, hint, time.time_ns())))

    def subscribe(self, subscriber: Callable[[int], None]) -> Callable[[], None]:
        return self.feed.subscribe(subscriber)

    def close(self) -> None:
        self.closing.set()
        self.pool.shutdown(wait=False, cancel_futures=True)
        self.store.close()
