"""Jobs on this machine: one detached supervisor and one folder each, found again by any later process."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import explorer
from explorer.errors import ResumeFailed
from explorer.jobs.backend import Handle, Problem, Rendered
from explorer.jobs.credentials import write_credentials
from explorer.jobs.processes import Process
from explorer.jobs.spec import JobSpec, run_folder, runs_folder
from explorer.jobs.status import Status, read_status, write_json

_START_MAX_S = 15.0
# -I -S: no user site, no .pth files, nothing of the current folder; half of the start-up time goes with them
_SUPERVISE = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from explorer.jobs.supervisor import main; main(sys.argv[2])"
)


class LocalBackend:
    """Runs jobs as processes of this user; `data` is the folder that holds the run folders."""

    name = "local"

    def __init__(self, data: Path) -> None:
        self.data = data

    def check(self, job: JobSpec) -> list[Problem]:
        """A program that is not there and a working folder that has gone."""
        problems = []
        if not job.cwd.is_dir():
            problems.append(
                Problem(f"The working folder `{job.cwd}` is not there.", "name one in a template")
            )
        elif (
            shutil.which(job.argv[0], path=os.environ.get("PATH")) is None
            and not (job.cwd / job.argv[0]).is_file()
        ):
            problems.append(
                Problem(
                    f"There is no program `{job.argv[0]}`.", "install it, or name another one in a template"
                )
            )
        return problems

    def render(self, job: JobSpec) -> Rendered:
        return Rendered(job, shlex.join(job.argv), {"spec.json": job.to_json()})

    def submit(self, rendered: Rendered, keys: Mapping[str, str], passed: Mapping[str, str]) -> Handle:
        """Costs about 50 ms: an interpreter, a fork, and the job's own start."""
        job = rendered.job
        folder = runs_folder(self.data) / job.id
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, value in rendered.files.items():
            write_json(folder / name, value)
        write_json(folder / "status.json", Status("queued", time.time_ns()).to_json())
        write_credentials(folder, keys)
        root = str(Path(explorer.__path__[0]).parent)
        with (folder / "supervisor.log").open("ab") as errors:
            starting = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _SUPERVISE, root, str(folder)],
                env=dict(passed),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
                start_new_session=True,
            )
            # `wait(timeout)` polls, up to 50 ms late; waiting plainly with a timer beside it does not
            patience = threading.Timer(_START_MAX_S, starting.kill)
            patience.start()
            code = starting.wait()
            patience.cancel()
        if code != 0:
            status = read_status(folder)
            said = status.reason if status and status.reason else "its supervisor did not start"
            with contextlib.suppress(OSError):
                (folder / "credentials").unlink()
            raise ResumeFailed(
                f"The job did not start: {said}.",
                hint=f"the command was `{rendered.command}`; what its supervisor said is in {errors.name}",
                where=job.id,
            )
        return Handle(self.name, job.id)

    def status(self, handle: Handle) -> Status:
        """Raises NotFound where the run folder is gone."""
        status = read_status(run_folder(self.data, handle.reference))
        return status or Status("lost", 0, reason="its status file cannot be read")

    def cancel(self, handle: Handle, grace_s: float | None = None) -> None:
        folder = run_folder(self.data, handle.reference)
        status = read_status(folder)
        if status is None or status.ended:
            return
        if grace_s is not None:
            (folder / "stop").write_text(str(grace_s))
        if status.supervisor and status.supervisor.is_alive:
            _signal(status.supervisor, signal.SIGTERM)
        elif status.job:
            # nobody is left to wait with patience, so a thread of this process does
            threading.Thread(target=_end, args=(status.job, grace_s or 30.0), daemon=True).start()

    def logs(self, handle: Handle, offset: int, limit: int = 2**20) -> tuple[bytes, int]:
        path = run_folder(self.data, handle.reference) / "log"
        try:
            with path.open("rb") as log:
                log.seek(max(offset, 0))
                part = log.read(limit)
        except FileNotFoundError:
            return b"", 0
        return part, max(offset, 0) + len(part)


def _end(job: Process, grace_s: float) -> None:
    _signal(job, signal.SIGTERM)
    deadline = time.monotonic() + grace_s
    while job.is_alive and time.monotonic() < deadline:
        time.sleep(0.1)
    if job.is_alive:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(job.pid, signal.SIGKILL)


def _signal(process: Process, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(process.pid, number)
