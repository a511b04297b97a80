"""What a key or a policy can do, as a table: now, and after the moment from which it can do less."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from explorer.access import Finding, Grants, Row

OTHERS = "(any other bucket)"
_NOBODYS = "0-some-bucket-that-nobody-has-0"


@dataclass(frozen=True, slots=True)
class Checked:
    """`later` is what is left at `until`, where the abilities change then."""

    subject: str
    name: str | None
    active: bool
    rows: tuple[Row, ...]
    until: datetime | None
    later: tuple[Row, ...]
    findings: tuple[Finding, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "subject": self.subject,
            "name": self.name,
            "active": self.active,
            "can": [{"bucket": row.bucket, **dict(row.abilities)} for row in self.rows],
            "until": self.until.strftime("%Y-%m-%dT%H:%M:%SZ") if self.until else None,
            "after": [{"bucket": row.bucket, **dict(row.abilities)} for row in self.later],
            "findings": [
                {"code": f.code, "statement": f.statement, "message": f.message, "hint": f.hint}
                for f in self.findings
            ],
        }

    def __str__(self) -> str:
        from explorer.checkpoints import printable

        lines = [f"{self.subject}{f' ({self.name})' if self.name else ''}"]
        if not self.active:
            lines.append("it is switched off: it can do nothing")
        width = max(len(row.bucket) for row in self.rows)
        words = [word for word, _ in self.rows[0].abilities]
        lines.append("  ".join([" " * width, *words]))
        for row in self.rows:
            cells = [("yes" if yes else "no").ljust(len(word)) for word, yes in row.abilities]
            lines.append("  ".join([row.bucket.ljust(width), *cells]).rstrip())
        if self.until:
            left = [str(row) for row in self.later if any(yes for _, yes in row.abilities)]
            lines.append(f"after {self.until:%Y-%m-%d %H:%M} UTC: {'; '.join(left) or 'nothing'}")
        elif any(yes for row in self.rows for _, yes in row.abilities):
            lines.append("it never expires")
        for finding in self.findings:
            place = "" if finding.statement is None else f"statement {finding.statement}: "
            lines += [f"{finding.code}: {place}{finding.message}", f"  hint: {finding.hint}"]
        return "".join(f"{printable(line)}\n" for line in lines)


def check(
    subject: str, grants: Grants, also: Sequence[str], *, name: str | None = None, active: bool = True
) -> Checked:
    """Ask the evaluator about every bucket that is named in the grants or in `also`, and about all others."""
    from explorer.access import Circumstances, lint, matrix

    now = datetime.now(UTC)
    buckets = tuple(dict.fromkeys([*_buckets(grants), *also]))
    ip = _address(grants)
    closes = [moment for moment in _moments(grants) if moment > now]

    def at(moment: datetime) -> tuple[Row, ...]:
        from explorer.access import Row

        rows = matrix(grants, [*buckets, _NOBODYS], Circumstances(moment, ip))
        return (*rows[:-1], Row(OTHERS, rows[-1].abilities))

    rows = at(now)
    until: datetime | None = None
    later: tuple[Row, ...] = ()
    for moment in sorted(closes):
        then = at(moment + timedelta(seconds=1))
        if then != rows:
            until, later = moment, then
            break
    findings = tuple(finding for policy in grants.policies for finding in lint(policy, now=now))
    return Checked(subject, name, active, rows, until, later, findings)


def _buckets(grants: Grants) -> list[str]:
    from explorer.access.documents import ARN

    named = [
        resource.removeprefix(ARN).partition("/")[0]
        for policy in grants.policies
        for statement in policy.statements
        for resource in statement.resources
        if resource.startswith(ARN)
    ]
    named += [role.bucket for role in grants.roles]
    return sorted({bucket for bucket in named if bucket and not set(bucket) & set("*?")})


def _moments(grants: Grants) -> set[datetime]:
    """Every moment at which a condition may turn."""
    from explorer.access.conditions import CURRENT_TIME, read_moment

    return {
        moment
        for policy in grants.policies
        for statement in policy.statements
        for condition in statement.conditions
        if condition.key.lower() == CURRENT_TIME.lower()
        for value in condition.values
        if (moment := read_moment(value)) is not None
    }


def _address(grants: Grants) -> str | None:
    """An address from which the policies work: what is asked is what, not from where."""
    from ipaddress import ip_network

    for policy in grants.policies:
        for statement in policy.statements:
            for condition in statement.conditions:
                if condition.operator == "IpAddress" and condition.values:
                    try:
                        return str(ip_network(condition.values[0], strict=False).network_address)
                    except ValueError:
                        continue
    return None
