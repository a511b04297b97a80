from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.access.conditions import Circumstances, holds, problem, read_moment
from explorer.access.documents import Condition

NOON = datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC)


def date(operator: str, *values: str, now: datetime = NOON) -> bool | None:
    return holds(Condition(operator, "aws:CurrentTime", values), Circumstances(now, "10.0.0.1"))


def place(operator: str, *values: str, ip: str | None) -> bool | None:
    return holds(Condition(operator, "aws:SourceIp", values), Circumstances(NOON, ip))


BEFORE, AT, AFTER = "2026-05-01T11:59:59Z", "2026-05-01T12:00:00Z", "2026-05-01T12:00:01Z"


@pytest.mark.parametrize(
    ("operator", "before", "at", "after"),
    [
        ("DateEquals", False, True, False),
        ("DateNotEquals", True, False, True),
        ("DateLessThan", False, False, True),
        ("DateLessThanEquals", False, True, True),
        ("DateGreaterThan", True, False, False),
        ("DateGreaterThanEquals", True, True, False),
    ],
)
def test_every_date_operator_at_its_edge(operator: str, before: bool, at: bool, after: bool) -> None:
    assert [date(operator, value) for value in (BEFORE, AT, AFTER)] == [before, at, after]


@pytest.mark.parametrize(
    "same",
    [
        "2026-05-01T12:00:00+00:00",
        "2026-05-01T14:00:00+02:00",
        "2026-05-01T12:00:00",
        "20260501T120000Z",
        str(int(NOON.timestamp())),
    ],
)
def test_one_moment_has_many_spellings(same: str) -> None:
    assert date("DateEquals", same) is True


def test_a_day_is_its_first_second() -> None:
    assert read_moment("2026-05-01") == read_moment("20260501") == datetime(2026, 5, 1, tzinfo=UTC)


def test_the_clock_has_whole_seconds() -> None:
    assert date("DateEquals", AT, now=NOON + timedelta(microseconds=999_999)) is True


def test_values_are_alternatives_and_of_a_negation_all_must_differ() -> None:
    assert date("DateEquals", BEFORE, AT) is True
    assert date("DateNotEquals", BEFORE, AT) is False
    assert place("IpAddress", "10.0.0.1", "::1", ip="::1") is True
    assert place("NotIpAddress", "10.0.0.0/8", "::1", ip="::1") is False


@pytest.mark.parametrize(
    ("network", "ip", "inside"),
    [
        ("203.0.113.42", "203.0.113.42", True),
        ("203.0.113.42/32", "203.0.113.43", False),
        ("203.0.113.42/24", "203.0.113.255", True),  # bits behind the mask do not matter
        ("10.0.0.0/8", "11.0.0.0", False),
        ("10.0.0.0/8", "::ffff:10.1.2.3", True),  # what a dual-stack socket reports
        ("::ffff:10.0.0.0/104", "10.1.2.3", True),
        ("2001:db8::/32", "2001:db8:ffff::1", True),
        ("2001:db8::/32", "2001:db9::", False),
        ("fe80::/10", "fe80::1%eth0", True),
        ("0.0.0.0/0", "::1", False),  # all of v4 is nothing of v6
        ("::/0", "10.0.0.1", False),
        ("::/0", "::1", True),
    ],
)
def test_addresses(network: str, ip: str, inside: bool) -> None:
    assert place("IpAddress", network, ip=ip) is inside
    assert place("NotIpAddress", network, ip=ip) is not inside


@pytest.mark.parametrize("ip", [None, "", "unknown", "10.0.0", "testclient"])
def test_an_address_that_nobody_knows_is_undecided(ip: str | None) -> None:
    assert place("IpAddress", "0.0.0.0/0", ip=ip) is None
    assert place("NotIpAddress", "10.0.0.0/8", ip=ip) is None


@pytest.mark.parametrize(
    "condition",
    [
        Condition("StringEquals", "s3:prefix", ("x",)),
        Condition("ipaddress", "aws:SourceIp", ("10.0.0.1",)),
        Condition("IpAddress", "aws:CurrentTime", ("10.0.0.1",)),
        Condition("DateEquals", "aws:TokenIssueTime", (AT,)),
        Condition("IpAddress", "aws:SourceIp", ()),
        Condition("IpAddress", "aws:SourceIp", ("10.0.0.0/8", "10.0.0.256")),
        Condition("DateEquals", "aws:CurrentTime", ("0001-01-01T00:00:00+14:00",)),
        Condition("DateEquals", "aws:CurrentTime", ("9" * 40,)),
        Condition("DateEquals", "aws:CurrentTime", ("٢٠٢٦",)),
    ],
)
def test_what_cannot_be_judged_is_undecided(condition: Condition) -> None:
    assert problem(condition)
    assert holds(condition, Circumstances(NOON, "10.0.0.1")) is None


def test_keys_have_no_case() -> None:
    assert (
        holds(Condition("IpAddress", "AWS:sourceip", ("10.0.0.1",)), Circumstances(NOON, "10.0.0.1")) is True
    )


MOMENTS = st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))


@given(MOMENTS, MOMENTS, st.integers(-14, 14))
def test_the_operators_part_time(now: datetime, value: datetime, offset: int) -> None:
    text = value.astimezone(timezone(timedelta(hours=offset))).isoformat()
    less, equal, greater = (date(f"Date{o}", text, now=now) for o in ("LessThan", "Equals", "GreaterThan"))
    assert [less, equal, greater].count(True) == 1
    assert date("DateLessThanEquals", text, now=now) == (less or equal)
    assert date("DateGreaterThanEquals", text, now=now) == (greater or equal)
    assert date("DateNotEquals", text, now=now) == (not equal)


@given(st.ip_addresses(), st.ip_addresses(), st.integers(0, 32))
def test_inside_or_outside_never_both(ip: object, network: object, bits: int) -> None:
    cidr = f"{network}/{bits}"
    assert place("IpAddress", cidr, ip=str(ip)) is not place("NotIpAddress", cidr, ip=str(ip))
