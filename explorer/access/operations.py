"""What each operation of a store needs: which action on which resource, and for roles, which operation.

Where Tigris has no action for an operation (snapshots, forks, versions, settings), the nearest one that it
does have is asked for, so that a policy that works here says nothing that Tigris would refuse.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from explorer.access.actions import ON_OBJECTS, SUPPORTED
from explorer.access.documents import ARN


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that a request wants to do: all needs of a request must be granted.

    `key` None means the bucket itself; `whole` means every object of the bucket at once.
    """

    name: str
    bucket: str | None = None
    key: str | None = None
    whole: bool = False

    @property
    def action(self) -> str | None:
        """The IAM action that controls it; None where only a wildcard such as `s3:*` reaches it."""
        return ACTIONS.get(self.name)

    @property
    def resource(self) -> str:
        """The ARN asked about. Of `whole`, the prefix of all keys' ARNs."""
        if self.bucket is None:
            return f"{ARN}*"
        if self.whole:
            return f"{ARN}{self.bucket}/"
        if self.key is None or self.action not in ON_OBJECTS:
            return ARN + self.bucket
        return f"{ARN}{self.bucket}/{self.key}"


ACTIONS: dict[str, str] = {api: action for action, apis in SUPPORTED.items() for api in apis} | {
    "RenameObject": "s3:PutObject",
    "BundleObjects": "s3:GetObject",
    "GetObjectAttributes": "s3:GetObject",
    "ListObjectVersions": "s3:ListBucket",
    "GetBucketLocation": "s3:ListBucket",
    "GetBucketVersioning": "s3:ListBucket",
    "GetBucketMetadata": "s3:ListBucket",
    "ListSnapshots": "s3:ListBucket",
    "ListForks": "s3:ListBucket",
    # on the wire these are CreateBucket and DeleteBucket with a header
    "TakeSnapshot": "s3:CreateBucket",
    "ForkBucket": "s3:CreateBucket",
    "RebaseFork": "s3:CreateBucket",
    "MergeFork": "s3:CreateBucket",
    "DeleteSnapshot": "s3:DeleteBucket",
    "RestoreBucket": "s3:CreateBucket",
}
"""Operation -> action. Operations in neither table (`UpdateBucket`, …) are reached by `s3:*` only."""


def needs(
    name: str,
    bucket: str | None = None,
    key: str | None = None,
    *,
    source: tuple[str, str | None] | None = None,
) -> tuple[Operation, ...]:
    """Everything that must be granted for one request.

    `source` is what else it reads: (bucket, key) of a copy, (bucket, None) of a fork, merge or rebase.
    Reading a fork shows all of the parent, so forking needs to read and list the whole source.
    """
    itself = Operation(name, bucket, key)
    if source is None:
        return (itself,)
    from_bucket, from_key = source
    if from_key is not None:
        read: tuple[Operation, ...] = (Operation("GetObject", from_bucket, from_key),)
        if name == "RenameObject":
            read += (Operation("DeleteObject", from_bucket, from_key),)
        return (itself, *read)
    reads = (Operation("ListObjectsV2", from_bucket), Operation("GetObject", from_bucket, whole=True))
    if name in ("MergeFork", "RebaseFork"):
        everything = Operation("PutObject", bucket, whole=True)
        return (itself, everything, replace(everything, name="DeleteObject"), *reads)
    return (itself, *reads)
