"""The store goes away in the middle of a training: the training goes on, and nothing is lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from explorer.cli import main
from explorer.errors import Conflict, NotFound, Unreachable
from explorer.jobs.lease import KEY
from explorer.lineage.address import Node
from explorer.localstore import ensure_running, stop
from explorer.recorder import Run
from explorer.recorder.delivering import deliver
from explorer.recorder.staging import staged
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


def undelivered(data: Path) -> Run:
    """A run that ended while the store was away, with two saves and some rows on its own disk."""
    store = opened(data)
    run = Run(bucket="b-1", store=store, end_wait_s=0.1)
    with pytest.raises(Unreachable) as caught, run:  # noqa: PT012
        run.log(step=1, loss=1.0)
        run.save(1, files(1))
        stop(data)
        for step in (2, 3):
            run.log(step=step, loss=1.0 / step)
            run.save(step, files(step))
        run.log(step=4, loss=0.2)
    assert f"`explorer runs deliver {run.id}`" in caught.value.hint
    store.close()
    return run


def test_what_never_arrived_is_delivered_by_another_process(own_data: Path) -> None:
    run = undelivered(own_data)
    place = Path(os.environ["EXPLORER_DATA"])
    store = opened(own_data)
    done = deliver(store, place, run.id)
    snapshots = store.list_snapshots("b-1")
    assert [s.name for s in snapshots] == ["step-1", "step-2", "step-3"]
    assert [saved.node for saved in done.saves] == [s.node for s in snapshots[1:]]
    for step, snapshot in zip((2, 3), snapshots[1:], strict=True):
        for name, content in files(step).items():
            assert store.read_object(snapshot.node, f"checkpoints/step-{step:06d}/{name}")[0] == content
        rows = store.read_object(snapshot.node, f"runs/{run.id}/metrics.jsonl")[0].splitlines()
        assert [json.loads(row)["step"] for row in rows] == list(range(1, step + 1))
    rows = store.read_object(Node("b-1"), f"runs/{run.id}/metrics.jsonl")[0].splitlines()
    assert len(rows) == 4
    record = json.loads(store.read_object(Node("b-1"), f"runs/{run.id}/run.json")[0])
    assert record["state"] == "done"
    assert set(record["snapshots"]) == {"1", "2", "3"}
    assert json.loads(store.read_object(Node("b-1"), KEY)[0])["released_at"]
    assert not (place / "runs" / run.id / "pending").exists()
    with pytest.raises(NotFound, match="Nothing of run"):
        deliver(store, place, run.id)


def test_nothing_is_delivered_into_a_bucket_that_somebody_else_writes(own_data: Path) -> None:
    run = undelivered(own_data)
    place = Path(os.environ["EXPLORER_DATA"])
    store = opened(own_data)
    taken = {"run": "r-other", "bucket": "b-1", "host": "gpu-7", "machine": "gpu-7/1", "process": None}
    store.write("b-1", KEY, json.dumps(taken).encode())
    with pytest.raises(Conflict, match="r-other"):
        deliver(store, place, run.id)
    assert [s.name for s in store.list_snapshots("b-1")] == ["step-1"]
    assert len(staged(place / "runs" / run.id / "pending")) == 2


KILLED = """
import os, signal, sys
from pathlib import Path
from explorer.localstore import stop
from explorer.recorder import Run
with Run(bucket="b-1") as run:
    run.save(1, {"model.safetensors": b"one"})
    stop(Path(sys.argv[1]))
    run.log(step=2, loss=0.5)
    run.save(2, {"model.safetensors": b"two"})
    print(run.id, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_saves_of_a_killed_run_are_delivered_from_the_command_line(
    own_data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    running = ensure_running(own_data)
    monkeypatch.setenv("EXPLORER_DATA", str(own_data))
    told = {
        "AWS_ENDPOINT_URL_S3": running.endpoint,
        "AWS_ACCESS_KEY_ID": running.access_key,
        "AWS_SECRET_ACCESS_KEY": running.secret_key,
    }
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(own_data)],
        env={**os.environ, **told},
        capture_output=True,
        text=True,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    store = opened(own_data)
    assert [s.name for s in store.list_snapshots("b-1")] == ["step-1"]
    assert main(["runs", "deliver", killed.stdout.strip()]) == 0
    newest = store.list_snapshots("b-1")[-1]
    assert newest.name == "step-2"
    assert newest.node.address in capsys.readouterr().out
    assert store.read_object(newest.node, "checkpoints/step-000002/model.safetensors")[0] == b"two"
    record = json.loads(store.read_object(Node("b-1"), f"runs/{killed.stdout.strip()}/run.json")[0])
    assert record["state"] == "failed"
