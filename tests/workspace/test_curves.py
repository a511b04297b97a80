"""Curves read from a real store: as of versions, along forks, growing, and cheap the second time."""

import json
from pathlib import Path

import pytest

from explorer.errors import BadInput
from explorer.lineage.address import Node
from explorer.lineage.events import BucketDeleted
from explorer.workspace.curves import Curves

RECORDED = Path(__file__).parents[1] / "metrics" / "recorded" / "hf"


def log(workspace, bucket, run, steps, *, source=None, restored=None, value=1.0, owner=None, started="01"):
    store = workspace._core.store
    told = {
        "run": run,
        "bucket": owner or bucket,
        "source": None if source is None else {"bucket": source.bucket, "version": source.version},
        "restored_step": restored,
        "started_at": f"2026-11-24T{started}:00:00Z",
    }
    store.write(bucket, f"runs/{run}/run.json", json.dumps(told).encode())
    rows = (json.dumps({"step": s, "time": 1e9 + s, "loss": value + s / 1000}) for s in steps)
    store.write(bucket, f"runs/{run}/metrics.jsonl", "".join(r + "\n" for r in rows).encode())


class Counting:
    """The store itself, with its requests counted."""

    def __init__(self, store):
        self.store, self.calls, self.ranges = store, [], []
        self.info = store.info

    def __getattr__(self, name):
        def call(*args, **kwargs):
            self.calls.append(name)
            if name == "read_many":
                self.ranges += args[1]
            return getattr(self.store, name)(*args, **kwargs)

        return call


@pytest.fixture
def lineage(workspace, name):
    """A root logged to 105 at its snapshot of step 100 and on to 150; a fork of that snapshot, to 140."""
    workspace.create_bucket(name)
    log(workspace, name, "r1", range(106))
    at = workspace.snapshot(name, "step-100")
    child = workspace.fork(at, f"{name}-child", (("lr", 3e-5),))
    log(workspace, child.bucket, "r2", range(101, 141), source=at, restored=100, value=0.5, started="02")
    log(workspace, name, "r1", range(151))
    return Node(name), at, child


def test_a_fork_is_compared_with_its_parent_along_the_lineage(workspace, lineage):
    root, at, child = lineage
    comparison = workspace.compare([root, child])
    parent, fork = comparison.nodes
    assert len(parent.x) == 151
    assert list(fork.steps) == list(range(141))
    assert fork.own_at == 101
    assert fork.fork_step == 100
    assert fork.overrides == (("lr", 3e-5),)
    assert fork.delta_to_parent == pytest.approx(-0.5)
    assert fork.checkpoints == parent.checkpoints == ((100.0, at),)
    assert not comparison.warnings


def test_a_snapshot_is_read_as_of_its_version(workspace, lineage):
    root, at, child = lineage
    frozen, _ = workspace.compare([at, root]).nodes
    assert frozen.steps[-1] == 105
    assert frozen.label == f"{root.bucket}@step-100"
    workspace.snapshot(child.bucket, "later")


def test_a_fork_without_a_run_inherits_up_to_its_checkpoint_only(workspace, lineage):
    _, at, _ = lineage
    quiet = workspace.fork(at, None)
    (curve,) = workspace.compare([quiet]).nodes
    assert curve.steps[-1] == 100
    assert curve.own_at == 101
    assert curve.inferred


def test_a_lagging_logger_is_caught_up_from_the_parents_head(workspace, name):
    workspace.create_bucket(name)
    log(workspace, name, "r1", range(91))
    at = workspace.snapshot(name, "step-100")
    child = workspace.fork(at, f"{name}-child")
    log(workspace, child.bucket, "r2", range(101, 121), source=at, restored=100, started="02")
    log(workspace, name, "r1", range(131))
    comparison = workspace.compare([child])
    assert list(comparison.nodes[0].steps) == list(range(121))
    assert "only after the snapshot" in comparison.warnings[0]


def test_a_file_that_nobody_signed_belongs_to_the_eldest_that_holds_it(workspace, name):
    workspace.create_bucket(name)
    store = workspace._core.store
    store.write(name, "runs/old/metrics.jsonl", b'{"step": 1, "loss": 3.0}\n{"step": 2, "loss": 2.0}\n')
    at = workspace.snapshot(name, "step-2")
    child = workspace.fork(at, f"{name}-child")
    store.write(child.bucket, "runs/new/metrics.jsonl", b'{"step": 3, "loss": 1.0}\n')
    (curve,) = workspace.compare([child]).nodes
    assert list(curve.values) == [3, 2, 1]
    assert curve.own_at == 2


def test_history_is_whole_where_the_parent_may_not_be_seen(workspace, lineage):
    root, _, child = lineage
    workspace._core.emit(BucketDeleted(root.bucket))
    (curve,) = workspace.compare([child]).nodes
    assert list(curve.steps) == list(range(141))
    assert curve.own_at == 101


def test_the_trees_curve_is_stitched_thin_and_cheap_to_ask_again(workspace, lineage):
    root, _, child = lineage
    curves = Curves(workspace._core)
    counting = Counting(workspace._core.store)
    workspace._core.store = counting
    curve = curves.curve(child.bucket)
    assert curve.metric == "loss"
    assert curve.own_from == 101
    assert (curve.steps[0], curve.steps[-1]) == (0, 140)
    counting.calls.clear()
    assert curves.curve(child.bucket) is curve
    assert counting.calls == ["list_objects"]

    curves.curve(root.bucket)
    log(workspace, root.bucket, "r1", range(400))
    counting.ranges.clear()
    grown = curves.curve(root.bucket)
    assert len(grown.steps) <= 200
    assert grown.steps[-1] == 399
    (want,) = (r for r in counting.ranges if r.key.endswith("metrics.jsonl"))
    assert want.start > 1000  # read on from the old end

    log(workspace, root.bucket, "r1", range(3), value=9.0)
    assert curves.curve(root.bucket).values[0] == 9.0


def test_several_metrics_a_chosen_baseline_and_hyperparameters(workspace, lineage):
    root, at, child = lineage
    run = {"run": "r1", "bucket": root.bucket, "source": None, "config": {"lr": 1e-3, "model": {"width": 8}}}
    workspace._core.store.write(root.bucket, "runs/r1/run.json", json.dumps(run).encode())
    single = workspace.compare([root, child], baseline=child.bucket, smoothing=0.5)
    assert single.baseline == child.bucket
    assert single.nodes[0].delta_to_parent > 0
    assert single.nodes[1].deltas is None
    assert dict(single.nodes[0].hyperparameters) == {"lr": 1e-3, "model.width": 8}
    assert dict(single.nodes[1].hyperparameters)["lr"] == 3e-5
    several = workspace.compare([root, child], ["loss"], baseline=at)
    assert [c.metric for c in several] == ["loss"]
    with pytest.raises(BadInput):
        workspace.compare([root], ["loss", "lost"])


def test_nothing_to_compare_is_said_with_a_hint(workspace, name):
    workspace.create_bucket(name)
    assert Curves(workspace._core).curve(name) is None
    with pytest.raises(BadInput) as caught:
        workspace.compare([Node(name)])
    assert "run.log" in caught.value.hint
    with pytest.raises(BadInput):
        workspace.compare([])
    assert workspace.metrics([Node(name)]) == ()


def test_bad_lines_are_told_with_file_and_offset(workspace, name):
    workspace.create_bucket(name)
    data = b'{"step": 1, "loss": NaN}\nrubbish\n{"step": 2, "loss": 1.0}\n'
    workspace._core.store.write(name, "runs/r/metrics.jsonl", data)
    comparison = workspace.compare([Node(name)])
    assert comparison.nodes[0].non_finite == 1
    assert comparison.warnings == ("runs/r/metrics.jsonl at byte 25: not JSON",)


def test_trainer_states_in_buckets_are_stitched_from_the_checkpoints_alone(workspace, name):
    def upload(bucket, folder):
        for path in sorted((RECORDED / folder).rglob("trainer_state.json")):
            workspace._core.store.upload(bucket, f"out/{path.parent.name}/trainer_state.json", path)

    workspace.create_bucket(name)
    upload(name, "first")
    at = workspace.snapshot(name, "step-30")
    child = workspace.fork(at, f"{name}-child")
    upload(child.bucket, "fork")
    upload(name, "resumed")
    root, fork = workspace.compare([Node(name), child], "loss").nodes
    assert list(root.steps) == list(fork.steps) == list(range(2, 41, 2))
    assert fork.fork_step == 20
    assert fork.own_at == 10
    assert fork.values[12] != root.values[12]
    curves = Curves(workspace._core)
    assert curves.curve(child.bucket).metric == "eval_loss"
    assert curves.curve(child.bucket) is curves.curve(child.bucket)


def test_a_second_process_takes_what_the_first_one_parsed_and_reads_on(workspace, name):
    def readings():
        curves = Curves(workspace._core)
        counting = Counting(workspace._core.store)
        workspace._core.store = counting
        try:
            series = curves.curve(name)
        finally:
            workspace._core.store = counting.store
        ranges = [r for r in counting.ranges if r.key.endswith("metrics.jsonl")]
        return series, ranges

    workspace.create_bucket(name)
    log(workspace, name, "r1", range(2000))
    first, read = readings()
    assert [r.start for r in read] == [0]
    second, read = readings()
    assert (second, read) == (first, [])  # nothing of it is fetched again
    log(workspace, name, "r1", range(2100))
    grown, read = readings()
    assert read[0].start > 50_000  # and a grown one from its old end on
    assert grown.steps[-1] == 2099

    # damage is as if nothing had been kept
    for path in (workspace._core.data / "metrics").glob("*/*"):
        path.write_bytes(path.read_bytes()[:-1] + b"?")
    again, read = readings()
    assert (again, [r.start for r in read]) == (grown, [0])

    # another file of another content in the same place is not read on
    log(workspace, name, "r1", range(3000), value=9.0)
    other, read = readings()
    assert other.values[0] == 9.0


def test_a_csv_that_a_resumed_process_has_written_over_is_recovered_from_an_earlier_snapshot(workspace, name):
    def logged(steps, value):
        return "".join(["epoch,step,train_loss\n", *(f"0,{s},{value + s / 1000}\n" for s in steps)]).encode()

    workspace.create_bucket(name)
    store, key = workspace._core.store, "logs/version_0/metrics.csv"
    store.write(name, key, logged(range(100), 2.0))
    at = workspace.snapshot(name, "step-99")
    # CSVLogger deletes the file of a version that is named again; the process resumed at 60
    store.write(name, key, logged(range(60, 121), 1.0))
    comparison = workspace.compare([Node(name), at])
    head, before = comparison.nodes
    assert list(head.steps) == list(range(121))
    assert head.values[59] == 2.059
    assert head.values[60] == 1.06
    assert head.discarded_points == 40
    assert list(before.steps) == list(range(100))
    (told,) = comparison.warnings
    assert key in told
    assert "step-99" in told


def test_a_fork_of_a_bucket_that_two_processes_wrote_says_whose_rows_it_has(workspace, name):
    workspace.create_bucket(name)
    log(workspace, name, "r1", range(101), value=1.0)
    log(workspace, name, "r2", range(101), value=5.0, started="02")
    at = workspace.snapshot(name, "step-100")
    child = workspace.fork(at, f"{name}-child")
    log(workspace, child.bucket, "r3", range(101, 121), source=at, restored=100, value=1.0, started="03")
    comparison = workspace.compare([child])
    (curve,) = comparison.nodes
    assert curve.values[50] == 1.05
    assert any(f"wrote {name} at once" in warning for warning in comparison.warnings)


def test_what_lightning_says_in_hparams_yaml_are_hyperparameters(workspace, name):
    workspace.create_bucket(name)
    store, logged = workspace._core.store, "step,train_loss\n1,2.0\n2,1.5\n"
    yaml = "lr: 0.001\nmodel:\n  width: 64\nrun: !!python/object:pathlib.PosixPath\n  parts: [a]\n"
    store.write(name, "lightning_logs/version_0/metrics.csv", logged.encode())
    store.write(name, "lightning_logs/version_0/hparams.yaml", yaml.encode())
    store.write(name, "hparams.yaml", b"lr: 9.0\n")  # of no run that logged
    at = workspace.snapshot(name, "step-2")
    child = workspace.fork(at, f"{name}-child", (("lr", 0.01),))
    told = [dict(curve.hyperparameters) for curve in workspace.compare([Node(name), child]).nodes]
    assert told == [{"lr": 0.001, "model.width": 64}, {"lr": 0.01, "model.width": 64}]


def test_an_hparams_yaml_that_is_none_tells_nothing(workspace, name):
    workspace.create_bucket(name)
    workspace._core.store.write(name, "logs/metrics.csv", b"step,train_loss\n1,2.0\n2,1.5\n")
    workspace._core.store.write(name, "logs/hparams.yaml", b"lr: [1\n")
    (curve,) = workspace.compare([Node(name)]).nodes
    assert (list(curve.values), curve.hyperparameters) == ([2.0, 1.5], ())
