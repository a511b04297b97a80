"""Values of chosen tensors, streamed from both sides: bounded memory, progress, an end at any time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from explorer.lineage.address import Node
from explorer.lineage.values import Range
from explorer.workspace.core import Core
from explorer.workspace.manifests import Fetch
from explorer.workspace.unpickling import pieces_in_child

if TYPE_CHECKING:
    from explorer.checkpoints.boxes import Boxes, Region
    from explorer.checkpoints.statistics import Statistics, Sums
    from explorer.checkpoints.value_plan import Pair, Plan, Refused

_WAVE_BYTES = 16 * 2**20
"""Of both sides together; two waves are in memory at once, one read while the other is added up."""
_WAVE_REGIONS = 256
_BATCH = 64
"""So many tensors are located at a time."""
_BATCH_OF_INDEX = 4096
"""And so many where one index tells all of them, which is read anew each time."""
_GAP_BYTES = 32 * 1024
_MERGED_BYTES = 8 * 2**20
_ASSUMED_BYTES_S = 100e6
"""Until something was read: a wide line to a store, or a laptop's disk with arithmetic behind it."""

Told = Callable[["Statistics | Refused"], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was compared; less than was planned where it was stopped."""

    found: tuple[Statistics, ...]
    refused: tuple[Refused, ...]
    read_bytes: int
    seconds: float
    stopped: bool


@dataclass(slots=True)
class _Job:
    """One region of one pair, and the ranges that hold it on both sides."""

    pair: Pair
    sums: Sums
    boxes: tuple[Boxes, Boxes]
    region: Region
    wants: tuple[tuple[Range, ...], tuple[Range, ...]]
    is_last: bool

    @property
    def read_bytes(self) -> int:
        return sum(want.length or 0 for side in self.wants for want in side)


@dataclass(slots=True)
class _Reads:
    """What one call goes by: where to read, whom to tell, when to stop."""

    fetches: tuple[Fetch, Fetch]
    plan: Plan
    threads: ThreadPoolExecutor
    on_result: Told
    cancel: threading.Event
    refused: list[Refused] = field(default_factory=list)
    broken: dict[int, Sums] = field(default_factory=dict)

    def refuse(self, refused: Refused) -> None:
        """Leave a tensor out, and say so."""
        self.refused.append(refused)
        self.on_result(refused)


class ValueStatistics:
    """Reads what a plan says. Blocks; any thread."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._bytes_s: float | None = None

    @property
    def bytes_s(self) -> float:
        """How fast the last one went, else what is assumed: for telling how long the next will take."""
        return self._bytes_s or _ASSUMED_BYTES_S

    def read(
        self,
        a: Node,
        b: Node,
        plan: Plan,
        on_result: Told = lambda told: None,
        on_progress: Callable[[int, int], None] = lambda done, total: None,
        cancel: threading.Event | None = None,
    ) -> Outcome:
        """Compare the tensors of a plan that was made of the manifests of these nodes.

        `on_result` is told each tensor as soon as it is known, `on_progress` bytes done and in all; both on
        this thread. Stops with what is done on `cancel`. Memory: some 100 MB for tensors of any size; but
        where a file keeps them in larger chunks: four times such a chunk, of at most 256 MiB.

        Raises:
            Conflict: an object was replaced since the manifest was read.
        """
        from explorer.checkpoints.statistics import Statistics

        began, done = time.monotonic(), 0
        found = [Statistics.of_identical(right) for _, right in plan.identical]
        for told in found:
            on_result(told)
        with ThreadPoolExecutor(3, thread_name_prefix="values") as threads:
            fetches = (Fetch(self._core, a, plan.a.objects), Fetch(self._core, b, plan.b.objects))
            reads = _Reads(fetches, plan, threads, on_result, cancel or threading.Event())
            try:
                for job, raws in _answered(reads):
                    told_one = _add(reads, job, raws)
                    done += job.read_bytes
                    if told_one is not None:
                        found.append(told_one)
                        on_result(told_one)
                    on_progress(min(done, plan.read_bytes), plan.read_bytes)
            finally:
                stopped = reads.cancel.is_set()
                reads.cancel.set()
                threads.shutdown(wait=False, cancel_futures=True)
        seconds = time.monotonic() - began
        if done > 2**20 and seconds > 0:
            self._bytes_s = done / seconds
        return Outcome(tuple(found), tuple(reads.refused), done, seconds, stopped)


def _answered(reads: _Reads) -> Iterator[tuple[_Job, tuple[Sequence[bytes], Sequence[bytes]]]]:
    """Jobs with their bytes; while one wave is added up, the next is on its way."""
    ahead: tuple[list[_Job], list[Future[list[bytes]]]] | None = None
    for wave in _waves(_jobs(reads)):
        pending = [
            reads.threads.submit(_merged, fetch, [want for job in wave for want in job.wants[side]])
            for side, fetch in enumerate(reads.fetches)
        ]
        if ahead is not None:
            yield from _settled(reads, *ahead)
        if reads.cancel.is_set():
            return
        ahead = (wave, pending)
    if ahead is not None:
        yield from _settled(reads, *ahead)


def _settled(
    reads: _Reads, wave: list[_Job], pending: list[Future[list[bytes]]]
) -> Iterator[tuple[_Job, tuple[Sequence[bytes], Sequence[bytes]]]]:
    answers = [future.result() for future in pending]
    at = [0, 0]
    for job in wave:
        if reads.cancel.is_set():
            return
        counts = [len(wants) for wants in job.wants]
        left, right = (answers[side][at[side] : at[side] + counts[side]] for side in (0, 1))
        at = [at[side] + counts[side] for side in (0, 1)]
        yield job, (left, right)


def _add(reads: _Reads, job: _Job, raws: tuple[Sequence[bytes], Sequence[bytes]]) -> Statistics | None:
    """Add up a region; of a tensor whose chunks turn out to be damaged nothing is told but that."""
    from explorer.checkpoints.boxes import gathered
    from explorer.checkpoints.value_plan import Refused
    from explorer.errors import BadCheckpoint

    if id(job.sums) in reads.broken:
        return None
    try:
        if job.pair[0].elements:
            left, right = (
                gathered(boxes, job.region, answers, tensor.dtype)
                for boxes, answers, tensor in zip(job.boxes, raws, job.pair, strict=True)
            )
            job.sums.add(left, right)
    except BadCheckpoint as error:
        reads.broken[id(job.sums)] = job.sums
        reads.refuse(Refused(job.pair[1], f"{error.message} ({error.hint})"))
        return None
    return job.sums.statistics() if job.is_last else None


def _waves(jobs: Iterator[_Job]) -> Iterator[list[_Job]]:
    wave: list[_Job] = []
    size = 0
    for job in jobs:
        if wave and (size + job.read_bytes > _WAVE_BYTES or len(wave) >= _WAVE_REGIONS):
            yield wave
            wave, size = [], 0
        wave.append(job)
        size += job.read_bytes
    if wave:
        yield wave


def _jobs(reads: _Reads) -> Iterator[_Job]:
    """Every region of every pair, in order; tensors whose bytes cannot be found are told and left out."""
    from explorer.checkpoints import drive
    from explorer.checkpoints.boxes import aligned, cells, is_scattered, wanted
    from explorer.checkpoints.places import locate
    from explorer.checkpoints.statistics import Sums
    from explorer.checkpoints.value_plan import Refused, unit_of
    from explorer.errors import BadCheckpoint

    plan = reads.plan
    for batch in _batches(plan.pairs):
        if reads.cancel.is_set():
            return
        sides = [
            reads.threads.submit(drive, locate([p[side] for p in batch], checkpoint, pieces_in_child), fetch)
            for side, (checkpoint, fetch) in enumerate(zip((plan.a, plan.b), reads.fetches, strict=True))
        ]
        for pair, *places in zip(batch, *(side.result() for side in sides), strict=True):
            trouble = next((place for place in places if isinstance(place, BadCheckpoint)), None)
            if trouble is not None:
                reads.refuse(Refused(pair[1], f"{trouble.message} ({trouble.hint})"))
                continue
            shape, left, right = aligned(pair[0].shape, *places)
            sums = Sums(*pair)
            cut = list(cells(shape, left, right, unit_of(*pair)))
            if not pair[0].elements:
                cut = [tuple((0, 0) for _ in shape)]
            for index, region in enumerate(cut):
                asked = [
                    tuple(w for box in boxes if (w := wanted(box, region, tensor.dtype)) is not None)
                    for boxes, tensor in zip((left, right), pair, strict=True)
                ]
                if any(map(is_scattered, asked)):
                    reads.refuse(Refused(pair[1], "its elements lie too far apart"))
                    break
                yield _Job(pair, sums, (left, right), region, (asked[0], asked[1]), index == len(cut) - 1)


def _batches(pairs: Sequence[Pair]) -> Iterator[Sequence[Pair]]:
    from explorer.checkpoints.orbax_places import is_packed
    from explorer.checkpoints.places import is_sharded

    first = 0
    while first < len(pairs):
        is_indexed = any(is_sharded(t) or is_packed(t) for t in pairs[first])
        batch = pairs[first : first + (_BATCH_OF_INDEX if is_indexed else _BATCH)]
        yield batch
        first += len(batch)


def _merged(fetch: Fetch, wants: Sequence[Range]) -> list[bytes]:
    """The answers to many ranges, those that lie close together read as one: small tensors are neighbours."""
    order = sorted(range(len(wants)), key=lambda at: (wants[at].key, wants[at].start))
    groups: list[list[int]] = []
    end, key, start = 0, "", 0
    for at in order:
        want = wants[at]
        until = want.start + (want.length or 0)
        if groups and want.key == key and want.start <= end + _GAP_BYTES and until - start <= _MERGED_BYTES:
            groups[-1].append(at)
            end = max(end, until)
        else:
            groups.append([at])
            key, start, end = want.key, want.start, until
    spans = []
    for group in groups:
        low = wants[group[0]].start
        high = max(wants[at].start + (wants[at].length or 0) for at in group)
        spans.append(Range(wants[group[0]].key, low, high - low))
    answers: list[bytes] = [b""] * len(wants)
    for group, span, data in zip(groups, spans, fetch(tuple(spans)), strict=True):
        view = memoryview(data)
        for at in group:
            low = wants[at].start - span.start
            answers[at] = data if len(group) == 1 else bytes(view[low : low + (wants[at].length or 0)])
    return answers
