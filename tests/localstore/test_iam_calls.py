"""boto3's `iam` client against the local store: keys and policies."""

from __future__ import annotations

import contextlib
import json
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from explorer.localstore import Running, ensure_running, status, stop

ALLOW_PUT = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::put-only/*"}],
}


def client(running: Running, service: str, key: dict[str, Any] | None = None) -> Any:
    id_, secret = (
        (key["AccessKeyId"], key["SecretAccessKey"]) if key else (running.access_key, running.secret_key)
    )
    return boto3.client(
        service,
        endpoint_url=running.endpoint,
        aws_access_key_id=id_,
        aws_secret_access_key=secret,
        region_name="auto",
    )


@pytest.fixture
def running(store_folder: Path) -> Running:
    found = status(store_folder)
    assert found is not None
    return found


@pytest.fixture
def iam(running: Running) -> Any:
    return client(running, "iam")


@pytest.fixture
def key(iam: Any) -> Iterator[dict[str, Any]]:
    made: dict[str, Any] = iam.create_access_key(UserName="a-key")["AccessKey"]
    yield made
    with contextlib.suppress(iam.exceptions.NoSuchEntityException):
        iam.delete_access_key(AccessKeyId=made["AccessKeyId"])


@pytest.fixture
def policy(iam: Any, request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    name = f"p-{abs(hash(request.node.nodeid))}"
    made: dict[str, Any] = iam.create_policy(
        PolicyName=name, PolicyDocument=json.dumps(ALLOW_PUT), Description="puts"
    )["Policy"]
    yield made
    for user in iam.list_entities_for_policy(PolicyArn=made["Arn"])["PolicyUsers"]:
        iam.detach_user_policy(UserName=user["UserName"], PolicyArn=made["Arn"])
    iam.delete_policy(PolicyArn=made["Arn"])


def code(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])


def refused(call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return code(caught.value)


def test_a_key_lives_and_dies(running: Running, iam: Any, key: dict[str, Any]) -> None:
    listed = {k["AccessKeyId"]: k for k in iam.list_access_keys()["AccessKeyMetadata"]}
    assert listed[key["AccessKeyId"]]["Status"] == "Active"
    assert listed[running.access_key]["UserName"] == "owner"
    assert "SecretAccessKey" not in listed[key["AccessKeyId"]]
    mine = iam.list_access_keys(UserName=key["AccessKeyId"])["AccessKeyMetadata"]
    assert [k["UserName"] for k in mine] == ["a-key"]
    iam.delete_access_key(AccessKeyId=key["AccessKeyId"])
    assert key["AccessKeyId"] not in {k["AccessKeyId"] for k in iam.list_access_keys()["AccessKeyMetadata"]}
    assert refused(client(running, "s3", key).list_buckets) == "InvalidAccessKeyId"


def test_a_key_that_is_off_does_not_exist_until_it_is_on(
    running: Running, iam: Any, key: dict[str, Any]
) -> None:
    s3 = client(running, "s3", key)
    assert refused(s3.list_buckets) == "AccessDenied"
    iam.update_access_key(AccessKeyId=key["AccessKeyId"], Status="Inactive")
    assert refused(s3.list_buckets) == "InvalidAccessKeyId"
    iam.update_access_key(AccessKeyId=key["AccessKeyId"], Status="Active")
    assert refused(s3.list_buckets) == "AccessDenied"


def test_a_policy_gives_what_it_says_from_the_next_request_on(
    running: Running, iam: Any, key: dict[str, Any], policy: dict[str, Any]
) -> None:
    client(running, "s3").create_bucket(Bucket="put-only")
    s3 = client(running, "s3", key)
    put = {"Bucket": "put-only", "Key": "k", "Body": b"x"}
    assert refused(s3.put_object, **put) == "AccessDenied"
    iam.attach_user_policy(UserName=key["AccessKeyId"], PolicyArn=policy["Arn"])
    iam.attach_user_policy(UserName=key["AccessKeyId"], PolicyArn=policy["Arn"])
    s3.put_object(**put)
    assert refused(s3.get_object, Bucket="put-only", Key="k") == "AccessDenied"
    assert iam.list_user_policies(UserName=key["AccessKeyId"])["PolicyNames"] == [policy["PolicyName"]]
    assert refused(iam.delete_policy, PolicyArn=policy["Arn"]) == "DeleteConflict"
    iam.detach_user_policy(UserName=key["AccessKeyId"], PolicyArn=policy["Arn"])
    assert refused(s3.put_object, **put) == "AccessDenied"
    assert (
        refused(iam.detach_user_policy, UserName=key["AccessKeyId"], PolicyArn=policy["Arn"])
        == "NoSuchEntity"
    )


def test_a_policy_is_read_back_as_it_was_written(iam: Any, policy: dict[str, Any]) -> None:
    found = iam.get_policy(PolicyArn=policy["Arn"])["Policy"]
    assert (found["PolicyName"], found["Description"], found["AttachmentCount"]) == (
        policy["PolicyName"],
        "puts",
        0,
    )
    version = iam.get_policy_version(PolicyArn=policy["Arn"], VersionId=found["DefaultVersionId"])[
        "PolicyVersion"
    ]
    assert version["Document"] == ALLOW_PUT
    assert policy["Arn"] in {p["Arn"] for p in iam.list_policies()["Policies"]}
    assert policy["Arn"] not in {p["Arn"] for p in iam.list_policies(OnlyAttached=True)["Policies"]}
    again = {"PolicyName": policy["PolicyName"], "PolicyDocument": json.dumps(ALLOW_PUT)}
    assert refused(iam.create_policy, **again) == "EntityAlreadyExists"


def test_paging_shows_everything_once(iam: Any) -> None:
    made = [iam.create_access_key(UserName="paged")["AccessKey"]["AccessKeyId"] for _ in range(5)]
    pages = iam.get_paginator("list_access_keys").paginate(PaginationConfig={"PageSize": 1})
    seen = [k["AccessKeyId"] for page in pages for k in page["AccessKeyMetadata"]]
    assert len(seen) == len(set(seen))
    assert set(made) < set(seen)
    for id_ in made:
        iam.delete_access_key(AccessKeyId=id_)


@pytest.mark.parametrize(
    "change",
    [
        {"Version": "2008-10-17"},
        {"Statement": [ALLOW_PUT["Statement"][0] | {"Condition": {"StringEquals": {"s3:prefix": "x"}}}]},  # type: ignore[operator,index]
        {"Statement": [{"Effect": "Allow", "Action": "s3:CompleteMultipartUpload", "Resource": "*"}]},
        {"Statement": []},
    ],
)
def test_a_policy_that_cannot_be_judged_is_refused(iam: Any, change: dict[str, Any]) -> None:
    document = json.dumps(ALLOW_PUT | change)
    assert refused(iam.create_policy, PolicyName="bad", PolicyDocument=document) == "MalformedPolicyDocument"


def test_the_owner_cannot_be_locked_out(running: Running, iam: Any, policy: dict[str, Any]) -> None:
    owner = running.access_key
    assert refused(iam.delete_access_key, AccessKeyId=owner) == "AccessDenied"
    assert refused(iam.update_access_key, AccessKeyId=owner, Status="Inactive") == "AccessDenied"
    assert refused(iam.attach_user_policy, UserName=owner, PolicyArn=policy["Arn"]) == "AccessDenied"


def test_what_is_not_offered_says_so(iam: Any) -> None:
    assert refused(iam.create_user, UserName="somebody") == "NotImplemented"
    assert refused(iam.get_access_key_last_used, AccessKeyId="tid_0123456789abcdef") == "NotImplemented"


def test_unknown_names(iam: Any, key: dict[str, Any]) -> None:
    nothing = "arn:aws:iam::local:policy/nothing"
    assert refused(iam.get_policy, PolicyArn=nothing) == "NoSuchEntity"
    assert refused(iam.attach_user_policy, UserName=key["AccessKeyId"], PolicyArn=nothing) == "NoSuchEntity"
    assert refused(iam.delete_access_key, AccessKeyId="tid_0123456789abcdef") == "NoSuchEntity"
    assert refused(iam.list_user_policies, UserName="tid_0123456789abcdef") == "NoSuchEntity"


def test_a_wrong_secret_is_told_in_the_shape_that_the_client_reads(
    running: Running, key: dict[str, Any]
) -> None:
    wrong = client(running, "iam", key | {"SecretAccessKey": "tsec_wrong"})
    assert refused(wrong.list_access_keys) == "SignatureDoesNotMatch"


def test_everything_outlives_the_server_and_only_the_owner_can_read_it(tmp_path: Path) -> None:
    first = ensure_running(tmp_path)
    try:
        iam = client(first, "iam")
        key = iam.create_access_key(UserName="lasting")["AccessKey"]
        arn = iam.create_policy(PolicyName="lasting", PolicyDocument=json.dumps(ALLOW_PUT))["Policy"]["Arn"]
        iam.attach_user_policy(UserName=key["AccessKeyId"], PolicyArn=arn)
        client(first, "s3").create_bucket(Bucket="put-only")
        stop(tmp_path)
        second = ensure_running(tmp_path)
        client(second, "s3", key).put_object(Bucket="put-only", Key="k", Body=b"x")
        modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in first.folder.iterdir() if p.is_file()}
        secrets = {name: mode for name, mode in modes.items() if name.startswith(("meta.db", "owner.json"))}
        assert set(secrets.values()) == {0o600}, modes
    finally:
        stop(tmp_path)


def test_a_server_that_only_reads_hears_at_once_of_a_key_that_is_gone(tmp_path: Path) -> None:
    writer = ensure_running(tmp_path)
    reader = None
    try:
        iam = client(writer, "iam")
        client(writer, "s3").create_bucket(Bucket="put-only")
        key = iam.create_access_key(UserName="k")["AccessKey"]
        allow = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::put-only"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
        arn = iam.create_policy(PolicyName="list", PolicyDocument=document)["Policy"]["Arn"]
        iam.attach_user_policy(UserName=key["AccessKeyId"], PolicyArn=arn)
        command = [
            sys.executable,
            "-c",
            "import sys; from explorer.cli import main; sys.exit(main(sys.argv[1:]))",
        ]
        words = ["serve", "--foreground", "--read-only", "--port", "0", "--data", str(tmp_path)]
        reader = subprocess.Popen([*command, *words], stdout=subprocess.PIPE, text=True)
        assert reader.stdout is not None
        beside = replace(writer, endpoint=reader.stdout.readline().split()[-1])
        s3 = client(beside, "s3", key)
        s3.list_objects_v2(Bucket="put-only")
        iam.detach_user_policy(UserName=key["AccessKeyId"], PolicyArn=arn)
        assert refused(s3.list_objects_v2, Bucket="put-only") == "AccessDenied"
        iam.delete_access_key(AccessKeyId=key["AccessKeyId"])
        assert refused(s3.list_objects_v2, Bucket="put-only") == "InvalidAccessKeyId"
        assert refused(client(beside, "iam").create_access_key) == "ServiceUnavailable"
    finally:
        if reader is not None:
            reader.terminate()
            reader.wait()
        stop(tmp_path)
