"""Where a checkpoint is, written next to the run's metadata in the user's own tracker.

A tracker is never waited for and never takes the training down: what it did not take is offered again at the
next save. Snapshot versions are strings everywhere: nineteen digits do not fit a float.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from explorer.errors import BadInput

log = logging.getLogger("explorer.recorder")


@dataclass(frozen=True, slots=True)
class Link:
    """One save as a tracker is told of it."""

    bucket: str
    snapshot: str
    step: int
    prefix: str
    forked_from: str | None
    """The address that the run started from."""

    def values(self) -> dict[str, str]:
        told = {
            "checkpoint.bucket": self.bucket,
            "checkpoint.snapshot": self.snapshot,
            "checkpoint.step": str(self.step),
            "checkpoint.prefix": self.prefix,
        }
        return told | ({"checkpoint.forked_from": self.forked_from} if self.forked_from else {})


class Tracker(Protocol):
    """A run in somebody's tracker. Methods may raise anything."""

    kind: str

    def describe(self) -> dict[str, str]:
        """What finds this run in the tracker again; goes into the record in the bucket."""
        ...

    def link(self, link: Link) -> None: ...


class WandbRun:
    """`wandb.Run`: the summary says the newest, an artifact by reference each one (lineage graph)."""

    kind = "wandb"

    def __init__(self, run: Any) -> None:
        self._run = run

    def describe(self) -> dict[str, str]:
        run = self._run
        told = {"id": run.id, "project": run.project, "entity": run.entity, "url": run.url}
        return {name: str(value) for name, value in told.items() if value}

    def link(self, link: Link) -> None:
        import wandb

        for name, value in link.values().items():
            self._run.summary[name] = value
        artifact = wandb.Artifact(f"checkpoint-{self._run.id}", type="model", metadata=link.values())
        address = f"tigris://{link.bucket}/{link.prefix}?snapshot={link.snapshot}"
        artifact.add_reference(address, name="checkpoint", checksum=False)
        self._run.log_artifact(artifact, aliases=[f"step-{link.step}"])


class MlflowRun:
    """An MLflow run, by its id: tags, which can be searched and changed."""

    kind = "mlflow"

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id

    def describe(self) -> dict[str, str]:
        import mlflow

        return {"id": self._run_id, "tracking_uri": str(mlflow.get_tracking_uri())}

    def link(self, link: Link) -> None:
        from mlflow import MlflowClient

        client = MlflowClient()
        for name, value in link.values().items():
            client.set_tag(self._run_id, name, value)
        client.set_tag(self._run_id, f"checkpoint.snapshot.step-{link.step}", link.snapshot)


class TensorBoardWriter:
    """A `SummaryWriter` (torch, tensorboardX): texts under `checkpoint`."""

    kind = "tensorboard"

    def __init__(self, writer: Any) -> None:
        self._writer = writer

    def describe(self) -> dict[str, str]:
        return {"log_dir": str(getattr(self._writer, "log_dir", "") or getattr(self._writer, "logdir", ""))}

    def link(self, link: Link) -> None:
        self._writer.add_text("checkpoint/snapshot", f"`{link.bucket}@{link.snapshot}`", link.step)
        self._writer.add_text("checkpoint/link", json.dumps(link.values()), link.step)
        self._writer.flush()


class Trackers:
    """The trackers of a run: the one that was given, or those that are active in this process."""

    def __init__(self, given: Any) -> None:
        """Raises BadInput where what is given is no tracker."""
        self._given = _adapted(given) if given is not None else None
        self._untold: list[tuple[str, Link]] = []
        self._trouble: str | None = None

    def describe(self) -> dict[str, dict[str, str]]:
        """By kind; empty where there is no tracker, or it does not say."""
        told = {}
        for tracker in self._active():
            try:
                told[tracker.kind] = tracker.describe()
            except Exception as error:
                self._note(tracker, error)
        return told

    def link(self, link: Link) -> None:
        """Tell every tracker, oldest first, what it has not been told."""
        active = {tracker.kind: tracker for tracker in self._active()}
        waiting, self._untold = [*self._untold, *((kind, link) for kind in active)], []
        for kind, each in waiting:
            tracker = active.get(kind)
            if tracker is None or any(kind == other for other, _ in self._untold):
                self._untold.append((kind, each))  # its turn comes after what was refused before
                continue
            try:
                tracker.link(each)
            except Exception as error:
                self._untold.append((kind, each))
                self._note(tracker, error)

    def keep_untold(self, path: Path) -> None:
        """Write down what was never told, if anything, as JSON lines."""
        if not self._untold:
            return
        lines = [json.dumps({"tracker": kind, **link.values()}) for kind, link in self._untold]
        path.write_text("\n".join(lines) + "\n")
        log.warning("%d links never reached the tracker; they are in %s", len(lines), path)

    def _active(self) -> Iterator[Tracker]:
        if self._given is not None:
            yield self._given
            return
        # looked for at every save, and never imported: frameworks start their tracker late, if at all
        wandb, mlflow = sys.modules.get("wandb"), sys.modules.get("mlflow")
        if getattr(wandb, "run", None) is not None:
            yield WandbRun(wandb.run)  # type: ignore[union-attr]
        find_mlflow_run = getattr(mlflow, "active_run", None)
        found = find_mlflow_run() if find_mlflow_run is not None else None
        if found is not None:
            yield MlflowRun(found.info.run_id)

    def _note(self, tracker: Tracker, error: Exception) -> None:
        said = f"{tracker.kind} was not told where the checkpoint is: {error}"
        if said != self._trouble:
            log.warning("%s; the training goes on", said)
        self._trouble = said


def _adapted(given: Any) -> Tracker:
    if hasattr(given, "add_text"):
        return TensorBoardWriter(given)
    if hasattr(given, "summary") and hasattr(given, "log_artifact"):
        return WandbRun(given)
    run_id = getattr(getattr(given, "info", None), "run_id", None)
    if isinstance(run_id, str):
        return MlflowRun(run_id)
    if hasattr(given, "describe") and hasattr(given, "link") and hasattr(given, "kind"):
        adapted: Tracker = given
        return adapted
    raise BadInput(
        f"A {type(given).__name__} is no tracker that a run can write to.",
        hint="give a wandb run, an MLflow run, a SummaryWriter, or nothing: an active run is found",
        where="Run(tracker=…)",
    )
