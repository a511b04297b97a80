import math

from explorer.metrics.stitch import backfill, chains, stitch
from tests.metrics.lineages import attempt, branch, dense


def line(*lineage, metric="loss"):
    (chain,) = chains(lineage)
    return stitch(chain, metric)


def test_a_fork_that_logs_again_what_it_inherited_keeps_the_parents_rows_up_to_the_fork():
    root = branch("root", attempt(dense(0, 299)))
    child = branch("child", attempt(dense(90, 199, value=5.0), bucket="child", restored_step=100.0))
    got = line(root, child)
    assert list(got.series.steps) == list(range(200))
    assert got.series.values[100] == 0.1  # the parent wins at the fork step itself
    assert got.series.values[101] == 5.101
    assert got.own_at == 101
    assert got.relogged == 11
    assert got.fork_step == 100


def test_a_fork_below_its_parents_own_fork_drops_that_parent():
    root = branch("root", attempt(dense(0, 299)))
    child = branch("child", attempt(dense(101, 150, value=5.0), bucket="child", restored_step=100.0))
    grand = branch("grand", attempt(dense(51, 79, value=9.0), bucket="grand", restored_step=60.0))
    got = line(root, child, grand)
    assert list(got.series.steps) == list(range(80))
    assert all(v < 5 for v in got.series.values[:61])
    assert all(v >= 9 for v in got.series.values[61:])
    assert got.own_at == 61


def test_a_resume_with_another_cadence_leaves_no_stale_rows_between_its_own():
    first = attempt(dense(0, 154), id="1", started_s=1.0)
    second = attempt(dense(100, 195, value=5.0, every=5), id="2", started_s=2.0)
    got = line(branch("root", first, second))
    assert len(got.series) == 120
    assert [len(d) for d in got.discarded] == [55]
    assert got.discarded[0].steps[0] == 100


def test_a_resume_ends_the_life_of_every_metric_even_of_those_it_has_not_logged_yet():
    first = attempt({"loss": dense(0, 50), "val_loss": dense(0, 50, every=10)}, id="1", started_s=1.0)
    second = attempt({"loss": dense(21, 30, value=5.0)}, id="2", started_s=2.0, restored_step=20.0)
    got = line(branch("root", first, second), metric="val_loss")
    assert list(got.series.steps) == [0, 10, 20]
    assert list(got.discarded[0].steps) == [30, 40, 50]


def test_rows_past_the_checkpoint_belong_to_the_parent_alone():
    root = branch("root", attempt(dense(0, 108)), version="1")
    fork_without_runs = branch("child", fork_step=100.0)
    got = line(root, fork_without_runs)
    assert got.series.steps[-1] == 100
    assert got.inferred
    assert got.own_at == len(got.series)


def test_an_attempt_that_has_not_logged_yet_takes_nothing_away_and_still_names_the_fork():
    root = branch("root", attempt(dense(0, 108)))
    child = branch("child", attempt({}, bucket="child", restored_step=80.0))
    got = line(root, child)
    assert got.series.steps[-1] == 80
    assert not got.inferred

    crashed = attempt({}, id="2", started_s=9.0, restored_step=10.0)
    assert len(line(branch("root", attempt(dense(0, 108), started_s=1.0), crashed)).series) == 109


def test_a_run_that_started_from_nothing_in_a_fork_inherits_nothing():
    root = branch("root", attempt(dense(0, 100)))
    child = branch("child", attempt(dense(1, 20, value=5.0), bucket="child", fresh=True), fork_step=100.0)
    got = line(root, child)
    assert got.own_at == 0
    assert len(got.series) == 20


def test_copies_of_inherited_rows_are_no_news_and_changed_ones_are_counted():
    root = branch("root", attempt(dense(0, 100)))
    copied = dense(0, 120) | {50.0: 7.0, 60.0: math.nan}
    got = line(root, branch("child", attempt(copied, bucket="child", restored_step=100.0)))
    assert got.relogged == 2
    assert got.series.values[50] == 0.05


def test_a_resume_in_a_fork_from_before_the_fork_moves_the_fork_point_down():
    root = branch("root", attempt(dense(0, 150)))
    first = attempt(dense(101, 150, value=5.0), id="1", bucket="child", started_s=1.0, restored_step=100.0)
    again = attempt(dense(61, 90, value=9.0), id="2", bucket="child", started_s=2.0, restored_step=60.0)
    got = line(root, branch("child", first, again))
    assert got.fork_step == 60
    assert list(got.series.steps) == list(range(91))
    assert len(got.discarded[0]) == 50


def test_rows_flushed_after_the_snapshot_are_taken_from_the_same_attempt_only():
    seen = attempt(dense(0, 95), key="runs/1/metrics.jsonl")
    grown = attempt(dense(0, 130))
    filled = backfill(seen, grown, 100.0)
    assert filled.last_step == 100
    assert filled.backfilled == 5
    got = line(branch("root", filled), branch("child", fork_step=100.0))
    assert got.backfilled == 5

    rewound = attempt(dense(0, 130, value=3.0))
    assert backfill(seen, rewound, 100.0) is seen
    assert backfill(seen, attempt(dense(0, 50)), 100.0) is seen


def test_nothing_is_left_of_a_lineage_without_rows():
    assert len(line(branch("root")).series) == 0
    assert len(line(branch("root"), branch("child", fork_step=10.0)).series) == 0
