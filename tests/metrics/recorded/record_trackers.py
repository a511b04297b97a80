"""Records what the real trackers write: `python record_trackers.py FOLDER`.

Needs wandb 0.31, tensorboard 2.21, tensorboardX 2.6, mlflow-skinny 3.17 with sqlalchemy and alembic, trackio 0.43.
"""

import glob
import gzip
import os
import shutil
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

out = Path(sys.argv[1]).absolute()
scratch = tempfile.mkdtemp()
os.chdir(scratch)
os.environ |= {
    "WANDB_SILENT": "true",
    "TRACKIO_DIR": f"{scratch}/trackio",
    "MLFLOW_ALLOW_FILE_STORE": "true",
    "HF_HOME": f"{scratch}/hf",
}


def record_wandb():
    import wandb

    quiet = wandb.Settings(x_disable_stats=True, x_disable_meta=True, console="off", disable_git=True)
    run = wandb.init(mode="offline", project="p", dir=scratch, settings=quiet)
    for step in range(20):
        run.log({"loss": float("nan") if step == 7 else 2 / (step + 1), "n": {"acc": step / 20}, "note": "x"})
    run.finish()
    (out / "wandb").mkdir(parents=True)
    (file,) = glob.glob(f"{scratch}/wandb/offline-run-*/*.wandb")
    while os.path.getsize(file) < 1000:  # its writer is another process
        time.sleep(0.5)
    shutil.copy(file, out / "wandb" / "run-recorded.wandb")


def record_tensorboard():
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.record_writer import RecordWriter
    from tensorboard.util.tensor_util import make_tensor_proto
    from tensorboardX import SummaryWriter

    first = SummaryWriter(str(out / "tb"), filename_suffix=".a")
    for step in range(80):
        first.add_scalar("loss", 2 / (step + 1), step, walltime=1.7e9 + step)
    first.close()
    again = SummaryWriter(str(out / "tb"), purge_step=50, filename_suffix=".b")
    for step in range(50, 90, 5):
        again.add_scalar("loss", 5 + step, step, walltime=1.7e9 + 1000 + step)
    again.close()
    (out / "tf2" / "train").mkdir(parents=True)
    with (out / "tf2" / "train" / "events.out.tfevents.1700000000.host.1.0.v2").open("wb") as file:
        writer = RecordWriter(file)
        writer.write(Event(wall_time=1.7e9, file_version="brain.Event:2").SerializeToString())
        for step in range(10):
            value = Summary.Value(tag="epoch_loss", tensor=make_tensor_proto(1 / (step + 1), dtype="float32"))
            event = Event(wall_time=1.7e9 + step, step=step, summary=Summary(value=[value]))
            writer.write(event.SerializeToString())


def record_mlflow():
    from mlflow.tracking import MlflowClient

    for name, uri in (("file", f"file://{out}/mlruns"), ("db", f"sqlite:///{scratch}/mlflow.db")):
        client = MlflowClient(tracking_uri=uri)
        run = client.create_run(client.create_experiment("e", artifact_location=f"{scratch}/a-{name}"))
        for step in range(10):
            value = float("nan") if step == 4 else 1 / (step + 1)
            client.log_metric(
                run.info.run_id, "val/loss", value, timestamp=1_700_000_000_000 + step, step=step
            )
        client.log_metric(run.info.run_id, "val/loss", 9.0, timestamp=1_700_000_000_500, step=3)
    database = sqlite3.connect(f"{scratch}/mlflow.db")
    for table in ("experiments", "runs"):  # they name folders of the machine that recorded this
        database.execute(f"DELETE FROM {table}")
    database.commit()
    database.execute("VACUUM")
    database.close()
    pack(f"{scratch}/mlflow.db", out / "mlflow.db.gz")
    for path in (out / "mlruns").rglob("*"):
        if path.is_file() and "metrics" not in path.parts:
            path.unlink()


def record_trackio():
    import trackio

    for lap in range(2):
        trackio.init(project="p", name="n", resume="allow")
        for step in range(5 * lap, 5 * lap + 8):
            trackio.log({"loss": float("nan") if step == 3 else lap + 1 / (step + 1)}, step=step)
        trackio.finish()
    pack(glob.glob(f"{scratch}/trackio/*.db")[0], out / "trackio.db.gz")


def pack(source, target):
    target.write_bytes(gzip.compress(Path(source).read_bytes(), 9, mtime=0))


if __name__ == "__main__":
    for record in (record_wandb, record_tensorboard, record_mlflow, record_trackio):
        if len(sys.argv) < 3 or record.__name__.removeprefix("record_") in sys.argv[2:]:
            record()
