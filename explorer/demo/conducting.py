"""Brings a lineage to what the plan says, one missing thing at a time: may be killed and started anew."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from explorer.demo.plan import STEPS, Branch
from explorer.errors import ResumeFailed, Unreachable
from explorer.jobs.status import write_json
from explorer.lineage.address import Node
from explorer.lineage.values import Snapshot
from explorer.workspace.workspace import Workspace

_AT_ONCE = 4
_TRIES = 3
_TICK_S = 0.3
_SILENCE_MAX_S = 30.0
_DONE, _MOVING, _NEVER = "done", "moving", "never"


class Conductor:
    """Looks at the lineage, does what is missing, looks again. Nothing that a person did is undone.

    `said` is told what was done, in past tense.
    """

    def __init__(
        self, workspace: Workspace, branches: Sequence[Branch], notes: Path, said: Callable[[str], None]
    ) -> None:
        self._workspace = workspace
        self._branches = branches
        self._notes = notes
        self._said = said
        self._made: set[str] = set(_read_notes(notes))
        """Buckets that were made before: one that is gone was deleted by somebody, and stays so."""

    def run(self, max_s: float) -> None:
        """Until all that can be done is done.

        Raises:
            ResumeFailed: a training failed again and again; its reason is in the message.
            Unreachable: the store did not answer for half a minute.
        """
        deadline = time.monotonic() + max_s
        answered = time.monotonic()
        while True:
            try:
                if not self.step():
                    return
                answered = time.monotonic()
            except Unreachable:
                if time.monotonic() > answered + _SILENCE_MAX_S:
                    raise
            if time.monotonic() > deadline:
                raise ResumeFailed(
                    f"The demo is not done after {max_s:.0f} s.", hint="`explorer runs list` shows what runs"
                )
            time.sleep(_TICK_S)

    def step(self) -> bool:
        """One look at all branches; False when nothing moves any more."""
        self._workspace.refresh()
        outcomes: dict[str, str] = {}
        for branch in self._branches:
            outcomes[branch.name] = self._advance(branch, outcomes)
        return _MOVING in outcomes.values()

    def _advance(self, branch: Branch, outcomes: dict[str, str]) -> str:
        workspace = self._workspace
        runs = workspace.state.runs_in(branch.name)
        if runs and runs[0].is_live:
            return _MOVING
        if self._snapshot(branch.name, STEPS) is not None:
            return _DONE
        if runs and runs[0].state == "stopped":
            return _NEVER
        failed = [run for run in runs if run.state in ("failed", "lost")]
        if len(failed) >= _TRIES:
            raise ResumeFailed(
                f"The training of `{branch.name}` {failed[0].state}: {failed[0].reason}.",
                hint=f"`explorer runs log {failed[0].id}` shows what it said",
            )
        if branch.name not in workspace.state.buckets:
            if branch.name in self._made:
                return _NEVER
            if not self._make(branch):
                return _NEVER if outcomes.get(branch.parent or "") in (_DONE, _NEVER) else _MOVING
        if sum(run.is_live for run in workspace.state.runs.values()) < _AT_ONCE:
            run = (
                workspace.resume(Node(branch.name))
                if branch.parent
                else workspace.launch(branch.name, "demo", branch.overrides)
            )
            self._said(f"started {run.id} in {branch.name}")
        return _MOVING

    def _make(self, branch: Branch) -> bool:
        """False where the snapshot to fork from is not there."""
        if branch.parent is None:
            self._workspace.create_bucket(branch.name)
            self._said(f"created {branch.name}")
        else:
            source = self._snapshot(branch.parent, branch.from_step)
            if source is None:
                return False
            self._workspace.fork(source.node, branch.name, branch.overrides)
            self._said(f"forked {branch.name} from {branch.parent}@{source.name}")
        self._made.add(branch.name)
        self._notes.parent.mkdir(parents=True, exist_ok=True)
        write_json(self._notes, sorted(self._made))
        return True

    def _snapshot(self, bucket: str, step: int | None) -> Snapshot | None:
        found = self._workspace.state.buckets.get(bucket)
        return next((s for s in reversed(found.snapshots) if s.step == step), None) if found else None


def _read_notes(path: Path) -> list[str]:
    try:
        return [str(name) for name in json.loads(path.read_text())]
    except (OSError, ValueError, TypeError):
        return []


def notes_path(data: Path, prefix: str) -> Path:
    """Where a demo keeps which buckets it has made."""
    return data / "demo" / f"{prefix}.json"


def choose_prefix(data: Path, *, fresh: bool) -> str:
    """The newest demo of this data folder, or the next of `spiral`, `spiral2`, `spiral3`…"""
    told = sorted((data / "demo").glob("spiral*.json"), key=lambda path: path.stat().st_mtime)
    if told and not fresh:
        return told[-1].stem
    used = {path.stem for path in told}
    return next(p for p in ("spiral", *(f"spiral{n}" for n in range(2, len(used) + 3))) if p not in used)
