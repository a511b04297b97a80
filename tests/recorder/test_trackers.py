"""Where checkpoints are, told to real trackers, and read back from what they wrote."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from explorer.errors import BadInput
from explorer.jobs.record import record_key
from explorer.lineage.address import Node
from explorer.recorder import Run, Saved
from explorer.storage import Store

FILES = {"model.safetensors": b"w" * 100, "config.json": b"{}"}


class Flaky:
    """A tracker that is down until it is mended."""

    kind = "flaky"

    def __init__(self) -> None:
        self.down = True
        self.told: list[int] = []

    def describe(self) -> dict[str, str]:
        if self.down:
            raise ConnectionError("no route to host")
        return {"id": "f1"}

    def link(self, link: Any) -> None:
        if self.down:
            raise ConnectionError("no route to host")
        self.told.append(link.step)


def version(saved: Saved) -> str:
    assert saved.node is not None
    assert saved.node.version is not None
    return saved.node.version


def tracker_of(store: Store, node: Node, run: Run) -> Any:
    return json.loads(store.read_object(node, record_key(run.id))[0])["tracker"]


def test_a_tracker_that_is_down_is_told_later_in_order(
    store: Store, bucket: str, caplog: pytest.LogCaptureFixture
) -> None:
    flaky = Flaky()
    with Run(bucket=bucket, tracker=flaky) as run, caplog.at_level(logging.WARNING, "explorer.recorder"):
        assert run.save(1, FILES).restorable
        assert run.save(2, FILES).restorable
        assert flaky.told == []
        flaky.down = False
        run.save(3, FILES)
        assert flaky.told == [1, 2, 3]
    assert "no route to host" in caplog.text
    assert tracker_of(store, Node(bucket), run) == {"flaky": {"id": "f1"}}


def test_what_a_tracker_never_took_is_kept_on_this_disk(store: Store, bucket: str) -> None:
    with Run(bucket=bucket, tracker=Flaky()) as run:
        saved = run.save(7, FILES)
    lines = (run._folder / "untold.jsonl").read_text().splitlines()
    (told,) = map(json.loads, lines)
    assert (told["tracker"], told["checkpoint.snapshot"], told["checkpoint.step"]) == (
        "flaky",
        version(saved),
        "7",
    )


def test_what_is_no_tracker_is_refused_at_once(bucket: str) -> None:
    with pytest.raises(BadInput, match="is no tracker"):
        Run(bucket=bucket, tracker="wandb")


def test_tensorboard_shows_the_snapshot(store: Store, bucket: str, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="the trackers extra is not installed")
    tensorboard = pytest.importorskip("torch.utils.tensorboard", reason="the torch extra is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    writer = tensorboard.SummaryWriter(str(tmp_path / "tb"))
    with Run(bucket=bucket, tracker=writer) as run:
        saved = run.save(5, FILES)
    writer.close()
    events = EventAccumulator(str(tmp_path / "tb"))
    events.Reload()
    (text,) = events.Tensors("checkpoint/snapshot/text_summary")
    assert text.step == 5
    assert text.tensor_proto.string_val[0].decode() == f"`{bucket}@{version(saved)}`"
    assert tracker_of(store, saved.node or Node(bucket), run) == {
        "tensorboard": {"log_dir": str(tmp_path / "tb")}
    }


@pytest.fixture
def mlflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    found = pytest.importorskip("mlflow", reason="the trackers extra is not installed")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    before = found.get_tracking_uri()
    found.set_tracking_uri((tmp_path / "mlruns").as_uri())
    yield found
    while found.active_run() is not None:
        found.end_run()
    found.set_tracking_uri(before)


def test_the_active_mlflow_run_is_found_and_tagged(store: Store, bucket: str, mlflow: Any) -> None:
    with mlflow.start_run() as active, Run(bucket=bucket) as run:
        first, second = run.save(1, FILES), run.save(2, FILES)
    tags = mlflow.MlflowClient().get_run(active.info.run_id).data.tags
    assert (tags["checkpoint.bucket"], tags["checkpoint.snapshot"]) == (bucket, version(second))
    assert tags["checkpoint.snapshot.step-1"] == version(first)
    assert tags["checkpoint.prefix"] == "checkpoints/step-000002/"
    assert tracker_of(store, second.node or Node(bucket), run)["mlflow"]["id"] == active.info.run_id


def test_the_active_wandb_run_gets_a_summary_and_an_artifact(
    store: Store, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wandb = pytest.importorskip("wandb", reason="the trackers extra is not installed")
    monkeypatch.setenv("WANDB_SILENT", "true")
    quiet = wandb.Settings(x_disable_stats=True, x_disable_meta=True, console="off", disable_git=True)
    with (
        wandb.init(mode="offline", project="p", dir=str(tmp_path), settings=quiet) as active,
        Run(bucket=bucket) as run,
    ):
        saved = run.save(3, FILES)
        assert active.summary["checkpoint.snapshot"] == version(saved)
        assert active.summary["checkpoint.bucket"] == bucket
    (written,) = tmp_path.glob("wandb/offline-run-*/*.wandb")
    address = f"tigris://{bucket}/checkpoints/step-000003/?snapshot={version(saved)}".encode()
    deadline = time.monotonic() + 30  # its writer is another process
    while address not in written.read_bytes():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert tracker_of(store, saved.node or Node(bucket), run)["wandb"]["project"] == "p"
