"""What became of a job: one small file, replaced atomically by its supervisor. Standard library only."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from explorer.jobs.processes import Process

ENDED = ("done", "failed", "stopped", "lost")
_QUEUED_MAX_S = 30.0


@dataclass(frozen=True, slots=True)
class Status:
    """`state` is `queued`, `running`, `done`, `failed`, `stopped` or `lost`; times are UNIX ns."""

    state: str
    started_ns: int
    ended_ns: int | None = None
    exit_code: int | None = None
    """128 + n where signal n ended the job."""
    signal: int | None = None
    reason: str | None = None
    supervisor: Process | None = None
    job: Process | None = None

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    def to_json(self) -> dict[str, Any]:
        return {
            "state": self.state,
            "started_ns": str(self.started_ns),
            "ended_ns": None if self.ended_ns is None else str(self.ended_ns),
            "exit_code": self.exit_code,
            "signal": self.signal,
            "reason": self.reason,
            "supervisor": self.supervisor.to_json() if self.supervisor else None,
            "job": self.job.to_json() if self.job else None,
        }

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> Status:
        ended = told.get("ended_ns")
        return cls(
            state=str(told["state"]),
            started_ns=int(told["started_ns"]),
            ended_ns=None if ended is None else int(ended),
            exit_code=told.get("exit_code"),
            signal=told.get("signal"),
            reason=told.get("reason"),
            supervisor=Process.from_json(told.get("supervisor")),
            job=Process.from_json(told.get("job")),
        )


def write_json(path: Path, value: Any, *, mode: int = 0o644) -> None:
    """Replace a file so that a reader sees the old one or the new one, never a part."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w") as file:
        json.dump(value, file, indent=1)
    draft.replace(path)


def read_status(folder: Path) -> Status | None:
    """The status of a run folder as the evidence has it now; None if it holds no job.

    A status file that says `running` is believed only while its supervisor lives. Where the supervisor
    was killed, the job may still run, and nobody will learn its exit code: then it is `running` with a
    reason, and `lost` once it has gone.
    """
    status = _written(folder)
    if status is None or status.ended or (status.supervisor and status.supervisor.is_alive):
        return status
    if status.state == "queued" and time.time_ns() - status.started_ns < _QUEUED_MAX_S * 1e9:
        return status
    if status.job and status.job.is_alive:
        return replace(status, reason="its supervisor is gone; it still runs, unwatched")
    # the supervisor may have written its last word between our two looks
    last = _written(folder)
    if last is None or last.ended:
        return last
    return replace(
        status, state="lost", reason="it went away without a word (killed, or the machine stopped)"
    )


def _written(folder: Path) -> Status | None:
    try:
        return Status.from_json(json.loads((folder / "status.json").read_text()))
    except (OSError, ValueError, KeyError, TypeError):
        return None
