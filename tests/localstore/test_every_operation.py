"""Every operation that botocore knows: served, and parsed by botocore to what is so, or refused by its name."""

from __future__ import annotations

import datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from explorer.localstore import Running
from tests.localstore.conftest import make_client
from tests.localstore.s3_operations import MODEL, SERVED, Place

IAM_MODEL = boto3.session.Session().client("iam", region_name="us-east-1").meta.service_model
ABSENT = {
    "GetBucketCors": "NoSuchCORSConfiguration",
    "GetBucketEncryption": "ServerSideEncryptionConfigurationNotFoundError",
    "GetBucketLifecycle": "NoSuchLifecycleConfiguration",
    "GetBucketLifecycleConfiguration": "NoSuchLifecycleConfiguration",
    "GetBucketOwnershipControls": "OwnershipControlsNotFoundError",
    "GetBucketPolicy": "NoSuchBucketPolicy",
    "GetBucketReplication": "ReplicationConfigurationNotFoundError",
    "GetBucketWebsite": "NoSuchWebsiteConfiguration",
    "GetObjectLockConfiguration": "ObjectLockConfigurationNotFoundError",
    "GetPublicAccessBlock": "NoSuchPublicAccessBlockConfiguration",
    "GetBucketAnalyticsConfiguration": "NoSuchConfiguration",
    "GetBucketIntelligentTieringConfiguration": "NoSuchConfiguration",
    "GetBucketInventoryConfiguration": "NoSuchConfiguration",
    "GetBucketMetricsConfiguration": "NoSuchConfiguration",
}
"""What S3 says of a bucket that has no such configuration."""
ANOTHER_SERVICE = {"ListDirectoryBuckets", "WriteGetObjectResponse"}
"""Signed for s3express and s3-object-lambda, which are no part of S3."""
ANOTHER_NAME = {
    "PutBucketLifecycle": "PutBucketLifecycleConfiguration",
    "PutBucketNotification": "PutBucketNotificationConfiguration",
}


def example(shape: Any) -> Any:
    """The least that the model takes for a shape."""
    match shape.type_name:
        case "structure" if getattr(shape, "is_tagged_union", False):
            name = next(iter(shape.members))
            return {name: example(shape.members[name])}
        case "structure":
            return {name: example(shape.members[name]) for name in shape.required_members}
        case "list":
            return [example(shape.member)]
        case "map":
            return {}
        case "boolean":
            return True
        case "integer" | "long":
            return 1
        case "timestamp":
            return datetime.datetime(2030, 1, 1, tzinfo=datetime.UTC)
        case "blob":
            return b"x"
    return shape.enum[0] if getattr(shape, "enum", None) else "x" * shape.metadata.get("min", 1)


@pytest.mark.parametrize("operation", MODEL.operation_names)
def test_an_operation_of_s3_is_served_or_refused_by_name(
    operation: str, place: Place, server: Running
) -> None:
    if operation in SERVED:
        assert SERVED[operation](place)
        return
    shape = MODEL.operation_model(operation).input_shape
    params = example(shape) if shape else {}
    params |= {name: value for name, value in (("Bucket", place.bucket), ("Key", "k")) if name in params}
    before = place.client.list_object_versions(Bucket=place.bucket)["Versions"]
    with pytest.raises(ClientError) as error:
        call_by_name(make_client(server, inject_host_prefix=False), operation, params)
    told = error.value.response["Error"]
    if operation in ANOTHER_SERVICE:
        assert told["Code"] == "AuthorizationHeaderMalformed"
    elif operation in ABSENT:
        assert told["Code"] == ABSENT[operation]
    else:
        assert told["Code"] == "NotImplemented"
        assert ANOTHER_NAME.get(operation, operation) in told["Message"]
        assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    after = place.client.list_object_versions(Bucket=place.bucket)["Versions"]
    assert before == after, "what is refused changes nothing"


def call_by_name(client: Any, operation: str, params: dict[str, Any]) -> Any:
    method = next(method for method, api in client.meta.method_to_api_mapping.items() if api == operation)
    return getattr(client, method)(**params)


IAM_SERVED = {
    "AttachUserPolicy",
    "CreateAccessKey",
    "CreatePolicy",
    "DeleteAccessKey",
    "DeletePolicy",
    "DetachUserPolicy",
    "GetPolicy",
    "GetPolicyVersion",
    "ListAccessKeys",
    "ListAttachedUserPolicies",
    "ListEntitiesForPolicy",
    "ListPolicies",
    "ListUserPolicies",
    "UpdateAccessKey",
}
"""Parsed and looked at in test_iam_calls.py."""


def test_every_other_operation_of_iam_is_refused_by_name(server: Running) -> None:
    iam = make_client(server, "iam", parameter_validation=False)
    assert set(IAM_MODEL.operation_names) >= IAM_SERVED
    for operation in sorted(set(IAM_MODEL.operation_names) - IAM_SERVED):
        with pytest.raises(ClientError) as error:
            call_by_name(iam, operation, {})
        assert error.value.response["Error"]["Code"] == "NotImplemented"
        assert operation in error.value.response["Error"]["Message"]
