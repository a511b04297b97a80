"""Which keys were handed out: one small file a key, never its secret.

The store does not say when a key was last used, so this is what tells which ones nobody needs any more.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from explorer.jobs.status import write_json

_NAME = re.compile(r"tck-(?P<run>.+)-(?P<expiry>\d{10})")
_UNSTARTED_S = 120.0


@dataclass(frozen=True, slots=True)
class Grant:
    """One key that was handed out. `store` is the store's identity, `expires_s` a UNIX time."""

    key: str
    run: str | None
    """The run that holds it; None where a person does."""
    bucket: str | None
    """What it may write to."""
    reads: tuple[str, ...]
    preset: str
    store: str
    expires_s: int
    policy: str | None
    """The policy's ARN; None where the store took no policy and the key has roles instead."""
    created_s: int = 0

    @property
    def expires_at(self) -> str:
        """RFC 3339."""
        return datetime.fromtimestamp(self.expires_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    @property
    def has_expired(self) -> bool:
        return time.time() >= self.expires_s

    @property
    def is_new(self) -> bool:
        """Whether the run that it is for may not have been started yet."""
        return time.time() - self.created_s < _UNSTARTED_S

    def to_json(self) -> dict[str, Any]:
        return {
            "key": self.key,
            "run": self.run,
            "bucket": self.bucket,
            "reads": list(self.reads),
            "preset": self.preset,
            "store": self.store,
            "expires_s": self.expires_s,
            "policy": self.policy,
            "created_s": self.created_s,
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Grant:
        return cls(
            key=str(told["key"]),
            run=told["run"],
            bucket=told["bucket"],
            reads=tuple(told["reads"]),
            preset=str(told["preset"]),
            store=str(told["store"]),
            expires_s=int(told["expires_s"]),
            policy=told["policy"],
            created_s=int(told["created_s"]),
        )


class KeyLedger:
    """The grants of a data folder; any process may add to it and take from it at any time."""

    def __init__(self, data: Path) -> None:
        self._folder = data / "keys"

    def add(self, grant: Grant) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_json(self._path(grant.key), grant.to_json(), mode=0o600)

    def remove(self, key: str) -> None:
        self._path(key).unlink(missing_ok=True)

    def grants(self, store: str) -> Iterator[Grant]:
        """All keys handed out for one store. Costs a listing, and a small read a key."""
        for path in sorted(self._folder.glob("*.json")):
            try:
                grant = Grant.from_json(json.loads(path.read_text()))
            except (OSError, ValueError, KeyError, TypeError):
                continue  # somebody else has just taken it away
            if grant.store == store:
                yield grant

    def _path(self, key: str) -> Path:
        # an id is the store's word and names no file by itself
        return self._folder / f"{hashlib.sha256(os.fsencode(key)).hexdigest()[:24]}.json"


def key_name(run: str, expires_s: int) -> str:
    """The name of a key in the store: with it a sweep works where the ledger is lost."""
    return f"tck-{run}-{expires_s}"


def expiry_in(name: str) -> int | None:
    """The UNIX time in a key's name; None where it is none of ours."""
    found = _NAME.fullmatch(name)
    return int(found["expiry"]) if found else None
