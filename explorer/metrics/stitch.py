"""One metric along a lineage. The rules, for attempts in lineage order (root bucket first, each by start):

1. An attempt continues from its `base`: the steps in the checkpoint that it resumed from. It contributes rows
   behind its base only, and ends the life of every earlier row behind its base, of all metrics: rows that the
   parent logged past the checkpoint, and the tail that a crashed run lost.
2. So a row of attempt i lives when base(i) < step <= min(base(j) for j later than i). A fork taken below its
   parent's own fork step thereby drops that parent altogether.
3. An attempt with no known base cuts at its first step. The first one in a fork whose checkpoint is unknown
   cuts at the fork's inferred step; one that is known to have begun from nothing inherits nothing.
4. Own rows at or below the base are dropped: copies of the inherited row silently, others counted.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from explorer.lineage.address import Node
from explorer.metrics.series import EMPTY, Attempt, Series, Stretch, join
from explorer.metrics.writers import Writer, bits, split_writers


@dataclass(frozen=True, slots=True)
class Branch:
    """What one bucket of a lineage contributes: its own attempts, read as of `node`.

    `fork_step` is the step of the newest checkpoint in the snapshot that it was forked from: it counts where
    no attempt tells what it restored.
    """

    node: Node
    attempts: tuple[Attempt, ...]
    fork_step: float | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One metric of a lineage as its leaf sees it; rows before `own_at` are inherited.

    Forks share their history, as stretches of one series. It is copied only where somebody asks for it whole.
    """

    stretches: tuple[Stretch, ...]
    own_at: int = 0
    fork_step: float | None = None
    """Rows up to and including it come from the parent; None for a root."""
    inferred: bool = False
    """No run tells the fork step: it is the step of the newest checkpoint in the fork's snapshot."""
    discarded: tuple[Series, ...] = ()
    """Tails of the leaf's own attempts that a later attempt did again."""
    relogged: int = 0
    backfilled: int = 0
    _joined: dict[str, array[float]] = field(default_factory=dict, compare=False, repr=False)

    def __len__(self) -> int:
        return sum(map(len, self.stretches))

    def column(self, name: str) -> array[float]:
        """`steps`, `values` or `walls`, whole. Cost: a copy at the first time, where there are joints."""
        if name not in self._joined:
            self._joined[name] = join(self.stretches, name)
        return self._joined[name]

    def behind(self, step: float, memory: int = 0) -> Series:
        """The rows behind a step, and at most `memory` rows before those."""
        start = max(self.index(step) - memory, 0)
        kept: list[Stretch] = []
        for stretch in self.stretches:
            first = min(start, len(stretch))
            start -= first
            kept.append(replace(stretch, start=stretch.start + first))
        kept = [stretch for stretch in kept if len(stretch)]
        return Series(*(join(kept, name) for name in ("steps", "values", "walls")))

    def index(self, step: float) -> int:
        """How many rows there are up to a step."""
        found = 0
        for stretch in self.stretches:
            at = bisect_right(stretch.series.steps, step, stretch.start, stretch.stop) - stretch.start
            found += at
            if at < len(stretch):
                break
        return found

    @property
    def series(self) -> Series:
        return Series(self.column("steps"), self.column("values"), self.column("walls"))


@dataclass(frozen=True, slots=True)
class Chain:
    """Attempts of a lineage in order, each with its base; the leaf's own start at `own_at`."""

    attempts: tuple[Attempt, ...]
    bases: tuple[float, ...]
    own_at: int
    fork_step: float | None
    inferred: bool
    contested: tuple[str, ...] = ()
    """Buckets above the leaf that several processes wrote at once: the first one's rows are in the chain."""


def chains(lineage: Sequence[Branch]) -> tuple[Chain, ...]:
    """The lineage (root first) once per writer of its leaf; inner buckets follow their first writer."""
    before: list[Attempt] = []
    bases: list[float] = []
    contested: list[str] = []
    for i, branch in enumerate(lineage[:-1]):
        writers = split_writers(branch.attempts) or ((),)
        writer = writers[0]
        if len(writers) > 1:
            contested.append(branch.node.bucket)
        own, own_bases, _, _ = _own(branch, writer, is_root=i == 0)
        before += own
        bases += own_bases
    made = []
    for writer in split_writers(lineage[-1].attempts) or ((),):
        own, own_bases, fork, inferred = _own(lineage[-1], writer, is_root=len(lineage) == 1)
        every, all_bases = (*before, *own), (*bases, *own_bases)
        made.append(Chain(every, all_bases, len(before), fork, inferred, tuple(contested)))
    return tuple(made)


def stitch(chain: Chain, metric: str) -> Line:
    """The metric along the lineage. Cost: O(attempts log rows); nothing is copied."""
    parts: list[Stretch] = []
    discarded: list[Series] = []
    relogged = backfilled = own_at = 0
    limits = _limits(chain.bases)
    for i, attempt in enumerate(chain.attempts):
        if i == chain.own_at:
            own_at = sum(map(len, parts))
        series = attempt.series.get(metric, EMPTY)
        start = bisect_right(series.steps, chain.bases[i])
        stop = max(start, bisect_right(series.steps, limits[i]))
        parts.append(Stretch(series, start, stop))
        if i >= chain.own_at:
            relogged += _count_relogged(series.cut(0, start), parts[:-1])
            if stop < len(series):
                discarded.append(series.cut(stop, len(series)))
        if attempt.backfilled and stop == len(series):
            backfilled += min(attempt.backfilled, stop - start)
    if chain.own_at == len(chain.attempts):
        own_at = sum(map(len, parts))
    kept = tuple(part for part in parts if len(part))
    return Line(kept, own_at, chain.fork_step, chain.inferred, tuple(discarded), relogged, backfilled)


def backfill(seen: Attempt, later: Attempt, upto: float) -> Attempt:
    """`seen` with the rows up to `upto` that its logger flushed only after the snapshot.

    They come from `later`, which must be the same attempt grown: every row of `seen` stands in it unchanged;
    otherwise `seen` comes back as it is.
    """
    grown: dict[str, Series] = {}
    added = 0
    for name, series in later.series.items():
        old = seen.series.get(name, EMPTY)
        if not _starts_with(series, old):
            return seen
        stop = max(len(old), bisect_right(series.steps, upto))
        added = max(added, stop - len(old))
        grown[name] = series.cut(0, stop)
    if not added or seen.series.keys() - later.series.keys():
        return seen
    return replace(seen, series=grown, backfilled=added)


def fork_step(branch: Branch, writer: Writer) -> tuple[float | None, bool]:
    """Up to where a forked bucket inherits, and whether that is inferred: -inf where it started afresh."""
    logging = [a for a in writer if a.series] or list(writer)
    if any(a.fresh for a in logging):
        return -math.inf, False
    told = [a.restored_step for a in logging if a.restored_step is not None]
    return (min(told), False) if told else (branch.fork_step, True)


def _own(
    branch: Branch, writer: Writer, *, is_root: bool
) -> tuple[list[Attempt], list[float], float | None, bool]:
    """The attempts that count in one bucket with their bases, and its fork step."""
    fork, inferred = (None, False) if is_root else fork_step(branch, writer)
    # an attempt that never logged took nothing away from the earlier ones
    logging = [a for a in writer if a.series]
    if not logging and fork is not None:
        # nothing logged yet, and still the parent's rows past the checkpoint are not inherited
        return [Attempt("", branch.node.bucket, {})], [fork], fork, inferred
    bases = []
    for i, attempt in enumerate(logging):
        if attempt.fresh:
            bases.append(-math.inf)  # it began from nothing: nothing before it is its history
        elif attempt.restored_step is not None:
            bases.append(attempt.restored_step)
        elif i == 0 and fork is not None:
            bases.append(fork)
        else:
            floor = -math.inf if fork is None else fork
            bases.append(max(floor, math.nextafter(attempt.first_step, -math.inf)))
    return logging, bases, fork, inferred


def _limits(bases: Sequence[float]) -> list[float]:
    """For each attempt the lowest base of the later ones."""
    limits, low = [math.inf] * len(bases), math.inf
    for i in range(len(bases) - 1, -1, -1):
        limits[i] = low
        low = min(low, bases[i])
    return limits


def _count_relogged(own: Series, earlier: Sequence[Stretch]) -> int:
    count = 0
    for step, value in zip(own.steps, own.values, strict=True):
        for part in earlier:
            steps = part.series.steps
            at = bisect_left(steps, step, part.start, part.stop)
            if at < part.stop and steps[at] == step:
                count += bits(part.series.values[at]) != bits(value)
                break
        else:
            count += 1
    return count


def _starts_with(series: Series, old: Series) -> bool:
    n = len(old)
    return (
        series.steps[:n] == old.steps
        and series.values[:n].tobytes() == old.values.tobytes()
        and len(series) >= n
    )
