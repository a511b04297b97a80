"""The thread beside a training: sends rows, renews the lease, and delivers saves that had to wait."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable

from explorer.errors import Conflict, ExplorerError, NotAllowed, StoreTrouble, Unreachable
from explorer.jobs.lease import RENEW_S
from explorer.recorder.saving import BucketWriter, Saved
from explorer.recorder.staging import Save, stage, unstage

log = logging.getLogger("explorer.recorder")

PASSING = (Unreachable, NotAllowed, StoreTrouble)
"""What may be over in a while: the store is down, its disk is full, keys are being renewed."""
_FLUSH_SHARE = 20
"""A flush that took t seconds is followed by none for 20 t: at most 5 % of the time goes into them."""
_RETRY_MAX_S = 15.0


class Keeper:
    """Owns the saves that wait; `trouble` is the newest error of the background."""

    def __init__(self, writer: BucketWriter, flush_s: float, arrived: Callable[[Saved], None]) -> None:
        """`arrived` is told of each save once its snapshot was read back, on whichever thread did it."""
        self._writer = writer
        self._arrived = arrived
        self._flush_s = flush_s
        self._waiting: deque[Save] = deque()
        self._folder = writer.local / "pending"
        self._wake = threading.Event()
        self._ended = False
        self.trouble: ExplorerError | None = None
        self.lost: Conflict | None = None
        """Set when the bucket has got another writer: nothing may be saved to it any more."""
        self._thread = threading.Thread(target=self._run, name="explorer-keeper", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> tuple[int, ...]:
        """The steps of the saves that have not arrived yet, oldest first."""
        return tuple(save.step for save in self._waiting)

    def save(self, save: Save) -> Saved:
        """Commit now; while the store is away, keep the files and let the training go on.

        Raises:
            ExplorerError: an error that waiting does not heal.
        """
        if self.lost is not None:
            raise self.lost
        if not self._waiting:
            try:
                return self._commit(save)
            except PASSING as error:
                self._note(error)
        stage(save, self._folder)
        self._keep_rows()
        self._waiting.append(save)  # behind the others: snapshots are taken in the order of their steps
        return Saved(save.step, save.prefix, None)

    def finish(self, wait_s: float) -> ExplorerError | None:
        """Stop the thread, then deliver all that waits within `wait_s`; what could not be is returned."""
        self._ended = True
        self._wake.set()
        self._thread.join()
        if self.lost is not None:
            return self.lost
        deadline = time.monotonic() + wait_s
        while True:
            try:
                self._deliver()
                self._writer.flush()
                shutil.rmtree(self._folder, ignore_errors=True)
                return None
            except ExplorerError as error:
                self._note(error)
                if not isinstance(error, PASSING) or time.monotonic() > deadline:
                    self._keep_rows()
                    return error
            time.sleep(0.5)

    def _run(self) -> None:
        flush_at = time.monotonic() + self._flush_s
        renew_at = time.monotonic() + RENEW_S
        pause_s = 0.0
        while not self._ended:
            self._wake.wait(max(min(flush_at - time.monotonic(), 1.0), 0.05) + pause_s)
            if self._ended or self.lost is not None:
                return
            started = time.monotonic()
            try:
                self._deliver()
                if started >= flush_at and self._writer.dirty:
                    self._writer.flush()
                    took = time.monotonic() - started
                    flush_at = time.monotonic() + max(self._flush_s, took * _FLUSH_SHARE)
                if started >= renew_at:
                    self._renew()
                    renew_at = started + RENEW_S
                pause_s, self.trouble = 0.0, None
            except ExplorerError as error:
                self._note(error)
                pause_s = min(max(pause_s * 2, 0.5), _RETRY_MAX_S)
            except Exception as error:  # a thread of ours never takes a training down
                log.warning("the recorder stumbled: %r", error)
                pause_s = _RETRY_MAX_S

    def _commit(self, save: Save) -> Saved:
        self._renew()  # asked before each save, so that two writers cannot both go on for long
        saved = self._writer.commit(save)
        self._arrived(saved)
        return saved

    def _renew(self) -> None:
        try:
            self._writer.renew()
        except Conflict as error:
            self.lost = error
            raise

    def _deliver(self) -> None:
        while self._waiting:
            save = self._waiting[0]
            self._commit(save)
            self._waiting.popleft()
            unstage(save, self._folder)
            log.warning("step %d has arrived after all", save.step)

    def _keep_rows(self) -> None:
        try:
            self._writer.keep_rows(self._folder)
        except OSError as error:  # the rows are in memory still
            log.warning("the metrics could not be kept on this disk: %s", error)

    def _note(self, error: ExplorerError) -> None:
        if self.trouble is None or self.trouble.message != error.message:
            log.warning("%s (%s); the training goes on", error, error.hint)
        self.trouble = error
