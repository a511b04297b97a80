"""Buckets, snapshots and forks on the wire."""

from __future__ import annotations

import json

from explorer.localstore.engine.names import parse_version
from explorer.localstore.engine.records import Bucket
from explorer.localstore.refusals import Refusal, no_such_bucket, not_implemented
from explorer.localstore.wire import xml
from explorer.localstore.wire.answers import Answer, json_answer, xml_answer
from explorer.localstore.wire.attributes import STORAGE_CLASSES
from explorer.localstore.wire.call import SNAPSHOT_VERSION, Call
from explorer.localstore.wire.configurations import read_tags
from explorer.localstore.wire.describe import describe_metadata

REGIONS = ("", "auto", "us-east-1")


async def _read_settings(call: Call) -> dict[str, object]:
    """What a CreateBucket says besides its name; what cannot be kept is refused, not ignored."""
    headers = call.request.headers
    body = await call.document()
    settings: dict[str, object] = {}
    if body.strip():
        wanted = xml.parse(body, "CreateBucketConfiguration")
        if wanted.get("Bucket") is not None or wanted.get("Location") is not None:
            raise not_implemented("CreateBucket of a directory bucket")
        if wanted.get("Tags") is not None:
            settings["tags"] = read_tags(wanted.get("Tags"))
        location = wanted.value("LocationConstraint") or ""
        if location.strip() not in REGIONS:
            raise Refusal(
                "InvalidArgument", "The local store has one region: auto", LocationConstraint=location[:64]
            )
    storage_class = headers.get("x-amz-storage-class")
    if storage_class:
        settings["storage_class"] = _check_class(storage_class)
    if headers.get("x-tigris-regions"):
        settings["object_regions"] = headers["x-tigris-regions"]
    return settings


def _check_class(value: object) -> str:
    if value not in STORAGE_CLASSES:
        raise Refusal("InvalidArgument", "The storage class you specified is not valid")
    return str(value)


def _check_tier(storage_class: object) -> None:
    if storage_class in ("GLACIER", "GLACIER_IR"):
        raise Refusal(
            "InvalidArgument", "A bucket with snapshots cannot have an archive tier as its default."
        )


async def create_bucket(call: Call) -> Answer:
    call.authorise()
    settings = await _read_settings(call)
    on = call.request.flag("x-tigris-enable-snapshot")
    if on:
        _check_tier(settings.get("storage_class"))
    made = await call.run(
        call.engine.buckets.create, call.request.bucket_name, snapshots_on=on, settings=settings
    )
    return Answer(200, [("location", f"/{made.name}")])


async def fork_bucket(call: Call) -> Answer:
    source = call.request.headers["x-tigris-fork-source-bucket"].strip()
    call.authorise(source=(source, None))
    settings = await _read_settings(call)
    text = call.request.headers.get("x-tigris-fork-source-bucket-snapshot")
    at = parse_version(text) if text else None
    made = await call.run(call.engine.buckets.fork, source, call.request.bucket_name, at, settings=settings)
    return Answer(200, [("location", f"/{made.name}")])


async def take_snapshot(call: Call) -> Answer:
    call.authorise()
    await call.document()
    _, marker, label = call.request.headers["x-tigris-snapshot"].partition("; name=")
    name = _decoded(label) if marker else None
    made = await call.run(call.engine.buckets.snapshot, call.request.bucket_name, name)
    return Answer(200, [("location", f"/{call.request.bucket_name}"), (SNAPSHOT_VERSION, str(made.ts))])


def _decoded(header: str) -> str:
    """Header bytes are read as Latin-1, as some clients write them; valid UTF-8 was written as that."""
    try:
        return header.encode("latin-1").decode()
    except UnicodeError:
        return header


async def delete_snapshot(call: Call) -> Answer:
    call.authorise()
    ts = parse_version(call.request.headers[SNAPSHOT_VERSION])
    await call.run(call.engine.buckets.delete_snapshot, call.request.bucket_name, ts)
    return Answer(204)


async def delete_bucket(call: Call) -> Answer:
    call.authorise()
    request = call.request
    force = request.flag("x-tigris-force-delete") or request.flag("tigris-force-delete")
    await call.run(call.engine.buckets.delete, request.bucket_name, force=force)
    return Answer(204)


async def head_bucket(call: Call) -> Answer:
    call.authorise()
    bucket = call.bucket()
    headers = [
        ("x-amz-bucket-region", "auto"),
        ("x-tigris-enable-snapshot", "true" if bucket.snapshots_on else "false"),
    ]
    if bucket.parent is not None:
        headers.append(("x-tigris-fork-source-bucket", bucket.parent))
        headers.append(("x-tigris-fork-source-bucket-snapshot", str(bucket.parent_cut_ns)))
    if bucket.has_forks:
        headers.append(("x-tigris-is-fork-parent", "true"))
    return Answer(200, headers)


async def get_bucket_location(call: Call) -> Answer:
    call.authorise()
    call.bucket()
    return xml_answer("LocationConstraint", [("", xml.Written("auto"))])


async def get_bucket_versioning(call: Call) -> Answer:
    call.authorise()
    return xml_answer(
        "VersioningConfiguration", [("Status", "Enabled" if call.bucket().snapshots_on else None)]
    )


async def get_bucket_metadata(call: Call) -> Answer:
    call.authorise()
    bucket = call.bucket()
    with_size = call.request.query.get("with-size") == "true"
    size = await call.run(call.engine.stats.of_bucket, bucket) if with_size else None
    return json_answer(describe_metadata(bucket, size))


async def update_bucket(call: Call) -> Answer:
    """PATCH: the type, and the settings that we can honour; the others are not accepted in silence."""
    call.authorise()
    body = await call.document()
    try:
        wanted = json.loads(body or b"{}")
    except ValueError:
        wanted = None
    if not isinstance(wanted, dict):
        raise Refusal("InvalidArgument", "The body is not a JSON object.")
    bucket = call.bucket()
    turned: bool | None = None
    settings: dict[str, object] = {}
    for name, value in wanted.items():
        match name:
            case "type" if value in (0, 1) and not isinstance(value, bool):
                turned = value == 1
            case "storage_class":
                settings[name] = _check_class(value)
            case "object_regions" | "cache_control" if isinstance(value, str):
                settings[name] = value
            case "type" | "object_regions" | "cache_control":
                raise Refusal("InvalidArgument", f"{name} cannot be {json.dumps(value)[:64]}.")
            case _:
                raise not_implemented(f"UpdateBucket of {name[:64]}")
    if bucket.snapshots_on if turned is None else turned:
        _check_tier(settings.get("storage_class", bucket.settings.get("storage_class")))
    await call.run(
        call.engine.buckets.change, call.request.bucket_name, snapshots_on=turned, settings=settings
    )
    return json_answer({"status": "success", "message": ""})


def find_bucket_or_deny(call: Call, name: str) -> Bucket:
    """Tigris answers a fork listing of a bucket that is missing or foreign with AccessDenied."""
    try:
        return call.engine.buckets.get(name)
    except Refusal as refusal:
        if refusal.code != no_such_bucket(name).code:
            raise
        raise Refusal("AccessDenied", "Access Denied", BucketName=name[:64]) from None
