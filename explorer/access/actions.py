"""The actions a policy may name, as Tigris lists them, with the API calls that each one controls."""

from __future__ import annotations

from functools import lru_cache

from explorer.access.patterns import matches

# Source: https://www.tigrisdata.com/docs/iam/policies/supported-actions/ (30 actions)
SUPPORTED: dict[str, tuple[str, ...]] = {
    "s3:AbortMultipartUpload": ("AbortMultipartUpload",),
    "s3:CreateBucket": ("CreateBucket",),
    "s3:DeleteBucket": ("DeleteBucket",),
    "s3:DeleteObject": ("DeleteObject", "DeleteObjects"),
    "s3:DeleteObjectTagging": ("DeleteObjectTagging",),
    "s3:GetAccelerateConfiguration": ("GetBucketAccelerateConfiguration",),
    "s3:GetBucketAcl": ("GetBucketAcl",),
    "s3:GetBucketCORS": ("GetBucketCors",),
    "s3:GetBucketOwnershipControls": ("GetBucketOwnershipControls",),
    "s3:GetBucketPolicyStatus": ("GetBucketPolicyStatus",),
    "s3:GetBucketRequestPayment": ("GetBucketRequestPayment",),
    "s3:GetBucketTagging": ("GetBucketTagging",),
    "s3:GetLifecycleConfiguration": ("GetBucketLifecycleConfiguration",),
    "s3:GetObject": ("GetObject", "HeadObject"),
    "s3:GetObjectAcl": ("GetObjectAcl",),
    "s3:GetObjectTagging": ("GetObjectTagging",),
    "s3:ListAllMyBuckets": ("ListBuckets",),
    "s3:ListBucket": ("ListObjects", "ListObjectsV2", "HeadBucket"),
    "s3:ListBucketMultipartUploads": ("ListMultipartUploads",),
    "s3:ListMultipartUploadParts": ("ListParts",),
    "s3:PutAccelerateConfiguration": ("PutBucketAccelerateConfiguration",),
    "s3:PutBucketAcl": ("PutBucketAcl",),
    "s3:PutBucketCORS": ("PutBucketCors", "DeleteBucketCors"),
    "s3:PutLifecycleConfiguration": ("PutBucketLifecycleConfiguration", "DeleteBucketLifecycle"),
    "s3:PutBucketOwnershipControls": ("PutBucketOwnershipControls", "DeleteBucketOwnershipControls"),
    "s3:PutBucketTagging": ("PutBucketTagging", "DeleteBucketTagging"),
    "s3:PutObject": (
        "PutObject",
        "CopyObject",
        "UploadPart",
        "UploadPartCopy",
        "CreateMultipartUpload",
        "CompleteMultipartUpload",
    ),
    "s3:PutObjectAcl": ("PutObjectAcl",),
    "s3:PutObjectTagging": ("PutObjectTagging",),
    "s3:RestoreObject": ("RestoreObject",),
}

ON_OBJECTS = frozenset(
    action
    for action in SUPPORTED
    if "Object" in action or action in ("s3:AbortMultipartUpload", "s3:ListMultipartUploadParts")
)
"""Actions whose resource is `bucket/key`; all others are asked about the bucket itself."""

_INSTEAD = {
    "s3:completemultipartupload": "s3:PutObject",
    "s3:createmultipartupload": "s3:PutObject",
    "s3:uploadpart": "s3:PutObject",
    "s3:copyobject": "s3:PutObject",
    "s3:headobject": "s3:GetObject",
    "s3:getobjectversion": "s3:GetObject",
    "s3:deleteobjects": "s3:DeleteObject",
    "s3:deleteobjectversion": "s3:DeleteObject",
    "s3:headbucket": "s3:ListBucket",
    "s3:listobjects": "s3:ListBucket",
    "s3:listobjectsv2": "s3:ListBucket",
    "s3:listbucketversions": "s3:ListBucket",
    "s3:listbuckets": "s3:ListAllMyBuckets",
    "s3:listparts": "s3:ListMultipartUploadParts",
}
"""API names and finer AWS actions that people write, and the action that controls them here."""


@lru_cache(4096)
def matches_action(pattern: str, action: str) -> bool:
    """Whether an `Action` entry names `action`; action names have no case."""
    return matches(pattern.lower(), action.lower())


def named_by(pattern: str) -> tuple[str, ...]:
    """The supported actions that an `Action` entry stands for."""
    return tuple(action for action in SUPPORTED if matches_action(pattern, action))


def instead_of(pattern: str) -> str | None:
    """The supported action that somebody who wrote `pattern` was after, where that is known."""
    return _INSTEAD.get(pattern.lower())
