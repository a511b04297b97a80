"""The keys of runs, looked after by whoever has a workspace open: taken back when their run has ended."""

from __future__ import annotations

import threading
import time

from explorer.errors import ExplorerError, NotAllowed
from explorer.workspace.core import Core

_AGAIN_S = 60.0


class RunKeys:
    """Called from the thread that watches runs; `busy` is held while a key is being taken back."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._not_before = 0.0
        self.busy = threading.Lock()

    def sweep(self) -> None:
        """Take back what nobody needs any more. Where the store does not answer, again in a minute."""
        from explorer.jobs.granting import sweep_ended

        if time.monotonic() < self._not_before:
            return
        try:
            sweep_ended(self._core.store, self._core.data, self._has_ended)
        except ExplorerError as error:
            self._not_before = time.monotonic() + _AGAIN_S
            if isinstance(error, NotAllowed):  # silence heals by itself; a refusal somebody must know of
                self._core.fail(None, error)

    def _has_ended(self, run_id: str) -> bool | None:
        from explorer.jobs.spec import runs_folder
        from explorer.jobs.status import read_status

        status = read_status(runs_folder(self._core.data) / run_id)
        return None if status is None else status.ended
