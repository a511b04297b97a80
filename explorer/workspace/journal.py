"""What was done through this workspace, on disk, and which of it can be taken back.

The file is one JSON object a line, appended under a lock, shared by all screens of one data folder.
It holds names, versions and overrides; never a credential.
"""

from __future__ import annotations

import fcntl
import json
import threading
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from explorer.errors import ExplorerError, NotFound


@dataclass(frozen=True, slots=True)
class Entry:
    """One done thing; `undo` takes it back and says so, or is None where the store cannot."""

    id: str
    verb: str
    said: str
    undo: Callable[[], None] | None


class Journal:
    """Undo is per session: nobody's `z` takes back what another window did yesterday."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._done: list[Entry] = []

    def record(self, verb: str, said: str, undo: Callable[[], None] | None = None, **facts: Any) -> None:
        """Note that something was done, after it was done."""
        entry = Entry(uuid.uuid4().hex[:12], verb, said, undo)
        with self._lock:
            self._done.append(entry)
        self._write({"id": entry.id, "verb": verb, "said": said, **facts})

    def undo(self) -> str:
        """Take back the newest thing that can be taken back; returns what it was.

        An entry whose undo is refused stays, so that it can be tried again after a remedy.

        Raises:
            NotFound: there is nothing to undo.
        """
        with self._lock:
            entry = next((e for e in reversed(self._done) if e.undo is not None), None)
        if entry is None or entry.undo is None:
            raise NotFound(
                "There is nothing to undo.",
                hint="forks, snapshots and deletions of this session can be undone",
            )
        with suppress(NotFound):  # it is gone already: that is what was wanted
            entry.undo()
        with self._lock:
            self._done = [e for e in self._done if e.id != entry.id]
        self._write({"id": uuid.uuid4().hex[:12], "verb": "undo", "of": entry.id, "said": entry.said})
        return entry.said

    def _write(self, facts: dict[str, Any]) -> None:
        line = json.dumps({"at": datetime.now(UTC).isoformat(timespec="milliseconds"), **facts})
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                file.write(line + "\n")
        except OSError as error:  # the deed is done; only its record is missing
            raise ExplorerError(
                f"Done, but not recorded: {error}.", hint="check the free space", where=str(self.path)
            ) from error


def read_journal(path: Path, last: int = 100) -> list[dict[str, Any]]:
    """The newest entries, oldest first; torn lines are skipped."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()[-last:]
    except FileNotFoundError:
        return []
    entries = []
    for line in lines:
        try:
            entries.append(json.loads(line))
        except ValueError:
            continue
    return entries
