"""`explorer prefetch` and `explorer cache`, on the session's local store."""

import pytest

from explorer.lineage.address import Node
from explorer.localstore import ensure_running
from explorer.storage import open_store

WEIGHTS = bytes(range(256)) * 1024


@pytest.fixture
def snapshot(run, bucket, store_folder):
    running = ensure_running(store_folder)
    store = open_store(running.endpoint, access_key=running.access_key, secret_key=running.secret_key)
    store.write(bucket, "step-000100/model.safetensors", WEIGHTS)
    store.close()
    version = run("snapshots", "take", bucket, "--name", "step-100", "--json")[1]["version"]
    return Node(bucket, version)


def listed(run, node):
    told = run("cache", "list", "--json")[1]
    return next((row for row in told["snapshots"] if row["address"] == node.address), None)


def test_a_snapshot_is_fetched_by_name_listed_verified_and_cleared(run, snapshot):
    code, told, _ = run("prefetch", f"{snapshot.bucket}@step-100", "--json")
    assert code == 0
    assert (told["address"], told["bytes"], told["complete"]) == (snapshot.address, len(WEIGHTS), True)
    assert told["store"]["local"]
    assert listed(run, snapshot)["cached_bytes"] == len(WEIGHTS)
    code, told, _ = run("cache", "verify", "--json")
    assert (code, told["damaged"]) == (0, [])
    code, out, _ = run("cache", "list")
    assert code == 0
    assert f"cached    262 kB  {snapshot.address}  local" in out
    code, _, err = run("cache", "clear")
    assert code == 1
    assert "--yes" in err
    assert listed(run, snapshot)["complete"]
    assert run("cache", "clear", "--yes", "--json")[1]["freed_bytes"] >= len(WEIGHTS)
    assert listed(run, snapshot) is None


def test_a_bucket_means_its_newest_snapshot(run, bucket, snapshot):
    assert run("prefetch", bucket, "--json")[1]["address"] == snapshot.address


def test_what_cannot_be_prefetched(run, bucket):
    code, _, err = run("prefetch", bucket)
    assert code == 1
    assert f"explorer snapshots take {bucket}" in err
    run("snapshots", "take", bucket, "--name", "empty")
    code, _, err = run("prefetch", f"{bucket}@empty")
    assert (code, "There is nothing at" in err) == (1, True)
    code, _, err = run("prefetch", f"{bucket}@emty")
    assert "did you mean `empty`" in err


def test_damage_is_told_by_its_key(run, snapshot, store_folder):
    run("prefetch", snapshot.address)
    files = [path for path in (store_folder / "cache/blobs").rglob("*") if path.is_file()]
    blob = next(path for path in files if path.read_bytes() == WEIGHTS)
    blob.chmod(0o644)
    blob.write_bytes(WEIGHTS[::-1])
    code, told, _ = run("cache", "verify", "--json")
    assert code == 1
    assert [row["key"] for row in told["damaged"]] == ["step-000100/model.safetensors"]
    assert run("cache", "verify")[:2] == (0, "all sound\n")
    run("cache", "clear", "--yes")
