"""The store goes away in the middle of a training: the training goes on, and nothing is lost."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from explorer.errors import Conflict, Unreachable
from explorer.jobs.lease import KEY
from explorer.lineage.address import Node
from explorer.localstore import ensure_running, stop
from explorer.recorder import Run
from explorer.storage import Store, open_store


@pytest.fixture
def own_data(tmp_path: Path) -> Iterator[Path]:
    """A data folder with a store of its own, to be stopped at will."""
    folder = tmp_path / "data"
    yield folder
    stop(folder)


def opened(data: Path) -> Store:
    running = ensure_running(data)
    return open_store(running.endpoint, access_key=running.access_key, secret_key=running.secret_key)


def files(step: int) -> dict[str, bytes]:
    names = ("model.safetensors", "optimizer.safetensors", "config.json", "training_state.json")
    return {name: f"{name} of {step}".encode() for name in names}


def test_saves_wait_for_the_store_and_arrive_in_order(own_data: Path, tmp_path: Path) -> None:
    store = opened(own_data)
    store.create_bucket("b-1")
    out = tmp_path / "out"
    out.mkdir()
    with Run(bucket="b-1", store=store) as run:
        run.log(step=1, loss=1.0)
        assert run.save(1, files(1)).restorable
        stop(own_data)
        for step in (2, 3):
            run.log(step=step, loss=1.0 / step)
            for name, content in files(step).items():
                (out / name).write_bytes(content)  # one folder, written over and over
            saved = run.save(step, out)
            assert (saved.restorable, saved.node) == (False, None)
        assert run.waiting == (2, 3)
        ensure_running(own_data)
        run.log(step=4, loss=0.1)
        run.save(4, files(4))
    assert run.waiting == ()
    snapshots = store.list_snapshots("b-1")
    assert [s.name for s in snapshots] == ["step-1", "step-2", "step-3", "step-4"]
    for step, snapshot in enumerate(snapshots, start=1):
        for name, content in files(step).items():
            assert store.read_object(snapshot.node, f"checkpoints/step-{step:06d}/{name}")[0] == content
        rows = store.read_object(snapshot.node, f"runs/{run.id}/metrics.jsonl")[0].splitlines()
        assert [json.loads(row)["step"] for row in rows] == list(range(1, step + 1))  # none of a later step
    assert not list((Path(os.environ["EXPLORER_DATA"]) / "runs" / run.id / "pending").glob("*"))


def test_what_never_arrives_is_said_at_the_end_and_kept(own_data: Path) -> None:
    store = opened(own_data)
    run = Run(bucket="b-1", store=store, end_wait_s=0.1)
    with pytest.raises(Unreachable, match="steps 2 never reached") as caught, run:  # noqa: PT012
        run.save(1, files(1))
        stop(own_data)
        run.save(2, files(2))
    folder = Path(os.environ["EXPLORER_DATA"]) / "runs" / run.id / "pending"
    assert str(folder) in caught.value.hint
    assert (folder / "step-000002/model.safetensors").read_bytes() == files(2)["model.safetensors"]


def test_rows_alone_do_not_stop_a_training(own_data: Path) -> None:
    store = opened(own_data)
    with Run(bucket="b-1", store=store, flush_s=0.05) as run:
        stop(own_data)
        for step in range(100):
            run.log(step=step, loss=float(step))
        ensure_running(own_data)
    rows = store.read_object(Node("b-1"), f"runs/{run.id}/metrics.jsonl")[0].splitlines()
    assert len(rows) == 100


def test_a_bucket_that_got_another_writer_is_left_alone(own_data: Path) -> None:
    store = opened(own_data)
    taken = {"run": "r-other", "bucket": "b-1", "host": "gpu-7", "machine": "gpu-7/1", "process": None}
    with pytest.raises(Conflict, match="r-other"), Run(bucket="b-1", store=store) as run:  # noqa: PT012
        assert run.save(1, files(1)).restorable
        store.write("b-1", KEY, json.dumps(taken).encode())
        run.save(2, files(2))
    assert [s.name for s in store.list_snapshots("b-1")] == ["step-1"]
    assert json.loads(store.read_object(Node("b-1"), KEY)[0])["run"] == "r-other"
