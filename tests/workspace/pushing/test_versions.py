"""What was written between two snapshots arrives too: every version, in order, with what was said of it."""

from __future__ import annotations

import itertools
import random
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from explorer.errors import Conflict
from explorer.localstore import stop
from explorer.storage import Store
from explorer.workspace.pushing.push import Push
from explorer.workspace.pushing.record import PushMap
from explorer.workspace.pushing.report import PushProgress, PushReport
from tests.workspace.pushing.histories import LARGE, Past, check_histories, client_of, history
from tests.workspace.pushing.lineages import check_equal, drop
from tests.workspace.pushing.mortal import Killed, MortalMap

_numbers = itertools.count()


@pytest.fixture(scope="module")
def past_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("push-past")
    yield folder
    stop(folder)


@pytest.fixture
def past(past_folder: Path) -> Iterator[Past]:
    made = Past(past_folder, f"past{next(_numbers)}")
    yield made
    forget(made.store, made.prefix)
    made.store.close()


def forget(store: Store, prefix: str) -> None:
    for bucket in reversed(store.list_buckets()):
        if bucket.name.startswith(prefix):
            drop(store, bucket)


def push(past: Past, target: Store, folder: Path, **options: Any) -> PushReport:
    record = PushMap.open(folder, "local", "http://other")
    try:
        return Push(past.store, target, record, **options).run(past.buckets)
    finally:
        record.close()


def histories(report: PushReport) -> set[str]:
    return {bucket.history for bucket in report.buckets}


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


def test_a_big_version_on_its_way_at_a_kill_arrives_once(
    past: Past, target: Store, target_folder: Path, tmp_path: Path
) -> None:
    """Of several parts: its ETag over there is another one than here."""
    past.store.write(past.buckets[0], "runs/r/run.json", b'{"bucket": "%s"}' % past.buckets[0].encode())
    for seed in (1, 2):
        path = tmp_path / "big"
        path.write_bytes(random.Random(seed).randbytes(17 << 20))
        upload = past.client.create_multipart_upload(Bucket=past.buckets[0], Key="k")["UploadId"]
        parts = []
        for number, data in enumerate((path.read_bytes()[: 9 << 20], path.read_bytes()[9 << 20 :]), 1):
            which = {"Bucket": past.buckets[0], "Key": "k", "UploadId": upload}
            etag = past.client.upload_part(**which, PartNumber=number, Body=data)["ETag"]
            parts.append({"PartNumber": number, "ETag": etag})
        past.client.complete_multipart_upload(**which, MultipartUpload={"Parts": parts})
    (path,) = (tmp_path / "map.jsonl",)
    ends = 0
    for _ in range(30):
        record = MortalMap(path, 2 if ends % 2 else 1, before=ends % 3 != 2)
        try:
            report = Push(past.store, target, record, prefix="p-").run(past.buckets)
            break
        except Killed:
            ends += 1
        finally:
            record.close()
    assert ends >= 4
    assert histories(report) == {"equal"}
    there = history(client_of(target_folder), "p-" + past.buckets[0])
    assert [body for body, _ in there["k"]] == [b for b, _ in history(past.client, past.buckets[0])["k"]]
    assert [body for body, _ in there["runs/r/run.json"]] == [
        b'{\n "bucket": "p-%s"\n}' % past.buckets[0].encode()
    ]


@pytest.mark.parametrize("seed", [1, 2])
def test_a_writer_at_work_here_loses_nothing_over_there(
    past: Past, target: Store, target_folder: Path, tmp_path: Path, seed: int
) -> None:
    """Writes, deletions, tags and snapshots go on while it is pushed, again and again."""
    chance, done = random.Random(seed), threading.Event()
    past.put(0, "k0", b"first", 0)
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for n in range(150):
                key = f"k{chance.randrange(4)}"
                verb = chance.choice(["put", "put", "put", "delete", "tag", "snapshot"])
                if verb == "put":
                    past.put(0, key, b"%d" % chance.randrange(3), chance.randrange(3))
                elif verb == "tag":
                    past.tag(0, key, n)
                else:
                    getattr(past, verb)(0, *([key] if verb == "delete" else []))
        except BaseException as error:
            failures.append(error)
        finally:
            done.set()

    writer = threading.Thread(target=work)
    writer.start()
    pushes = 0
    try:
        while not done.is_set():
            report = push(past, target, tmp_path)
            pushes += 1
            assert histories(report) == {"equal"}
    finally:
        writer.join()
    assert not failures
    assert pushes > 1
    report = push(past, target, tmp_path)
    check_equal(past.store, target, report)
    check_histories(past, target, target_folder)
    assert histories(report) == {"equal"}


@pytest.mark.parametrize("meddle", ["put", "delete"])
def test_a_foreign_write_in_the_middle_of_a_push_is_left_alone(
    past: Past, target: Store, target_folder: Path, tmp_path: Path, meddle: str
) -> None:
    name = past.buckets[0]
    past.put(0, "k", b"1", 0)
    push(past, target, tmp_path)
    past.put(0, "k", b"2", 0)
    past.snapshot(0)
    theirs = client_of(target_folder)

    def at(progress: PushProgress) -> None:
        if progress.doing.startswith("sending") and not progress.done_objects:
            if meddle == "put":
                theirs.put_object(Bucket=name, Key="k", Body=b"theirs")
            else:
                theirs.delete_object(Bucket=name, Key="k")

    with pytest.raises(Conflict, match="somebody else"):
        push(past, target, tmp_path, on_progress=at)
    there = [body for body, _ in history(theirs, name)["k"]]
    assert there[-1] == (b"theirs" if meddle == "put" else None)
    assert b"2" not in there


@pytest.mark.parametrize(
    ("body", "sent"), [(b"theirs", False), (b"2", False), (b"theirs", True), (b"2", True)]
)
def test_a_foreign_write_to_what_was_on_its_way_at_a_kill_is_left_alone(
    past: Past, target: Store, target_folder: Path, tmp_path: Path, body: bytes, sent: bool
) -> None:
    """Also where it has the bytes of a version that was to come later."""
    name, theirs = past.buckets[0], client_of(target_folder)
    for each in (b"1", b"2"):
        past.put(0, "k", each, 0)
    path = tmp_path / "map.jsonl"
    # the bucket's making is two lines, the place the third; in the second try the put is done, and not noted
    for left, before in [(3, False), (2, True)] if sent else [(3, False)]:
        record = MortalMap(path, left, before=before)
        with pytest.raises(Killed):
            Push(past.store, target, record).run(past.buckets)
        record.close()
    there = [b for b, _ in history(theirs, name).get("k", [])]
    assert there == ([b"1"] if sent else [])
    theirs.put_object(Bucket=name, Key="k", Body=body)
    record = PushMap(path)
    with pytest.raises(Conflict, match="somebody else"):
        Push(past.store, target, record).run(past.buckets)
    record.close()
    assert [b for b, _ in history(theirs, name)["k"]] == [*there, body]


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
