"""Merging a fork into its parent and rebasing a fork onto it, against a model of three dicts."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import tigris_boto3_ext as tigris
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from explorer.localstore import Running
from explorer.localstore.engine.engine import Engine
from explorer.localstore.engine.records import Bucket, Entry
from explorer.localstore.refusals import Refusal
from tests.localstore.conftest import put_bytes
from tests.localstore.wire import Answer, send

Put = Callable[..., Entry]


def contents(engine: Engine, bucket: Bucket, at: int | None = None) -> dict[bytes, str]:
    page = engine.listing.page(bucket, at=at)
    return {each.key: each.etag for each in page.items if isinstance(each, Entry)}


@pytest.fixture
def parent(engine: Engine, put: Put) -> Bucket:
    made = engine.buckets.create("base", snapshots_on=True)
    for key in (b"both", b"changed", b"deleted", b"same"):
        put(engine, made, key, b"0")
    return made


@pytest.fixture
def fork(engine: Engine, parent: Bucket) -> Bucket:
    return engine.buckets.fork("base", "fork")


def test_a_merge_brings_what_the_fork_changed(engine: Engine, put: Put, parent: Bucket, fork: Bucket) -> None:
    before = engine.buckets.snapshot("base").ts
    was = contents(engine, parent)
    put(engine, fork, b"changed", b"1")
    put(engine, fork, b"new", b"1")
    engine.objects.delete(fork, b"deleted")
    put(engine, parent, b"theirs", b"2")
    version = engine.merging.merge("fork", "base")
    expected = contents(engine, fork)
    assert contents(engine, parent) == expected | {b"theirs": contents(engine, parent)[b"theirs"]}
    assert contents(engine, parent, version) == contents(engine, parent)
    assert contents(engine, fork, version) == expected
    assert contents(engine, parent, before) == was
    assert [s.ts for b in (parent, fork) for s in engine.buckets.snapshots(b, limit=1)] == [version, version]
    assert engine.check(deep=True).problems == []


def test_a_rebase_brings_what_the_parent_changed(
    engine: Engine, put: Put, parent: Bucket, fork: Bucket
) -> None:
    grandchild = engine.buckets.fork("fork", "grandchild")
    before, was = engine.buckets.snapshot("fork").ts, contents(engine, fork)
    put(engine, parent, b"changed", b"1")
    engine.objects.delete(parent, b"deleted")
    put(engine, fork, b"mine", b"2")
    version = engine.merging.rebase("fork")
    mine = {b"mine": contents(engine, fork)[b"mine"]}
    assert contents(engine, fork) == contents(engine, parent) | mine
    assert contents(engine, fork, version) == contents(engine, fork)
    assert contents(engine, fork, before) == was == contents(engine, grandchild)
    put(engine, fork, b"changed", b"3")
    engine.merging.merge("fork", "base")
    assert contents(engine, parent) == contents(engine, fork), "no conflict: the fork had the parent's"


def test_a_key_that_both_changed_stops_it_and_nothing_is_done(
    engine: Engine, put: Put, parent: Bucket, fork: Bucket
) -> None:
    put(engine, fork, b"both", b"1")
    put(engine, fork, b"new", b"1")
    put(engine, parent, b"both", b"2")
    put(engine, parent, b"theirs", b"2")
    was = contents(engine, parent), contents(engine, fork)
    for act in (lambda: engine.merging.merge("fork", "base"), lambda: engine.merging.rebase("fork")):
        with pytest.raises(Refusal, match=r"both changed.*both\. Nothing was changed") as refused:
            act()
        assert refused.value.code == "NotImplemented"
    assert (contents(engine, parent), contents(engine, fork)) == was
    put(engine, fork, b"both", b"2")
    engine.merging.merge("fork", "base")
    assert contents(engine, parent) == contents(engine, fork) | {b"theirs": was[0][b"theirs"]}


def test_only_a_fork_and_its_parent_can_meet(engine: Engine, parent: Bucket, fork: Bucket) -> None:
    engine.buckets.fork("fork", "grandchild")
    for source, target in (("base", "fork"), ("grandchild", "base"), ("base", "base")):
        with pytest.raises(Refusal, match="direct fork of target") as refused:
            engine.merging.merge(source, target)
        assert refused.value.code == "InvalidArgument"
    with pytest.raises(Refusal, match="InvalidArgument"):
        engine.merging.rebase("base")
    for act in (lambda: engine.merging.rebase("none"), lambda: engine.merging.merge("fork", "none")):
        with pytest.raises(Refusal, match="NoSuchBucket"):
            act()


def test_they_meet_again_after_history_was_swept(
    engine: Engine, put: Put, parent: Bucket, fork: Bucket
) -> None:
    put(engine, fork, b"changed", b"1")
    version = engine.merging.merge("fork", "base")
    for bucket in (parent, fork):
        engine.buckets.delete_snapshot(bucket.name, version)
    put(engine, fork, b"changed", b"2")
    put(engine, fork, b"deleted", b"2")
    engine.sweep(grace_s=0, history_days=0)
    engine.merging.merge("fork", "base")
    assert contents(engine, parent) == contents(engine, fork)


class Meetings(RuleBasedStateMachine):
    """A parent and a fork; what they had in common is a third dict, and git's rule says what a meeting does."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.engine = Engine(Path(self._folder.name))
        self.parent = self.engine.buckets.create("base", snapshots_on=True)
        for n in range(3):
            put_bytes(self.engine, self.parent, b"k%d" % n, b"0")
        self.fork = self.engine.buckets.fork("base", "fork")
        self.buckets = (self.parent, self.fork)
        self.model = [contents(self.engine, self.parent) for _ in range(2)]
        self.common = dict(self.model[0])
        self.seen: list[tuple[int, list[dict[bytes, str]]]] = []

    @rule(side=st.sampled_from((0, 1)), n=st.integers(0, 4), data=st.sampled_from((b"1", b"2")))
    def put(self, side: int, n: int, data: bytes) -> None:
        made = put_bytes(self.engine, self.buckets[side], b"k%d" % n, data)
        self.model[side][made.key] = made.etag

    @rule(side=st.sampled_from((0, 1)), n=st.integers(0, 4))
    def delete(self, side: int, n: int) -> None:
        self.engine.objects.delete(self.buckets[side], b"k%d" % n)
        self.model[side].pop(b"k%d" % n, None)

    @rule(merges=st.booleans())
    def meet(self, merges: bool) -> None:
        source, target = (self.model[1], self.model[0]) if merges else (self.model[0], self.model[1])
        changed = {k for k in source.keys() | self.common.keys() if source.get(k) != self.common.get(k)}
        wanted = {k for k in changed if source.get(k) != target.get(k)}
        conflict = any(target.get(k) != self.common.get(k) for k in wanted)
        act = partial(self.engine.merging.merge, "fork", "base")
        if not merges:
            act = partial(self.engine.merging.rebase, "fork")
        if conflict:
            with pytest.raises(Refusal, match="both changed"):
                act()
            return
        version = act()
        for key in wanted:
            if key in source:
                target[key] = source[key]
            else:
                del target[key]
        self.common = dict(source)
        self.seen.append((version, [dict(side) for side in self.model]))

    @rule()
    def sweep(self) -> None:
        self.engine.sweep(grace_s=0, history_days=0)

    @invariant()
    def both_are_as_the_model(self) -> None:
        assert [contents(self.engine, bucket) for bucket in self.buckets] == self.model
        for version, sides in self.seen:
            assert [contents(self.engine, bucket, version) for bucket in self.buckets] == sides

    def teardown(self) -> None:
        assert self.engine.check().problems == []
        self.engine.close()
        self._folder.cleanup()


def test_meetings_follow_the_model() -> None:
    run_state_machine_as_test(
        Meetings,
        settings=settings(
            max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


def test_on_the_wire(server: Running, client: Any, bucket: str, name: str) -> None:
    client.put_object(Bucket=bucket, Key="base", Body=b"0")
    fork = f"{name}-f"
    tigris.create_fork(client, fork, bucket)
    client.put_object(Bucket=fork, Key="fork-only", Body=b"1", Metadata={"m": "x"}, Tagging="t=1")
    client.put_object(Bucket=bucket, Key="parent-only", Body=b"2")

    def put_bucket(to: str, **headers: str) -> Answer:
        return send(server, "PUT", f"/{to}", headers={k.replace("_", "-"): v for k, v in headers.items()})

    merged = put_bucket(bucket, x_tigris_merge_source_bucket=fork)
    assert merged.status == 200
    version = merged.headers["x-tigris-snapshot-version"]
    assert version in [each["Name"] for each in tigris.list_snapshots(client, bucket)["Buckets"]]
    got = client.get_object(Bucket=bucket, Key="fork-only")
    assert (got["Body"].read(), got["Metadata"], got["TagCount"]) == (b"1", {"m": "x"}, 1)
    rebased = put_bucket(fork, x_tigris_rebase="true")
    assert len(rebased.headers["x-tigris-snapshot-version"]) == 19
    assert client.get_object(Bucket=fork, Key="parent-only")["Body"].read() == b"2"
    foreign = put_bucket(fork, x_tigris_merge_source_bucket=bucket)
    assert (foreign.status, told(foreign)) == (
        400,
        ("InvalidArgument", "merge source must be a direct fork of target"),
    )
    assert told(put_bucket("no-such-bucket", x_tigris_rebase="true"))[0] == "NoSuchBucket"
    older = put_bucket(
        bucket, x_tigris_merge_source_bucket=fork, x_tigris_merge_source_bucket_snapshot=version
    )
    assert told(older)[0] == "NotImplemented", "a state of the fork that is not its head"
    client.put_object(Bucket=fork, Key="base", Body=b"1")
    client.put_object(Bucket=bucket, Key="base", Body=b"2")
    conflict = put_bucket(bucket, x_tigris_merge_source_bucket=fork)
    assert (conflict.status, told(conflict)[0]) == (501, "NotImplemented")
    assert told(conflict)[1].startswith("MergeFork of keys")


def told(answer: Answer) -> tuple[str, str]:
    """Code and message, in JSON though nobody asked: Tigris' client reads nothing else of a merge."""
    document = json.loads(answer.body)
    return document["Code"], document["Message"]
