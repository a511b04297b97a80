"""Tells subscribers that there is a newer state; says nothing about what changed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)

Subscriber = Callable[[int], None]


class Feed:
    """Calls subscribers with a revision number, on whatever thread the change happened.

    Subscribers mark themselves dirty and return at once; they read the newest state when they paint.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._subscribers: tuple[Subscriber, ...] = ()

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Returns the call that ends the subscription; it may be called twice."""
        with self._lock:
            self._subscribers = (*self._subscribers, subscriber)

        def unsubscribe() -> None:
            with self._lock:
                self._subscribers = tuple(s for s in self._subscribers if s is not subscriber)

        return unsubscribe

    def tell(self, revision: int) -> None:
        for subscriber in self._subscribers:
            try:
                subscriber(revision)
            except Exception:  # one screen's mistake must not silence the others
                log.exception("subscriber %r failed at revision %d", subscriber, revision)
