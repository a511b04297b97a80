"""The runs that were started here: seen, followed, stopped, and their keys taken back when they end."""

from __future__ import annotations

import threading

from explorer.lineage.events import RunChanged
from explorer.workspace.core import Core
from explorer.workspace.run_keys import RunKeys

_POLL_S = 0.5


class Runs:
    """Runs are folders under `<data>/runs`: whoever opens a workspace there finds them all again."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._keys = RunKeys(core)
        self._ended: set[str] = set()
        self._foreign: set[str] = set()
        """Folders that hold no run of this store."""

    def stop(self, run_id: str, grace_s: float | None = None) -> None:
        """Ask a run to save and end; after its grace it is killed. Returns at once.

        Raises:
            NotFound: no run of this id, with the nearest.
        """
        import os
        import signal

        from explorer.jobs.backend import Handle
        from explorer.jobs.local import LocalBackend
        from explorer.jobs.record import read_local_record
        from explorer.jobs.spec import read_spec, run_folder

        if read_spec(run_folder(self._core.data, run_id)) is not None:
            LocalBackend(self._core.data).cancel(Handle("local", run_id), grace_s)
            return
        record = read_local_record(self._core.data, run_id)
        if record is not None and record.process is not None and record.process.is_alive:
            os.kill(record.process.pid, signal.SIGTERM)

    def log(self, run_id: str, offset: int = 0) -> tuple[bytes, int]:
        """What a run printed from `offset` on, secrets starred out, and the offset to go on from."""
        from explorer.jobs.backend import Handle
        from explorer.jobs.credentials import mask_secrets
        from explorer.jobs.local import LocalBackend

        part, following = LocalBackend(self._core.data).logs(Handle("local", run_id), offset)
        return mask_secrets(part), following

    def watch(self) -> None:
        """Know the runs of before, then look twice a second for what moved, until the workspace closes."""
        self.look()
        threading.Thread(target=self._poll, name="explorer-runs", daemon=True).start()

    def close(self) -> None:
        """Let a key that is just being taken back be gone; at most 2 s."""
        if self._keys.busy.acquire(timeout=2.0):
            self._keys.busy.release()

    def _poll(self) -> None:
        while True:
            try:
                with self._keys.busy:  # a run seen to have ended, and its key taken back, are one thing
                    self.look()
                    self._keys.sweep()
            except Exception as error:  # the thread must outlive a folder that vanishes under it
                self._core.fail(None, error)
            if self._core.closing.wait(_POLL_S):
                return

    def look(self) -> None:
        """Fold in what the folders say now."""
        from explorer.jobs.observing import is_elsewhere, read_run
        from explorer.jobs.spec import runs_folder

        info = self._core.store.info
        events = []
        for folder in sorted(runs_folder(self._core.data).glob("r*")):
            if folder.name in self._ended or folder.name in self._foreign:
                continue
            view = read_run(folder, info.endpoint, local_store=info.is_local)
            if view is not None:
                events.append(RunChanged(view))
                if not view.is_live:
                    self._ended.add(folder.name)
            elif is_elsewhere(folder, info.endpoint, local_store=info.is_local):
                self._foreign.add(folder.name)  # a folder that is just being written is looked at again
        if events:
            self._core.emit(*events)

    def is_written(self, bucket: str) -> bool:
        """Whether a live run, here or elsewhere, holds the bucket. Costs a small read."""
        from explorer.jobs.lease import read_lease

        self.look()
        if any(run.is_live for run in self._core.state.runs_in(bucket)):
            return True
        lease = read_lease(self._core.store, bucket)
        return lease is not None and lease.binds(bucket)
