"""A lineage pushed from one local store to another: equal, in order, resumable, and nobody else's touched."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from explorer.errors import BadInput, Conflict, NameTaken, NotFound
from explorer.lineage.address import Node
from explorer.lineage.values import Bucket
from explorer.localstore import ensure_running, stop
from explorer.storage import Store, open_store
from explorer.storage.labels import Labels
from explorer.workspace.pushing import Push, PushProgress, PushReport
from explorer.workspace.pushing_map import PushMap
from explorer.workspace.pushing_objects import rewrite

SMALL = ("grandchild", "from-a-cut")
"""With their ancestors: all but the big ones."""
LABELS = Labels({"ContentType": "text/x-model", "CacheControl": "no-store"}, {"run": "r1", "epoch": "3"})
BIG = random.Random(7).randbytes(17 << 20)  # more than one part


def opened(folder: Path) -> Store:
    running = ensure_running(folder)
    return open_store(
        running.endpoint, access_key=running.access_key, secret_key=running.secret_key, is_local=True
    )


@pytest.fixture(scope="module")
def source_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("push-source")
    store = opened(folder)
    build(store)
    store.close()
    yield folder
    stop(folder)


@pytest.fixture
def source(source_folder: Path) -> Iterator[Store]:
    store = opened(source_folder)
    yield store
    store.close()


@pytest.fixture(scope="module")
def target_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("push-target")
    yield folder
    stop(folder)


@pytest.fixture
def target(target_folder: Path) -> Iterator[Store]:
    store = opened(target_folder)
    for bucket in reversed(store.list_buckets()):
        drop(store, bucket)
    yield store
    store.close()


def drop(store: Store, bucket: Bucket) -> None:
    for other in store.list_buckets():
        if other.parent is not None and other.parent.bucket == bucket.name:
            drop(store, other)
    if bucket.name in {b.name for b in store.list_buckets()}:
        store.delete_bucket(bucket.name, force=True)


def build(store: Store) -> None:
    """base: three snapshots that add, change and delete; a fork of the second, a fork of the fork, a cut.
    big: a model of several parts, and a fork that has it too."""
    store.create_bucket("base")
    store.write("base", "checkpoints/step-1/model", b"one")
    store.write("base", "old", b"to be deleted")
    first = store.take_snapshot("base", "step-1")
    store.write("base", "checkpoints/step-2/model", b"two")
    store.delete_object("base", "old")
    run = {"run": "r1", "bucket": "base", "source": None, "config": {"lr": 0.1}}
    store.write("base", "runs/r1/run.json", json.dumps(run).encode())
    store.write("base", ".explorer/lease.json", b'{"run": "r1", "host": "here", "pid": 1}')
    second = store.take_snapshot("base", "step-2")
    store.fork(second.node, "fork")
    note = {
        "bucket": "fork",
        "parent": {"bucket": "base", "version": second.version},
        "overrides": {"lr": 3e-5},
    }
    store.write("fork", ".explorer/fork.json", json.dumps(note).encode())
    run = {"run": "r2", "bucket": "fork", "source": {"bucket": "base", "version": second.version}}
    store.write("fork", "runs/r2/run.json", json.dumps(run).encode())
    store.write("fork", "checkpoints/step-3/model", b"three of the fork")
    fork = store.take_snapshot("fork", "step-3")
    store.fork(fork.node, "grandchild")
    store.write("grandchild", "only/here", b"x")
    store.write("base", "checkpoints/step-1/model", b"one, rewritten")
    store.take_snapshot("base")
    store.fork(first.node, "from-a-cut")
    store.delete_snapshot(first.node)
    store.write("base", "head/only", b"")
    store.create_bucket("big")
    with tempfile.NamedTemporaryFile() as file:
        file.write(BIG)
        file.flush()
        store.upload("big", "model", Path(file.name), labels=LABELS)
    store.fork(store.take_snapshot("big").node, "big-fork")
    store.write("big-fork", "small", b"x", labels=LABELS)


def pushed(
    source: Store, target: Store, folder: Path, *wanted: str, prefix: str = "", name: str = "other"
) -> PushReport:
    record = PushMap.open(folder, "local", f"http://{name}", prefix)
    try:
        return Push(source, target, record, prefix=prefix).run(wanted or SMALL)
    finally:
        record.close()


def contents(store: Store, node: Node) -> dict[str, bytes]:
    skipped = (".explorer/lease.json", ".explorer/push.json")
    return {
        item.key: store.read_object(node, item.key)[0] if item.size_bytes < 2**20 else item.etag.encode()
        for item in store.list_objects(node)
        if item.key not in skipped
    }


def check_equal(source: Store, target: Store, report: PushReport, prefix: str = "") -> None:
    """Every snapshot and head holds the same over there, and the tree has the same shape."""
    here = {b.name: b for b in source.list_lineage()}
    there = {b.name: b for b in target.list_lineage()}
    renamed = {b.bucket: (b.name, dict(b.versions)) for b in report.buckets}

    def over_there(bucket: str, version: str | None) -> tuple[str, str | None]:
        name, versions = renamed[bucket]
        return name, None if version is None else versions[version]

    for pushed_bucket in report.buckets:
        bucket, copy = here[pushed_bucket.bucket], there[prefix + pushed_bucket.bucket]
        if bucket.parent is None:
            assert copy.parent is None
        else:
            assert copy.parent == Node(*over_there(*bucket.parent.address.split("@")))
        names = {s.version: s.name for s in copy.snapshots}
        versions = dict(pushed_bucket.versions)
        assert [names[versions[s.version]] for s in bucket.snapshots] == [s.name for s in bucket.snapshots]
        assert sorted(versions.values(), key=int) == [versions[v] for v in sorted(versions, key=int)]
        assert len(copy.snapshots) == len(versions)
        for version in (*versions, None):
            expected = contents(source, Node(bucket.name, version))
            for key in expected:
                if key.startswith(("runs/", ".explorer/")):
                    expected[key] = rewrite(expected[key], over_there)
            assert contents(target, Node(copy.name, version and versions[version])) == expected


def test_everything_arrives_as_it_was_and_nothing_twice(source: Store, target: Store, tmp_path: Path) -> None:
    record = PushMap.open(tmp_path, "local", "http://other")
    told: list[PushProgress] = []
    report = Push(source, target, record, on_progress=told.append).run()
    again = Push(source, target, record).run()
    record.close()
    check_equal(source, target, report)
    assert {b.bucket for b in report.buckets} == {b.name for b in source.list_buckets()}
    # forks send what they changed: the big file of the parent travels once
    assert len(BIG) <= report.sent_bytes == told[-1].done_bytes == told[-1].total_bytes < len(BIG) + 5000
    assert target.read_object(Node("big-fork"), "model")[0] == BIG
    for item in target.list_objects(Node("big-fork")):
        if item.key in ("model", "small"):
            assert target.read_labels(Node("big-fork"), item) == LABELS
    assert report.verified == 5 + 6
    assert (again.objects, again.snapshots, again.verified) == (0, 0, 11)
    note = json.loads(target.read_object(Node("base"), ".explorer/push.json")[0])
    assert note["versions"] == dict(next(b for b in report.buckets if b.bucket == "base").versions)


def test_a_prefix_renames_the_buckets_and_what_refers_to_them(
    source: Store, target: Store, tmp_path: Path
) -> None:
    report = pushed(source, target, tmp_path, prefix="team-")
    check_equal(source, target, report, "team-")
    versions = {b.bucket: dict(b.versions) for b in report.buckets}
    parent = next(b for b in source.list_buckets() if b.name == "fork").parent
    assert parent is not None
    note = json.loads(target.read_object(Node("team-fork"), ".explorer/fork.json")[0])
    assert note["bucket"] == "team-fork"
    assert note["parent"] == {"bucket": "team-base", "version": versions["base"][parent.version or ""]}
    assert note["overrides"] == {"lr": 3e-5}


def test_one_fork_comes_with_its_ancestors_and_no_siblings(
    source: Store, target: Store, tmp_path: Path
) -> None:
    report = pushed(source, target, tmp_path, "grandchild")
    assert [b.bucket for b in report.buckets] == ["base", "fork", "grandchild"]
    check_equal(source, target, report)
    # the sibling's cut is older than what was pushed; it is there all the same
    check_equal(source, target, pushed(source, target, tmp_path, "from-a-cut"))
    with pytest.raises(NotFound, match="grandchidl") as caught:
        pushed(source, target, tmp_path, "grandchidl")
    assert "grandchild" in caught.value.hint


def test_later_only_what_is_new_is_sent(target: Store, tmp_path: Path) -> None:
    folder = tmp_path / "own"
    source = opened(folder)
    try:
        source.create_bucket("base")
        source.write("base", "a", b"a" * 1000)
        source.take_snapshot("base", "step-1")
        source.write("base", "was only at the head", b"h")
        pushed(source, target, tmp_path, "base")
        source.delete_object("base", "was only at the head")
        source.write("base", "b", b"b" * 10)
        second = source.take_snapshot("base", "step-2")
        source.fork(second.node, "fork")
        report = pushed(source, target, tmp_path, "fork")
        assert (report.objects, report.snapshots, report.sent_bytes) == (1, 1, 10)
        check_equal(source, target, report)
        source.delete_bucket("fork", force=True)
        time.sleep(1.1)  # creation times of buckets are told in whole seconds
        source.create_bucket("fork")
        with pytest.raises(Conflict, match="made anew"):
            pushed(source, target, tmp_path, "fork")
    finally:
        source.close()
        stop(folder)


def test_a_name_that_is_somebody_elses_is_left_alone(source: Store, target: Store, tmp_path: Path) -> None:
    target.create_bucket("fork")
    target.write("fork", "theirs", b"precious")
    with pytest.raises(NameTaken) as caught:
        pushed(source, target, tmp_path, "fork")
    assert "--prefix" in caught.value.hint
    assert contents(target, Node("fork")) == {"theirs": b"precious"}


@pytest.mark.parametrize(
    "meddle",
    [
        lambda store: store.write("base", "foreign", b"x"),
        lambda store: store.write("base", "head/only", b"overwritten by somebody"),
    ],
)
def test_what_somebody_else_wrote_over_there_is_left_alone(
    source: Store, target: Store, tmp_path: Path, meddle: Callable[[Store], object]
) -> None:
    pushed(source, target, tmp_path, "base")
    meddle(target)
    before = contents(target, Node("base"))
    with pytest.raises(Conflict, match="somebody else") as caught:
        pushed(source, target, tmp_path, "base")
    assert contents(target, Node("base")) == before
    assert "--prefix" in caught.value.hint
    check_equal(source, target, pushed(source, target, tmp_path, "base", prefix="mine-"), "mine-")


def test_a_pushed_bucket_that_is_gone_is_said_so(source: Store, target: Store, tmp_path: Path) -> None:
    pushed(source, target, tmp_path, "base")
    target.delete_bucket("base", force=True)
    with pytest.raises(Conflict, match="gone"):
        pushed(source, target, tmp_path, "base")


def test_two_pushes_at_once_are_one_too_many(source: Store, target: Store, tmp_path: Path) -> None:
    record = PushMap.open(tmp_path, "local", "http://other")
    with pytest.raises(Conflict, match="under way"):
        pushed(source, target, tmp_path)
    record.close()


def test_a_torn_last_line_of_the_map_is_forgotten(source: Store, target: Store, tmp_path: Path) -> None:
    report = pushed(source, target, tmp_path, "base")
    (path,) = tmp_path.glob("*.jsonl")
    path.write_bytes(path.read_bytes() + b'{"in":"base","put":"half')
    assert pushed(source, target, tmp_path, "base").buckets == report.buckets


def push_command(source_folder: Path, target_folder: Path, *more: str) -> tuple[list[str], dict[str, str]]:
    running = ensure_running(target_folder)
    environment = os.environ | {
        "AWS_ACCESS_KEY_ID": running.access_key,
        "AWS_SECRET_ACCESS_KEY": running.secret_key,
    }
    words = ["push", "--data", str(source_folder), "--to", running.endpoint, *more]
    start = "import sys; from explorer.cli import main; sys.exit(main(sys.argv[1:]))"
    return [sys.executable, "-c", start, *words], environment


class Killed(BaseException):
    """Nothing handles it: as far as a push can tell, the process ends here."""


class MortalMap(PushMap):
    """Ends the push at its n-th line: with the deed done and the line not written, or right after it."""

    def __init__(self, path: Path, left: int, *, before: bool) -> None:
        super().__init__(path)
        self._left = left
        self._before = before

    def note(self, **line: object) -> None:
        self._left -= 1
        if self._left <= 0 and self._before:
            raise Killed
        super().note(**line)
        if self._left <= 0:
            raise Killed


@pytest.mark.parametrize(("seed", "wanted"), [(1, SMALL), (2, SMALL), (3, ("big-fork",))])
def test_ended_between_any_two_steps_it_arrives_once(
    source: Store, target: Store, tmp_path: Path, seed: int, wanted: tuple[str, ...]
) -> None:
    chance = random.Random(seed)
    path = tmp_path / "map.jsonl"
    ends = 0
    while True:
        record = MortalMap(path, chance.randint(1, 4), before=chance.random() < 0.5)
        try:
            report = Push(source, target, record).run(wanted)
        except Killed:
            ends += 1
            continue
        finally:
            record.close()
        break
    assert ends >= 3
    check_equal(source, target, report)


def test_killed_it_goes_on_where_it_was(
    source: Store, source_folder: Path, target: Store, target_folder: Path
) -> None:
    command, environment = push_command(source_folder, target_folder, "--prefix", "killed-", "--json", *SMALL)
    chance = random.Random(3)
    for _ in range(2):
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        lines = map_lines(source_folder / "push") + chance.randrange(3, 9)
        while process.poll() is None and map_lines(source_folder / "push") < lines:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        _, err = process.communicate()
        assert process.returncode == -signal.SIGKILL, err
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    record = PushMap(Path(told["map"]))
    report = Push(source, target, record, prefix="killed-").run(SMALL)
    record.close()
    assert (report.objects, report.snapshots, report.verified) == (0, 0, told["verified"])
    check_equal(source, target, report, "killed-")


def map_lines(folder: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in folder.glob("*.jsonl"))


def test_a_store_is_not_pushed_to_itself(source_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from explorer.cli import main

    endpoint = ensure_running(source_folder).endpoint
    assert main(["push", "--data", str(source_folder), "--to", endpoint]) == 1
    assert "store to push from" in capsys.readouterr().err
    assert main(["push", "--data", str(source_folder), "--to", "nonsense"]) == 1
    assert "hint:" in capsys.readouterr().err


def test_documents_that_name_nothing_known_are_copied_word_for_word() -> None:
    def nowhere(bucket: str, version: str | None) -> None:
        return None

    for data in (
        b"",
        b"[1]",
        b'{"bucket": 5}',
        b'{"bucket": "x", "parent": null}',
        b"\xff\xfe",
        b"[" * 10_000,
    ):
        assert rewrite(data, nowhere) == data


def test_an_unusable_prefix_is_refused_before_anything_is_made(
    source: Store, target: Store, tmp_path: Path
) -> None:
    with pytest.raises(BadInput):
        pushed(source, target, tmp_path, prefix="Not A Name ")
    assert target.list_buckets() == ()
