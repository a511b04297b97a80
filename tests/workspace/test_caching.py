"""Prefetching as a screen sees it: through the state alone, on a real store."""

from __future__ import annotations

import time

import pytest

from explorer.errors import BadInput, NotFound
from explorer.lineage.address import Node
from explorer.lineage.values import Progress
from explorer.settings import Settings
from explorer.workspace.caching import Caching
from explorer.workspace.opener import open_workspace

WEIGHTS = bytes(range(256)) * 4096


@pytest.fixture
def store(workspace):
    return workspace._core.store


@pytest.fixture
def snapshot(workspace, store, name):
    workspace.create_bucket(name)
    store.write(name, "config.json", b"{}")
    store.write(name, "checkpoints/step-000100/model.safetensors", WEIGHTS)
    return workspace.snapshot(name, "step-100")


def until(condition, timeout_s=20):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def prefetch(workspace, node):
    workspace.prefetch(node)
    until(lambda: not workspace.state.prefetched[node].active)
    return workspace.state.prefetched[node]


def test_progress_arrives_in_the_state_and_the_files_in_a_view(workspace, snapshot, tmp_path):
    caching = workspace._caching
    assert not caching.cached(snapshot)
    with pytest.raises(NotFound) as missing:
        caching.view(snapshot, tmp_path / "none")
    assert "explorer prefetch" in missing.value.hint
    workspace.prefetch(snapshot)
    assert workspace.state.prefetched[snapshot].active
    total = len(WEIGHTS) + 2
    until(lambda: workspace.state.prefetched[snapshot] == Progress(total, total))
    assert caching.cached(snapshot)
    caching.view(snapshot, tmp_path / "run")
    assert (tmp_path / "run/checkpoints/step-000100/model.safetensors").read_bytes() == WEIGHTS
    assert (tmp_path / "run/config.json").read_bytes() == b"{}"


def test_a_head_is_not_prefetched(workspace, snapshot):
    with pytest.raises(BadInput) as head:
        workspace.prefetch(Node(snapshot.bucket))
    assert "snapshot" in head.value.hint
    assert not workspace._caching.cached(Node(snapshot.bucket))


def test_a_fork_of_a_cached_snapshot_shows_as_cached_without_a_download(workspace, store, snapshot, name):
    before = workspace.fork(snapshot, f"{name}-before")
    early = workspace.snapshot(before.bucket)
    workspace.want([early, before])
    until(lambda: early in workspace.state.facts)
    assert early not in workspace.state.prefetched
    prefetch(workspace, snapshot)
    blobs = sorted(workspace._caching.folder.rglob("blobs/*/*"))
    late = workspace.snapshot(workspace.fork(snapshot, f"{name}-late").bucket)
    other = workspace.snapshot(workspace.fork(snapshot, f"{name}-other").bucket)
    store.write(f"{name}-other", "checkpoints/step-000200/model.safetensors", b"other" + WEIGHTS)
    newer = workspace.snapshot(f"{name}-other")
    workspace.want([late, other, newer])
    until(lambda: {late, other, newer} <= set(workspace.state.facts))
    until(lambda: all(n in workspace.state.prefetched for n in (early, late, other)))
    assert all(workspace.state.prefetched[n].complete for n in (early, late, other))
    assert not workspace.state.prefetched.get(newer, Progress(0, 1)).complete
    assert sorted(workspace._caching.folder.rglob("blobs/*/*")) == blobs


def test_a_later_session_knows_what_is_cached(workspace, snapshot):
    done = prefetch(workspace, snapshot)
    later = Caching(workspace._core, workspace._manifests)
    workspace._core.emit(*_forget(snapshot))
    later.badges([snapshot])
    until(lambda: workspace.state.prefetched.get(snapshot) == done)
    later._cache.clear()
    later.badges([snapshot])
    until(lambda: snapshot not in workspace.state.prefetched)


def test_a_failure_is_painted_on_its_node_and_the_next_one_is_fetched(workspace, store, snapshot, name):
    empty = f"{name}-empty"
    workspace.create_bucket(empty)
    nothing = workspace.snapshot(empty)
    workspace.prefetch(nothing)
    until(lambda: nothing in workspace.state.failures)
    assert "nothing" in workspace.state.failures[nothing].message
    assert nothing not in workspace.state.prefetched
    assert prefetch(workspace, snapshot).complete
    store.write(empty, "k", b"v")
    retry = workspace.snapshot(empty)
    assert prefetch(workspace, retry).complete


def test_empty_files_are_a_checkpoint_too(workspace, store, name):
    workspace.create_bucket(name)
    store.write(name, "marker", b"")
    assert prefetch(workspace, workspace.snapshot(name)) == Progress(0, 0)


def test_what_is_queued_can_be_cancelled(workspace, snapshot):
    caching = workspace._caching
    with caching._ready:  # the worker cannot take anything while we hold this
        caching.prefetch(snapshot)
        assert workspace.state.prefetched[snapshot].active
        caching.cancel(snapshot)
    until(lambda: snapshot not in workspace.state.prefetched)
    assert not caching.cached(snapshot)


def test_a_damaged_cache_is_no_view(workspace, snapshot, tmp_path):
    prefetch(workspace, snapshot)
    caching = workspace._caching
    for item in caching._objects(snapshot):
        blob = caching._cache.blob(item)
        blob.chmod(0o644)
        blob.write_bytes(b"x" * item.size_bytes)
    with pytest.raises(NotFound):
        caching.view(snapshot, tmp_path / "run")
    assert not (tmp_path / "run").exists()
    assert snapshot not in workspace.state.prefetched
    assert prefetch(workspace, snapshot).complete


def test_closing_stops_a_download(store_folder, workspace, snapshot):
    second = open_workspace(Settings(data=store_folder))
    second.refresh()
    second.prefetch(second.resolve(snapshot.address))
    second.close()
    assert not second._caching._thread.is_alive()


def _forget(node):
    from explorer.lineage.events import PrefetchDropped

    return (PrefetchDropped(node),)
