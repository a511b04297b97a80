"""What a place that runs jobs must be able to do: this machine now, clusters behind the same calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from explorer.jobs.spec import JobSpec
from explorer.jobs.status import Status


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a backend, or a command on it, cannot run, and the remedy."""

    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Rendered:
    """A job in the backend's own terms: what a preview shows and what `submit` takes, no secret in it."""

    job: JobSpec
    command: str
    """As one would type it, quoted."""
    files: Mapping[str, Any]
    """JSON values by file name, to be written into the run folder."""


@dataclass(frozen=True, slots=True)
class Handle:
    """Where a submitted job is found again, also by another process tomorrow."""

    backend: str
    reference: str


class Backend(Protocol):
    """A place that runs jobs."""

    name: str

    def check(self, job: JobSpec) -> list[Problem]:
        """What stands in the way, before anything is created."""
        ...

    def render(self, job: JobSpec) -> Rendered:
        """Pure."""
        ...

    def submit(self, rendered: Rendered, keys: Mapping[str, str], passed: Mapping[str, str]) -> Handle:
        """Start it, and return when it has started.

        `keys` (`AWS_*`) go to the job by file, `passed` through its environment; neither is written
        anywhere else.

        Raises:
            ResumeFailed: it could not be started.
        """
        ...

    def status(self, handle: Handle) -> Status: ...

    def cancel(self, handle: Handle, grace_s: float | None = None) -> None:
        """Ask it to end, and see to it that it does after `grace_s`; returns at once."""
        ...

    def logs(self, handle: Handle, offset: int, limit: int = 2**20) -> tuple[bytes, int]:
        """The log from a byte offset on, and the offset to go on from."""
        ...
