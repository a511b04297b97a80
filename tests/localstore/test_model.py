"""The engine against a dict: every write, snapshot and fork, then every read at every time."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from explorer.localstore.engine.engine import Engine
from explorer.localstore.engine.records import Attributes, Bucket, Entry

# Durability is not the question here, and a memory disk answers fsync at once.
IN_MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") else None
KEYS = [b"a", b"a/", b"a/1", b"a/2", b"a/b/1", b"a0", b"b", "é/x".encode(), b"a/\xf4\x8f\xbf\xbf"]
State = dict[bytes, bytes]


class Model(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(dir=IN_MEMORY)
        self.clock_ns = 1_000_000
        self.engine = Engine(Path(self.folder.name), now_ns=lambda: self.clock_ns)
        self.heads: dict[str, State] = {}
        self.past: list[tuple[str, int, State]] = []
        """(bucket, time, what it held then); a fork's own past begins with its parent's."""

    def teardown(self) -> None:
        found = self.engine.check(deep=True)
        self.engine.close()
        self.folder.cleanup()
        assert found.problems == []

    @initialize()
    def begin(self) -> None:
        self.engine.buckets.create("root", snapshots_on=True)
        self.heads["root"] = {}

    def bucket(self, name: str) -> Bucket:
        return self.engine.buckets.get(name)

    def remember(self, name: str, ts: int) -> None:
        self.past.append((name, ts, dict(self.heads[name])))

    names = st.runner().flatmap(lambda self: st.sampled_from(sorted(self.heads)))
    keys = st.sampled_from(KEYS)

    @rule(name=names, key=keys, data=st.binary(max_size=3))
    def put(self, name: str, key: bytes, data: bytes) -> None:
        sink = self.engine.blobs.create()
        sink.write(data)
        made = self.engine.objects.put(self.bucket(name), key, sink, Attributes())
        sink.close()
        self.heads[name][key] = data
        self.remember(name, made.ts)

    @rule(name=names, key=keys)
    def delete(self, name: str, key: bytes) -> None:
        marker = self.engine.objects.delete(self.bucket(name), key)
        assert marker is not None
        self.heads[name].pop(key, None)
        self.remember(name, marker.ts)

    @rule(name=names, to=names, source=keys, key=keys)
    def copy(self, name: str, to: str, source: bytes, key: bytes) -> None:
        found = self.engine.objects.find(self.bucket(name), source)
        if found is None or found.deleted:
            assert source not in self.heads[name]
            return
        made = self.engine.objects.copy(found, self.bucket(to), key, Attributes())
        self.heads[to][key] = self.heads[name][source]
        self.remember(to, made.ts)

    @rule(name=names)
    def snapshot(self, name: str) -> None:
        self.remember(name, self.engine.buckets.snapshot(name).ts)

    @rule(name=names)
    def fork_head(self, name: str) -> None:
        if len(self.heads) < 8:
            made = f"fork-{len(self.heads)}"
            self.engine.buckets.fork(name, made)
            self.heads[made] = dict(self.heads[name])

    @rule(pick=st.randoms(use_true_random=False))
    def fork_past(self, pick) -> None:
        if self.past and len(self.heads) < 8:
            name, ts, held = pick.choice(self.past)
            made = f"fork-{len(self.heads)}"
            self.engine.buckets.fork(name, made, ts)
            self.heads[made] = dict(held)
            self.past.append((made, ts, dict(held)))

    @rule(step_ns=st.integers(-10_000, 10_000))
    def move_the_clock(self, step_ns: int) -> None:
        self.clock_ns += step_ns

    @rule()
    def reopen(self) -> None:
        self.engine.close()
        self.engine = Engine(Path(self.folder.name), now_ns=lambda: self.clock_ns)

    @rule()
    def sweep(self) -> None:
        self.engine.sweep(grace_s=0)

    def read(self, found: Entry) -> bytes:
        assert found.blob is not None
        return self.engine.blobs.path(found.blob).read_bytes()

    @invariant()
    def heads_are_as_written(self) -> None:
        for name, held in self.heads.items():
            self.compare(name, None, held)

    @rule(pick=st.randoms(use_true_random=False))
    def past_is_as_it_was(self, pick) -> None:
        if self.past:
            name, ts, held = pick.choice(self.past)
            self.compare(name, ts, held)

    def compare(self, name: str, at: int | None, held: State) -> None:
        bucket = self.bucket(name)
        page = self.engine.listing.page(bucket, at=at)
        assert {each.key: self.read(each) for each in page.items if isinstance(each, Entry)} == held
        for key in KEYS:
            found = self.engine.objects.find(bucket, key, at=at)
            assert (found is not None and not found.deleted) == (key in held)

    @rule(
        name=names,
        prefix=st.sampled_from([b"", b"a", b"a/", b"a/b", b"b", b"z"]),
        delimiter=st.sampled_from([b"", b"/", b"a", b"/b"]),
        size=st.integers(1, 5),
        pick=st.randoms(use_true_random=False),
    )
    def pages_add_up(self, name: str, prefix: bytes, delimiter: bytes, size: int, pick) -> None:
        at, held = None, self.heads[name]
        if self.past and pick.random() < 0.5:
            name, at, held = pick.choice(self.past)
        got: list[bytes] = []
        after = b""
        while True:
            page = self.engine.listing.page(
                self.bucket(name), prefix=prefix, delimiter=delimiter, after=after, at=at, limit=size
            )
            assert len(page.items) <= size
            got += [each.key if isinstance(each, Entry) else each for each in page.items]
            if page.last is None:
                break
            after = page.last
        assert got == expected(held, prefix, delimiter)


def expected(held: State, prefix: bytes, delimiter: bytes) -> list[bytes]:
    names = set()
    for key in held:
        if key.startswith(prefix):
            split = key.find(delimiter, len(prefix)) if delimiter else -1
            names.add(key if split < 0 else key[: split + len(delimiter)])
    return sorted(names)


Model.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestModel = Model.TestCase
