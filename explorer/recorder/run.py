"""`Run`: a training seen from inside. Restores, logs, saves; nothing of ours takes the training down.

with explorer.Run(config={"lr": 1e-3, "steps": 1000}, bucket="my-checkpoints") as run:
    restored = run.restore()                      # None: a fresh start
    for step in range(restored.step + 1 if restored else 1, run.config["steps"] + 1):
        loss = train_step(lr=run.config["lr"])    # overrides of a fork are in the config already
        run.log(step=step, loss=loss)
        if step % 100 == 0 or run.should_stop:
            run.save(step, "out/")                # uploaded, frozen as snapshot step-100, read back
        if run.should_stop:
            break
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from explorer.errors import BadInput, ExplorerError, NotFound, SnapshotsOff, StoreTrouble, Unreachable
from explorer.jobs.credentials import holds_secret
from explorer.jobs.lease import take_lease
from explorer.jobs.processes import this_process
from explorer.jobs.record import Command, Record, now
from explorer.jobs.spec import new_run_id, runs_folder
from explorer.lineage.values import Overrides
from explorer.recorder.keeping import Keeper
from explorer.recorder.launch import Launch, read_declared, read_launch, with_overrides
from explorer.recorder.restoring import Restored, find_source, restore
from explorer.recorder.rows import Rows
from explorer.recorder.saving import BucketWriter, Saved
from explorer.recorder.signals import StopSignal
from explorer.recorder.staging import Files, Save, collect, prefix_of
from explorer.recorder.trackers import Link, Trackers
from explorer.settings import read_settings
from explorer.storage import Store, open_store

log = logging.getLogger("explorer.recorder")


class Run:
    """One training process writing to one bucket, from `with` to its end.

    `bucket` is created (with snapshots on) if it is not there; under a launcher the launcher's bucket,
    source and overrides win. `source` (`bucket@version` or `bucket@name`) is where `restore` starts from;
    without it that is the bucket's own newest snapshot. The store is the one that the settings name.
    `tracker` is told where each checkpoint is: a wandb run, an MLflow run or a SummaryWriter; without it the
    wandb or MLflow run that is active when a save is done.
    """

    def __init__(
        self,
        *,
        config: Mapping[str, Any] | None = None,
        bucket: str | None = None,
        source: str | None = None,
        store: Store | None = None,
        tracker: Any = None,
        flush_s: float = 1.0,
        end_wait_s: float = 60.0,
    ) -> None:
        self._launch: Launch = read_launch(os.environ)
        self._overrides = self._launch.overrides
        self.config: dict[str, Any] = with_overrides(config or {}, self._overrides)
        """The config that was given, with the overrides of this run in it (of its fork, from `with` on)."""
        self.id = self._launch.run or new_run_id()
        self.stopping = threading.Event()
        """Set when the run was asked to end (SIGTERM): finish the step, save, leave the loop."""
        self._bucket = self._launch.bucket or bucket or ""
        self._source = source
        self._store = store
        self._trackers = Trackers(tracker)
        self._flush_s, self._end_wait_s = flush_s, end_wait_s
        self._rows = Rows()
        self._signal = StopSignal(self.stopping)
        if not self._bucket:
            raise BadInput("A run needs a bucket to write to.", hint='explorer.Run(bucket="my-checkpoints")')

    @property
    def bucket(self) -> str:
        return self._bucket

    @property
    def overrides(self) -> Overrides:
        """What the fork, or whoever launched this, said to change."""
        return self._overrides

    @property
    def should_stop(self) -> bool:
        return self.stopping.is_set()

    @property
    def waiting(self) -> tuple[int, ...]:
        """Steps whose saves have not reached the store yet."""
        return self._keeper.waiting

    def __enter__(self) -> Self:
        """Connect, and become the bucket's only writer.

        Raises:
            Conflict: another run is writing to the bucket.
            SnapshotsOff, NotAllowed, Unreachable: the store cannot be used like this.
        """
        settings = read_settings(endpoint=self._launch.endpoint)
        if self._store is None:
            if settings.endpoint is None:
                raise Unreachable(
                    "It is not said which store to write to.",
                    hint='`eval "$(explorer serve --env)"` starts the local store and names it',
                )
            self._store = open_store(settings.endpoint, profile=settings.profile, region=settings.region)
        self._open_bucket(self._store)
        self._folder = runs_folder(settings.data) / self.id
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreTrouble(
                f"The run's folder cannot be made: {error.strerror}.",
                hint="EXPLORER_DATA moves what is kept on disk to another place",
                where=str(self._folder),
            ) from error
        if self._launch.run is None:
            self._overrides = read_declared(self._store, self._bucket)
            self.config = with_overrides(self.config, self._overrides)
        lease = take_lease(self._store, self._bucket, self.id)
        record = Record(
            run=self.id,
            bucket=self._bucket,
            source=self._launch.source,
            restored_step=None,
            config=json.loads(json.dumps(self.config, default=str)),
            overrides=self._overrides,
            command=_command(),
            started_at=now(),
            endpoint=self._store.info.endpoint,
            process=this_process(),
        )
        self._writer = BucketWriter(
            self._store, record, self._rows, lease, self._folder, self._trackers.describe
        )
        self._writer.change(record)
        self._keeper = Keeper(self._writer, self._flush_s, self._arrived)
        self._signal.listen()
        return self

    def restore(self, step: int | None = None) -> Restored | None:
        """Bring the checkpoint to start from onto this disk; None where there is nothing to start from.

        Raises:
            BadCheckpoint: it is not complete; nothing is restored then.
            NotFound: there is none of this step.
        """
        if self._store is None:
            raise BadInput("The run is not open.", hint="restore inside `with explorer.Run(...) as run:`")
        node = self._launch.source
        asked = node is not None or self._source is not None or step is not None
        if node is None and (self._launch.run is None or self._source):
            node = find_source(self._store, self._bucket, self._source)
        if node is None:
            return None
        try:
            restored, start = restore(
                self._store, node, step, self._launch.restore_dir, self._folder / "restored"
            )
        except NotFound:
            if asked:
                raise
            return None
        record = replace(self._writer.record, source=node, restored_step=restored.step)
        if start.record is not None and start.record.bucket == self._bucket:
            record = replace(record, snapshots={**start.record.snapshots, **record.snapshots})
        self._writer.change(record)
        return restored

    def log(self, *, step: int, **values: Any) -> None:
        """Note numbers of one step; they reach the bucket within about `flush_s`, and with each save.

        Raises:
            BadInput: a value is no number.
        """
        self._rows.append(step, values)

    def save(self, step: int, files: Files, *, name: str | None = None) -> Saved:
        """Save a checkpoint: upload, freeze the bucket as snapshot `step-N`, read it back at that version.

        Blocks until then. While the store is away the files are copied aside and sent when it is back;
        the training goes on, and `Saved.restorable` is False.

        Raises:
            BadInput: there is nothing to save.
            Conflict: the bucket has got another writer.
            ExplorerError: anything that waiting does not heal.
        """
        save = Save(step, prefix_of(step), name or f"step-{step}", collect(files), len(self._rows))
        return self._keeper.save(save)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Deliver what waits, record the end, give the bucket back.

        Raises:
            ExplorerError: saves could not be delivered within `end_wait_s`; the hint says where they are.
        """
        self._signal.unlisten()
        stopped = self.should_stop or isinstance(error, KeyboardInterrupt)
        state = "failed" if error is not None and not stopped else "stopped" if stopped else "done"
        left = self._keeper.finish(self._end_wait_s if error is None else 5.0)
        ended = replace(self._writer.record, state=state, ended_at=now())
        try:
            self._writer.change(ended, remote=left is None)
            if left is None:
                self._writer.renew(release=True)
        except ExplorerError as trouble:
            log.warning("the end of the run could not be recorded in the bucket: %s", trouble)
        self._trackers.keep_untold(self._folder / "untold.jsonl")
        shutil.rmtree(self._folder / "restored", ignore_errors=True)
        if left is not None and error is None:
            steps = ", ".join(str(step) for step in self.waiting)
            what = f"The saves of steps {steps}" if steps else "The last metrics"
            hint = f"they are in {self._folder / 'pending'}; `explorer runs deliver {self.id}` sends them"
            said = f"{what} never reached the store: {left.message}"
            raise type(left)(said, hint=f"{hint}; {left.hint}", where=self._bucket)

    def _arrived(self, saved: Saved) -> None:
        if saved.node is not None and saved.node.version is not None:
            source = self._writer.record.source
            forked_from = source.address if source is not None and source.bucket != self._bucket else None
            self._trackers.link(Link(self._bucket, saved.node.version, saved.step, saved.prefix, forked_from))

    def _open_bucket(self, store: Store) -> None:
        try:
            found = store.read_bucket(self._bucket)
        except NotFound:
            if self._launch.bucket:
                raise
            found = store.create_bucket(self._bucket)
        if not found.snapshots_on:
            raise SnapshotsOff(
                f"Snapshots are off for `{self._bucket}`, so no save could be kept.",
                hint="`explorer buckets create` makes buckets with snapshots on",
                where=self._bucket,
            )


def _command() -> Command | None:
    """How this process was started; None where that would write a secret down, or nobody knows."""
    argv = list(sys.orig_argv)
    if not argv or "ipykernel" in " ".join(argv[:4]) or not sys.argv[0] or holds_secret(argv):
        return None
    return Command((sys.executable, *argv[1:]), str(Path.cwd()))
