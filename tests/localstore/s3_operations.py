"""What botocore must read out of the answer to every operation of S3 that the store serves."""

from __future__ import annotations

import datetime
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

MODEL = boto3.session.Session().client("s3", region_name="us-east-1").meta.service_model
MIB = 2**20


@dataclass
class Place:
    """A bucket with snapshots and something in it: `k` (tagged), `big` in two parts, an upload with a part."""

    client: Any
    bucket: str
    upload: str
    part: str


Check = Callable[[Place], object]
OWNER = {"ID": "local", "DisplayName": "local"}
SERVED: dict[str, Check] = {}
"""What must come out of botocore's parser; each check fails by itself or returns a false value."""


def served(check: Check) -> Check:
    name = "".join(word.capitalize() for word in check.__name__.split("_"))
    exact = next(each for each in MODEL.operation_names if each.lower() == name.lower())
    SERVED[exact] = check
    return check


def delete_of_nothing(method: str) -> Check:
    def check(p: Place) -> object:
        answer = getattr(p.client, method)(Bucket=p.bucket)
        return answer["ResponseMetadata"]["HTTPStatusCode"] == 204

    return check


SERVED |= {
    "DeleteBucketCors": delete_of_nothing("delete_bucket_cors"),
    "DeleteBucketEncryption": delete_of_nothing("delete_bucket_encryption"),
    "DeleteBucketLifecycle": delete_of_nothing("delete_bucket_lifecycle"),
    "DeleteBucketOwnershipControls": delete_of_nothing("delete_bucket_ownership_controls"),
    "DeleteBucketPolicy": delete_of_nothing("delete_bucket_policy"),
    "DeleteBucketReplication": delete_of_nothing("delete_bucket_replication"),
    "DeleteBucketWebsite": delete_of_nothing("delete_bucket_website"),
    "DeletePublicAccessBlock": delete_of_nothing("delete_public_access_block"),
}


def complete(p: Place) -> Any:
    parts = {"Parts": [{"PartNumber": 1, "ETag": p.part}]}
    return p.client.complete_multipart_upload(
        Bucket=p.bucket, Key="dir/up", UploadId=p.upload, MultipartUpload=parts
    )


def keys(p: Place) -> list[str]:
    return [each["Key"] for each in p.client.list_objects_v2(Bucket=p.bucket).get("Contents", ())]


@served
def abort_multipart_upload(p: Place) -> object:
    p.client.abort_multipart_upload(Bucket=p.bucket, Key="dir/up", UploadId=p.upload)
    return "Uploads" not in p.client.list_multipart_uploads(Bucket=p.bucket)


@served
def complete_multipart_upload(p: Place) -> object:
    made = complete(p)
    assert made["ETag"].endswith('-1"')
    assert (made["Bucket"], made["Key"]) == (p.bucket, "dir/up")
    return p.client.get_object(Bucket=p.bucket, Key="dir/up")["Body"].read() == b"part"


@served
def copy_object(p: Place) -> object:
    made = p.client.copy_object(Bucket=p.bucket, Key="c", CopySource=f"{p.bucket}/k")
    head = p.client.head_object(Bucket=p.bucket, Key="c")
    assert made["CopyObjectResult"]["ETag"] == head["ETag"]
    assert made["VersionId"] == head["VersionId"] > made["CopySourceVersionId"]
    return head["Metadata"] == {"m": "x"}


@served
def create_bucket(p: Place) -> object:
    configuration = {"Tags": [{"Key": "team", "Value": "a"}]}
    made = p.client.create_bucket(Bucket=f"{p.bucket}-2", CreateBucketConfiguration=configuration)
    tags = p.client.get_bucket_tagging(Bucket=f"{p.bucket}-2")["TagSet"]
    return made["Location"] == f"/{p.bucket}-2" and tags == configuration["Tags"]


@served
def create_multipart_upload(p: Place) -> object:
    made = p.client.create_multipart_upload(Bucket=p.bucket, Key="n", ChecksumAlgorithm="SHA256")
    assert (made["Bucket"], made["Key"], made["ChecksumAlgorithm"]) == (p.bucket, "n", "SHA256")
    return made["UploadId"]


@served
def delete_bucket(p: Place) -> object:
    p.client.create_bucket(Bucket=f"{p.bucket}-2")
    p.client.delete_bucket(Bucket=f"{p.bucket}-2")
    return f"{p.bucket}-2" not in [each["Name"] for each in p.client.list_buckets()["Buckets"]]


@served
def delete_bucket_tagging(p: Place) -> object:
    put_bucket_tagging(p)
    p.client.delete_bucket_tagging(Bucket=p.bucket)
    with pytest.raises(ClientError, match="NoSuchTagSet"):
        p.client.get_bucket_tagging(Bucket=p.bucket)
    return True


@served
def delete_object(p: Place) -> object:
    gone = p.client.delete_object(Bucket=p.bucket, Key="k")
    assert gone["DeleteMarker"] is True
    brought_back = p.client.delete_object(Bucket=p.bucket, Key="k", VersionId=gone["VersionId"])
    return brought_back["DeleteMarker"] is True and keys(p) == ["k"]


@served
def delete_object_tagging(p: Place) -> object:
    p.client.delete_object_tagging(Bucket=p.bucket, Key="k")
    return p.client.get_object_tagging(Bucket=p.bucket, Key="k")["TagSet"] == []


@served
def delete_objects(p: Place) -> object:
    wanted = {"Objects": [{"Key": "k"}, {"Key": "none", "VersionId": "x"}]}
    told = p.client.delete_objects(Bucket=p.bucket, Delete=wanted)
    assert [each["Key"] for each in told["Deleted"]] == ["k"]
    return [each["Code"] for each in told["Errors"]] == ["InvalidArgument"]


@served
def get_bucket_accelerate_configuration(p: Place) -> object:
    return "Status" not in p.client.get_bucket_accelerate_configuration(Bucket=p.bucket)


@served
def get_bucket_acl(p: Place) -> object:
    return is_owners_alone(p.client.get_bucket_acl(Bucket=p.bucket))


def is_owners_alone(acl: Any) -> bool:
    (grant,) = acl["Grants"]
    assert grant == {"Grantee": {**OWNER, "Type": "CanonicalUser"}, "Permission": "FULL_CONTROL"}
    return acl["Owner"] == OWNER


@served
def get_bucket_location(p: Place) -> object:
    return p.client.get_bucket_location(Bucket=p.bucket)["LocationConstraint"] == "auto"


@served
def get_bucket_logging(p: Place) -> object:
    return "LoggingEnabled" not in p.client.get_bucket_logging(Bucket=p.bucket)


@served
def get_bucket_notification_configuration(p: Place) -> object:
    return set(p.client.get_bucket_notification_configuration(Bucket=p.bucket)) == {"ResponseMetadata"}


@served
def get_bucket_notification(p: Place) -> object:
    return set(p.client.get_bucket_notification(Bucket=p.bucket)) == {"ResponseMetadata"}


@served
def get_bucket_policy_status(p: Place) -> object:
    return p.client.get_bucket_policy_status(Bucket=p.bucket)["PolicyStatus"] == {"IsPublic": False}


@served
def get_bucket_request_payment(p: Place) -> object:
    return p.client.get_bucket_request_payment(Bucket=p.bucket)["Payer"] == "BucketOwner"


@served
def get_bucket_tagging(p: Place) -> object:
    with pytest.raises(ClientError, match="NoSuchTagSet"):
        p.client.get_bucket_tagging(Bucket=p.bucket)
    return put_bucket_tagging(p)


@served
def get_bucket_versioning(p: Place) -> object:
    return p.client.get_bucket_versioning(Bucket=p.bucket)["Status"] == "Enabled"


@served
def get_object(p: Place) -> object:
    got = p.client.get_object(Bucket=p.bucket, Key="k", Range="bytes=1-2")
    assert (got["ContentRange"], got["Body"].read()) == ("bytes 1-2/5", b"23")
    return isinstance(got["LastModified"], datetime.datetime)


@served
def get_object_acl(p: Place) -> object:
    return is_owners_alone(p.client.get_object_acl(Bucket=p.bucket, Key="k"))


@served
def get_object_attributes(p: Place) -> object:
    asked = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"]
    small = p.client.get_object_attributes(Bucket=p.bucket, Key="k", ObjectAttributes=asked)
    head = p.client.head_object(Bucket=p.bucket, Key="k", ChecksumMode="ENABLED")
    assert (small["ETag"], small["ObjectSize"]) == (head["ETag"].strip('"'), 5)
    assert small["Checksum"]["ChecksumCRC32"] == head["ChecksumCRC32"]
    assert (small["VersionId"], small["LastModified"]) == (head["VersionId"], head["LastModified"])
    assert (small["StorageClass"], "ObjectParts" in small) == ("STANDARD", False)
    only = p.client.get_object_attributes(Bucket=p.bucket, Key="k", ObjectAttributes=["ObjectSize"])
    assert only.keys() == {"ResponseMetadata", "LastModified", "VersionId", "ObjectSize"}
    data = io.BytesIO(b"x" * (9 * MIB))
    p.client.upload_fileobj(data, p.bucket, "big")
    answer = p.client.get_object_attributes(Bucket=p.bucket, Key="big", ObjectAttributes=asked, MaxParts=1)
    parts = answer["ObjectParts"]
    assert (parts["TotalPartsCount"], parts["IsTruncated"], parts["NextPartNumberMarker"]) == (2, True, 1)
    rest = p.client.get_object_attributes(
        Bucket=p.bucket, Key="big", ObjectAttributes=["ObjectParts"], PartNumberMarker=1
    )["ObjectParts"]
    assert not rest["IsTruncated"]
    return [(each["PartNumber"], each["Size"]) for each in parts["Parts"] + rest["Parts"]] == [
        (1, 8 * MIB),
        (2, 1 * MIB),
    ]


@served
def get_object_tagging(p: Place) -> object:
    return p.client.get_object_tagging(Bucket=p.bucket, Key="k")["TagSet"] == [{"Key": "a", "Value": "1"}]


@served
def head_bucket(p: Place) -> object:
    return p.client.head_bucket(Bucket=p.bucket)["BucketRegion"] == "auto"


@served
def head_object(p: Place) -> object:
    head = p.client.head_object(Bucket=p.bucket, Key="k")
    assert (head["ContentLength"], head["Metadata"], head["TagCount"]) == (5, {"m": "x"}, 1)
    return head["AcceptRanges"] == "bytes"


def none_are_listed(name: str) -> Check:
    def check(p: Place) -> object:
        return getattr(p.client, name)(Bucket=p.bucket)["IsTruncated"] is False

    return check


SERVED |= {
    "ListBucketAnalyticsConfigurations": none_are_listed("list_bucket_analytics_configurations"),
    "ListBucketIntelligentTieringConfigurations": none_are_listed(
        "list_bucket_intelligent_tiering_configurations"
    ),
    "ListBucketInventoryConfigurations": none_are_listed("list_bucket_inventory_configurations"),
    "ListBucketMetricsConfigurations": none_are_listed("list_bucket_metrics_configurations"),
}


@served
def list_buckets(p: Place) -> object:
    told = p.client.list_buckets(Prefix=p.bucket)
    assert told["Owner"] == OWNER
    assert p.client.list_buckets(Prefix=p.bucket, BucketRegion="eu-west-1")["Buckets"] == []
    return [each["Name"] for each in told["Buckets"]] == [p.bucket]


@served
def list_multipart_uploads(p: Place) -> object:
    (upload,) = p.client.list_multipart_uploads(Bucket=p.bucket)["Uploads"]
    return (upload["Key"], upload["UploadId"], upload["Owner"]) == ("dir/up", p.upload, OWNER)


@served
def list_object_versions(p: Place) -> object:
    p.client.delete_object(Bucket=p.bucket, Key="k")
    told = p.client.list_object_versions(Bucket=p.bucket)
    assert [each["IsLatest"] for each in told["DeleteMarkers"]] == [True]
    return [(each["Key"], each["IsLatest"], each["Size"]) for each in told["Versions"]] == [("k", False, 5)]


@served
def list_objects(p: Place) -> object:
    (item,) = p.client.list_objects(Bucket=p.bucket)["Contents"]
    return (item["Key"], item["Size"], item["Owner"]) == ("k", 5, OWNER)


@served
def list_objects_v2(p: Place) -> object:
    told = p.client.list_objects_v2(Bucket=p.bucket, FetchOwner=True)
    assert (told["KeyCount"], told["MaxKeys"], told["IsTruncated"]) == (1, 1000, False)
    return told["Contents"][0]["ChecksumAlgorithm"] == ["CRC32"]


@served
def list_parts(p: Place) -> object:
    told = p.client.list_parts(Bucket=p.bucket, Key="dir/up", UploadId=p.upload)
    return [(each["PartNumber"], each["ETag"], each["Size"]) for each in told["Parts"]] == [(1, p.part, 4)]


@served
def put_bucket_acl(p: Place) -> object:
    p.client.put_bucket_acl(Bucket=p.bucket, ACL="private")
    with pytest.raises(ClientError, match="PutBucketAcl with the header x-amz-acl is not implemented"):
        p.client.put_bucket_acl(Bucket=p.bucket, ACL="public-read")
    return True


@served
def put_bucket_tagging(p: Place) -> object:
    tags = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}]
    made = p.client.put_bucket_tagging(Bucket=p.bucket, Tagging={"TagSet": tags})
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 200, "MinIO's client for JavaScript takes no other"
    return p.client.get_bucket_tagging(Bucket=p.bucket)["TagSet"] == tags


@served
def put_object(p: Place) -> object:
    made = p.client.put_object(Bucket=p.bucket, Key="n", Body=b"x", ChecksumAlgorithm="SHA1")
    assert made["ChecksumSHA1"]
    return made["VersionId"] == p.client.head_object(Bucket=p.bucket, Key="n")["VersionId"]


@served
def put_object_acl(p: Place) -> object:
    p.client.put_object_acl(Bucket=p.bucket, Key="k", ACL="private")
    told = p.client.get_object_acl(Bucket=p.bucket, Key="k")
    again = {"Owner": told["Owner"], "Grants": told["Grants"]}
    p.client.put_object_acl(Bucket=p.bucket, Key="k", AccessControlPolicy=again)
    everyone = {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/global/AllUsers"}
    again["Grants"] = [*told["Grants"], {"Grantee": everyone, "Permission": "READ"}]
    with pytest.raises(ClientError, match="PutObjectAcl of anything but private"):
        p.client.put_object_acl(Bucket=p.bucket, Key="k", AccessControlPolicy=again)
    with pytest.raises(ClientError, match="NoSuchKey"):
        p.client.put_object_acl(Bucket=p.bucket, Key="none", ACL="private")
    return True


@served
def put_object_tagging(p: Place) -> object:
    tags = [{"Key": "b", "Value": "2"}]
    p.client.put_object_tagging(Bucket=p.bucket, Key="k", Tagging={"TagSet": tags})
    return p.client.get_object_tagging(Bucket=p.bucket, Key="k")["TagSet"] == tags


@served
def upload_part(p: Place) -> object:
    made = p.client.upload_part(Bucket=p.bucket, Key="dir/up", UploadId=p.upload, PartNumber=2, Body=b"12")
    told = p.client.list_parts(Bucket=p.bucket, Key="dir/up", UploadId=p.upload)["Parts"]
    return told[1]["ETag"] == made["ETag"]


@served
def upload_part_copy(p: Place) -> object:
    made = p.client.upload_part_copy(
        Bucket=p.bucket, Key="dir/up", UploadId=p.upload, PartNumber=1, CopySource=f"{p.bucket}/k"
    )
    p.part = made["CopyPartResult"]["ETag"]
    complete(p)
    return p.client.get_object(Bucket=p.bucket, Key="dir/up")["Body"].read() == b"12345"
