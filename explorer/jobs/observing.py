"""Run folders as screens see them: those we launched, and those that recorded themselves here."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from explorer.jobs.record import Record
from explorer.jobs.spec import JobSpec, read_spec
from explorer.jobs.status import read_status
from explorer.lineage.values import RunView

_TAIL_BYTES = 4096
_SAID_MAX = 160


def read_run(folder: Path, endpoint: str, *, local_store: bool) -> RunView | None:
    """What became of the run in a folder. Costs two small file reads.

    None if it is none of this store's, and while a launcher still writes it: `is_elsewhere` tells them apart.
    """
    spec = read_spec(folder)
    if spec is not None:
        return _launched(folder, spec) if _is_here(spec, endpoint, local_store) else None
    record = _read_record(folder)
    return _observed(record) if record is not None and _is_here(record, endpoint, local_store) else None


def is_elsewhere(folder: Path, endpoint: str, *, local_store: bool) -> bool:
    """Whether a folder says of its run that it is another store's: it will never be this one's."""
    told = read_spec(folder) or _read_record(folder)
    return told is not None and not _is_here(told, endpoint, local_store)


def _is_here(told: JobSpec | Record, endpoint: str, local_store: bool) -> bool:
    """The local store's port may have been another one; nothing else in this folder is on this machine."""
    if isinstance(told, JobSpec):
        return told.endpoint == endpoint or (local_store and told.local_store)
    return told.endpoint == endpoint or (local_store and "://127.0.0.1:" in told.endpoint)


def _read_record(folder: Path) -> Record | None:
    try:
        return Record.from_json(json.loads((folder / "record.json").read_text()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _launched(folder: Path, spec: JobSpec) -> RunView | None:
    status = read_status(folder)
    if status is None:
        return None
    view = RunView(
        id=spec.id,
        bucket=spec.bucket,
        source=spec.source,
        state=status.state,
        started_ns=status.started_ns,
        ended_ns=status.ended_ns,
        exit_code=status.exit_code,
        overrides=spec.overrides,
        reason=status.reason or spec.warning,
    )
    if view.state == "failed" and (said := _last_words(folder / "log")):
        view = replace(view, reason=f"{status.reason}: {said}")
    return view


def _observed(record: Record) -> RunView:
    """A run that somebody started by hand: it is alive as long as its process is."""
    state = record.state
    if state == "running" and not (record.process and record.process.is_alive):
        state = "lost"
    return RunView(
        id=record.run,
        bucket=record.bucket,
        source=record.source,
        state=state,
        started_ns=_ns(record.started_at) or 0,
        ended_ns=_ns(record.ended_at),
        overrides=record.overrides,
        backend="by hand",
        reason="it went away without a word" if state == "lost" else None,
    )


def _last_words(log: Path) -> str:
    """The last line of a log that says what was wrong; of our own errors not the hint, but the error."""
    try:
        with log.open("rb") as file:
            file.seek(max(log.stat().st_size - _TAIL_BYTES, 0))
            tail = file.read().decode(errors="replace")
    except OSError:
        return ""
    lines = [line.strip() for line in tail.splitlines() if line.strip() and not line.startswith("hint: ")]
    said = "".join(c for c in (lines[-1] if lines else "") if c.isprintable())
    return said if len(said) <= _SAID_MAX else said[: _SAID_MAX - 1] + "…"


def _ns(told: str | None) -> int | None:
    if not told:
        return None
    try:
        return int(datetime.fromisoformat(told).timestamp() * 1e9)
    except ValueError:
        return None
