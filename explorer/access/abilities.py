"""What grants amount to, in words for a screen: "reads DATA, writes OUT, nothing after 18:00"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from explorer.access.conditions import Circumstances
from explorer.access.evaluation import Grants, decide
from explorer.access.operations import Operation

ABILITIES: dict[str, str] = {
    "list": "ListObjectsV2",
    "read": "GetObject",
    "write": "PutObject",
    "delete": "DeleteObject",
    "snapshot": "TakeSnapshot",
    "delete bucket": "DeleteBucket",
}


@dataclass(frozen=True, slots=True)
class Row:
    """What can be done with one bucket; `abilities` in the order of `ABILITIES`."""

    bucket: str
    abilities: tuple[tuple[str, bool], ...]

    def __str__(self) -> str:
        able = [name for name, yes in self.abilities if yes]
        return f"{self.bucket}: {', '.join(able) if able else 'nothing'}"


def matrix(grants: Grants, buckets: Sequence[str], circumstances: Circumstances) -> tuple[Row, ...]:
    """One row a bucket. Objects are asked about as a whole: a grant on a few keys does not count."""
    return tuple(
        Row(
            bucket, tuple((word, _can(grants, api, bucket, circumstances)) for word, api in ABILITIES.items())
        )
        for bucket in buckets
    )


def _can(grants: Grants, api: str, bucket: str, circumstances: Circumstances) -> bool:
    return decide(
        grants, Operation(api, bucket, whole="Object" in api and "List" not in api), circumstances
    ).allowed
