"""Reads metric files as of a node: nothing unchanged twice, and what has grown from its old end on."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from explorer.lineage.address import Node
from explorer.lineage.values import Bucket, ObjectInfo, Range
from explorer.metrics.parsed import Reading
from explorer.metrics.rows import Rows, read_rows
from explorer.metrics.runs import METRICS_KEY, RunFile, read_run_file, run_key
from explorer.metrics.series import Attempt
from explorer.metrics.sources import KINDS, Kind, attempts_of, find_sources
from explorer.workspace.core import Core
from explorer.workspace.hparams import Hparams
from explorer.workspace.known_readings import KnownReadings
from explorer.workspace.recent import Recent
from explorer.workspace.sqlite_metrics import SQLITE

_OURS = Kind("run", re.compile(METRICS_KEY.pattern), Rows, read_rows)
_MOST_OBJECTS = 50_000
"""A listing is read no further for metric files of others."""


@dataclass(slots=True)
class _Content:
    """One content of one file, and the attempts made of it: by owner and run file, mostly one."""

    reading: Reading
    attempts: dict[tuple[str, RunFile], Attempt] = field(default_factory=dict)

    def attempt(self, owner: str, told: RunFile) -> Attempt:
        known = self.attempts.get((owner, told))
        if known is None:
            (part,) = self.reading.parts()
            troubles = self.reading.troubles
            known = told.attempt(owner, part.series, key=self.reading.file, troubles=troubles)
            self.attempts = {**self.attempts, (owner, told): known}
        return known


class Readings:
    """Attempts as of nodes. Content is shared by (key, etag): a fork's inherited files are read once."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._contents: Recent[tuple[str, str], _Content] = Recent(1000)
        self._run_files: Recent[tuple[str, str], RunFile] = Recent(5000)
        self._heads: Recent[tuple[str, str], tuple[str, _Content]] = Recent(1000)
        self._as_of: Recent[tuple[Node, bool], tuple[Attempt, ...]] = Recent(2000)
        self._foreign_heads: Recent[str, tuple[object, tuple[Attempt, ...]]] = Recent(1000)
        self._listed: Recent[Node, frozenset[tuple[str, str]]] = Recent(2000)
        self._hparams = Hparams(core)
        self._disk = KnownReadings(core.data / "metrics", lambda: core.store.info.identity)

    def attempts(self, node: Node) -> tuple[Attempt, ...]:
        """Every recorded run with metrics at `node`, inherited ones included, with the bucket that wrote it.

        Cost: one LIST at a head, nothing at a version read before; one GET for each new or grown file.
        """
        known = None if node.is_head else self._as_of.get((node, False))
        if known is not None:
            return known
        objects = {o.key: o for o in self._core.store.list_objects(node, "runs/")}
        files = [o for o in objects.values() if METRICS_KEY.fullmatch(o.key)]
        beside = {o.key: objects[run_key(o.key)] for o in files if run_key(o.key) in objects}
        self._read_run_files(node, list(beside.values()))
        contents = self._read_contents(node, [(o, _OURS) for o in files])
        made = tuple(self._attempt(node, o, beside.get(o.key), contents[o.key]) for o in files)
        return made if node.is_head else self._as_of.put((node, False), made)

    def foreign(self, node: Node) -> tuple[Attempt, ...]:
        """Attempts in what other tools wrote (trainer states, event files, CSV, …) to this bucket itself.

        Cost: one LIST of all objects here and one of the parent's snapshot, and as `attempts`.
        """
        known = None if node.is_head else self._as_of.get((node, True))
        if known is not None:
            return known
        objects = self._core.store.list_objects(node, limit=_MOST_OBJECTS)
        bucket = self._core.state.buckets.get(node.bucket)
        above = bucket.parent if bucket is not None else None
        if above is not None and above.bucket in self._core.state.buckets:
            inherited = self._files_at(above)
            objects = tuple(o for o in objects if (o.key, o.etag) not in inherited)
        sources = find_sources(objects, (*KINDS, SQLITE))
        same = tuple((s.info.key, s.info.etag) for s in sources)
        before = self._foreign_heads.get(node.bucket) if node.is_head else None
        if before is not None and before[0] == same:
            return before[1]
        contents = self._read_contents(node, [(s.info, s.kind) for s in sources])
        read = attempts_of([(s, contents[s.info.key].reading, node.bucket) for s in sources])
        made = self._hparams.told(node, read, objects)
        if node.is_head:
            return self._foreign_heads.put(node.bucket, (same, made))[1]
        return self._as_of.put((node, True), made)

    def _attempt(self, node: Node, file: ObjectInfo, beside: ObjectInfo | None, content: _Content) -> Attempt:
        told = self._run_files.get((beside.key, beside.etag)) if beside is not None else None
        told = told or read_run_file(file.key.split("/")[1], None, file=file.key)
        return content.attempt(told.bucket or self._owner(node, file), told)

    def _owner(self, node: Node, file: ObjectInfo) -> str:
        """Who wrote a file that no run signed: the eldest bucket that holds the same content."""
        buckets = self._core.state.buckets
        bucket: Bucket | None = buckets.get(node.bucket)
        while bucket is not None and bucket.parent is not None and bucket.parent.bucket in buckets:
            if (file.key, file.etag) not in self._files_at(bucket.parent):
                break
            bucket = buckets.get(bucket.parent.bucket)
        return bucket.name if bucket is not None else node.bucket

    def _files_at(self, node: Node) -> frozenset[tuple[str, str]]:
        known = self._listed.get(node)
        if known is None:
            objects = self._core.store.list_objects(node, limit=_MOST_OBJECTS)
            known = self._listed.put(node, frozenset((o.key, o.etag) for o in objects))
        return known

    def _read_run_files(self, node: Node, files: list[ObjectInfo]) -> None:
        new = [o for o in files if self._run_files.get((o.key, o.etag)) is None]
        wants = [Range(o.key) for o in new]
        for info, data in zip(new, self._core.store.read_many(node, wants) if wants else (), strict=True):
            told = read_run_file(info.key.split("/")[1], data, file=info.key)
            self._run_files.put((info.key, info.etag), told)

    def _read_contents(self, node: Node, files: list[tuple[ObjectInfo, Kind]]) -> dict[str, _Content]:
        got: dict[str, _Content] = {}
        wants: list[tuple[ObjectInfo, Kind, Reading]] = []
        for info, kind in files:
            known = self._contents.get((info.key, info.etag))
            if known is None and (stored := self._disk.load(info, kind.name)) is not None:
                known = self._remember(node, info, _Content(stored), info.size_bytes)
            if known is not None:
                got[info.key] = known
            elif not info.size_bytes:
                got[info.key] = _Content(kind.start(info.key))
            else:
                wants.append((info, kind, self._before(node, info, kind)))
        kinds = {info.key: kind.name for info, kind, _ in wants}
        for info, reading, size in self._fetch(node, wants):
            got[info.key] = self._remember(node, info, _Content(reading), size)
            if size == info.size_bytes:
                self._disk.keep(info, kinds[info.key], reading)
        return got

    def _before(self, node: Node, info: ObjectInfo, kind: Kind) -> Reading:
        """What to read on from: the head as it was last seen here or by another process, or nothing."""
        if not node.is_head:
            return kind.start(info.key)
        grown = self._heads.get((node.bucket, info.key))
        before = grown[1].reading if grown is not None else self._disk.grown(info, kind.name)
        return before if before is not None and before.consumed <= info.size_bytes else kind.start(info.key)

    def _remember(self, node: Node, info: ObjectInfo, content: _Content, size: int) -> _Content:
        if size == info.size_bytes:  # else it grew between the listing and the read: not what the etag means
            self._contents.put((info.key, info.etag), content)
        if node.is_head:
            before = self._heads.get((node.bucket, info.key))
            if before is not None:  # of a growing file only the newest content is worth its memory
                self._contents.drop((info.key, before[0]))
            self._heads.put((node.bucket, info.key), (info.etag, content))
        return content

    def _fetch(
        self, node: Node, wants: list[tuple[ObjectInfo, Kind, Reading]]
    ) -> list[tuple[ObjectInfo, Reading, int]]:
        """Each file parsed on from its old end, with its size now; from its start if it is another file."""
        if not wants:
            return []
        ranges = [Range(info.key, before.resume_at) for info, _, before in wants]
        done: list[tuple[ObjectInfo, Reading, int]] = []
        again: list[tuple[ObjectInfo, Kind, Reading]] = []
        for (info, kind, before), data in zip(wants, self._core.store.read_many(node, ranges), strict=True):
            reading = kind.read(data, before)
            if reading is None:
                again.append((info, kind, kind.start(info.key)))
            else:
                done.append((info, reading, before.resume_at + len(data)))
        return done + self._fetch(node, again)
