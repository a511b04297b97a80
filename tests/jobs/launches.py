"""Real jobs for tests: a spec, the local backend, and a patient look at what became of it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

from explorer.jobs.backend import Handle
from explorer.jobs.local import LocalBackend
from explorer.jobs.spec import JobSpec, new_run_id
from explorer.jobs.status import Status

KEYS = {"AWS_ACCESS_KEY_ID": "tid_public", "AWS_SECRET_ACCESS_KEY": "tsec_never-to-be-seen-0123456789"}


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-u", "-c", code)


def spec(argv: tuple[str, ...], cwd: Path, **more: object) -> JobSpec:
    told = {"bucket": "b-1", "source": None, "endpoint": "http://127.0.0.1:1", "template": "t", **more}
    return JobSpec(id=new_run_id(), argv=argv, cwd=cwd, **told)  # type: ignore[arg-type]


def start(data: Path, argv: tuple[str, ...], passed: dict[str, str] | None = None, **more: object) -> Handle:
    backend = LocalBackend(data)
    data.mkdir(exist_ok=True)
    return backend.submit(backend.render(spec(argv, data, **more)), KEYS, passed or {})


def until(holds: Callable[[], bool], *, max_s: float = 20.0) -> None:
    deadline = time.monotonic() + max_s
    while not holds():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.02)


def ended(data: Path, handle: Handle) -> Status:
    until(lambda: LocalBackend(data).status(handle).ended)
    return LocalBackend(data).status(handle)


def said(data: Path, handle: Handle) -> str:
    return LocalBackend(data).logs(handle, 0)[0].decode()
