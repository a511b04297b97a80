"""The whole story without a screen: each step is done by the workspace, then looked at, then printed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from explorer.demo.conducting import Conductor, notes_path
from explorer.demo.plan import STEPS, plan
from explorer.demo.printing import show_comparison, show_tree
from explorer.errors import Bug
from explorer.lineage.address import Node
from explorer.lineage.values import RunView
from explorer.settings import Settings
from explorer.workspace.workspace import Workspace

_MAX_S = 300.0
_RESUME_FROM = 400


def tell(settings: Settings, prefix: str) -> None:
    """Train, fork, diff, compare, prefetch, resume, and check that each has really happened.

    About 15 s on two cores; what is there already is not done again.

    Raises:
        Bug: something did not happen that should have.
    """
    from explorer.workspace.opener import open_workspace

    os.environ["EXPLORER_DEMO_PACE"] = "0"
    workspace = open_workspace(settings)
    try:
        _Story(workspace, settings.data, prefix).tell()
    finally:
        workspace.close()


class _Story:
    def __init__(self, workspace: Workspace, data: Path, prefix: str) -> None:
        self.workspace = workspace
        self.data = data
        self.prefix = prefix
        self.branches = plan(prefix)
        self.base = f"{prefix}-base"
        self.decayed = f"{prefix}-wd-3e-1"

    def tell(self) -> None:
        info = self.workspace.state.store
        print(f"{info.label}  {info.endpoint}  {self.data}")
        self._train()
        self._tree()
        self._diff()
        self._compare()
        self._prefetch_and_resume()

    def _train(self) -> None:
        _title("Training, and forking from the middle of it")
        notes = notes_path(self.data, self.prefix)
        Conductor(self.workspace, self.branches, notes, lambda text: print(f"  {text}")).run(_MAX_S)
        for branch in self.branches:
            bucket = self.workspace.state.bucket(branch.name)
            first = branch.from_step or 0
            steps = [s.step for s in bucket.snapshots]
            _expect(steps == list(range(first + 50, STEPS + 1, 50)), f"the snapshots of `{branch.name}`")
            manifest = self.workspace.manifest(bucket.snapshots[-1].node)
            _expect(manifest.complete and manifest.step == STEPS, f"the last checkpoint of `{branch.name}`")
        print(f"  {len(self.branches)} trainings, a snapshot after every save, each read back and complete")

    def _tree(self) -> None:
        _title("The tree")
        self.workspace.read_overrides()
        state = self.workspace.state
        for branch in self.branches:
            told = state.bucket(branch.name)
            if branch.parent:
                _expect(
                    told.parent is not None and told.parent.bucket == branch.parent, "the parent of a fork"
                )
                _expect(state.overrides.get(branch.name) == branch.overrides, "what a fork changed")
        show_tree(state)

    def _diff(self) -> None:
        a, b = self._at(self.base, STEPS), self._at(self.decayed, STEPS)
        _title(f"What differs: {self._label(a)} and {self._label(b)}")
        diff = self.workspace.diff(a, b)
        print("\n".join(f"  {line}" for line in diff.summary.splitlines()))
        changed = [change["path"] for change in diff.to_json()["config"]]
        _expect(changed == ["weight_decay"], f"one key of the config differs, not {changed}")
        _expect(bool(diff.to_json()["objects"]["changed"]), "the weights differ")

    def _compare(self) -> None:
        _title("How they learned: val_loss")
        nodes = [Node(branch.name) for branch in self.branches]
        comparison = self.workspace.compare(nodes, "val_loss")
        show_comparison(comparison.to_json())
        told = {node["address"]: node for node in comparison.to_json()["nodes"]}
        _expect(len(told) == len(nodes), "a curve for every branch")
        for branch in self.branches:
            curve = told[branch.name]
            _expect(curve["points"][-1][0] == STEPS, f"the curve of `{branch.name}` reaches the end")
            if branch.parent:
                _expect(
                    curve["inherited_until"] == branch.from_step, f"`{branch.name}` inherited its history"
                )
        wild, decayed = told[f"{self.prefix}-lr-5e-1"], told[self.decayed]
        _expect(decayed["last"] < told[self.base]["last"] < wild["last"], "the curves part")

    def _prefetch_and_resume(self) -> None:
        source = self._at(self.base, _RESUME_FROM)
        _title(f"Prefetching and resuming {self._label(source)}")
        self.workspace.prefetch(source)
        self._wait(lambda: self._is_cached(source), "the prefetch to be complete")
        print(f"  {self.workspace.state.prefetched[source].total_bytes:,} bytes are on this disk")
        run = self.workspace.resume(source)
        print(f"  run {run.id} writes to {run.bucket}")
        ended = self._wait_for(run)
        _expect(ended.state == "done", f"the resumed run ended well ({ended.state}: {ended.reason})")
        log = self._log(run.id)
        print("\n".join(f"  | {line}" for line in log.splitlines()))
        _expect(f"restored {source}, prefetched" in log, "it started from the prefetched files")
        self.workspace.refresh()
        again, before = self._at(run.bucket, STEPS), self._at(self.base, STEPS)
        same = self.workspace.diff(before, again).to_json()
        kinds = ("added", "removed", "renamed", "reshaped", "retyped", "moved")
        _expect(not any(same["tensors"][kind] for kind in kinds), "no tensor changed its shape")
        _expect(not same["config"], "the config is the same")
        _expect(self._etags(again) == self._etags(before), "the resumed training wrote the very same bytes")
        print(f"  step {STEPS} of {run.bucket} is byte for byte the one of {self.base}, which never stopped")

    def _etags(self, node: Node) -> list[tuple[str, str]]:
        newest = self.workspace.checkpoints(node)[0]
        return [(info.key, info.etag) for info in newest.objects]

    def _at(self, bucket: str, step: int) -> Node:
        for snapshot in self.workspace.state.bucket(bucket).snapshots:
            if snapshot.step == step:
                return snapshot.node
        raise Bug(f"`{bucket}` has no snapshot of step {step}.", hint="`explorer demo --fresh` starts anew")

    def _label(self, node: Node) -> str:
        return self.workspace.state.label(node)

    def _is_cached(self, node: Node) -> bool:
        failure = self.workspace.state.failures.get(node)
        _expect(failure is None, f"the prefetch did not fail ({failure.message if failure else ''})")
        progress = self.workspace.state.prefetched.get(node)
        return progress is not None and progress.complete

    def _wait_for(self, run: RunView) -> RunView:
        self._wait(lambda: not self.workspace.state.runs[run.id].is_live, f"run {run.id} to end")
        return self.workspace.state.runs[run.id]

    def _log(self, run_id: str) -> str:
        text, offset = b"", 0
        while True:
            part, following = self.workspace.log(run_id, offset)
            if following == offset:
                return text.decode(errors="replace")
            text, offset = text + part, following

    def _wait(self, holds: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + _MAX_S
        while not holds():
            _expect(time.monotonic() < deadline, f"waited for {what}")
            time.sleep(0.1)


def _title(text: str) -> None:
    print(f"\n{text}", flush=True)


def _expect(holds: bool, what: str) -> None:
    if not holds:
        raise Bug(f"The demo expected something else: {what}.", hint="`explorer demo --fresh` starts anew")
