from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from explorer.access import (
    Circumstances,
    Grants,
    Operation,
    Preset,
    Window,
    decide,
    decide_all,
    job_policy,
    lint,
    matrix,
    needs,
    parse_policy,
)
from explorer.errors import BadInput

NOON = datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC)
WINDOW = Window.lasting(6, now=NOON, source_ips=["203.0.113.42/32", "2001:db8::/32"])
HERE = Circumstances(NOON, "203.0.113.42")


def able(preset: Preset, *names: str, bucket: str = "out", **options: bool) -> list[str]:
    grants = Grants(policies=(job_policy(preset, WINDOW, writes="out", reads=["data"], **options),))
    return [
        name
        for name in names
        if decide(grants, Operation(name, bucket, "k" if name not in BUCKET_CALLS else None), HERE).allowed
    ]


BUCKET_CALLS = ("ListObjectsV2", "TakeSnapshot", "DeleteBucket", "HeadBucket", "DeleteSnapshot")
UPLOADS = ("PutObject", "CompleteMultipartUpload", "AbortMultipartUpload", "ListParts")
CALLS = (*UPLOADS, "GetObject", "DeleteObject", *BUCKET_CALLS)


def test_own_fork_reads_back_what_it_wrote_and_touches_nothing_else() -> None:
    assert able(Preset.OWN_FORK, *CALLS) == [
        *UPLOADS,
        "GetObject",
        "ListObjectsV2",
        "TakeSnapshot",
        "HeadBucket",
    ]
    assert able(Preset.OWN_FORK, *CALLS, bucket="data") == ["GetObject", "ListObjectsV2", "HeadBucket"]
    assert able(Preset.OWN_FORK, *CALLS, bucket="other") == []
    assert able(Preset.OWN_FORK, "DeleteObject", deletes=True) == ["DeleteObject"]


def test_write_only_cannot_read_back() -> None:
    assert able(Preset.WRITE_ONLY, *CALLS) == [*UPLOADS, "TakeSnapshot"]
    assert able(Preset.WRITE_ONLY, "TakeSnapshot", snapshots=False) == []


def test_read_only_writes_nothing() -> None:
    assert able(Preset.READ_ONLY, *CALLS) == []
    assert able(Preset.READ_ONLY, *CALLS, bucket="data") == ["GetObject", "ListObjectsV2", "HeadBucket"]


@pytest.mark.parametrize("preset", list(Preset))
def test_conditions_stand_on_every_statement(preset: Preset) -> None:
    policy = job_policy(preset, WINDOW, writes="out", reads=["data"])
    assert all(len(statement.conditions) == 3 for statement in policy.statements)
    assert parse_policy(json.dumps(policy.to_json())) == policy


@pytest.mark.parametrize(
    ("now", "ip", "works"),
    [
        (NOON, "203.0.113.42", True),
        (NOON, "2001:db8::7", True),
        (NOON, "203.0.113.43", False),
        (NOON - timedelta(minutes=4), "203.0.113.42", True),
        (NOON - timedelta(minutes=6), "203.0.113.42", False),
        (NOON + timedelta(hours=6), "203.0.113.42", False),
    ],
)
def test_the_key_works_in_its_window_only(now: datetime, ip: str, works: bool) -> None:
    grants = Grants(policies=(job_policy(Preset.OWN_FORK, WINDOW, writes="out"),))
    rows = matrix(grants, ["out", "other"], Circumstances(now, ip))
    assert str(rows[0]) == ("out: list, read, write, snapshot" if works else "out: nothing")
    assert str(rows[1]) == "other: nothing"


def test_a_job_may_fork_neither_its_data_nor_its_own_fork() -> None:
    grants = Grants(policies=(job_policy(Preset.OWN_FORK, WINDOW, writes="out", reads=["data"]),))
    for source in ("data", "out"):
        assert not decide_all(grants, needs("ForkBucket", "another", source=(source, None)), HERE).allowed


def test_a_preset_has_nothing_to_complain_about() -> None:
    assert lint(job_policy(Preset.OWN_FORK, WINDOW, writes="out", reads=["data"]), now=NOON) == ()
    assert lint(job_policy(Preset.READ_ONLY, WINDOW, reads=["data"]), now=NOON) == ()
    assert lint(job_policy(Preset.WRITE_ONLY, WINDOW, writes="out"), now=NOON) == ()


@pytest.mark.parametrize(
    "ask",
    [
        lambda: job_policy(Preset.OWN_FORK, WINDOW, reads=["data"]),
        lambda: job_policy(Preset.READ_ONLY, WINDOW),
        lambda: job_policy(Preset.READ_ONLY, Window(NOON, NOON), reads=["data"]),
        lambda: job_policy(
            Preset.READ_ONLY, Window.lasting(1, now=NOON, source_ips=["here"]), reads=["data"]
        ),
    ],
)
def test_a_policy_that_cannot_be_meant_is_not_made(ask: object) -> None:
    with pytest.raises(BadInput):
        ask()  # type: ignore[operator]
