"""A workspace in memory with the real state, fold, feed and journal of verbs: only the store is left out."""

from __future__ import annotations

import itertools
import threading
from array import array
from collections.abc import Callable, Iterable, Sequence

from explorer.checkpoints import Checkpoint, Diff, Manifest, Side, Tensor, diff
from explorer.errors import Conflict, ExplorerError, NameTaken, NotFound
from explorer.lineage.address import Node
from explorer.lineage.events import (
    BucketDeleted,
    Event,
    Forked,
    PrefetchDropped,
    PrefetchMoved,
    RunChanged,
    SnapshotDeleted,
    SnapshotTaken,
)
from explorer.lineage.state import State, fold
from explorer.lineage.values import Bucket, ObjectInfo, Overrides, Progress, RunView, Snapshot
from explorer.metrics.comparison import Best, Comparison, NodeCurve, Tail
from explorer.workspace.feed import Feed
from explorer.workspace.naming import propose
from tests.tui.synthetic import NOW_NS

SIZE = 2_254_857_830


class MemoryWorkspace:
    """Verbs fold events as the real ones do. `trouble`, when set, is what the next verb raises."""

    def __init__(self, state: State) -> None:
        self.feed = Feed()
        self.trouble: ExplorerError | None = None
        self.calls: list[tuple[object, ...]] = []
        self.closed = False
        self.gate = threading.Event()
        self.gate.set()
        self.log_text = b"step 1010 loss 1.930\nstep 1020 loss 1.921\nstep 1030 loss 1.918\n"
        self.refreshed_ns: int | None = NOW_NS - 2 * 10**9
        self._lock = threading.Lock()
        self._state = state
        self._undo: list[tuple[str, Event]] = []
        self._clock = itertools.count(NOW_NS, 1_000_000_000)

    @property
    def state(self) -> State:
        return self._state

    def emit(self, *events: Event) -> None:
        with self._lock:
            self._state = fold(self._state, events)
        self.feed.tell(self._state.revision)

    def subscribe(self, subscriber: Callable[[int], None]) -> Callable[[], None]:
        return self.feed.subscribe(subscriber)

    def _begin(self, *call: object) -> None:
        self.calls.append(call)
        self.gate.wait(5)
        if self.trouble is not None:
            trouble, self.trouble = self.trouble, None
            raise trouble

    def called(self, verb: str) -> list[tuple[object, ...]]:
        return [call for call in self.calls if call[0] == verb]

    def refresh(self) -> None:
        self._begin("refresh")

    def start_refreshing(self) -> None:
        self.calls.append(("start_refreshing",))

    def want(self, nodes: Iterable[Node]) -> None:
        self.calls.append(("want", tuple(nodes)))

    def focus(self, node: Node) -> None:
        self.calls.append(("focus", node))

    def fork(self, source: Node, name: str | None = None, overrides: Overrides = ()) -> Node:
        self._begin("fork", source, name, overrides)
        if name in self.state.buckets:
            raise NameTaken(f"There is a bucket `{name}` already.", hint="another name is free")
        name = name or propose(source.bucket, overrides, self.state.buckets)
        self.emit(Forked(Bucket(name, next(self._clock), source), overrides))
        self._undo.append((f"fork {name}", BucketDeleted(name)))
        return Node(name)

    def snapshot(self, bucket: str, name: str | None = None) -> Node:
        self._begin("snapshot", bucket, name)
        taken = Snapshot(bucket, str(next(self._clock)), name)
        self.emit(SnapshotTaken(taken))
        self._undo.append((f"snapshot {taken.node}", SnapshotDeleted(taken.node)))
        return taken.node

    def delete_bucket(self, name: str, *, force: bool = False) -> None:
        self._begin("delete_bucket", name, force)
        if self.state.bucket(name).snapshots and not force:
            raise Conflict(f"`{name}` has data of its own (1 snapshot).", hint="confirm it")
        self.emit(BucketDeleted(name))

    def undo(self) -> str:
        self._begin("undo")
        if not self._undo:
            raise NotFound("There is nothing to undo.", hint="forks and snapshots can be undone")
        said, event = self._undo.pop()
        self.emit(event)
        return said

    def manifest(self, node: Node, step: int | None = None) -> Manifest:
        self._begin("manifest", node)
        return manifest(self.state.step(node) or 0)

    def diff(self, a: Node, b: Node) -> Diff:
        self._begin("diff", a, b)
        sides = []
        for node in (a, b):
            read = manifest(self.state.step(node) or 0, lr=3e-5 if node == b else 3e-4)
            sides.append(Side(self.state.label(node), read.checkpoint.objects, read.checkpoint, read))
        return diff(*sides)

    def compare(
        self,
        nodes: Sequence[Node],
        metric: str | tuple[str, ...] | None = None,
        x: str = "step",
        *,
        baseline: Node | str = "parent",
    ) -> Comparison | tuple[Comparison, ...]:
        self._begin("compare", tuple(nodes), metric, x, baseline)
        if isinstance(metric, tuple):
            return tuple(comparison(self.state, nodes, name, x) for name in metric)
        return comparison(self.state, nodes, metric or "loss", x)

    def prefetch(self, node: Node) -> None:
        self._begin("prefetch", node)
        self.emit(PrefetchMoved(node, Progress(SIZE // 3, SIZE, active=True)))

    def cancel_prefetch(self, node: Node) -> None:
        self._begin("cancel_prefetch", node)
        self.emit(PrefetchDropped(node))

    def resume(self, node: Node, template: str | None = None, overrides: Overrides = ()) -> RunView:
        self._begin("resume", node, template, overrides)
        name = propose(node.bucket, overrides, self.state.buckets)
        run = RunView(f"r-{name}", name, node, "running", next(self._clock), overrides=overrides)
        self.emit(Forked(Bucket(name, next(self._clock), node), overrides), RunChanged(run))
        return run

    def stop(self, run_id: str) -> None:
        self._begin("stop", run_id)

    def log(self, run_id: str, offset: int = 0) -> tuple[bytes, int]:
        self.calls.append(("log", run_id, offset))
        return self.log_text[offset:], len(self.log_text)

    def close(self) -> None:
        self.closed = True


def manifest(step: int, lr: float = 3e-4) -> Manifest:
    """What a small safetensors checkpoint of a step would tell."""
    prefix = f"checkpoints/step-{step:06d}/"
    objects = (
        ObjectInfo(f"{prefix}config.json", 311, "aa", NOW_NS),
        ObjectInfo(f"{prefix}model.safetensors", SIZE, f"{step:032x}", NOW_NS),
        ObjectInfo(f"{prefix}training_state.json", 640, f"{step:031x}f", NOW_NS),
    )
    tensors = tuple(
        Tensor(f"model.layers.{layer}.{part}.weight", "BF16", (1024, 1024), 2_097_152, "model.safetensors", 0)
        for layer in range(12)
        for part in ("q_proj", "k_proj", "v_proj", "o_proj")
    )
    return Manifest(
        Checkpoint(prefix, "safetensors", step, objects),
        step,
        tensors,
        config={"hidden_size": 1024, "layers": 12, "optimizer.lr": lr},
        state={"step": step, "epoch": step // 300, "tokens": step * 65_536},
    )


def comparison(state: State, nodes: Sequence[Node], metric: str, axis: str = "step") -> Comparison:
    curves = []
    for node in nodes:
        curve = state.curves.get(node.bucket)
        steps = array("d", curve.steps if curve else ())
        values = array("d", curve.values if curve else ())
        own = sum(step < (curve.own_from or 0) for step in curve.steps) if curve else 0
        best = min(zip(values, steps, strict=True), default=None)
        curves.append(
            NodeCurve(
                node,
                state.label(node),
                state.overrides.get(node.bucket, ()),
                x=steps,
                values=values,
                steps=steps,
                own_at=own,
                fork_step=steps[own - 1] if own else None,
                fork_x=steps[own - 1] if own else None,
                last=values[-1] if values else None,
                last_x=steps[-1] if steps else None,
                best=Best(best[1], best[0], False) if best else None,
                delta_to_parent=-0.02 if own else None,
                deltas=Tail(steps[own:], array("d", [-0.02] * (len(steps) - own))) if own else None,
                checkpoints=checkpoints(state, node),
                hyperparameters=(("lr", 3e-4), *state.overrides.get(node.bucket, ())),
            )
        )
    return Comparison(metric, axis, tuple(curves), metrics=("loss", "val_loss", "lr"), axes=("step", "epoch"))


def checkpoints(state: State, node: Node) -> tuple[tuple[float, Node], ...]:
    """The snapshots of a bucket by their steps."""
    bucket = state.buckets.get(node.bucket)
    return tuple((float(s.step), s.node) for s in (bucket.snapshots if bucket else ()) if s.step is not None)
