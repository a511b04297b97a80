"""Which objects of a bucket hold metrics that others wrote, and who reads them.

Of the kinds that a bucket has only the first in `KINDS` is read: a trainer that writes event files next to
its trainer state would be counted twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from explorer.lineage.values import ObjectInfo
from explorer.metrics.csv_rows import read_csv
from explorer.metrics.mlflow_files import read_mlflow_file
from explorer.metrics.parsed import Part, Reading, Whole
from explorer.metrics.rows import Rows, read_rows
from explorer.metrics.series import Attempt, Series
from explorer.metrics.tfevents import Events, read_events
from explorer.metrics.trainer_state import read_trainer_state
from explorer.metrics.wandb_log import read_wandb

_NAMED = r"(?:.*[-_.])?(?:metrics|log|logs|history|progress|results|losses|scalars|train|train_log|eval)"
_CHECKPOINT = re.compile(r"(.*/|)(?:checkpoint|step|global_step|ckpt)[-_]?\d+/", re.IGNORECASE)
_SPLIT_DIRS = ("train", "training", "val", "valid", "validation", "eval", "evaluation", "test")


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind of file is found and read. `read` gives None where a grown file turned out another one."""

    name: str
    pattern: re.Pattern[str]
    start: Callable[[str], Reading]
    read: Callable[..., Reading | None]
    """From bytes and the reading before; each kind is handed readings of its own sort only."""


@dataclass(frozen=True, slots=True)
class Source:
    """One object to read; `group` is the run that it belongs to, `prefix` goes before its metrics' names."""

    kind: Kind
    info: ObjectInfo
    group: str
    prefix: str = ""


def _kind(
    name: str, pattern: str, start: Callable[[str], Reading], read: Callable[..., Reading | None]
) -> Kind:
    return Kind(name, re.compile(pattern, re.IGNORECASE), start, read)


KINDS = (
    _kind("trainer_state", r"(?:.*/)?trainer_state\.json", Whole, read_trainer_state),
    _kind("tfevents", r"(?:.*/)?[^/]*\.tfevents\.[^/]+", Events, read_events),
    _kind("csv", rf"(?:.*/)?{_NAMED}\.csv", Whole, read_csv),
    _kind("jsonl", rf"(?:.*/)?{_NAMED}\.(?:jsonl|ndjson)", lambda file: Rows(file, rewinds=True), read_rows),
    _kind("wandb", r"(?:.*/)?run-[^/]+\.wandb", Whole, read_wandb),
    _kind("mlflow", r"(?:.*/)?mlruns/[^/]+/[^/]+/metrics/.+", Whole, read_mlflow_file),
)


def find_sources(objects: Iterable[ObjectInfo], kinds: Sequence[Kind] = KINDS) -> tuple[Source, ...]:
    """The metric files of the first kind that is there, sorted by key; nothing is read for it."""
    found: dict[str, list[ObjectInfo]] = {}
    for info in objects:
        for kind in kinds:
            if info.size_bytes and kind.pattern.fullmatch(info.key):
                found.setdefault(kind.name, []).append(info)
                break
    for kind in kinds:
        if kind.name in found:
            return tuple(_sources(kind, found[kind.name]))
    return ()


def _sources(kind: Kind, files: list[ObjectInfo]) -> list[Source]:
    files = sorted(files, key=lambda o: _natural(o.key))
    if kind.name == "trainer_state":
        # each file says what the older ones of its run say, and more: the newest is enough
        newest: dict[str, ObjectInfo] = {}
        for info in files:
            run = _run_folder(info.key)
            if run not in newest or newest[run].modified_ns <= info.modified_ns:
                newest[run] = info
        return [Source(kind, info, run) for run, info in sorted(newest.items())]
    made = []
    for info in files:
        folder, _, name = info.key.rpartition("/")
        if kind.name == "mlflow":
            run, _, name = info.key.partition("/metrics/")
            made.append(Source(kind, info, run, name))
            continue
        above, _, last = folder.rpartition("/")
        split = kind.name == "tfevents" and last.lower() in _SPLIT_DIRS
        made.append(Source(kind, info, above, f"{last}/") if split else Source(kind, info, folder))
    return made


def _run_folder(key: str) -> str:
    folder = key.rpartition("/")[0] + "/"
    match = _CHECKPOINT.fullmatch(folder)
    return match[1].rstrip("/") if match else folder.rstrip("/")


def attempts_of(read: Sequence[tuple[Source, Reading, str]]) -> tuple[Attempt, ...]:
    """The attempts in files that come with the bucket that wrote them; halves of one run are joined.

    Where nothing tells when a process started, the time its file was written stands for it.
    """
    runs: dict[tuple[str, str], list[Attempt]] = {}
    for source, reading, bucket in read:
        for number, part in enumerate(reading.parts()):
            attempt = _attempt(source, reading, part, number, bucket)
            before = runs.setdefault((bucket, source.group), [])
            joined = _joined(before[-1], attempt) if before else None
            if joined is not None:
                before[-1] = joined
            else:
                before.append(attempt)
    return tuple(attempt for run in runs.values() for attempt in run)


def _attempt(source: Source, reading: Reading, part: Part, number: int, bucket: str) -> Attempt:
    series = {source.prefix + name: s for name, s in part.series.items()}
    if source.kind.name == "mlflow":  # one file is one metric, named by its path
        series = dict.fromkeys((source.prefix,), next(iter(part.series.values()))) if part.series else {}
    started = part.started_s if part.started_s == part.started_s else source.info.modified_ns / 1e9
    return Attempt(
        id=_natural(source.info.key) + (f"#{part.id}" if part.id else ""),
        bucket=bucket,
        series=series,
        started_s=started + number * 1e-6,  # parts of one file keep their order
        restored_step=part.restored_step,
        key=source.info.key,
        carries=part.carries,
        troubles=reading.troubles if number == 0 else (),
    )


def _joined(a: Attempt, b: Attempt) -> Attempt | None:
    """Two files of one run with no metric in common are two halves of one attempt."""
    if a.series.keys() & b.series.keys() or b.restored_step is not None or a.key == b.key:
        return None
    series: dict[str, Series] = {**a.series, **b.series}
    return replace(a, series=series, troubles=(*a.troubles, *b.troubles))


def _natural(key: str) -> str:
    """Keys such that `version_10` sorts behind `version_9`."""
    return re.sub(r"\d+", lambda m: m[0].zfill(12), key)
