"""What was written between two snapshots arrives too: every version, in order, with what was said of it."""

from __future__ import annotations

import itertools
import random
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from explorer.storage import Store
from explorer.workspace.pushing.push import Push
from explorer.workspace.pushing.record import PushMap
from explorer.workspace.pushing.report import PushProgress
from tests.workspace.pushing.histories import (
    LARGE,
    Past,
    check_histories,
    client_of,
    histories,
    history,
    push,
)
from tests.workspace.pushing.lineages import check_equal, forget
from tests.workspace.pushing.mortal import Killed, MortalMap

_numbers = itertools.count()
_bucket = st.integers(0, 3)
_key = st.sampled_from(["a", "a/b", "runs/r/run.json", "å+ %2F"])
_body = st.sampled_from([b"", b"one", b"two", LARGE])
_label = st.integers(0, 2)
_word = st.one_of(
    st.tuples(st.just("put"), _bucket, _key, _body, _label),
    st.tuples(st.just("put"), _bucket, _key, _body, _label),
    st.tuples(st.just("delete"), _bucket, _key),
    st.tuples(st.just("tag"), _bucket, _key, _label),
    st.tuples(st.just("snapshot"), _bucket),
    st.tuples(st.just("fork"), _bucket),
    st.tuples(st.sampled_from(["merge", "rebase"]), _bucket),
)


def push_mortally(past: Past, target: Store, path: Path, chance: random.Random, tries: int) -> None:
    """Push, and be killed soon, some times."""
    for _ in range(tries):
        record = MortalMap(path, chance.randint(1, 5), before=chance.random() < 0.7)
        try:
            Push(past.store, target, record).run(past.buckets)
        except Killed:
            continue
        finally:
            record.close()
        return


@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(words=st.lists(_word, min_size=6, max_size=30), seed=st.integers(0, 2**16))
def test_any_past_arrives_as_it_was(
    past_folder: Path, target: Store, target_folder: Path, words: list[tuple[Any, ...]], seed: int
) -> None:
    """Pushed in between and killed at any line of the map: equal places, equal versions, nothing twice."""
    past, chance = Past(past_folder, f"any{next(_numbers)}"), random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "map.jsonl"
        try:
            for verb, *rest in words:
                getattr(past, verb)(*rest)
                if chance.random() < 0.1:
                    push_mortally(past, target, path, chance, 4)
            push_mortally(past, target, path, chance, 12)
            record = PushMap(path)
            report = Push(past.store, target, record).run(past.buckets)
            again = Push(past.store, target, record).run(past.buckets)
            record.close()
            check_equal(past.store, target, report)
            check_histories(past, target, target_folder)
            assert histories(report) == {"equal"}
            assert (again.objects, again.snapshots, again.sent_bytes) == (0, 0, 0)
        finally:
            forget(past.store, past.prefix)
            past.store.close()
            forget(target, past.prefix)


def test_replaced_versions_are_sent_or_left_out_as_asked(
    past: Past, target: Store, target_folder: Path, tmp_path: Path
) -> None:
    past.put(0, "k", b"x" * 1000, 1)
    past.put(0, "k", b"y" * 10, 0)
    past.snapshot(0)
    past.put(0, "k", b"z" * 500, 2)
    past.delete(0, "k")
    told: list[PushProgress] = []
    report = push(past, target, tmp_path / "a", prefix="all-", on_progress=told.append)
    assert (report.objects, report.sent_bytes, report.labels) == (3, 1510, 3)
    assert (told[-1].total_bytes, told[-1].replaced_bytes) == (1510, 1500)
    report = push(past, target, tmp_path / "b", only_snapshots=True, on_progress=told.append)
    assert (report.objects, report.sent_bytes, histories(report)) == (1, 10, {"states"})
    assert told[-1].replaced_bytes == 0
    # changing one's mind: what is past stays left out, what comes is sent
    past.put(0, "k", b"one", 0)
    assert push(past, target, tmp_path / "b", only_snapshots=True).objects == 1
    past.put(0, "k", b"two", 1)
    past.put(0, "k", b"three", 2)
    report = push(past, target, tmp_path / "b", on_progress=told.append)
    assert report.objects == told[-1].total_objects == 2
    assert (told[-1].total_bytes, told[-1].replaced_bytes) == (8, 3)
    assert histories(report) == {"different"}
    there = history(client_of(target_folder), past.buckets[0])["k"]
    assert [body for body, _ in there] == [b"y" * 10, None, b"one", b"two", b"three"]
    check_equal(past.store, target, report)


@pytest.mark.parametrize("only_snapshots", [False, True])
def test_what_was_only_said_of_an_object_arrives(
    past: Past, target: Store, target_folder: Path, tmp_path: Path, only_snapshots: bool
) -> None:
    """Tags and metadata change, the ETag does not; big ones are copied over there, not sent again."""
    name = past.buckets[0]
    past.put(0, "small", b"s", 1)
    past.put(0, "large", LARGE, 1)
    past.fork(0)
    push(past, target, tmp_path, only_snapshots=only_snapshots)
    past.tag(0, "small", 1)
    past.tag(0, "large", 2)
    past.snapshot(0)
    past.put(0, "small", b"s", 2)
    past.client.copy_object(
        Bucket=name, Key="large", CopySource={"Bucket": name, "Key": "large"}, MetadataDirective="REPLACE",
        Metadata={"said": "later"}, ContentType="text/y",
    )  # fmt: skip
    past.tag(1, "large", 3)
    report = push(past, target, tmp_path, only_snapshots=only_snapshots)
    assert report.sent_bytes == 2
    assert report.copied_bytes == 3 * len(LARGE)
    assert report.labels >= 3
    check_histories(past, target, target_folder)
    assert push(past, target, tmp_path, only_snapshots=only_snapshots).objects == 0


@pytest.mark.parametrize("only_snapshots", [False, True])
def test_ended_in_one_way_it_goes_on_in_the_other(
    past: Past, target: Store, tmp_path: Path, only_snapshots: bool
) -> None:
    for body in (b"1", b"2", b"1"):
        past.put(0, "k", body, 0)
    past.snapshot(0)
    past.delete(0, "k")
    path = tmp_path / "map.jsonl"
    for left in (4, 2):
        record = MortalMap(path, left, before=True)
        with pytest.raises(Killed):
            Push(past.store, target, record, only_snapshots=only_snapshots).run(past.buckets)
        record.close()
    record = PushMap(path)
    report = Push(past.store, target, record, only_snapshots=not only_snapshots).run(past.buckets)
    record.close()
    check_equal(past.store, target, report)


def test_what_was_deleted_for_good_is_not_there_at_the_end(
    past: Past, target: Store, target_folder: Path, tmp_path: Path
) -> None:
    for body in (b"1", b"2", b"3"):
        past.put(0, "k", body, 0)
    past.forget(0, "k")
    past.put(0, "gone", b"x", 0)
    assert histories(push(past, target, tmp_path)) == {"equal"}
    check_histories(past, target, target_folder)
    past.forget(0, "k")
    past.forget(0, "gone")
    report = push(past, target, tmp_path)
    check_equal(past.store, target, report)
    assert histories(report) == {"different"}
    past.put(0, "k", b"4", 0)
    report = push(past, target, tmp_path)
    there = history(client_of(target_folder), past.buckets[0])
    assert [body for body, _ in there["k"]] == [b"1", b"2", b"1", b"4"]
    assert there["gone"][-1][0] is None


def test_a_version_deleted_for_good_while_it_is_pushed_is_passed_over(
    past: Past, target: Store, target_folder: Path, tmp_path: Path
) -> None:
    for body in (b"1", b"2", b"3"):
        past.put(0, "k", body, 0)
    at_once: list[Callable[[], None]] = [lambda: past.forget(0, "k")]

    def at(progress: PushProgress) -> None:
        if progress.doing.startswith("sending") and at_once:
            at_once.pop()()

    report = push(past, target, tmp_path, on_progress=at)
    check_equal(past.store, target, report)
    there = history(client_of(target_folder), past.buckets[0])
    assert [body for body, _ in there["k"]] == [b"1", b"2"]


def test_a_store_that_does_not_list_versions_gets_states_and_says_so(
    past: Past, target: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    past.put(0, "k", b"1", 1)
    past.put(0, "k", b"2", 2)
    past.snapshot(0)
    from explorer.errors import NotAllowed

    def refused(bucket: str) -> None:
        raise NotAllowed("The store refused.", hint="the key may not list versions")

    monkeypatch.setattr(past.store, "list_versions", refused)
    report = push(past, target, tmp_path)
    assert (report.objects, histories(report), report.labels) == (1, {"states"}, 1)
    check_equal(past.store, target, report)


def test_a_bucket_that_keeps_no_versions_arrives_as_it_is(past: Past, target: Store, tmp_path: Path) -> None:
    past.buckets[:] = [f"{past.prefix}-plain"]
    past.store.create_bucket(past.buckets[0], snapshots=False)
    past.put(0, "k", b"1", 1)
    report = push(past, target, tmp_path)
    past.tag(0, "k", 2)
    past.put(0, "l", b"2", 0)
    again = push(past, target, tmp_path)
    check_equal(past.store, target, again)
    assert (report.objects, again.objects, histories(again)) == (1, 2, {"none"})


def test_the_verb_tells_what_it_will_send_and_what_it_left_out(
    past: Past, target: Store, target_folder: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    from explorer.cli import main
    from explorer.localstore import ensure_running

    past.put(0, "k", b"x" * 2000, 0)
    past.put(0, "k", b"y", 0)
    running = ensure_running(target_folder)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", running.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", running.secret_key)
    words = ["push", "--data", str(past.folder), "--to", running.endpoint, past.buckets[0]]
    assert main([*words, "--prefix", "few-", "--only-snapshots"]) == 0
    out, err = capsys.readouterr()
    assert "to send: 1 objects, 1 B\n" in err
    assert "equal: states 1" in out
    assert main([*words, "--prefix", "all-"]) == 0
    out, err = capsys.readouterr()
    assert "replaced before the next snapshot (--only-snapshots leaves that out)" in err
    assert "states 1, histories 1" in out
