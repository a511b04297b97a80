"""Buckets in Tigris' JSON."""

from __future__ import annotations

from typing import Any

from explorer.localstore.engine.records import Bucket
from explorer.localstore.engine.stats import Size
from explorer.localstore.wire.answers import iso_ns

OWNER = {"ID": "local", "DisplayName": "local"}


def describe_fork(bucket: Bucket) -> dict[str, Any]:
    """`ForkInfo`: the direct parent and the version pinned, with its snapshot's name if it has one."""
    parents = []
    if bucket.parent is not None and bucket.parent_cut_ns is not None:
        named = f"; name={bucket.parent_snapshot_name}" if bucket.parent_snapshot_name else ""
        parents.append(
            {
                "BucketName": bucket.parent,
                "Snapshot": f"{bucket.parent_cut_ns}{named}",
                "SnapshotCreatedAt": iso_ns(bucket.parent_cut_ns),
                "ForkCreatedAt": iso_ns(bucket.created_ns),
            }
        )
    return {"HasChildren": bucket.has_forks, "Parents": parents}


def describe_bucket(bucket: Bucket, wanted: frozenset[str]) -> dict[str, Any]:
    """An entry of the JSON listing, with the fields that the Include… flags ask for."""
    out: dict[str, Any] = {
        "Name": bucket.name,
        "CreationDate": iso_ns(bucket.changed_ns),
        "InitialCreatedDate": iso_ns(bucket.created_ns),
    }
    if "IncludeVisibility" in wanted:
        out["Visibility"] = {"IsPublic": False}
    if "IncludeOwnerInfo" in wanted:
        out["OwnerInfo"] = {"OwnerUserId": "local", "OwnerHumanUserId": "local"}
    if "IncludeTypeInfo" in wanted:
        out["Type"] = "Snapshot" if bucket.snapshots_on else "Regular"
    if "IncludeRegionsInfo" in wanted and bucket.settings.get("object_regions"):
        out["Regions"] = bucket.settings["object_regions"]
    if "IncludeForkInfo" in wanted:
        out["ForkInfo"] = describe_fork(bucket)
    return out


def describe_metadata(bucket: Bucket, size: Size | None) -> dict[str, Any]:
    """The answer to `?metadata`."""
    settings = bucket.settings
    out: dict[str, Any] = {
        "name": bucket.name,
        "created_at": iso_ns(bucket.created_ns),
        "type": 1 if bucket.snapshots_on else 0,
        "storage_class": settings.get("storage_class", "STANDARD"),
        "object_regions": settings.get("object_regions", ""),
        "cache_control": settings.get("cache_control", ""),
        "ForkInfo": describe_fork(bucket),
        "soft_delete": {"enabled": False},
        "acl_settings": {"allow_object_acl": False},
    }
    if size is not None:
        out |= {
            "estimated_rows": size.versions,
            "estimated_unique_rows": size.objects,
            "estimated_size": size.bytes,
        }
    return out
