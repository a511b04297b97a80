import json
import threading

import pytest

from explorer.errors import BadInput, Conflict, NameTaken, NotFound
from explorer.lineage.address import Node
from explorer.lineage.fork_note import FORK_NOTE, read_fork_note


@pytest.fixture
def base(workspace, name):
    """A bucket with one object and a snapshot of it."""
    workspace.create_bucket(name)
    workspace._core.store.write(name, "checkpoints/step-1/x", b"one")
    return workspace.snapshot(name, "step-1")


def keys(workspace, node):
    return [o.key for o in workspace._core.store.list_objects(node)]


def test_a_fork_is_in_the_state_at_once_and_its_name_was_found(workspace, base):
    fork = workspace.fork(base)
    assert fork == Node(f"{base.bucket}-f1")
    assert workspace.state.bucket(fork.bucket).parent == base
    assert keys(workspace, fork) == ["checkpoints/step-1/x"]


def test_what_a_fork_changes_is_read_back_by_anybody(workspace, base):
    fork = workspace.fork(base, overrides=(("lr", 3e-5), ("name", "x")))
    assert fork.bucket == f"{base.bucket}-lr-3e-5-name-x"
    document, _ = workspace._core.store.read_object(fork, FORK_NOTE)
    assert read_fork_note(document, fork.bucket) == (("lr", 3e-5), ("name", "x"))
    assert json.loads(document)["parent"] == {"bucket": base.bucket, "version": base.version}


def test_a_forks_fork_does_not_claim_its_parents_changes(workspace, base):
    child = workspace.fork(base, overrides=(("lr", 1),))
    grandchild = workspace.fork(workspace.snapshot(child.bucket))
    document, _ = workspace._core.store.read_object(grandchild, FORK_NOTE)
    assert read_fork_note(document, grandchild.bucket) == ()
    assert read_fork_note(b"{", "x") == ()
    assert read_fork_note(b'{"bucket": "x", "overrides": 3}', "x") == ()


def test_undo_takes_forks_and_snapshots_back_one_by_one(workspace, base):
    taken = workspace.snapshot(base.bucket, "again")
    fork = workspace.fork(taken, overrides=(("lr", 1),))
    assert workspace.undo() == f"fork {fork.bucket} (lr 1)"
    assert fork.bucket not in workspace.state.buckets
    assert workspace.undo() == f"snapshot {base.bucket}@again"
    workspace.refresh()
    assert fork.bucket not in workspace.state.buckets
    assert [s.name for s in workspace.state.bucket(base.bucket).snapshots] == ["step-1"]


def test_undo_refuses_to_lose_data(workspace, base):
    fork = workspace.fork(base)
    workspace._core.store.write(fork.bucket, "new", b"mine")
    with pytest.raises(Conflict, match="written to since"):
        workspace.undo()
    assert fork.bucket in workspace.state.buckets
    workspace._core.store.delete_object(fork.bucket, "new")
    workspace.undo()
    assert fork.bucket not in workspace.state.buckets


def test_undo_of_a_snapshot_that_was_forked_is_refused(workspace, base):
    taken = workspace.snapshot(base.bucket)
    workspace.fork(taken)
    with workspace_without_last_entry(workspace), pytest.raises(Conflict, match="was forked from"):
        workspace.undo()


class workspace_without_last_entry:
    """As if the fork had been made by another window: its journal entry is not ours."""

    def __init__(self, workspace):
        self._journal = workspace._journal

    def __enter__(self):
        self._journal._done.pop()

    def __exit__(self, *_):
        return False


def test_deleting_a_fork_without_data_can_be_undone(workspace, base):
    fork = workspace.fork(base, overrides=(("lr", 2),))
    workspace.delete_bucket(fork.bucket)
    assert workspace.undo() == f"deletion of {fork.bucket}"
    assert workspace.state.bucket(fork.bucket).parent == base
    assert workspace.state.overrides[fork.bucket] == (("lr", 2),)
    document, _ = workspace._core.store.read_object(fork, FORK_NOTE)
    assert read_fork_note(document, fork.bucket) == (("lr", 2),)


def test_deleting_data_wants_force_and_forks_forbid_it(workspace, base):
    with pytest.raises(Conflict, match="data of its own"):
        workspace.delete_bucket(base.bucket)
    fork = workspace.fork(base)
    with pytest.raises(Conflict, match="forked from"):
        workspace.delete_bucket(base.bucket, force=True)
    workspace.delete_bucket(fork.bucket)
    workspace.delete_bucket(base.bucket, force=True)
    workspace.refresh()
    assert base.bucket not in workspace.state.buckets


def test_names_that_are_taken_or_impossible(workspace, base):
    with pytest.raises(NameTaken) as taken:
        workspace.fork(base, base.bucket)
    assert f"`{base.bucket}-f1` is free" in taken.value.hint
    with pytest.raises(BadInput):
        workspace.fork(base, "No Such Name")
    with pytest.raises(BadInput, match="snapshot's name"):
        workspace.snapshot(base.bucket, "süß\n")
    with pytest.raises(NotFound):
        workspace.fork(Node("no-such-bucket-here", base.version), "x-y-z")


def test_a_name_taken_by_somebody_unseen_is_passed_over(workspace, base):
    workspace._core.store.fork(base, f"{base.bucket}-f1")
    assert workspace.fork(base).bucket == f"{base.bucket}-f2"


def test_a_sweep_is_one_fork_per_combination(workspace, base):
    nodes = workspace.sweep(base, {"lr": [1e-4, 3e-5], "wd": [0, 0.1]})
    assert [dict(workspace.state.overrides[n.bucket]) for n in nodes] == [
        {"lr": 1e-4, "wd": 0},
        {"lr": 1e-4, "wd": 0.1},
        {"lr": 3e-5, "wd": 0},
        {"lr": 3e-5, "wd": 0.1},
    ]
    with pytest.raises(BadInput):
        workspace.sweep(base, {"lr": []})


def test_a_listing_that_began_before_our_fork_does_not_take_it_away(workspace, base):
    """The lineage is listed while we fork: the late, older listing is made again."""
    store, listed, go = workspace._core.store, threading.Event(), threading.Event()

    class SlowListing:
        def __getattr__(self, attribute):
            return getattr(store, attribute)

        def list_lineage(self):
            buckets = store.list_lineage()
            if not listed.is_set():
                listed.set()
                assert go.wait(10)
            return buckets

    workspace._core.store = SlowListing()
    thread = threading.Thread(target=workspace.refresh)
    thread.start()
    assert listed.wait(10)
    fork = workspace.fork(base)
    go.set()
    thread.join(10)
    assert fork.bucket in workspace.state.buckets


def test_what_others_do_arrives_with_a_refresh(workspace, base):
    """tigris-boto3-ext, unmodified, as another process would use it."""
    import boto3
    import tigris_boto3_ext as tigris
    from botocore.config import Config

    told = workspace._core.store.environment()
    client = boto3.client(
        "s3",
        endpoint_url=told["AWS_ENDPOINT_URL_S3"],
        aws_access_key_id=told["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=told["AWS_SECRET_ACCESS_KEY"],
        region_name="auto",
        config=Config(s3={"addressing_style": "path"}),
    )
    answer = tigris.create_snapshot(client, base.bucket, "by-another")
    version = tigris.get_snapshot_version(answer)
    tigris.create_fork(client, f"{base.bucket}-theirs", base.bucket, snapshot_version=version)
    workspace.refresh()
    assert workspace.state.bucket(f"{base.bucket}-theirs").parent == Node(base.bucket, version)
    assert workspace.resolve(f"{base.bucket}@by-another") == Node(base.bucket, version)
