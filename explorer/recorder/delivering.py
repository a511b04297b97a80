"""Saves that never reached the store, delivered by a later process as the run itself would have done it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from explorer.errors import BadInput, NotFound
from explorer.jobs.lease import take_lease
from explorer.jobs.observing import read_run
from explorer.jobs.record import now, read_local_record
from explorer.jobs.spec import run_folder
from explorer.recorder.rows import Rows
from explorer.recorder.saving import ROWS_FILE, BucketWriter, Saved
from explorer.recorder.staging import staged, unstage
from explorer.storage import Store


@dataclass(frozen=True, slots=True)
class Delivered:
    """What arrived: a snapshot for each save, and the run's last rows."""

    run: str
    bucket: str
    saves: tuple[Saved, ...]


def deliver(store: Store, data: Path, run_id: str) -> Delivered:
    """Send what a run of this machine left in its folder, oldest step first; what has arrived is deleted.

    May be called again after it failed: what arrived stays, the rest is kept.

    Raises:
        NotFound: there is no such run, or nothing waits in its folder.
        Conflict: the run is alive, or the bucket has got another writer since.
        ExplorerError: what the store said.
    """
    folder = run_folder(data, run_id)
    record = read_local_record(data, run_id)
    pending = folder / "pending"
    if record is None or not pending.is_dir():
        raise NotFound(
            f"Nothing of run `{run_id}` waits here.", hint="its saves have arrived", where=str(folder)
        )
    view = read_run(folder, store.info.endpoint, local_store=store.info.is_local)
    if view is None:
        raise BadInput(
            f"Run `{run_id}` wrote to another store.", hint="name it with --endpoint", where=record.endpoint
        )
    if view.is_live:
        raise BadInput(
            f"Run `{run_id}` is still at work.", hint="it delivers its saves by itself", where=run_id
        )
    rows = pending / ROWS_FILE
    known = Rows(rows.read_bytes() if rows.exists() else b"")
    lease = take_lease(store, record.bucket, run_id)
    writer = BucketWriter(store, record, known, lease, folder)
    saves = []
    for save in staged(pending):
        saves.append(writer.commit(save))
        unstage(save, pending)
    writer.flush()
    state = record.state if record.state != "running" else "failed"
    writer.change(replace(writer.record, state=state, ended_at=record.ended_at or now()))
    writer.renew(release=True)
    shutil.rmtree(pending)
    return Delivered(run_id, record.bucket, tuple(saves))
