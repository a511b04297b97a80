"""What requests ask for that the local store does not do: refused, because to ignore it would be a lie."""

from __future__ import annotations

from explorer.localstore.engine.digests import ALGORITHMS
from explorer.localstore.refusals import Refusal, not_implemented
from explorer.localstore.wire.call import SNAPSHOT_VERSION
from explorer.localstore.wire.request import Request

_NEVER = (
    "x-amz-if-match-last-modified-time",
    "x-amz-if-match-size",
    "x-amz-object-lock-legal-hold",
    "x-amz-object-lock-mode",
    "x-amz-object-lock-retain-until-date",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-server-side-encryption-context",
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-website-redirect-location",
    "x-amz-write-offset-bytes",
    "x-tigris-merge-source-bucket-snapshot",
    "x-tigris-query",
    "x-tigris-restore-type",
)
_HARMLESS = {
    "x-amz-acl": ("private", "bucket-owner-full-control"),
    "x-amz-acl-public-list-objects-enabled": ("false",),
    "x-amz-bucket-object-lock-enabled": ("false",),
    "x-amz-server-side-encryption": ("aes256",),
    "x-tigris-list-source": ("tigris",),
    "x-tigris-soft-delete": ("false",),
}
"""Headers that some clients always send, and the values that ask for nothing."""
_OWNERS = ("x-amz-expected-bucket-owner", "x-amz-source-expected-bucket-owner")
_SUMS = frozenset(f"x-amz-checksum-{name.lower()}" for name in ALGORITHMS)
_ABOUT_SUMS = frozenset({"x-amz-checksum-algorithm", "x-amz-checksum-mode", "x-amz-checksum-type"})

_AT_A_VERSION = frozenset(
    {
        "BundleObjects",
        "CopyObject",
        "DeleteSnapshot",
        "GetObject",
        "GetObjectAcl",
        "GetObjectAttributes",
        "GetObjectTagging",
        "HeadObject",
        "ListObjectVersions",
        "ListObjects",
        "ListObjectsV2",
        "UploadPartCopy",
    }
)

_BY_THEIR_PATH = frozenset(
    {
        "CopyObject",
        "CreateBucket",
        "DeleteBucket",
        "DeleteObject",
        "DeleteSnapshot",
        "ForkBucket",
        "MergeFork",
        "PostObject",
        "PutObject",
        "RebaseFork",
        "RenameObject",
        "TakeSnapshot",
        "UpdateBucket",
        "UploadPart",
        "UploadPartCopy",
    }
)
"""Writes that are told from others by the want of a parameter: one that we do not know may mean another."""
_PARAMETERS = frozenset({"partNumber", "uploadId", "versionId"})


def refuse_unoffered(operation: str, request: Request) -> None:
    """Raises NotImplemented; InvalidRequest for a write to a snapshot; AccessDenied for another's bucket."""
    for name, value in request.headers.items():
        if _is_unoffered(name, value):
            raise not_implemented(f"{operation} with the header {name}")
        if name in _OWNERS and value.strip() != "local":
            raise Refusal("AccessDenied", "Access Denied: the bucket is not of the owner you expect.")
    if operation in _BY_THEIR_PATH:
        for name in request.query:
            if name not in _PARAMETERS and not name.lower().startswith("x-"):
                raise not_implemented(f"{operation} with the parameter {name[:64]}")
    if SNAPSHOT_VERSION in request.headers and operation not in _AT_A_VERSION:
        raise Refusal(
            "InvalidRequest", f"{operation} does not take {SNAPSHOT_VERSION}: a snapshot is only read."
        )


def _is_unoffered(name: str, value: str) -> bool:
    if name.startswith("x-amz-checksum-"):
        return name not in _SUMS and name not in _ABOUT_SUMS
    if name == "x-amz-trailer":
        return any(_is_unoffered(each.strip().lower(), "") for each in value.split(","))
    harmless = _HARMLESS.get(name)
    if harmless is not None:
        return value.strip().lower() not in harmless
    return name in _NEVER or name.startswith("x-amz-grant-")
