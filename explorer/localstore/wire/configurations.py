"""What S3 tools ask of a bucket before they work with it, answered for a bucket that has none of it.

Nothing here can be set, tags apart: a GET says what S3 says of a bucket without that configuration, a DELETE
finds nothing to delete, and a PUT is not implemented.
"""

from __future__ import annotations

from collections.abc import Iterable

from explorer.localstore.refusals import Refusal
from explorer.localstore.wire import xml
from explorer.localstore.wire.answers import Answer, xml_answer
from explorer.localstore.wire.attributes import check_tags
from explorer.localstore.wire.call import Call, Handler

_ABSENT = {
    "GetBucketCors": ("NoSuchCORSConfiguration", "The CORS configuration does not exist"),
    "GetBucketEncryption": (
        "ServerSideEncryptionConfigurationNotFoundError",
        "The server side encryption configuration was not found",
    ),
    "GetBucketLifecycleConfiguration": (
        "NoSuchLifecycleConfiguration",
        "The lifecycle configuration does not exist",
    ),
    "GetBucketOwnershipControls": (
        "OwnershipControlsNotFoundError",
        "The bucket ownership controls were not found",
    ),
    "GetBucketPolicy": ("NoSuchBucketPolicy", "The bucket policy does not exist"),
    "GetBucketReplication": (
        "ReplicationConfigurationNotFoundError",
        "The replication configuration was not found",
    ),
    "GetBucketWebsite": (
        "NoSuchWebsiteConfiguration",
        "The specified bucket does not have a website configuration",
    ),
    "GetObjectLockConfiguration": (
        "ObjectLockConfigurationNotFoundError",
        "Object Lock configuration does not exist for this bucket",
    ),
    "GetPublicAccessBlock": (
        "NoSuchPublicAccessBlockConfiguration",
        "The public access block configuration was not found",
    ),
}
_EMPTY: dict[str, tuple[str, list[tuple[str, object]]]] = {
    "GetBucketAccelerateConfiguration": ("AccelerateConfiguration", []),
    "GetBucketLogging": ("BucketLoggingStatus", []),
    "GetBucketNotificationConfiguration": ("NotificationConfiguration", []),
    "GetBucketPolicyStatus": ("PolicyStatus", [("IsPublic", "false")]),
    "GetBucketRequestPayment": ("RequestPaymentConfiguration", [("Payer", "BucketOwner")]),
}
_OF_MANY = ("Analytics", "IntelligentTiering", "Inventory", "Metrics")
_NOTHING_TO_DELETE = (
    "DeleteBucketCors",
    "DeleteBucketEncryption",
    "DeleteBucketLifecycle",
    "DeleteBucketOwnershipControls",
    "DeleteBucketPolicy",
    "DeleteBucketReplication",
    "DeleteBucketWebsite",
    "DeletePublicAccessBlock",
)


async def _say_absent(call: Call) -> Answer:
    call.authorise()
    bucket = call.bucket()
    code, message = _ABSENT[call.operation]
    raise Refusal(code, message, BucketName=bucket.name)


async def _say_empty(call: Call) -> Answer:
    call.authorise()
    call.bucket()
    root, fields = _EMPTY[call.operation]
    return xml_answer(root, fields)


async def _list_none(call: Call) -> Answer:
    """`ListBucketMetricsConfigurations` and its kin, of which S3 names the root a little differently."""
    call.authorise()
    call.bucket()
    root = call.operation.removesuffix("s").replace("ListBucket", "List") + "Result"
    return xml_answer(root, [("IsTruncated", False)])


async def _no_such_configuration(call: Call) -> Answer:
    call.authorise()
    call.bucket()
    raise Refusal("NoSuchConfiguration", "The specified configuration does not exist.")


async def _delete_nothing(call: Call) -> Answer:
    call.authorise()
    call.bucket()
    return Answer(204)


async def get_bucket_tags(call: Call) -> Answer:
    call.authorise()
    bucket = call.bucket()
    tags = bucket.settings.get("tags")
    if not tags:
        raise Refusal("NoSuchTagSet", "The TagSet does not exist", BucketName=bucket.name)
    return xml_answer("Tagging", [("TagSet", xml_tags(tags.items()))])


def xml_tags(tags: Iterable[tuple[str, str]]) -> list[tuple[str, object]]:
    return [("Tag", [("Key", name), ("Value", value)]) for name, value in tags]


def read_tags(tag_set: xml.Element | None) -> dict[str, str]:
    """The tags in a `<TagSet>`, or in `<Tags>`, which holds the same."""
    found = tag_set.all("Tag") if tag_set is not None else []
    return check_tags([(tag.value("Key") or "", tag.value("Value") or "") for tag in found])


async def put_bucket_tags(call: Call) -> Answer:
    call.authorise()
    tags = read_tags(xml.parse(await call.document(), "Tagging").get("TagSet"))
    return await _keep_tags(call, tags, 200)


async def delete_bucket_tags(call: Call) -> Answer:
    call.authorise()
    return await _keep_tags(call, None, 204)


async def _keep_tags(call: Call, tags: dict[str, str] | None, status: int) -> Answer:
    await call.run(call.engine.buckets.change, call.request.bucket_name, settings={"tags": tags})
    return Answer(status)


CONFIGURATIONS: dict[str, Handler] = {
    **dict.fromkeys(_ABSENT, _say_absent),
    **dict.fromkeys(_EMPTY, _say_empty),
    **{f"ListBucket{kind}Configurations": _list_none for kind in _OF_MANY},
    **{f"GetBucket{kind}Configuration": _no_such_configuration for kind in _OF_MANY},
    **dict.fromkeys(_NOTHING_TO_DELETE, _delete_nothing),
    "DeleteBucketTagging": delete_bucket_tags,
    "GetBucketTagging": get_bucket_tags,
    "PutBucketTagging": put_bucket_tags,
}
