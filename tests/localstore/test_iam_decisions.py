"""Every request is decided: nothing is open by accident, and what a policy says holds on the wire."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import boto3
import pytest
import tigris_boto3_ext
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from explorer.access import Preset, Window, job_policy
from explorer.localstore import Running, status
from explorer.localstore.wire.app import HANDLERS

BUCKET = "iam-decisions"
REQUESTS: dict[str, tuple[str, str, dict[str, str]]] = {
    "AbortMultipartUpload": ("DELETE", f"/{BUCKET}/k?uploadId=u", {}),
    "CheckStore": ("POST", "/?store=check", {}),
    "CompleteMultipartUpload": ("POST", f"/{BUCKET}/k?uploadId=u", {}),
    "CopyObject": ("PUT", f"/{BUCKET}/copy", {"x-amz-copy-source": f"/{BUCKET}/k"}),
    "CreateBucket": ("PUT", "/iam-decisions-new", {}),
    "CreateMultipartUpload": ("POST", f"/{BUCKET}/k?uploads=", {}),
    "DeleteBucket": ("DELETE", f"/{BUCKET}", {}),
    "DeleteObject": ("DELETE", f"/{BUCKET}/k", {}),
    "DeleteObjectTagging": ("DELETE", f"/{BUCKET}/k?tagging=", {}),
    "DeleteSnapshot": ("DELETE", f"/{BUCKET}", {"x-tigris-snapshot-version": "1700000000000000000"}),
    "ForkBucket": ("PUT", "/iam-decisions-fork", {"x-tigris-fork-source-bucket": BUCKET}),
    "GetBucketLocation": ("GET", f"/{BUCKET}?location=", {}),
    "GetBucketMetadata": ("GET", f"/{BUCKET}?metadata=", {"accept": "application/json"}),
    "GetBucketVersioning": ("GET", f"/{BUCKET}?versioning=", {}),
    "GetObject": ("GET", f"/{BUCKET}/k", {}),
    "GetObjectAcl": ("GET", f"/{BUCKET}/k?acl=", {}),
    "GetObjectAttributes": ("GET", f"/{BUCKET}/k?attributes=", {"x-amz-object-attributes": "ETag"}),
    "GetObjectTagging": ("GET", f"/{BUCKET}/k?tagging=", {}),
    "HeadBucket": ("HEAD", f"/{BUCKET}", {}),
    "HeadObject": ("HEAD", f"/{BUCKET}/k", {}),
    "ListBuckets": ("GET", "/", {}),
    "ListForks": ("GET", "/", {"x-tigris-fork": BUCKET, "accept": "application/json"}),
    "ListMultipartUploads": ("GET", f"/{BUCKET}?uploads=", {}),
    "ListObjectVersions": ("GET", f"/{BUCKET}?versions=", {}),
    "ListObjects": ("GET", f"/{BUCKET}", {}),
    "ListObjectsV2": ("GET", f"/{BUCKET}?list-type=2", {}),
    "ListParts": ("GET", f"/{BUCKET}/k?uploadId=u", {}),
    "ListSnapshots": ("GET", "/", {"x-tigris-snapshot": BUCKET}),
    "MergeFork": ("PUT", f"/{BUCKET}", {"x-tigris-merge-source-bucket": "iam-decisions-fork"}),
    "PutObject": ("PUT", f"/{BUCKET}/k", {}),
    "PutObjectAcl": ("PUT", f"/{BUCKET}/k?acl=", {"x-amz-acl": "private"}),
    "PutObjectTagging": ("PUT", f"/{BUCKET}/k?tagging=", {}),
    "RebaseFork": ("PUT", f"/{BUCKET}", {"x-tigris-rebase": "true"}),
    "RenameObject": (
        "PUT",
        f"/{BUCKET}/new",
        {"x-amz-copy-source": f"/{BUCKET}/k", "x-tigris-rename": "true"},
    ),
    "SweepStore": ("POST", "/?store=gc", {}),
    "TakeSnapshot": ("PUT", f"/{BUCKET}", {"x-tigris-snapshot": "true"}),
    "UpdateBucket": ("PATCH", f"/{BUCKET}", {"accept": "application/json"}),
    "UploadPart": ("PUT", f"/{BUCKET}/k?uploadId=u&partNumber=1", {}),
    "UploadPartCopy": ("PUT", f"/{BUCKET}/k?uploadId=u&partNumber=1", {"x-amz-copy-source": f"/{BUCKET}/k"}),
}
ON_THE_BUCKET = {
    "accelerate": ["GetBucketAccelerateConfiguration"],
    "acl": ["GetBucketAcl", "PutBucketAcl"],
    "analytics": ["ListBucketAnalyticsConfigurations"],
    "analytics&id=x": ["GetBucketAnalyticsConfiguration"],
    "cors": ["GetBucketCors", "DeleteBucketCors"],
    "encryption": ["GetBucketEncryption", "DeleteBucketEncryption"],
    "intelligent-tiering": ["ListBucketIntelligentTieringConfigurations"],
    "intelligent-tiering&id=x": ["GetBucketIntelligentTieringConfiguration"],
    "inventory": ["ListBucketInventoryConfigurations"],
    "inventory&id=x": ["GetBucketInventoryConfiguration"],
    "lifecycle": ["GetBucketLifecycleConfiguration", "DeleteBucketLifecycle"],
    "logging": ["GetBucketLogging"],
    "metrics": ["ListBucketMetricsConfigurations"],
    "metrics&id=x": ["GetBucketMetricsConfiguration"],
    "notification": ["GetBucketNotificationConfiguration"],
    "object-lock": ["GetObjectLockConfiguration"],
    "ownershipControls": ["GetBucketOwnershipControls", "DeleteBucketOwnershipControls"],
    "policy": ["GetBucketPolicy", "DeleteBucketPolicy"],
    "policyStatus": ["GetBucketPolicyStatus"],
    "publicAccessBlock": ["GetPublicAccessBlock", "DeletePublicAccessBlock"],
    "replication": ["GetBucketReplication", "DeleteBucketReplication"],
    "requestPayment": ["GetBucketRequestPayment"],
    "tagging": ["GetBucketTagging", "PutBucketTagging", "DeleteBucketTagging"],
    "website": ["GetBucketWebsite", "DeleteBucketWebsite"],
}
VERBS = {"Get": "GET", "List": "GET", "Put": "PUT", "Delete": "DELETE"}
REQUESTS |= {
    name: (next(verb for word, verb in VERBS.items() if name.startswith(word)), f"/{BUCKET}?{query}", {})
    for query, names in ON_THE_BUCKET.items()
    for name in names
}
ELSEWHERE = ("Presign", "DeleteObjects", "BundleObjects", "PostObject")
"""Presigning gives nothing that the key does not have; forms are signed inside, see test_posting; the others
refuse key by key: tested below."""


@pytest.fixture(scope="module")
def running(store_folder: Path) -> Running:
    found = status(store_folder)
    assert found is not None
    return found


def client(running: Running, service: str = "s3", key: tuple[str, str] | None = None) -> Any:
    id_, secret = key or (running.access_key, running.secret_key)
    return boto3.client(
        service,
        endpoint_url=running.endpoint,
        aws_access_key_id=id_,
        aws_secret_access_key=secret,
        region_name="auto",
    )


@pytest.fixture(scope="module", autouse=True)
def bucket(running: Running) -> None:
    request(
        "PUT",
        f"/{BUCKET}",
        {"x-tigris-enable-snapshot": "true"},
        running,
        (running.access_key, running.secret_key),
    )
    client(running).put_object(Bucket=BUCKET, Key="k", Body=b"kept")


def new_key(
    running: Running, policy: Mapping[str, Any] | None = None, roles: tuple[tuple[str, str], ...] = ()
) -> tuple[str, str]:
    told = {"name": "decided", "buckets_role": [{"bucket": b, "role": r} for b, r in roles]}
    form = urlencode({"Req": json.dumps(told)}).encode()
    headers = {"accept": "application/json", "content-type": "application/x-www-form-urlencoded"}
    owner = (running.access_key, running.secret_key)
    _, body = request("POST", "/?Action=CreateAccessKeyWithBucketsRole", headers, running, owner, form)
    made = json.loads(body)["CreateAccessKeyResult"]["AccessKey"]
    if policy is not None:
        iam = client(running, "iam")
        arn = iam.create_policy(PolicyName=f"for-{made['AccessKeyId']}", PolicyDocument=json.dumps(policy))[
            "Policy"
        ]["Arn"]
        iam.attach_user_policy(UserName=made["AccessKeyId"], PolicyArn=arn)
    return made["AccessKeyId"], made["SecretAccessKey"]


def request(
    method: str,
    path: str,
    headers: Mapping[str, str],
    running: Running,
    key: tuple[str, str],
    body: bytes = b"",
) -> tuple[int, bytes]:
    signed = AWSRequest(method, running.endpoint + path, headers=dict(headers), data=body)
    S3SigV4Auth(Credentials(*key), "s3", "auto").add_auth(signed)
    sent = urllib.request.Request(signed.url, data=body or None, method=method, headers=dict(signed.headers))
    try:
        with urllib.request.urlopen(sent, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def refused(call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return str(caught.value.response["Error"]["Code"])


def test_every_operation_is_in_this_file() -> None:
    assert set(HANDLERS) == {*REQUESTS, *ELSEWHERE}


@pytest.mark.parametrize("name", sorted(REQUESTS))
def test_a_key_without_grants_can_do_nothing(name: str, running: Running) -> None:
    method, path, headers = REQUESTS[name]
    status_code, body = request(method, path, headers, running, new_key(running))
    assert status_code == 403
    assert method == "HEAD" or b"AccessDenied" in body
    assert client(running).get_object(Bucket=BUCKET, Key="k")["Body"].read() == b"kept"


def test_a_bundle_holds_only_what_may_be_read(running: Running) -> None:
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/mine/*"}
    s3 = client(running, key=new_key(running, {"Version": "2012-10-17", "Statement": [statement]}))
    client(running).put_object(Bucket=BUCKET, Key="mine/b", Body=b"mine")
    with tigris_boto3_ext.bundle_objects(s3, BUCKET, ["mine/b", "k"]) as bundle:
        assert (bundle.object_count, bundle.skipped_count) == (1, 1)
        data = bundle.read()
    assert b"AccessDenied" in data
    assert b"kept" not in data


def test_deleting_many_is_refused_key_by_key(running: Running) -> None:
    statement = {"Effect": "Allow", "Action": "s3:DeleteObject", "Resource": f"arn:aws:s3:::{BUCKET}/mine/*"}
    s3 = client(running, key=new_key(running, {"Version": "2012-10-17", "Statement": [statement]}))
    answer = s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": "mine/a"}, {"Key": "k"}]})
    assert [d["Key"] for d in answer["Deleted"]] == ["mine/a"]
    assert [(e["Key"], e["Code"]) for e in answer["Errors"]] == [("k", "AccessDenied")]


def test_a_presigned_url_can_do_what_its_key_can(running: Running) -> None:
    reader = client(running, key=new_key(running, roles=((BUCKET, "ReadOnly"),)))
    get = reader.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": "k"})
    put = reader.generate_presigned_url("put_object", Params={"Bucket": BUCKET, "Key": "k"})
    assert urllib.request.urlopen(get, timeout=10).read() == b"kept"
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(urllib.request.Request(put, data=b"x", method="PUT"), timeout=10)


def test_no_iam_call_is_open_to_a_key_without_role(running: Running) -> None:
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    for key in (new_key(running), new_key(running, everything)):
        iam = client(running, "iam", key)
        assert refused(iam.list_access_keys) == "AccessDenied"
        assert refused(iam.create_access_key, UserName="more") == "AccessDenied"
        assert (
            refused(iam.create_policy, PolicyName="more", PolicyDocument=json.dumps(everything))
            == "AccessDenied"
        )


def test_an_iam_call_whose_body_is_not_signed_is_refused(running: Running) -> None:
    headers = {"accept": "application/json", "x-amz-content-sha256": "UNSIGNED-PAYLOAD"}
    owner = (running.access_key, running.secret_key)
    signed = AWSRequest(
        "POST", running.endpoint + "/?Action=ListAccessKeys", headers=headers, data=b"MaxItems=1"
    )
    auth = S3SigV4Auth(Credentials(*owner), "s3", "auto")
    auth.payload = lambda _: "UNSIGNED-PAYLOAD"
    auth.add_auth(signed)
    sent = urllib.request.Request(signed.url, data=b"MaxItems=1", method="POST", headers=dict(signed.headers))
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(sent, timeout=10)


class TestRoles:
    def test_an_editor_of_one_bucket_edits_that_bucket(self, running: Running) -> None:
        s3 = client(running, key=new_key(running, roles=((BUCKET, "Editor"),)))
        s3.put_object(Bucket=BUCKET, Key="edited", Body=b"x")
        s3.delete_object(Bucket=BUCKET, Key="edited")
        assert [b["Name"] for b in s3.list_buckets()["Buckets"]] == [BUCKET]
        assert refused(s3.create_bucket, Bucket="iam-decisions-other") == "AccessDenied"

    def test_a_reader_reads_snapshots_and_forks(self, running: Running) -> None:
        key = new_key(running, roles=((BUCKET, "ReadOnly"),))
        s3 = client(running, key=key)
        assert s3.get_object(Bucket=BUCKET, Key="k")["Body"].read() == b"kept"
        assert refused(s3.put_object, Bucket=BUCKET, Key="k", Body=b"x") == "AccessDenied"
        assert request("PUT", f"/{BUCKET}", {"x-tigris-snapshot": "true"}, running, key)[0] == 200
        fork = {"x-tigris-fork-source-bucket": BUCKET}
        assert request("PUT", "/iam-decisions-readers-fork", fork, running, key)[0] == 200
        assert refused(s3.list_objects_v2, Bucket="iam-decisions-readers-fork") == "AccessDenied"

    def test_an_admin_may_do_everything_but_touch_the_owner(self, running: Running) -> None:
        key = new_key(running, roles=(("*", "NamespaceAdmin"),))
        client(running, key=key).put_object(Bucket=BUCKET, Key="by-admin", Body=b"x")
        iam = client(running, "iam", key)
        iam.delete_access_key(AccessKeyId=iam.create_access_key(UserName="x")["AccessKey"]["AccessKeyId"])
        assert refused(iam.delete_access_key, AccessKeyId=running.access_key) == "AccessDenied"


class TestPolicies:
    def test_a_job_writes_its_fork_and_nothing_else(self, running: Running) -> None:
        window = Window.lasting(1, now=datetime.now(UTC), source_ips=["127.0.0.0/8"])
        policy = job_policy(Preset.OWN_FORK, window, writes=BUCKET).to_json()
        key = new_key(running, policy)
        s3 = client(running, key=key)
        s3.put_object(Bucket=BUCKET, Key="job/step", Body=b"x")
        assert s3.get_object(Bucket=BUCKET, Key="job/step")["Body"].read() == b"x"
        upload = s3.create_multipart_upload(Bucket=BUCKET, Key="job/big")["UploadId"]
        part = {"Bucket": BUCKET, "Key": "job/big", "UploadId": upload}
        etag = s3.upload_part(**part, PartNumber=1, Body=b"x" * 10)["ETag"]
        s3.complete_multipart_upload(**part, MultipartUpload={"Parts": [{"ETag": etag, "PartNumber": 1}]})
        assert request("PUT", f"/{BUCKET}", {"x-tigris-snapshot": "true"}, running, key)[0] == 200
        assert refused(s3.delete_object, Bucket=BUCKET, Key="k") == "AccessDenied"
        assert refused(s3.delete_bucket, Bucket=BUCKET) == "AccessDenied"
        assert refused(s3.list_buckets) == "AccessDenied"
        fork = {"x-tigris-fork-source-bucket": BUCKET}
        assert request("PUT", "/iam-decisions-jobs-fork", fork, running, key)[0] == 403

    @pytest.mark.parametrize(
        ("hours", "ips"), [(-1, ["127.0.0.0/8"]), (1, ["10.0.0.0/8"]), (1, ["2001:db8::/32"])]
    )
    def test_after_its_window_or_from_elsewhere_a_job_can_do_nothing(
        self, running: Running, hours: int, ips: list[str]
    ) -> None:
        now = datetime.now(UTC)
        window = Window(now - timedelta(hours=3), now + timedelta(hours=hours), tuple(ips))
        s3 = client(
            running, key=new_key(running, job_policy(Preset.OWN_FORK, window, writes=BUCKET).to_json())
        )
        assert refused(s3.put_object, Bucket=BUCKET, Key="late", Body=b"x") == "AccessDenied"

    def test_write_only_cannot_tell_a_missing_key_from_one_that_is_there(self, running: Running) -> None:
        window = Window.lasting(1, now=datetime.now(UTC))
        writer = client(
            running, key=new_key(running, job_policy(Preset.WRITE_ONLY, window, writes=BUCKET).to_json())
        )
        writer.put_object(Bucket=BUCKET, Key="written", Body=b"x")
        assert refused(writer.head_object, Bucket=BUCKET, Key="written") == "403"
        assert refused(writer.head_object, Bucket=BUCKET, Key="missing") == "403"
        get_only = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/*"}
        reader = client(running, key=new_key(running, {"Version": "2012-10-17", "Statement": [get_only]}))
        assert reader.get_object(Bucket=BUCKET, Key="k")["Body"].read() == b"kept"
        assert refused(reader.get_object, Bucket=BUCKET, Key="missing") == "AccessDenied"

    def test_copying_from_a_closed_bucket_is_refused(self, running: Running) -> None:
        client(running).create_bucket(Bucket="iam-decisions-closed")
        client(running).put_object(Bucket="iam-decisions-closed", Key="secret", Body=b"x")
        s3 = client(running, key=new_key(running, roles=((BUCKET, "Editor"),)))
        source = {"Bucket": "iam-decisions-closed", "Key": "secret"}
        assert refused(s3.copy_object, Bucket=BUCKET, Key="stolen", CopySource=source) == "AccessDenied"
        upload = s3.create_multipart_upload(Bucket=BUCKET, Key="stolen")["UploadId"]
        part = {"Bucket": BUCKET, "Key": "stolen", "UploadId": upload, "PartNumber": 1}
        assert refused(s3.upload_part_copy, **part, CopySource=source) == "AccessDenied"

    @pytest.mark.parametrize(
        ("pattern", "inside", "outside"),
        [
            ("a b/*", "a b/ü+%2F", "a+b/x"),
            ("wild/[x]*", "wild/[x]1", "wild/x1"),
            ("deep/*", "deep//../x", "deep"),
            ("q/?", "q/*", "q/ab"),
            ("\u03a9/*", "\u03a9/1", "\u2126/1"),  # U+03A9 and U+2126: alike, and not the same key
        ],
    )
    def test_keys_are_compared_as_they_are(
        self, running: Running, pattern: str, inside: str, outside: str
    ) -> None:
        statement = {
            "Effect": "Allow",
            "Action": "s3:PutObject",
            "Resource": f"arn:aws:s3:::{BUCKET}/{pattern}",
        }
        s3 = client(running, key=new_key(running, {"Version": "2012-10-17", "Statement": [statement]}))
        s3.put_object(Bucket=BUCKET, Key=inside, Body=b"x")
        assert refused(s3.put_object, Bucket=BUCKET, Key=outside, Body=b"x") == "AccessDenied"
