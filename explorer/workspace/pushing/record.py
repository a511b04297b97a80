"""What a push has done, on disk: one JSON object a line, durable before the next step, replayed after a kill.

{"bucket", "as", "since", "parent"}: a bucket is about to be made. All other lines name their bucket in "in":
{"made"} it is there · {"place", "keys", "replays"} a place is about to be written · {"put", "of", "etag",
"at"} an object is there · {"deleted"} a key is gone · {"same", "at"} an object was written again here and is
as it was · {"version", "to"} a snapshot was taken · {"head"} the head is there · {"noted"} so many versions
are told over there. Where `put` and `deleted` replay a version, "from" names it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from explorer.errors import Conflict, StoreTrouble
from explorer.lineage.address import Node


@dataclass(slots=True)
class Sent:
    """How far one bucket is over there."""

    name: str
    """What it is called over there."""
    since_ns: int
    """When our bucket was made: another one of that name is another bucket."""
    parent: Node | None = None
    """What it was to be forked from, over there."""
    made: bool = False
    versions: dict[str, str] = field(default_factory=dict)
    """Our snapshot version -> theirs."""
    noted: int = -1
    """How many versions the note over there tells."""
    left: dict[str, str | None] = field(default_factory=dict)
    """Key -> their ETag as we left it, None where we deleted it; what was inherited is not in it."""
    count: dict[str, int] = field(default_factory=dict)
    """Key -> how many versions of it, delete markers too, pushes have made over there."""
    upto: dict[str, str | None] = field(default_factory=dict)
    """Key -> our version that was replayed last since the newest snapshot over there; None where what was
    sent since then is no version that we know by name."""
    at: dict[str, int] = field(default_factory=dict)
    """Key -> when what was sent last was written here."""
    begun: str | None = None
    """The place in work: our snapshot version, or empty for the head."""
    replays: bool = False
    """Whether what is in work there are versions, in order; else it is what the place's listing shows."""
    keys: frozenset[str] = frozenset()
    """Keys of the place in work: they may be over there without a line that says so."""


class PushMap:
    """One file for each pair of stores; `open` takes its lock."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.buckets: dict[str, Sent] = {}
        self._etags: dict[str, set[str]] = {}
        self._newest: dict[str, tuple[str, str, str]] = {}
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = path.open("a+b")
        except OSError as error:
            raise StoreTrouble(
                f"The map of the push cannot be written: {error.strerror}.",
                hint="check the folder",
                where=str(path),
            ) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise Conflict(
                "Another push to this store is under way.", hint="wait for it to end", where=str(path)
            ) from error
        self._replay()

    @classmethod
    def open(cls, folder: Path, source: str, target: str, prefix: str = "") -> PushMap:
        """The map of pushes from one store to another under one prefix, in a folder of the source's data.

        `source` and `target` name the stores; the local one is called so, for its port changes.
        """
        host = re.sub(r"[^\w.-]+", "-", target.split("://", 1)[-1])[:80]
        digest = hashlib.sha256(f"{source}\n{target}\n{prefix}".encode()).hexdigest()[:8]
        return cls(folder / f"{host}-{digest}.jsonl")

    def close(self) -> None:
        self._file.close()

    def version(self, node: Node) -> Node | None:
        """Where one of our snapshots is over there."""
        sent = self.buckets.get(node.bucket)
        found = sent.versions.get(node.version or "") if sent is not None else None
        return Node(sent.name, found) if sent is not None and found is not None else None

    def renamed(self, bucket: str, version: str | None) -> tuple[str, str | None] | None:
        """A bucket and version as they are called over there; None where they were not pushed."""
        sent = self.buckets.get(bucket)
        if sent is None or (version is not None and version not in sent.versions):
            return None
        return sent.name, None if version is None else sent.versions[version]

    def etags(self, content: str) -> frozenset[str]:
        """The ETags that this content has been given over there."""
        return frozenset(self._etags.get(content, ()))

    def newest(self, content: str) -> tuple[str, str, str] | None:
        """(bucket, key, ETag) over there of the object that this content was sent to last."""
        return self._newest.get(content)

    def note(self, **line: Any) -> None:
        """Append a line, durable on return, and take it in.

        Raises:
            StoreTrouble: it could not be written; the push must stop, or it would forget.
        """
        data = json.dumps(line, separators=(",", ":")).encode() + b"\n"
        with self._lock:
            try:
                self._file.write(data)
                self._file.flush()
                os.fsync(self._file.fileno())
            except OSError as error:
                raise StoreTrouble(
                    f"The map of the push cannot be written: {error.strerror}.",
                    hint="free some disk space, then push again: it goes on where it stopped",
                    where=str(self.path),
                ) from error
            self._take(line)

    def _replay(self) -> None:
        self._file.seek(0)
        data = self._file.read()
        whole = data.rfind(b"\n") + 1
        for raw in data[:whole].splitlines():
            try:
                self._take(json.loads(raw))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise StoreTrouble(
                    "The map of an earlier push is damaged.",
                    hint="push with another --prefix: that begins a new map",
                    where=str(self.path),
                ) from error
        if whole < len(data):  # the line that was being written at the kill
            self._file.truncate(whole)

    def _take(self, line: dict[str, Any]) -> None:
        if "bucket" in line:
            parent = Node(*line["parent"]) if line.get("parent") else None
            self.buckets[line["bucket"]] = Sent(line["as"], line["since"], parent)
            return
        sent = self.buckets[line["in"]]
        if "made" in line:
            sent.made = True
        elif "place" in line:
            sent.begun, sent.keys = line["place"], frozenset(line["keys"])
            sent.replays = bool(line.get("replays"))
        elif "put" in line:
            self._take_version(sent, line["put"], line["etag"], line)
            sent.at[line["put"]] = int(line.get("at", 0))
            self._etags.setdefault(line["of"], set()).add(line["etag"])
            self._newest[line["of"]] = (sent.name, line["put"], line["etag"])
        elif "deleted" in line:
            self._take_version(sent, line["deleted"], None, line)
            sent.at.pop(line["deleted"], None)
        elif "same" in line:
            sent.at[line["same"]] = int(line["at"])
        elif "version" in line:
            sent.versions[line["version"]] = line["to"]
            sent.begun, sent.keys = None, frozenset()
            sent.upto.clear()  # all that was written before this snapshot is there
        elif "noted" in line:
            sent.noted = int(line["noted"])
        elif "head" in line:
            sent.begun, sent.keys = None, frozenset()

    @staticmethod
    def _take_version(sent: Sent, key: str, etag: str | None, line: dict[str, Any]) -> None:
        sent.left[key] = etag
        sent.count[key] = sent.count.get(key, 0) + 1
        sent.upto[key] = line.get("from")
