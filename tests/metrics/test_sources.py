"""Readers against files that the real tools wrote: `recorded/record_*.py` made them."""

import gzip
import math
from pathlib import Path

import pytest

from explorer.lineage.values import ObjectInfo
from explorer.metrics.carried import identical_until, with_restored_step
from explorer.metrics.parsed import Whole
from explorer.metrics.sources import KINDS, attempts_of, find_sources
from explorer.metrics.stitch import Branch, chains, stitch
from explorer.metrics.tfevents import Events, read_events
from explorer.metrics.wandb_log import read_wandb
from explorer.workspace.sqlite_metrics import SQLITE, read_sqlite
from tests.metrics.lineages import branch

RECORDED = Path(__file__).parent / "recorded"


def attempts(folder, bucket="root", root=RECORDED):
    """All attempts in a folder, as if it were the root of a bucket."""
    files = sorted(p for p in (root / folder).rglob("*") if p.is_file())
    infos = [
        ObjectInfo(str(p.relative_to(root)), p.stat().st_size, "e", n * 10**9) for n, p in enumerate(files, 1)
    ]
    read = []
    for source in find_sources(infos, (*KINDS, SQLITE)):
        data = (root / source.info.key).read_bytes()
        read.append((source, source.kind.read(data, source.kind.start(source.info.key)), bucket))
    return attempts_of(read)


def line(metric, *found):
    (chain,) = chains([Branch(branch("root").node, tuple(found))])
    return stitch(chain, metric)


def test_only_the_newest_trainer_state_of_a_run_is_read_and_it_says_all():
    (attempt,) = attempts("hf/first")
    loss = attempt.series["loss"]
    assert list(loss.steps) == list(range(2, 31, 2))
    assert list(attempt.series["eval_loss"].steps) == [10, 20, 30]
    assert attempt.carries == 10


def test_a_resumed_overlapping_trainer_run_is_one_curve():
    (attempt,) = attempts("hf/resumed")
    assert list(attempt.series["loss"].steps) == list(range(2, 41, 2))


def test_a_trainer_fork_gives_its_checkpoint_away_by_the_history_it_carries():
    (parent,) = attempts("hf/first")
    (child,) = attempts("hf/fork", bucket="fork")
    assert 20 <= identical_until(parent.series, child.series) < 30
    told = with_restored_step(child, [parent])
    assert told.restored_step == 20
    (chain,) = chains([branch("root", parent), branch("fork", told, fork_step=30.0)])
    stitched = stitch(chain, "loss")
    assert stitched.fork_step == 20
    assert stitched.own_at == 10
    assert stitched.series.values[12] != parent.series["loss"].values[12]
    assert stitched.relogged == 0
    assert list(stitched.series.steps) == list(range(2, 41, 2))
    assert not stitched.inferred


def test_lightning_versions_are_attempts_and_a_resumed_one_ends_the_rows_before():
    first, second = attempts("lightning")
    assert first.order < second.order
    stitched = line("train_loss", first, second)
    assert list(stitched.series.steps) == sorted(set(stitched.series.steps))
    assert stitched.series.steps[-1] == 49
    assert {"val_loss", "train_loss", "epoch"} <= second.series.keys()


def test_a_purged_restart_of_an_event_file_takes_back_rows_from_its_first_step_on():
    first, second = attempts("tb")
    assert second.restored_step == 49
    stitched = line("loss", first, second)
    assert list(stitched.series.steps) == [*range(50), *range(50, 90, 5)]
    assert [len(tail) for tail in stitched.discarded] == [30]
    assert first.troubles == ()


def test_new_style_scalars_are_read_and_named_by_their_folder():
    (attempt,) = attempts("tf2")
    assert list(attempt.series) == ["train/epoch_loss"]
    assert attempt.series["train/epoch_loss"].values[3] == 0.25
    assert attempt.started_s == 1.7e9


def test_wandb_history_with_its_nan_and_nested_keys():
    (attempt,) = attempts("wandb")
    assert list(attempt.series["loss"].steps) == list(range(20))
    assert math.isnan(attempt.series["loss"].values[7])
    assert attempt.series["n.acc"].values[10] == 0.5
    assert attempt.series.keys() == {"loss", "n.acc"}


def test_mlflow_files_and_database_say_the_same():
    (from_files,) = attempts("mlruns")
    reading = read_sqlite(gzip.decompress((RECORDED / "mlflow.db.gz").read_bytes()), Whole("mlflow.db"))
    assert reading.troubles == ()
    (part,) = reading.parts()
    for series in (from_files.series["val/loss"], part.series["val/loss"]):
        assert list(series.steps) == list(range(10))
        assert series.values[3] == 9.0  # logged twice: the newer counts
        assert math.isnan(series.values[4])
        assert series.walls[0] == 1.7e9


def test_trackio_keeps_both_copies_and_the_newer_counts():
    data = gzip.decompress((RECORDED / "trackio.db.gz").read_bytes())
    reading = read_sqlite(data, Whole("trackio.db"))
    assert reading.troubles == ()
    (part,) = reading.parts()
    loss = part.series["loss"]
    assert list(loss.steps) == list(range(13))
    assert math.isnan(loss.values[3])
    assert loss.values[6] == 1 + 1 / 7


def test_torn_and_damaged_files_keep_their_good_rows_and_say_where(tmp_path):
    (path,) = (p for p in (RECORDED / "tb").iterdir() if p.name.endswith(".a"))
    data = path.read_bytes()
    assert len(read_events(data[:-9], Events("f")).parts()[0].series["loss"]) == 79
    bent = bytearray(data)
    bent[1000] ^= 1
    reading = read_events(bytes(bent), Events("f"))
    assert len(reading.parts()[0].series["loss"]) == 79
    (trouble,) = reading.troubles
    assert "wrong checksum" in trouble.message
    assert 0 < 1000 - trouble.offset < 60

    (wandb,) = (RECORDED / "wandb").iterdir()
    whole = read_wandb(wandb.read_bytes(), Whole("f"))
    torn = read_wandb(wandb.read_bytes()[:-300], Whole("f"))
    assert torn.troubles == ()
    assert len(torn.parts()[0].series["loss"]) <= len(whole.parts()[0].series["loss"])

    database = gzip.decompress((RECORDED / "mlflow.db.gz").read_bytes())
    assert read_sqlite(database[:5000], Whole("f")).troubles
    assert read_sqlite(b"no database", Whole("f")).troubles


@pytest.mark.parametrize("kind", [*KINDS, SQLITE], ids=lambda k: k.name)
@pytest.mark.parametrize(
    "data", [b"", b"\0" * 400, b":W&B" + b"\xff" * 300, b"[" * 9000, b'{"log_history": 7}']
)
def test_rubbish_is_told_or_empty_never_a_crash(kind, data):
    reading = kind.read(data, kind.start("file"))
    assert reading is not None
    assert all(not part.series for part in reading.parts())
