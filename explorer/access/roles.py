"""Roles: what a key may do to one bucket without any policy."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from explorer.access.operations import Operation
from explorer.errors import BadInput, nearest


class Role(Enum):
    EDITOR = "Editor"
    READ_WRITE = "ReadWrite"
    READ_ONLY = "ReadOnly"
    ADMIN = "NamespaceAdmin"


@dataclass(frozen=True, slots=True)
class BucketRole:
    """`bucket` `*` means all of them, which `NamespaceAdmin` needs and the others may have."""

    bucket: str
    role: Role


# Source: https://www.tigrisdata.com/docs/concepts/authnz/ (RBAC table; ListParts really is not in it).
# Snapshots and forks are for ReadOnly too: https://www.tigrisdata.com/docs/buckets/snapshots-and-forks/
READING = frozenset(
    {
        "BundleObjects",
        "ForkBucket",
        "GetBucketAccelerateConfiguration",
        "GetBucketLocation",
        "GetBucketMetadata",
        "GetBucketOwnershipControls",
        "GetBucketPolicyStatus",
        "GetBucketTagging",
        "GetBucketVersioning",
        "GetObject",
        "GetObjectAttributes",
        "GetObjectTagging",
        "HeadBucket",
        "HeadObject",
        "ListBuckets",
        "ListForks",
        "ListMultipartUploads",
        "ListObjectVersions",
        "ListObjects",
        "ListObjectsV2",
        "ListSnapshots",
        "RestoreObject",
        "TakeSnapshot",
    }
)
WRITING = frozenset(
    {
        "AbortMultipartUpload",
        "CompleteMultipartUpload",
        "CopyObject",
        "CreateMultipartUpload",
        "DeleteObject",
        "DeleteObjectTagging",
        "DeleteObjects",
        "ListParts",
        "PutObject",
        "PutObjectTagging",
        "RenameObject",
        "UploadPart",
        "UploadPartCopy",
    }
)
"""What ReadWrite adds to reading: objects only. Tigris' SDK knows the role, its documentation does not."""

NOT_EDITING = frozenset({"PutBucketAcl", "RestoreBucket"})
"""What an Editor may not do; everything else on the bucket is theirs."""

IAM_READING = frozenset({"ListAccessKeys", "GetAccessKey", "GetAccessKeyLastUsed"})
"""IAM calls open to every role; the others are for the owner and `NamespaceAdmin`."""


def parse_role(bucket: str, role: str) -> BucketRole:
    """Raises:
    BadInput: no such role, or an admin of a single bucket.
    """
    names = {known.value: known for known in Role}
    if role not in names:
        raise BadInput(f"`{role}` is not a role.", hint=nearest(role, names, "roles are " + ", ".join(names)))
    if not bucket or (names[role] is Role.ADMIN and bucket != "*"):
        raise BadInput(
            f"`{role}` cannot be given on `{bucket or '(no bucket)'}`.",
            hint="NamespaceAdmin is for the bucket `*`; for one bucket give Editor, ReadWrite or ReadOnly",
        )
    return BucketRole(bucket, names[role])


def role_allows(held: BucketRole, operation: Operation) -> bool:
    """Whether this role alone grants the operation."""
    if held.role is Role.ADMIN:
        return True
    if operation.bucket is None:
        return operation.name in READING
    if held.bucket not in ("*", operation.bucket):
        return False
    if held.role is Role.EDITOR:
        return operation.name not in NOT_EDITING
    return operation.name in READING or (held.role is Role.READ_WRITE and operation.name in WRITING)
