"""A run against a real local store: what it saves can be restored, and only that is called so."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from explorer.errors import BadCheckpoint, BadInput, Conflict, NotFound, SnapshotsOff, Unreachable
from explorer.jobs.lease import KEY, read_lease
from explorer.jobs.record import read_local_record, record_key
from explorer.lineage.address import Node
from explorer.recorder import Run
from explorer.storage import Store

FILES = {"model.safetensors": b"w" * 1000, "optimizer.safetensors": b"o" * 10, "config.json": b"{}"} | {
    "training_state.json": b'{"step": 1}'
}


def record_of(store: Store, node: Node, run: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(store.read_object(node, record_key(run))[0])
    return told


def fail_after_a_step(run: Run) -> None:
    run.log(step=1, loss=1.0)
    raise ZeroDivisionError


def rows_of(store: Store, node: Node, run: str) -> list[dict[str, Any]]:
    data, _ = store.read_object(node, f"runs/{run}/metrics.jsonl")
    return [json.loads(line) for line in data.splitlines()]


def test_a_save_is_a_snapshot_that_holds_everything(store: Store, bucket: str) -> None:
    with Run(config={"lr": 0.1}, bucket=bucket) as run:
        run.log(step=1, loss=2.0)
        saved = run.save(1, FILES)
        run.log(step=2, loss=float("nan"), speed=3)
        assert saved.restorable
        assert run.restore(1) is not None
    node = saved.node
    assert node is not None
    assert [s.name for s in store.list_snapshots(bucket)] == ["step-1"]
    for name, content in FILES.items():
        assert store.read_object(node, f"checkpoints/step-000001/{name}")[0] == content
    assert [row["loss"] for row in rows_of(store, node, run.id)] == [2.0]
    at_save = record_of(store, node, run.id)
    assert (at_save["state"], at_save["config"], at_save["snapshots"]) == ("running", {"lr": 0.1}, {})
    after = record_of(store, Node(bucket), run.id)
    assert (after["state"], after["snapshots"]) == ("done", {"1": node.version})
    assert after["ended_at"] >= after["started_at"]
    last = rows_of(store, Node(bucket), run.id)[-1]
    assert last["loss"] != last["loss"]  # NaN stays NaN
    assert last["speed"] == 3


def test_files_can_be_a_folder_and_bad_names_are_refused(store: Store, bucket: str, tmp_path: Path) -> None:
    (tmp_path / "out/shard").mkdir(parents=True)
    (tmp_path / "out/config.json").write_text("{}")
    (tmp_path / "out/shard/model.safetensors").write_bytes(b"w")
    with Run(bucket=bucket) as run:
        saved = run.save(7, tmp_path / "out")
        assert saved.node is not None
        keys = [info.key for info in store.list_objects(saved.node, saved.prefix)]
        assert keys == [
            "checkpoints/step-000007/config.json",
            "checkpoints/step-000007/shard/model.safetensors",
        ]
        for bad in (
            {},
            {"../x": b"1"},
            {"/x": b"1"},
            {"a\n": b"1"},
            {"x": tmp_path / "none"},
            tmp_path / "none",
        ):
            with pytest.raises(BadInput):
                run.save(8, bad)
        with pytest.raises(BadInput, match="loss"):
            run.log(step=1, loss="high")
    assert len(store.list_snapshots(bucket)) == 1


def test_restoring_brings_the_very_bytes_and_tells_from_where(store: Store, bucket: str) -> None:
    big = os.urandom(40 * 2**20)  # three parts
    with Run(bucket=bucket) as run:
        assert run.restore() is None
        node = run.save(100, FILES | {"model.safetensors": big}).node
    with Run(bucket=bucket) as again:
        restored = again.restore()
        assert restored is not None
        assert (restored.step, restored.node, restored.prefetched) == (100, node, False)
        assert restored.path("model.safetensors").read_bytes() == big
        folder = restored.folder
        with pytest.raises(BadCheckpoint, match="no `weights`"):
            restored.path("weights")
    assert not folder.exists()
    told = record_of(store, Node(bucket), again.id)
    assert told["restored_step"] == 100
    assert told["source"] == {"bucket": bucket, "version": node.version}


def test_the_launchers_words_win(store: Store, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Run(config={"lr": 0.1, "nested": {"wd": 0.0}}, bucket=bucket) as run:
        source = run.save(5, FILES).node
        run.save(6, FILES)
    fork = store.fork(source, f"{bucket}-f")
    monkeypatch.setenv("EXPLORER_RUN", "r20260101-000000-abcdef")
    monkeypatch.setenv("EXPLORER_BUCKET", fork.name)
    monkeypatch.setenv("EXPLORER_SOURCE", source.address)
    monkeypatch.setenv("EXPLORER_OVERRIDES", '{"lr": 0.5, "nested.wd": 0.3}')
    with Run(config={"lr": 0.1, "nested": {"wd": 0.0}}, bucket=bucket) as resumed:
        assert resumed.config == {"lr": 0.5, "nested": {"wd": 0.3}}
        assert resumed.restore().step == 5
        resumed.save(7, FILES)
    told = record_of(store, Node(fork.name), "r20260101-000000-abcdef")
    assert (told["bucket"], told["overrides"]) == (fork.name, {"lr": 0.5, "nested.wd": 0.3})
    assert [s.name for s in store.list_snapshots(bucket)] == ["step-5", "step-6"]  # the source is as it was


def test_a_fresh_launch_restores_nothing(store: Store, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLORER_RUN", "r20260101-000000-abcdee")
    monkeypatch.setenv("EXPLORER_BUCKET", bucket)
    with Run() as run:
        assert run.restore() is None


def test_the_second_writer_gets_a_conflict_and_the_first_goes_on(store: Store, bucket: str) -> None:
    with Run(bucket=bucket) as first:
        with pytest.raises(Conflict, match=first.id), Run(bucket=bucket):
            pass
        assert first.save(1, FILES).restorable
    with Run(bucket=bucket) as later:  # the lease was given back
        assert later.save(2, FILES).restorable


def test_a_lease_left_behind_binds_nobody(store: Store, bucket: str) -> None:
    with Run(bucket=bucket) as run:
        node = run.save(1, FILES).node
        held = json.loads(store.read_object(Node(bucket), KEY)[0])
        fork = store.fork(node, f"{bucket}-f")  # inherits the parent's lease, taken and alive
        with Run(bucket=fork.name) as other:
            assert other.save(2, FILES).restorable
    held["process"] = {"pid": 2**22 - 3, "started": "another boot"}
    store.write(bucket, KEY, json.dumps(held).encode())
    assert not read_lease(store, bucket).binds(bucket)
    with Run(bucket=bucket) as run:
        assert run.save(3, FILES).restorable


def test_a_lease_of_another_machine_binds(store: Store, bucket: str) -> None:
    foreign = {"run": "r1", "bucket": bucket, "host": "gpu-7", "machine": "gpu-7/1", "process": None}
    store.write(bucket, KEY, json.dumps(foreign).encode())
    with pytest.raises(Conflict, match="gpu-7"), Run(bucket=bucket):
        pass


def test_a_checkpoint_that_is_not_what_was_saved_is_not_restored(store: Store, bucket: str) -> None:
    with Run(bucket=bucket) as run:
        run.save(1, FILES)
    store.write(bucket, "checkpoints/step-000001/model.safetensors", b"w" * 999)
    torn = store.take_snapshot(bucket, "torn")
    with Run(bucket=bucket, source=f"{bucket}@torn") as run, pytest.raises(BadCheckpoint, match="999 bytes"):
        run.restore()
    store.write(bucket, "checkpoints/step-000001/model.safetensors", b"w" * 1000)
    store.delete_object(bucket, "checkpoints/step-000001/training_state.json")
    store.take_snapshot(bucket, "half")
    with (
        Run(bucket=bucket, source=f"{bucket}@half") as run,
        pytest.raises(BadCheckpoint, match="training_state"),
    ):
        run.restore()
    with Run(bucket=bucket, source=torn.node.address) as run, pytest.raises(NotFound, match="step 9"):
        run.restore(9)


def test_a_key_that_would_leave_the_folder_is_not_restored(store: Store, bucket: str, tmp_path: Path) -> None:
    for name in ("model.safetensors", "config.json", "../../../../escaped"):
        store.write(bucket, f"checkpoints/step-000001/{name}", b"\x02\0\0\0\0\0\0\0{}")
    node = store.take_snapshot(bucket, "step-1").node
    with (
        Run(bucket=bucket, source=node.address) as run,
        pytest.raises(BadCheckpoint, match="cannot be a file"),
    ):
        run.restore()


def test_prefetched_files_are_used_and_torn_ones_are_not(
    store: Store, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Run(bucket=bucket) as run:
        node = run.save(3, FILES).node
    for name, content in FILES.items():
        path = tmp_path / "view/checkpoints/step-000003" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    monkeypatch.setenv("EXPLORER_RUN", "r20260101-000000-abcded")
    monkeypatch.setenv("EXPLORER_BUCKET", bucket)
    monkeypatch.setenv("EXPLORER_SOURCE", node.address)
    monkeypatch.setenv("EXPLORER_RESTORE_DIR", str(tmp_path / "view"))
    with Run() as run:
        restored = run.restore()
        assert restored.prefetched
        assert restored.folder == tmp_path / "view/checkpoints/step-000003"
    assert restored.path("model.safetensors").exists()  # not ours to delete
    restored.path("model.safetensors").write_bytes(b"w" * 500)
    with Run() as run:
        again = run.restore()
        assert not again.prefetched
        assert again.path("model.safetensors").read_bytes() == FILES["model.safetensors"]


def test_a_stop_is_a_wish(store: Store, bucket: str) -> None:
    before = signal.getsignal(signal.SIGTERM)
    steps = []
    with Run(bucket=bucket) as run:
        for step in range(1, 100):
            steps.append(step)
            if step == 3:
                os.kill(os.getpid(), signal.SIGTERM)
            if run.should_stop:
                run.save(step, FILES)
                break
    assert steps == [1, 2, 3]
    assert record_of(store, Node(bucket), run.id)["state"] == "stopped"
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_training_that_fails_is_recorded_as_failed(store: Store, bucket: str) -> None:
    run = Run(bucket=bucket)
    with pytest.raises(ZeroDivisionError), run:
        fail_after_a_step(run)
    assert record_of(store, Node(bucket), run.id)["state"] == "failed"
    assert rows_of(store, Node(bucket), run.id)[0]["loss"] == 1.0


def test_the_disk_keeps_the_same_record(store: Store, bucket: str) -> None:
    with Run(config={"lr": 0.1}, bucket=bucket) as run:
        saved = run.save(1, FILES)
    record = read_local_record(Path(os.environ["EXPLORER_DATA"]), run.id)
    assert record.snapshots == {1: saved.node.version}
    assert record.process.pid == os.getpid()
    assert record.command is not None


def test_what_cannot_work_is_said_at_the_start(
    store: Store, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BadInput, match="bucket"):
        Run()
    plain = store.create_bucket(f"{bucket}-plain", snapshots=False).name
    with pytest.raises(SnapshotsOff), Run(bucket=plain):
        pass
    with Run(bucket=f"{bucket}-new") as run:  # a new name is a new bucket
        assert run.save(1, FILES).restorable
    monkeypatch.setenv("EXPLORER_BUCKET", f"{bucket}-none")
    with pytest.raises(NotFound), Run():
        pass
    for name in ("AWS_ENDPOINT_URL_S3", "EXPLORER_BUCKET"):
        monkeypatch.delenv(name)
    with pytest.raises(Unreachable) as caught, Run(bucket=bucket):
        pass
    assert "explorer serve --env" in caught.value.hint
    for words in ("[1]", "{", '"x"'):
        monkeypatch.setenv("EXPLORER_OVERRIDES", words)
        with pytest.raises(BadInput, match="EXPLORER_OVERRIDES"):
            Run(bucket=bucket)


def test_a_person_who_trains_in_a_fork_gets_what_it_changed(store: Store, bucket: str) -> None:
    with Run(config={"lr": 0.1, "wd": 0.0}, bucket=bucket) as run:
        node = run.save(1, FILES).node
    fork = store.fork(node, f"{bucket}-f").name
    note = {"bucket": fork, "parent": {}, "overrides": {"lr": 0.5}}
    store.write(fork, ".explorer/fork.json", json.dumps(note).encode())
    with Run(config={"lr": 0.1, "wd": 0.0}, bucket=fork) as run:
        assert run.config == {"lr": 0.5, "wd": 0.0}
        assert run.restore().node == node
        again = run.save(2, FILES).node
    inner = store.fork(again, f"{bucket}-g").name  # inherits the note, which is not its own
    with Run(config={"lr": 0.1, "wd": 0.0}, bucket=inner) as run:
        assert run.config["lr"] == 0.1
