"""The database behind one writer at a time: jobs that arrive together are committed together."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from explorer.localstore.engine.clock import Clock
from explorer.localstore.engine.schema import connect, prepare
from explorer.localstore.refusals import Refusal

T = TypeVar("T")
Job = Callable[["Transaction"], T]
_FATAL = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_READONLY)


class Transaction:
    """What a job may touch: the writer's connection and the clock. Jobs run one at a time."""

    def __init__(self, connection: sqlite3.Connection, clock: Clock) -> None:
        self.execute = connection.execute
        self.executemany = connection.executemany
        self.tick = clock.tick


class Ledger:
    """Every reader has its own connection; all writing goes through `write`, which returns when durable."""

    def __init__(
        self, path: Path, *, read_only: bool = False, now_ns: Callable[[], int] = time.time_ns
    ) -> None:
        self._path = path
        self._read_only = read_only
        self.refuse_writes_because: str | None = "it was opened read-only" if read_only else None
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._writer_connection = connect(path, read_only=read_only)
        if not read_only:
            prepare(self._writer_connection, path)
        (last_ns,) = self._writer_connection.execute(
            "SELECT value FROM store WHERE name='last_ns'"
        ).fetchone()
        self.clock = Clock(last_ns, now_ns)
        self.generation = 0
        """Rises with every commit: what was read before a rise may be stale."""
        self._jobs: deque[tuple[Job[Any], Future[Any]]] = deque()
        self._turn = threading.Lock()
        """Whoever holds it is the writer."""

    def read(self) -> sqlite3.Connection:
        """This thread's reading connection; every statement sees all that was acknowledged before it."""
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is None:
            found = self._local.connection = connect(self._path, read_only=True)
            with self._lock:
                self._readers.append(found)
        return found

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Several statements that see one state of the database."""
        connection = self.read()
        connection.execute("BEGIN")
        try:
            yield connection
        finally:
            connection.execute("COMMIT")

    def write(self, job: Job[T]) -> T:
        """Run `job` in the next transaction and return its answer once that is on disk.

        Raises:
            Refusal: the job refused, or the store takes no writes any more.
        """
        return self.write_all([job])[0].result()

    def write_all(self, jobs: Sequence[Job[T]]) -> list[Future[T]]:
        """Run each job, which may refuse alone, and return when all of them are done.

        Of the threads that wait while one commits, the next in turn commits for all of them; a thread that
        does nothing else would cost every write two more changes of thread.

        Raises:
            Refusal: the store takes no writes any more.
        """
        self.check_writable()
        pending: list[tuple[Job[T], Future[T]]] = [(job, Future()) for job in jobs]
        self._jobs.extend(pending)
        with self._turn:
            # They are taken in order: when the last is done, all are.
            if pending and not pending[-1][1].done():
                self._commit([self._jobs.popleft() for _ in range(len(self._jobs))])
        return [future for _, future in pending]

    def check_writable(self) -> None:
        if self.refuse_writes_because:
            raise Refusal("ServiceUnavailable", f"The store is read-only: {self.refuse_writes_because}.")

    def close(self) -> None:
        """Let go of the database, when the commit that is under way is done."""
        with self._turn:
            self._close()

    def _close(self) -> None:
        if not self._read_only:
            with contextlib.suppress(sqlite3.Error):
                self._writer_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._writer_connection.close()
        with self._lock:
            for connection in self._readers:
                connection.close()

    def _commit(self, batch: list[tuple[Job[Any], Future[Any]]]) -> None:
        """One transaction for the batch; a job that raises is undone alone."""
        answers: list[tuple[Future[Any], Any]] = []
        connection = self._writer_connection
        transaction = Transaction(connection, self.clock)
        try:
            connection.execute("BEGIN IMMEDIATE")
            for job, future in batch:
                connection.execute("SAVEPOINT job")
                try:
                    answer = job(transaction)
                except sqlite3.OperationalError:
                    raise
                except Exception as error:
                    connection.execute("ROLLBACK TO job")
                    future.set_exception(error)
                else:
                    answers.append((future, answer))
                connection.execute("RELEASE job")
            if answers:
                connection.execute("UPDATE store SET value=? WHERE name='last_ns'", (self.clock.last_ns,))
            connection.execute("COMMIT")
        except BaseException as error:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            self._fail(batch, error)
            if not isinstance(error, sqlite3.Error):
                raise
            return
        self.generation += 1
        for future, answer in answers:
            future.set_result(answer)

    def _fail(self, batch: list[tuple[Job[Any], Future[Any]]], error: BaseException) -> None:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        full = code == sqlite3.SQLITE_FULL
        if code in _FATAL:
            # After an I/O error at commit nobody knows what is on disk; a restart, with its recovery, does.
            self.refuse_writes_because = f"the database failed ({error})"
        for _, future in batch:
            if not future.done():
                future.set_exception(
                    Refusal("InsufficientStorage", "The disk under the store is full.")
                    if full
                    else Refusal("InternalError", f"The database failed: {error}")
                )
