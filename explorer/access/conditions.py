"""Conditions: operators, keys, their values, and whether they hold for a request."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from explorer.access.documents import Condition

SOURCE_IP = "aws:SourceIp"
CURRENT_TIME = "aws:CurrentTime"

_DATES: dict[str, Callable[[datetime, datetime], bool]] = {
    "DateEquals": operator.eq,
    "DateNotEquals": operator.ne,
    "DateLessThan": operator.lt,
    "DateLessThanEquals": operator.le,
    "DateGreaterThan": operator.gt,
    "DateGreaterThanEquals": operator.ge,
}
OPERATORS: dict[str, str] = {"IpAddress": SOURCE_IP, "NotIpAddress": SOURCE_IP} | dict.fromkeys(
    _DATES, CURRENT_TIME
)
"""Each operator with the one key that it can look at.
Source: https://www.tigrisdata.com/docs/iam/policies/ (supported condition keys)."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Where and when a request came in. `source_ip` None means that nobody knows."""

    now: datetime
    """With a time zone."""
    source_ip: str | None = None


def problem(condition: Condition) -> str | None:
    """What makes this condition impossible to judge, if anything."""
    wants = OPERATORS.get(condition.operator)
    if wants is None:
        return f"operator `{condition.operator}` is not supported"
    if condition.key.lower() != wants.lower():
        return f"`{condition.operator}` looks at `{wants}`, not at `{condition.key}`"
    if not condition.values:
        return f"`{condition.operator}` has no value"
    reader = read_network if wants == SOURCE_IP else read_moment
    kind = "an IP address or CIDR range" if wants == SOURCE_IP else "a date"
    for value in condition.values:
        if reader(value) is None:
            return f"`{value}` is not {kind}"
    return None


def holds(condition: Condition, circumstances: Circumstances) -> bool | None:
    """Whether it holds; None when that cannot be said, which the evaluator takes for the worse."""
    if problem(condition) is not None:
        return None
    if OPERATORS[condition.operator] == SOURCE_IP:
        address = read_address(circumstances.source_ip)
        if address is None:
            return None
        inside = any(_inside(address, read_network(value)) for value in condition.values)
        return inside == (condition.operator == "IpAddress")
    compare = _DATES[condition.operator]
    # aws:CurrentTime has whole seconds, else DateEquals would never be true
    now = circumstances.now.astimezone(UTC).replace(microsecond=0)
    results = [compare(now, moment) for value in condition.values if (moment := read_moment(value))]
    # values are alternatives, and of a negated operator all must differ
    return all(results) if condition.operator == "DateNotEquals" else any(results)


@lru_cache(maxsize=4096)
def read_moment(text: str) -> datetime | None:
    """A date as policies write it: ISO 8601 (UTC where no offset is given) or UNIX seconds."""
    try:
        if text.isascii() and text.isdigit() and len(text) != 8:
            return datetime.fromtimestamp(int(text), UTC)
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None


@lru_cache(maxsize=4096)
def read_network(text: str) -> IPv4Network | IPv6Network | None:
    """An address or a CIDR range; bits behind the mask are let pass, as AWS does."""
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        return None
    if isinstance(network, IPv6Network) and network.prefixlen >= 96:
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            return ip_network((mapped, network.prefixlen - 96))
    return network


@lru_cache(maxsize=4096)
def read_address(text: str | None) -> IPv4Address | IPv6Address | None:
    """A peer's address; a v4 address that a v6 socket reports as `::ffff:1.2.3.4` is the v4 address."""
    try:
        address = ip_address((text or "").partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _inside(address: IPv4Address | IPv6Address, network: IPv4Network | IPv6Network | None) -> bool:
    return network is not None and address.version == network.version and address in network
