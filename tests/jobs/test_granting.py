"""Keys for jobs on a real local store: what they can do, that they end, and that they are taken back."""

from __future__ import annotations

import secrets
import time
from pathlib import Path

import pytest

from explorer.access import Preset
from explorer.errors import BadInput, ExplorerError, NotAllowed
from explorer.jobs.granting import (
    Issued,
    issue,
    issue_or_own,
    read_hours,
    sweep_ended,
    sweep_expired,
    take_back,
)
from explorer.jobs.key_ledger import KeyLedger
from explorer.lineage.address import Node
from explorer.storage import Keys, Store, open_store


@pytest.fixture
def family(store: Store) -> tuple[Node, str, str]:
    """A pinned source, a fork of it for the job, and another one that is not its business."""
    base = f"job-{secrets.token_hex(4)}"
    store.create_bucket(base)
    store.write(base, "k", b"parent")
    source = store.take_snapshot(base, "s").node
    for end in ("a", "b"):
        store.fork(source, f"{base}-{end}")
    return source, f"{base}-a", f"{base}-b"


def holder(store: Store, issued: Issued) -> Store:
    keys = issued.keys
    return open_store(
        store.info.endpoint,
        access_key=keys["AWS_ACCESS_KEY_ID"],
        secret_key=keys["AWS_SECRET_ACCESS_KEY"],
        is_local=True,
    )


def refused(call: object) -> bool:
    try:
        call()  # type: ignore[operator]
    except NotAllowed:
        return True
    return False


def test_a_key_writes_its_fork_reads_its_source_and_nothing_else(
    store: Store, family: tuple[Node, str, str], data: Path
) -> None:
    source, own, sibling = family
    issued = issue(store, data, run="r1", writes=own, reads=[source.bucket])
    job = holder(store, issued)
    assert issued.warning is None
    job.write(own, "k", b"mine")
    snapshot = job.take_snapshot(own, "step-1").node
    assert job.read_object(snapshot, "k")[0] == b"mine"
    assert job.read_object(source, "k")[0] == b"parent"
    assert job.read_bucket(own).parent == source
    assert job._read_head(own).parent == source  # where the metadata is refused, HEAD says the same
    assert job.probe(own).snapshots
    for call in (
        job.probe,
        lambda: job.write(source.bucket, "k", b"x"),
        lambda: job.take_snapshot(source.bucket, "x"),
        lambda: job.read_object(Node(sibling), "k"),
        lambda: job.write(sibling, "k", b"x"),
        lambda: job.delete_object(own, "k"),
        lambda: job.delete_bucket(own, force=True),
        lambda: job.fork(source, f"{own}-more"),
        lambda: Keys(job).create("evil"),
    ):
        assert refused(call)
    assert issued.grant is not None
    take_back(store, data, issued.grant)
    assert refused(lambda: job.read_object(Node(own), "k"))
    assert list(KeyLedger(data).grants(store.info.identity)) == []
    job.close()


def test_a_key_ends_by_itself_and_is_swept_without_the_ledger(
    store: Store, family: tuple[Node, str, str], data: Path
) -> None:
    _, own, _ = family
    issued = issue(store, data, run="r2", writes=own, hours=4 / 3600)  # the first write on a loaded machine
    job = holder(store, issued)
    job.write(own, "k", b"in time")
    assert issued.grant is not None
    while not issued.grant.has_expired:
        time.sleep(0.1)
    assert refused(lambda: job.write(own, "k", b"late"))
    KeyLedger(data).remove(issued.grant.key)
    name = f"tck-r2-{issued.grant.expires_s}"
    assert name in sweep_expired(store, data)
    assert name not in {key.name for key in Keys(store).list()}
    assert name not in dict(Keys(store).list_policies())
    job.close()


def test_a_sweep_takes_the_keys_of_ended_runs_only(
    store: Store, family: tuple[Node, str, str], data: Path
) -> None:
    _, own, sibling = family
    live, over, unknown = (
        issue(store, data, run=run, writes=bucket)
        for run, bucket in (("live", own), ("over", sibling), ("starting", own))
    )
    taken = sweep_ended(store, data, {"live": False, "over": True}.get)
    assert [grant.run for grant in taken] == ["over"]
    assert not refused(lambda: holder(store, live).read_bucket(own))
    assert refused(lambda: holder(store, over).read_bucket(sibling))
    for issued in (live, unknown):
        assert issued.grant is not None
        take_back(store, data, issued.grant)


def test_the_secret_is_in_no_file_and_no_text(
    store: Store, family: tuple[Node, str, str], data: Path
) -> None:
    issued = issue(store, data, run="r3", writes=family[1], preset=Preset.WRITE_ONLY)
    secret = issued.keys["AWS_SECRET_ACCESS_KEY"]
    (ledger,) = (data / "keys").iterdir()
    assert ledger.stat().st_mode & 0o777 == 0o600
    assert secret not in ledger.read_text() + repr(issued)
    assert issued.grant is not None
    take_back(store, data, issued.grant)


def test_who_may_make_no_keys_hands_over_their_own_and_says_so(
    store: Store, family: tuple[Node, str, str], data: Path
) -> None:
    _, own, _ = family
    scoped = issue(store, data, run="r4", writes=own)
    job = holder(store, scoped)
    nested = issue_or_own(job, data, run="r5", writes=own)
    assert nested.grant is None
    assert nested.keys == job.environment()
    assert "full key" in (nested.warning or "")
    assert scoped.grant is not None
    take_back(store, data, scoped.grant)
    job.close()


@pytest.mark.parametrize(("told", "hours"), [("12h", 12), ("7d", 168), ("90m", 1.5), (3, 3)])
def test_time_limits(told: object, hours: float) -> None:
    assert read_hours(told, "t") == hours


@pytest.mark.parametrize("told", ["soon", "-1h", 0, True, "", "nan", "1e9"])
def test_a_time_limit_that_is_none(told: object) -> None:
    with pytest.raises(BadInput):
        read_hours(told, "t")


def test_a_grant_that_cannot_be_meant_leaves_no_key(store: Store, data: Path) -> None:
    before = {key.id for key in Keys(store).list()}
    with pytest.raises(ExplorerError):
        issue(store, data, run="r6", writes=None)
    assert {key.id for key in Keys(store).list()} == before
