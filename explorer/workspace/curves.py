"""Loss curves along the lineage: the comparison of nodes, and the one curve that a row of the tree shows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from explorer.errors import BadInput, NotFound
from explorer.lineage.address import Node, version_order
from explorer.lineage.values import Bucket, Curve
from explorer.metrics import Comparison, Subject, compare, metric_names, thin
from explorer.metrics.carried import with_restored_step
from explorer.metrics.choose import default_metric
from explorer.metrics.deltas import cadence
from explorer.metrics.hyperparameters import effective
from explorer.metrics.series import Attempt, shown_name
from explorer.metrics.stitch import Branch, backfill, chains, fork_step, stitch
from explorer.metrics.writers import split_writers
from explorer.workspace.core import Core
from explorer.workspace.readings import Readings
from explorer.workspace.recent import Recent

_MOST_SNAPSHOTS = 8
"""So many are asked for a file that was written over, newest first."""
CURVE_POINTS = 200
"""A row of the tree shows fewer; the rest is for a wider sparkline."""


class Curves:
    """Blocks, may be called from any thread, raises `explorer.errors` only."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._readings = Readings(core)
        self._steps: Recent[Node, float] = Recent(2000)
        self._curves: Recent[str, tuple[tuple[Branch, ...], Curve]] = Recent(2000)

    def compare(
        self,
        nodes: Sequence[Node],
        metrics: Sequence[str | None] = (None,),
        x: str = "step",
        *,
        smoothing: float = 0.0,
        baseline: Node | None = None,
    ) -> tuple[Comparison, ...]:
        """Metrics of these nodes along their lineages, each read as of its version: a comparison a metric.

        Cost: per node one LIST and the metric files not read before; the same again for parents' heads.

        Raises:
            BadInput: no node, no such metric, or no such x axis.
        """
        if not nodes:
            raise BadInput("Nothing to compare.", hint="name at least one bucket or snapshot")
        wanted = list(dict.fromkeys(nodes))
        subjects = list(self._core.pool.map(self._subject, wanted))
        against = None
        if baseline is not None:
            against = next((s for s in subjects if s.node == baseline), None) or self._subject(baseline)
        return tuple(
            compare(subjects, metric, x, smoothing=smoothing, baseline=against) for metric in metrics
        )

    def metrics(self, nodes: Sequence[Node]) -> tuple[str, ...]:
        """The metrics that at least one of these nodes has, sorted."""
        return metric_names(list(self._core.pool.map(self.lineage, dict.fromkeys(nodes))))

    def curve(self, bucket: str) -> Curve | None:
        """A bucket's main loss with its inherited history, thinned; None where nothing was logged.

        Cost: one LIST, and the metric files of the head that are new or have grown.
        """
        lineage = self.lineage(Node(bucket))
        known = self._curves.get(bucket)
        if known is not None and known[0] == lineage:
            return known[1]
        metric = default_metric(metric_names([lineage]))
        if metric is None:
            return None
        line = stitch(chains(lineage)[0], metric)
        steps = line.series.steps
        kept = [i for i in thin(steps, line.series.values, CURVE_POINTS) if steps[i].is_integer()]
        own_from = int(steps[line.own_at]) if line.own_at < len(steps) else None
        curve = Curve(
            metric, tuple(int(steps[i]) for i in kept), tuple(line.series.values[i] for i in kept), own_from
        )
        return self._curves.put(bucket, (lineage, curve))[1]

    def lineage(self, node: Node) -> tuple[Branch, ...]:
        """What each bucket of the node's lineage contributed, root first."""
        path = self._path(node)
        found = self._readings.attempts(node)
        if all(a.bucket != path[0].bucket for a in found):
            # nobody recorded the root: what other tools left is read, in buckets without recorded runs
            recorded = {a.bucket for a in found}
            found += tuple(
                attempt
                for place in path
                if place.bucket not in recorded and place.bucket in self._core.state.buckets
                for attempt in self._with_overwritten(place, self._readings.foreign(place))
            )
        own: dict[str, list[Attempt]] = {}
        earlier: list[Attempt] = []
        places = {place.bucket: i for i, place in enumerate(path)}
        for attempt in sorted(found, key=lambda a: (places.get(a.bucket, -1), *a.order)):
            known = with_restored_step(attempt, earlier)
            earlier.append(known)
            own.setdefault(known.bucket, []).append(known)
        # runs of buckets that are gone from the store came before those that are still there
        names = [n for n in own if n not in {p.bucket for p in path}]
        branches = [Branch(Node(name), tuple(own[name])) for name in names]
        for place in path:
            attempts = tuple(own.get(place.bucket, ()))
            branches.append(Branch(place, attempts, self._inferred(place.bucket, attempts)))
        return self._backfilled(branches)

    def _with_overwritten(self, place: Node, found: tuple[Attempt, ...]) -> tuple[Attempt, ...]:
        """With what a file said before a resumed process wrote over it, where a snapshot still has it.

        Lightning's CSVLogger does so when a version is named. Only a first row that is not near the beginning
        of the lineage gives it away; then the newest of the last snapshots that has earlier ones is asked.
        """
        state = self._core.state
        bucket = state.buckets[place.bucket]
        tables = [a for a in found if a.key.lower().endswith(".csv") and a.series]
        forked = state.step(bucket.parent) if bucket.parent is not None else 0
        if not tables or forked is None:
            return found
        first = min(a.first_step for a in tables)
        if first <= forked + 2 * min(cadence(s.steps) for a in tables for s in a.series.values()) + 1:
            return found
        keys = {a.key for a in tables}
        until = version_order(place.version) if place.version is not None else None
        older = [s for s in bucket.snapshots if until is None or version_order(s.version) < until]
        for snapshot in older[-_MOST_SNAPSHOTS:][::-1]:
            earlier = tuple(
                replace(a, id=f"{a.id}@{snapshot.version}", recovered_from=state.label(snapshot.node))
                for a in self._readings.foreign(snapshot.node)
                if a.key in keys and a.first_step < first
            )
            if earlier:
                return (*earlier, *found)
        return found

    def _subject(self, node: Node) -> Subject:
        state = self._core.state
        bucket = state.bucket(node.bucket)
        parent = bucket.parent
        baseline = None
        if parent is not None and parent.bucket in state.buckets:
            baseline = self.lineage(Node(parent.bucket))
        overrides = state.overrides.get(node.bucket, ())
        lineage = self.lineage(node)
        label = shown_name(state.label(node))
        runs = state.runs_in(node.bucket) if node.is_head else ()
        return Subject(
            node,
            label,
            overrides,
            lineage,
            baseline,
            self._checkpoints(node, lineage),
            effective(lineage, state.overrides),
            runs[0].state if runs else "",
        )

    def _checkpoints(self, node: Node, lineage: tuple[Branch, ...]) -> tuple[tuple[float, Node], ...]:
        """Snapshots along the lineage whose names tell a step: those that this node descends from."""
        found: dict[float, Node] = {}
        upto = math.inf
        for place, branch in zip(reversed(self._path(node)), reversed(lineage), strict=False):
            bucket = self._core.state.buckets.get(place.bucket)
            until = version_order(place.version) if place.version is not None else None
            for snapshot in reversed(bucket.snapshots if bucket is not None else ()):
                step = snapshot.step
                if (
                    step is None
                    or step > upto
                    or (until is not None and version_order(snapshot.version) > until)
                ):
                    continue
                found.setdefault(float(step), snapshot.node)
            fork, _ = fork_step(branch, (split_writers(branch.attempts) or ((),))[0])
            upto = min(upto, math.inf if fork is None else fork)
        return tuple(sorted(found.items(), key=lambda item: item[0]))

    def _path(self, node: Node) -> list[Node]:
        """The node behind the places it descends from, root first; buckets that are gone end the walk."""
        path, bucket = [node], self._core.state.bucket(node.bucket)
        while bucket.parent is not None and bucket.parent.bucket not in {p.bucket for p in path}:
            path.insert(0, bucket.parent)
            above = self._core.state.buckets.get(bucket.parent.bucket)
            if above is None:
                break
            bucket = above
        return path

    def _inferred(self, name: str, attempts: tuple[Attempt, ...]) -> float | None:
        """The newest checkpoint's step in the snapshot a bucket was forked from, where no run tells it."""
        bucket = self._core.state.buckets.get(name)
        if bucket is None or bucket.parent is None:
            return None
        if any(a.fresh or a.restored_step is not None for a in attempts):
            return None
        step = self._core.state.step(bucket.parent)
        return float(step) if step is not None else self._checkpoint_step(bucket)

    def _checkpoint_step(self, bucket: Bucket) -> float | None:
        assert bucket.parent is not None
        known = self._steps.get(bucket.parent)
        if known is not None:
            return known
        from explorer.checkpoints import find_checkpoints

        try:
            found = find_checkpoints(self._core.store.list_objects(bucket.parent))
        except NotFound:  # the parent is gone; its files live on in the fork
            found = find_checkpoints(self._core.store.list_objects(bucket.head))
        step = next((c.step for c in found if c.complete and c.step is not None), None)
        return None if step is None else self._steps.put(bucket.parent, float(step))

    def _backfilled(self, branches: list[Branch]) -> tuple[Branch, ...]:
        """Rows up to a fork's checkpoint that its parent's logger flushed only after the snapshot."""
        for i in range(1, len(branches)):
            above = branches[i - 1]
            writer = (split_writers(above.attempts) or ((),))[0]
            upto, _ = fork_step(branches[i], (split_writers(branches[i].attempts) or ((),))[0])
            lagging = writer[-1] if writer else None
            if lagging is None or upto is None or lagging.last_step >= upto:
                continue
            if above.node.bucket not in self._core.state.buckets:
                continue
            now = self._readings.attempts(Node(above.node.bucket))
            later = next((a for a in now if a.key == lagging.key), None)
            if later is not None:
                filled = backfill(lagging, later, upto)
                attempts = tuple(filled if a is lagging else a for a in above.attempts)
                branches[i - 1] = replace(above, attempts=attempts)
        return tuple(branches)
