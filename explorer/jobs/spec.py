"""What is to be run: everything a job needs except its secrets, as one file in its run folder."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from explorer.errors import NotFound, nearest
from explorer.lineage.address import Address, Node
from explorer.lineage.values import Overrides


@dataclass(frozen=True, slots=True)
class JobSpec:
    """One launch. Nothing in it is secret: keys are handed over by a 0600 file that `env` names."""

    id: str
    argv: tuple[str, ...]
    cwd: Path
    bucket: str
    """Where the job writes; nobody else does."""
    source: Node | None
    """The pinned snapshot it starts from; None for a fresh training."""
    endpoint: str
    template: str
    env: Mapping[str, str] = field(default_factory=dict)
    overrides: Overrides = ()
    created_ns: int = 0
    grace_s: float = 30.0
    """From SIGTERM to SIGKILL when it is stopped."""
    signal_group: bool = False
    """Whether SIGTERM goes to the whole process group (a shell does not pass it on)."""
    local_store: bool = False
    """Whether `endpoint` is the local store, whose port may be another one tomorrow."""
    key: str | None = None
    """The id of the key that was made for it; None where it has that of whoever started it."""
    warning: str | None = None
    """What is wider than it should be about that key."""

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "argv": list(self.argv),
            "cwd": str(self.cwd),
            "bucket": self.bucket,
            "source": self.source.address if self.source else None,
            "endpoint": self.endpoint,
            "local_store": self.local_store,
            "template": self.template,
            "env": dict(self.env),
            "overrides": dict(self.overrides),
            "created_ns": str(self.created_ns),
            "grace_s": self.grace_s,
            "signal_group": self.signal_group,
            "key": self.key,
            "warning": self.warning,
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> JobSpec:
        return cls(
            id=told["id"],
            argv=tuple(told["argv"]),
            cwd=Path(told["cwd"]),
            bucket=told["bucket"],
            source=pinned(told["source"]) if told["source"] else None,
            endpoint=told["endpoint"],
            local_store=told["local_store"],
            template=told["template"],
            env=told["env"],
            overrides=tuple(told["overrides"].items()),
            created_ns=int(told["created_ns"]),
            grace_s=told["grace_s"],
            signal_group=told["signal_group"],
            key=told.get("key"),
            warning=told.get("warning"),
        )


def new_run_id() -> str:
    """A run id that sorts by time and does not collide: `r20261124-081233-5f3a1c`."""
    return time.strftime("r%Y%m%d-%H%M%S-", time.gmtime()) + secrets.token_hex(3)


def pinned(address: str) -> Node:
    """The node of `bucket@version`."""
    parsed = Address.parse(address)
    return Node(parsed.bucket, parsed.at)


def runs_folder(data: Path) -> Path:
    """Where the run folders are."""
    return data / "runs"


def run_folder(data: Path, run_id: str) -> Path:
    """The folder of a run that this machine knows.

    Raises:
        NotFound: with the nearest run ids.
    """
    known = runs_folder(data)
    folder = known / run_id
    if not run_id or folder.parent != known or not folder.is_dir():
        names = [path.name for path in known.iterdir()] if known.is_dir() else []
        hint = nearest(run_id, names, "`explorer runs list` lists the runs that this machine knows")
        raise NotFound(f"There is no run `{run_id}`.", hint=hint)
    return folder


def read_spec(folder: Path) -> JobSpec | None:
    """The spec of a run folder; None where it holds none that can be read."""
    try:
        return JobSpec.from_json(json.loads((folder / "spec.json").read_text()))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def read_specs(data: Path) -> Iterator[tuple[Path, JobSpec]]:
    """All launches that this machine knows, oldest first."""
    for folder in sorted(runs_folder(data).glob("r*")):
        spec = read_spec(folder)
        if spec is not None:
            yield folder, spec
