"""Headers that ask for what the local store does not do: refused, because to ignore one would be a lie."""

from __future__ import annotations

from explorer.localstore.refusals import Refusal
from explorer.localstore.wire.call import SNAPSHOT_VERSION
from explorer.localstore.wire.request import Request

_NEVER = (
    "x-amz-object-lock-legal-hold",
    "x-amz-object-lock-mode",
    "x-amz-object-lock-retain-until-date",
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-website-redirect-location",
    "x-amz-write-offset-bytes",
    "x-tigris-query",
    "x-tigris-restore-type",
)
_HARMLESS = {
    "x-amz-acl": ("private", "bucket-owner-full-control"),
    "x-amz-acl-public-list-objects-enabled": ("false",),
    "x-amz-bucket-object-lock-enabled": ("false",),
    "x-tigris-list-source": ("tigris",),
    "x-tigris-soft-delete": ("false",),
}
"""Headers that some clients always send, and the values that ask for nothing."""

_AT_A_VERSION = frozenset(
    {
        "BundleObjects",
        "CopyObject",
        "DeleteSnapshot",
        "GetObject",
        "GetObjectTagging",
        "HeadObject",
        "ListObjectVersions",
        "ListObjects",
        "ListObjectsV2",
        "UploadPartCopy",
    }
)


def refuse_unoffered(operation: str, request: Request) -> None:
    """Raises NotImplemented, or InvalidRequest for a write to a snapshot."""
    for name, value in request.headers.items():
        unoffered = (
            name in _NEVER
            or name.startswith("x-amz-grant-")
            or (name in _HARMLESS and value.strip().lower() not in _HARMLESS[name])
        )
        if unoffered:
            raise Refusal(
                "NotImplemented",
                f"{operation} with the header {name} is not implemented by the local store.",
                Header=name,
            )
    if SNAPSHOT_VERSION in request.headers and operation not in _AT_A_VERSION:
        raise Refusal(
            "InvalidRequest", f"{operation} does not take {SNAPSHOT_VERSION}: a snapshot is only read."
        )
