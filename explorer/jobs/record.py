"""What a run writes about itself: `runs/<id>/run.json` in its bucket, and the same on its own disk."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from explorer.errors import ExplorerError
from explorer.jobs.processes import Process
from explorer.jobs.spec import pinned, run_folder
from explorer.lineage.address import Node
from explorer.lineage.values import ObjectInfo, Overrides
from explorer.storage import Store

_MAX_BYTES = 4 * 2**20


@dataclass(frozen=True, slots=True)
class Command:
    """How a training was started, to be able to start it again."""

    argv: tuple[str, ...]
    cwd: str


@dataclass(frozen=True, slots=True)
class SavedFile:
    """What a completed save uploaded under one name."""

    size_bytes: int
    etag: str


@dataclass(frozen=True, slots=True)
class Record:
    """One run. Times are RFC 3339; `snapshots` maps a step to the snapshot version that holds it."""

    run: str
    bucket: str
    source: Node | None
    restored_step: int | None
    config: Mapping[str, Any]
    overrides: Overrides
    command: Command | None
    started_at: str
    state: str = "running"
    ended_at: str | None = None
    snapshots: Mapping[int, str] = field(default_factory=dict)
    saved_prefix: str | None = None
    """The checkpoint that was being saved when this record was written, and its files."""
    saved_files: Mapping[str, SavedFile] = field(default_factory=dict)
    tracker: Mapping[str, Any] = field(default_factory=dict)
    endpoint: str = ""
    process: Process | None = None
    """Only on the run's own disk."""

    def to_json(self, *, local: bool = False) -> dict[str, Any]:
        told: dict[str, Any] = {
            "run": self.run,
            "bucket": self.bucket,
            "source": {"bucket": self.source.bucket, "version": self.source.version} if self.source else None,
            "restored_step": self.restored_step,
            "config": dict(self.config),
            "overrides": dict(self.overrides),
            "command": {"argv": list(self.command.argv), "cwd": self.command.cwd} if self.command else None,
            "started_at": self.started_at,
            "ended_at": self.ended_at,
            "state": self.state,
            "snapshots": {str(step): version for step, version in self.snapshots.items()},
            "saved": {
                "prefix": self.saved_prefix,
                "files": {
                    n: {"size_bytes": f.size_bytes, "etag": f.etag} for n, f in self.saved_files.items()
                },
            }
            if self.saved_prefix
            else None,
            "tracker": dict(self.tracker),
        }
        if local:
            told |= {"endpoint": self.endpoint, "process": self.process.to_json() if self.process else None}
        return told

    @classmethod
    def from_json(cls, told: Any) -> Record:
        """Raises ValueError, KeyError, TypeError or AttributeError where it is not a record of ours."""
        command, source, saved = told.get("command"), told.get("source"), told.get("saved") or {}
        files = saved.get("files", {})
        return cls(
            run=str(told["run"]),
            bucket=str(told["bucket"]),
            source=pinned(f"{source['bucket']}@{source['version']}") if source else None,
            restored_step=told.get("restored_step"),
            config=dict(told.get("config") or {}),
            overrides=tuple((told.get("overrides") or {}).items()),
            command=Command(tuple(str(w) for w in command["argv"]), str(command["cwd"])) if command else None,
            started_at=str(told["started_at"]),
            state=str(told.get("state", "running")),
            ended_at=told.get("ended_at"),
            snapshots={int(step): str(version) for step, version in (told.get("snapshots") or {}).items()},
            saved_prefix=saved.get("prefix"),
            saved_files={n: SavedFile(int(f["size_bytes"]), str(f["etag"])) for n, f in files.items()},
            tracker=dict(told.get("tracker") or {}),
            endpoint=str(told.get("endpoint", "")),
            process=Process.from_json(told.get("process")),
        )


def now() -> str:
    """RFC 3339, UTC, milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def record_key(run_id: str) -> str:
    """Where a run's record is in its bucket."""
    return f"runs/{run_id}/run.json"


def read_local_record(data: Path, run_id: str) -> Record | None:
    """What this disk knows of a run; None if it never ran here.

    Only such a record's command may be run again without asking: what a bucket says is a stranger's word.
    """
    try:
        folder = run_folder(data, run_id)
        return Record.from_json(json.loads((folder / "record.json").read_text()))
    except (ExplorerError, OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def read_writer(
    store: Store, node: Node, objects: Sequence[ObjectInfo], prefix: str | None = None
) -> Record | None:
    """The run that wrote a checkpoint (or the newest run of a node), as the node's own records say.

    Reads records newest first until one names the prefix: one request, seldom two. Records that make no
    sense are passed over.
    """
    records = [o for o in objects if o.key.startswith("runs/") and o.key.endswith("/run.json")]
    newest: Record | None = None
    for info in sorted(records, key=lambda o: -o.modified_ns):
        if info.size_bytes > _MAX_BYTES:
            continue
        try:
            data, _ = store.read_object(node, info.key)
            record = Record.from_json(json.loads(data))
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
        if prefix is None or record.saved_prefix == prefix:
            return record
        newest = newest or record
    return newest
