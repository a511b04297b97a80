"""Which process is which: a pid alone is reused, a pid with its start time is not. Standard library only."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Process:
    """A process of this machine, told apart from a later one with the same pid."""

    pid: int
    started: str
    """Opaque: boot id and clock ticks on Linux, the start time as `ps` writes it elsewhere."""

    @property
    def is_alive(self) -> bool:
        return started_of(self.pid) == self.started

    def to_json(self) -> dict[str, Any]:
        return {"pid": self.pid, "started": self.started}

    @classmethod
    def from_json(cls, told: Any) -> Process | None:
        """None where the record holds no process."""
        if not isinstance(told, dict) or not isinstance(told.get("pid"), int):
            return None
        return cls(told["pid"], str(told.get("started")))


def this_process() -> Process:
    """The calling process."""
    return Process(os.getpid(), started_of(os.getpid()) or "unknown")


def started_of(pid: int) -> str | None:
    """When a process started; None if there is none, or only its zombie."""
    if _PROC.joinpath("self/stat").exists():
        return _started_linux(pid)
    answer = subprocess.run(
        ["ps", "-o", "state=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    state, _, started = answer.stdout.strip().partition(" ")
    return started.strip() if started and not state.startswith("Z") else None


def children_of(pid: int) -> tuple[int, ...]:
    """The live children of a process; empty where there is no /proc to ask."""
    found = []
    for entry in _PROC.glob("[0-9]*/stat"):
        fields = _stat(entry)
        if fields and fields[1] == str(pid) and fields[0] not in "ZX":
            found.append(int(entry.parent.name))
    return tuple(found)


def _started_linux(pid: int) -> str | None:
    fields = _stat(_PROC / str(pid) / "stat")
    # proc(5): field 3 is the state, field 22 the start in clock ticks since boot
    if not fields or fields[0] in "ZX":
        return None
    return f"{_boot_id()}:{fields[19]}"


def _stat(path: Path) -> list[str]:
    """Fields from the third on; the second is the command, which may hold blanks and parentheses."""
    try:
        return path.read_text(errors="replace").rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return []


@cache
def _boot_id() -> str:
    # ticks since boot come round again after a reboot, so the boot is part of the identity
    try:
        return _PROC.joinpath("sys/kernel/random/boot_id").read_text().strip()[:8]
    except OSError:
        return "boot"
