"""Policies for a job: the least that it needs, on its own fork, for as long as it may run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum

from explorer.access.conditions import CURRENT_TIME, SOURCE_IP, problem
from explorer.access.documents import Condition, Effect, Policy, Statement, bucket_arn, objects_arn
from explorer.errors import BadInput

SKEW = timedelta(minutes=5)
"""How much earlier than now a window opens: the store's clock may be behind ours."""


class Preset(Enum):
    OWN_FORK = "own-fork-rw"
    """Reads and writes its own fork, so that it can resume from its own checkpoints after a preemption."""
    WRITE_ONLY = "write-only"
    """Uploads and snapshots, and can never read back what it wrote."""
    READ_ONLY = "read-only"


@dataclass(frozen=True, slots=True)
class Window:
    """When, and from which CIDR ranges (empty: from anywhere), the key works."""

    opens: datetime
    closes: datetime
    source_ips: tuple[str, ...] = ()

    @classmethod
    def lasting(cls, hours: float, *, now: datetime, source_ips: Sequence[str] = ()) -> Window:
        """From `now`, minus clock skew. Time spent in a queue counts: open it when the job starts."""
        return cls(now - SKEW, now + timedelta(hours=hours), tuple(source_ips))


def job_policy(
    preset: Preset,
    window: Window,
    *,
    writes: str | None = None,
    reads: Sequence[str] = (),
    snapshots: bool = True,
    deletes: bool = False,
) -> Policy:
    """The policy of one job. `writes` is its fork, `reads` are buckets that it reads only.

    `snapshots` lets it take snapshots of its fork (`s3:CreateBucket` on the fork's name, which is also what a
    snapshot is on the wire). `deletes` is for jobs that rotate checkpoints (`save_total_limit`).

    Raises:
        BadInput: an empty window, a range that is none, nothing to write or to read.
    """
    conditions = _conditions(window)

    def allow(sid: str, actions: Sequence[str], resources: Sequence[str]) -> Statement:
        return Statement(Effect.ALLOW, tuple(actions), tuple(resources), conditions=conditions, sid=sid)

    statements = []
    readable = list(reads)
    if preset is not Preset.READ_ONLY:
        if writes is None:
            raise BadInput(f"`{preset.value}` writes, but no fork is named.", hint="name the job's own fork")
        if preset is Preset.OWN_FORK:
            readable.append(writes)
        writing = ["s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
        statements.append(allow("Write", writing + ["s3:DeleteObject"] * deletes, [objects_arn(writes)]))
        if snapshots:
            statements.append(allow("Snapshot", ["s3:CreateBucket"], [bucket_arn(writes)]))
    if readable:
        statements.append(allow("Read", ["s3:GetObject"], [objects_arn(b) for b in readable]))
        statements.append(allow("List", ["s3:ListBucket"], [bucket_arn(b) for b in readable]))
    if not statements:
        raise BadInput("The policy would allow nothing.", hint="name the buckets that the job reads")
    return Policy(tuple(statements))


def _conditions(window: Window) -> tuple[Condition, ...]:
    if window.opens >= window.closes:
        raise BadInput("The window closes before it opens.", hint="let it last longer than zero hours")
    conditions = [
        Condition("DateGreaterThan", CURRENT_TIME, (_write(window.opens),)),
        Condition("DateLessThan", CURRENT_TIME, (_write(window.closes),)),
    ]
    if window.source_ips:
        conditions.append(Condition("IpAddress", SOURCE_IP, window.source_ips))
    for condition in conditions:
        wrong = problem(condition)
        if wrong is not None:
            raise BadInput(wrong[0].upper() + wrong[1:] + ".", hint="write ranges like 203.0.113.0/24")
    return tuple(conditions)


def _write(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
