"""`GET /`: buckets in XML and in JSON, snapshots of a bucket, forks of a bucket; and presigning."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from explorer.localstore.engine.names import parse_version
from explorer.localstore.engine.records import Bucket
from explorer.localstore.engine.schema import FOREVER
from explorer.localstore.refusals import Refusal
from explorer.localstore.wire.answers import Answer, iso_ms, iso_ns, json_answer, xml_answer
from explorer.localstore.wire.buckets import REGIONS, find_bucket_or_deny
from explorer.localstore.wire.call import Call
from explorer.localstore.wire.describe import OWNER, describe_bucket
from explorer.localstore.wire.listings import OWNER as XML_OWNER
from explorer.localstore.wire.presigning import presigned_url

_FLAGS = (
    "IncludeRegionsInfo",
    "IncludeTypeInfo",
    "IncludeVisibility",
    "IncludeForkInfo",
    "IncludeOwnerInfo",
    "IncludeStats",
)
MAX_BUCKETS = 1000
_MAX_WITH_STATS = 50


async def list_buckets(call: Call) -> Answer:
    call.authorise()
    request, query = call.request, call.request.query
    wanted = frozenset(name for name in _FLAGS if query.get(name) == "true")
    most = _MAX_WITH_STATS if "IncludeStats" in wanted else MAX_BUCKETS
    limit = request.number("max-buckets", most, low=1, high=most)
    prefix = query.get("prefix", "")
    elsewhere = query.get("bucket-region", "") not in REGIONS
    if elsewhere or query.get("OwnedBy", "local") != "local":
        found: list[Bucket] = []
    else:
        found = call.engine.buckets.page(
            after=query.get("continuation-token", ""),
            limit=limit + 1,
            only_forks=query.get("OnlyForked") == "true",
            prefix=prefix,
        )
    token = found[limit - 1].name if len(found) > limit else None
    buckets = [bucket for bucket in found[:limit] if call.sees(bucket.name)]
    if not request.wants_json:
        fields: list[tuple[str, object]] = [
            ("Owner", XML_OWNER),
            ("Buckets", [_xml_bucket(b.name, iso_ms(b.created_ns)) for b in buckets]),
            ("ContinuationToken", token),
            ("Prefix", prefix or None),
        ]
        return xml_answer("ListAllMyBucketsResult", fields)
    document: dict[str, Any] = {
        "Owner": OWNER,
        "Buckets": {"Bucket": [describe_bucket(bucket, wanted) for bucket in buckets]},
    }
    if token is not None:
        document["ContinuationToken"] = token
    if "IncludeStats" in wanted:
        document["Stats"] = await _stats(call, buckets)
    return json_answer(document)


def _xml_bucket(name: str, created: str) -> tuple[str, object]:
    return "Bucket", [("Name", name), ("CreationDate", created)]


async def _stats(call: Call, buckets: list[Bucket]) -> dict[str, int]:
    sizes = [await call.run(call.engine.stats.of_bucket, bucket) for bucket in buckets]
    return {
        "ActiveBuckets": len(buckets),
        "TotalObjects": sum(size.versions for size in sizes),
        "TotalStorageBytes": sum(size.bytes for size in sizes),
        "TotalUniqueObjects": sum(size.objects for size in sizes),
    }


async def list_snapshots(call: Call) -> Answer:
    """Newest first, as pseudo-buckets named `version` or `version; name=label`."""
    request = call.request
    name = request.headers["x-tigris-snapshot"].strip()
    request.bucket = name
    call.authorise()
    bucket = call.engine.buckets.get(name)
    limit = request.number("max-buckets", MAX_BUCKETS, low=1, high=MAX_BUCKETS)
    token = request.query.get("continuation-token")
    before = FOREVER if not token else parse_version(token, "continuation token")
    found = call.engine.buckets.snapshots(bucket, before=before, limit=limit + 1)
    page = found[:limit]
    entries = [
        _xml_bucket(str(s.ts) if s.name is None else f"{s.ts}; name={s.name}", iso_ns(s.ts)) for s in page
    ]
    more = str(page[-1].ts) if len(found) > limit else None
    return xml_answer(
        "ListAllMyBucketsResult", [("Owner", []), ("Buckets", entries), ("ContinuationToken", more)]
    )


async def list_forks(call: Call) -> Answer:
    request = call.request
    name = request.headers["x-tigris-fork"].strip()
    request.bucket = name
    call.authorise()
    bucket = find_bucket_or_deny(call, name)
    limit = request.number("max-buckets", MAX_BUCKETS, low=1, high=MAX_BUCKETS)
    found = call.engine.buckets.page(
        after=request.query.get("continuation-token", ""), limit=limit + 1, forks_of=bucket.id
    )
    buckets = [each for each in found[:limit] if call.sees(each.name)]
    document: dict[str, Any] = {
        "Owner": {"ID": "", "DisplayName": ""},
        "Buckets": {"Bucket": [describe_bucket(each, frozenset(_FLAGS)) for each in buckets]},
    }
    if len(found) > limit:
        document["ContinuationToken"] = found[limit - 1].name
    return json_answer(document)


async def presign(call: Call) -> Answer:
    """`POST /?func=presign`: a URL signed with the key that asks, and with no other."""
    body = await call.document()
    try:
        wanted = json.loads(body)
        bucket, key, method = wanted["bucket"], wanted["key"], wanted["type"]
        expires_s = int(wanted.get("expires_in", 3600))
        version = wanted.get("version_id")
        fine = isinstance(bucket, str) and isinstance(key, str) and key and method in ("get", "put")
    except (ValueError, KeyError, TypeError, AttributeError):
        fine = False
    if not fine or not 1 <= expires_s <= 7 * 24 * 3600:
        raise Refusal(
            "InvalidArgument", "A presign request needs bucket, key, type get or put, and expires_in."
        )
    access_key = call.proof.principal.access_key
    secret = call.authority.secret(access_key)
    if wanted.get("key_id", access_key) != access_key or secret is None:
        raise Refusal("AccessDenied", "A URL can only be signed for the key that asks.")
    call.engine.buckets.get(bucket)
    path = f"/{bucket}/{quote(key, safe='/-_.~')}"
    query = {"versionId": str(version)} if version else {}
    url = presigned_url(
        method.upper(),
        f"http://{call.request.headers['host']}",
        path,
        query,
        access_key=access_key,
        secret=secret,
        expires_s=expires_s,
        now=datetime.now(UTC),
    )
    return json_answer({"url": url, "method": method, "expires_in": expires_s})
