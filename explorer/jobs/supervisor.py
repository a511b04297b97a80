"""The process that stays with a job: starts it, waits for it, sweeps up, writes down how it ended.

It outlives the screen that launched it and needs nothing but the standard library, so that it is
running 30 ms after the key press. `main` is called in a fresh interpreter; see `local.py`.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

from explorer.jobs.processes import Process, children_of, started_of, this_process
from explorer.jobs.status import Status, write_json

_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
_LINGER_S = 3.0
"""Time for what the job left behind (uploads, loggers) to end by itself."""


def main(folder: str) -> None:
    """Run the job of a run folder; returns in the launcher's child once the job has started.

    Exit code 0: it runs, and `status.json` says so. 1: it could not be started, `status.json` says why.
    """
    reader, writer = os.pipe()
    if os.fork():
        # once this process has gone, nobody but init is the supervisor's parent: no zombie in the screen
        os.close(writer)
        os._exit(0 if os.read(reader, 1) == b"1" else 1)
    os.close(reader)
    os.setsid()
    for ignored in (signal.SIGHUP, signal.SIGINT):
        signal.signal(ignored, signal.SIG_IGN)
    _adopt_orphans()
    try:
        _Supervisor(Path(folder), writer).run()
    except Exception as error:
        started = time.time_ns()
        reason = f"the supervisor failed: {error}"
        write_json(Path(folder) / "status.json", Status("failed", started, started, reason=reason).to_json())
        raise


class _Supervisor:
    def __init__(self, folder: Path, ready: int) -> None:
        self.folder = folder
        self.ready = ready
        self.spec: dict[str, Any] = json.loads((folder / "spec.json").read_text())
        self.me = this_process()
        self.started_ns = time.time_ns()
        self.leader = 0
        self.job: Process | None = None
        self.stopping = False

    def run(self) -> None:
        if not self._start():
            return
        signal.signal(signal.SIGTERM, self._on_stop)
        signal.signal(signal.SIGALRM, lambda *_: self._kill_group(signal.SIGKILL))
        code = self._wait_for_leader()
        signal.setitimer(signal.ITIMER_REAL, 0)
        self._sweep()
        self._end(code)

    def _start(self) -> bool:
        spec = self.spec
        with (self.folder / "log").open("ab", buffering=0) as log:
            try:
                job = subprocess.Popen(
                    spec["argv"],
                    env={**os.environ, **spec["env"]},
                    cwd=spec["cwd"],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            except OSError as error:
                reason = f"`{spec['argv'][0]}` could not be started: {error.strerror or error}"
                self._put("failed", ended_ns=time.time_ns(), exit_code=127, reason=reason)
                self._report(b"0")
                return False
        self.leader = job.pid
        job.returncode = 0  # we reap it ourselves, together with the orphans
        self.job = Process(job.pid, started_of(job.pid) or "gone")
        self._put("running")
        self._report(b"1")
        return True

    def _report(self, answer: bytes) -> None:
        with contextlib.suppress(BrokenPipeError):
            os.write(self.ready, answer)
        os.close(self.ready)

    def _wait_for_leader(self) -> int:
        while True:
            pid, status = os.waitpid(-1, 0)
            if pid == self.leader:
                return os.waitstatus_to_exitcode(status)

    def _on_stop(self, _signal: int, _frame: FrameType | None) -> None:
        """Ask the job to end; only its leader is asked, so that its workers can finish the step."""
        self.stopping = True
        if self.spec.get("signal_group"):
            self._kill_group(signal.SIGTERM)
        else:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.leader, signal.SIGTERM)
        grace_s = float(self.spec.get("grace_s", 30.0))
        with contextlib.suppress(OSError, ValueError):
            grace_s = float((self.folder / "stop").read_text())
        signal.setitimer(signal.ITIMER_REAL, max(grace_s, 0.01))

    def _kill_group(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.leader, number)

    def _sweep(self) -> None:
        """Wait a little for what the job left behind, then kill it: nothing of a run outlives its end."""
        deadline = time.monotonic() + (0.0 if self.stopping else _LINGER_S)
        while time.monotonic() < deadline and self._has_left_overs():
            time.sleep(0.05)
        self._kill_group(signal.SIGKILL)
        for pid in children_of(self.me.pid):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while True:
                os.waitpid(-1, 0)

    def _has_left_overs(self) -> bool:
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
            return True
        try:
            os.killpg(self.leader, 0)
        except (ProcessLookupError, PermissionError):
            return False
        return True

    def _end(self, code: int) -> None:
        by_signal = -code if code < 0 else None
        exit_code = 128 + by_signal if by_signal else code
        asked = self.stopping and (code == 0 or by_signal in (signal.SIGTERM, signal.SIGKILL))
        state = "stopped" if asked else "done" if code == 0 else "failed"
        reason = None
        if by_signal:
            reason = f"ended by {signal.Signals(by_signal).name}"
        elif state == "failed":
            reason = f"ended with exit code {code}"
        with contextlib.suppress(OSError):
            (self.folder / "credentials").unlink()  # the keys live no longer than the job
        shutil.rmtree(self.folder / "restore", ignore_errors=True)  # its links keep the cache from evicting
        self._put(state, ended_ns=time.time_ns(), exit_code=exit_code, signal=by_signal, reason=reason)

    def _put(self, state: str, **told: Any) -> None:
        status = Status(state, self.started_ns, supervisor=self.me, job=self.job, **told)
        write_json(self.folder / "status.json", status.to_json())


def _adopt_orphans() -> None:
    """On Linux what the job's children leave behind becomes our child, whatever session it fled to."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
