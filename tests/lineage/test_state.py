from dataclasses import replace

import pytest
from immutables import Map

from explorer.errors import NotFound
from explorer.lineage.address import Node
from explorer.lineage.events import (
    BucketDeleted,
    CurveRead,
    FactsRead,
    Failed,
    Forked,
    Listed,
    OverridesRead,
    PrefetchMoved,
    RunChanged,
    SnapshotDeleted,
    SnapshotTaken,
)
from explorer.lineage.state import State, fold
from explorer.lineage.values import Bucket, Curve, Facts, Failure, Progress, RunView, Snapshot, StoreInfo

MAIN = Bucket("main", 1, None, True, (Snapshot("main", "100", "a"), Snapshot("main", "200", "b")))
FORK = Bucket("fork", 300, Node("main", "200"))
EMPTY = State(StoreInfo("local store", "http://127.0.0.1:1", True))


@pytest.fixture
def state():
    return fold(EMPTY, [Listed((MAIN, FORK))])


def test_a_listing_replaces_what_was_seen_before(state):
    assert not state.stale
    assert set(state.buckets) == {"main", "fork"}
    assert (state.revision, state.tree_revision) == (1, 1)


def test_the_same_listing_again_changes_nothing(state):
    again = fold(state, [Listed((MAIN, replace(FORK)))])
    assert again is state


def test_a_burst_of_events_is_one_revision(state):
    after = fold(state, [FactsRead(Node("main", "100"), Facts(step=n)) for n in range(1000)])
    assert after.revision == state.revision + 1
    assert after.tree_revision == state.tree_revision
    assert after.facts[Node("main", "100")].step == 999


def test_what_is_known_of_a_bucket_goes_with_it(state):
    full = fold(
        state,
        [
            FactsRead(FORK.head, Facts(step=1)),
            CurveRead("fork", Curve("loss", (1,), (0.5,))),
            OverridesRead("fork", 300, (("lr", 1e-4),)),
            PrefetchMoved(FORK.head, Progress(1, 2)),
            Failed(FORK.head, Failure("x", "y", 0)),
        ],
    )
    after = fold(full, [BucketDeleted("fork")])
    assert "fork" not in after.buckets
    for gone in (after.facts, after.curves, after.overrides, after.prefetched, after.failures):
        assert gone == Map()


def test_a_bucket_made_again_under_its_old_name_inherits_nothing(state):
    known = fold(state, [OverridesRead("fork", 300, (("lr", 1e-4),)), FactsRead(FORK.head, Facts(step=9))])
    after = fold(known, [Listed((MAIN, replace(FORK, created_ns=900)))])
    assert "fork" not in after.overrides
    assert FORK.head not in after.facts


def test_late_answers_about_gone_or_reborn_buckets_are_dropped(state):
    assert fold(state, [FactsRead(Node("gone"), Facts(step=1))]) is state
    assert fold(state, [OverridesRead("fork", 299, (("lr", 1),))]) is state
    assert fold(state, [CurveRead("gone", Curve("loss", (), ()))]) is state


def test_our_own_fork_is_there_without_a_listing(state):
    after = fold(state, [Forked(Bucket("new", 400, Node("main", "100")), (("lr", 3e-5),))])
    assert [b.name for b in after.forks_of("main")] == ["fork", "new"]
    assert after.overrides["new"] == (("lr", 3e-5),)
    assert after.tree_revision == state.tree_revision + 1


def test_snapshots_stand_in_the_order_of_their_versions(state):
    after = fold(state, [SnapshotTaken(Snapshot("main", "1000")), SnapshotTaken(Snapshot("main", "150"))])
    assert [s.version for s in after.buckets["main"].snapshots] == ["100", "150", "200", "1000"]
    assert fold(after, [SnapshotTaken(Snapshot("main", "1000"))]) is after
    less = fold(after, [SnapshotDeleted(Node("main", "150"))])
    assert [s.version for s in less.buckets["main"].snapshots] == ["100", "200", "1000"]


def test_addresses_resolve_by_version_name_and_head(state):
    assert state.resolve("main") == Node("main")
    assert state.resolve("main@b") == Node("main", "200")
    assert state.resolve("main@100") == Node("main", "100")
    assert state.resolve("main@1751631910140685342") == Node("main", "1751631910140685342")


def test_of_two_snapshots_of_one_name_the_newest_is_meant(state):
    after = fold(state, [SnapshotTaken(Snapshot("main", "300", "a"))])
    assert after.resolve("main@a") == Node("main", "300")


def test_unknown_addresses_name_the_nearest(state):
    with pytest.raises(NotFound) as bucket:
        state.resolve("mian")
    assert "`main`" in bucket.value.hint
    named = fold(state, [SnapshotTaken(Snapshot("main", "300", "step-100"))])
    with pytest.raises(NotFound) as snapshot:
        named.resolve("main@step-10")
    assert "`step-100`" in snapshot.value.hint


def test_the_step_of_a_node_comes_from_what_was_read_then_from_its_name(state):
    named = fold(state, [SnapshotTaken(Snapshot("main", "300", "step-7"))])
    assert named.step(Node("main", "300")) == 7
    read = fold(named, [FactsRead(Node("main", "300"), Facts(step=8))])
    assert read.step(Node("main", "300")) == 8


def test_runs_of_a_bucket_newest_first(state):
    runs = [RunView(str(n), "fork", None, "done", started_ns=n) for n in (1, 3, 2)]
    after = fold(state, [RunChanged(run) for run in runs])
    assert [run.id for run in after.runs_in("fork")] == ["3", "2", "1"]
    assert fold(after, [RunChanged(runs[0])]) is after
