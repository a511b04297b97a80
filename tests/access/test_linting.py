from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given

from explorer.access import lint, read_stored
from tests.access.making import document, policies, statement

NOON = datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC)
UNTIL = {"DateLessThan": {"aws:CurrentTime": "2026-06-01T00:00:00Z"}}


def codes(*told: dict[str, Any]) -> set[str]:
    return {finding.code for finding in lint(read_stored(json.dumps(document(*told))), now=NOON)}


@pytest.mark.parametrize(
    ("told", "code"),
    [
        (statement(Resource="arn:aws:s3:::b"), "object-action-on-bucket"),
        (statement(Action="s3:ListBucket", Resource="arn:aws:s3:::b/*"), "bucket-action-on-objects"),
        (statement(Action="s3:CompleteMultipartUpload"), "unsupported-action"),
        (statement(Resource="*"), "every-bucket"),
        (statement(Action="s3:*"), "every-action"),
        (statement(NotResource="arn:aws:s3:::b"), "allow-not-resource"),
        ({"Effect": "Allow", "NotAction": "s3:PutObject", "Resource": "*"}, "allow-not-action"),
        (statement(), "no-conditions"),
        (statement(), "no-list"),
        (statement(Action="s3:PutObject"), "no-abort"),
        (statement(Action="s3:PutObject"), "no-list-parts"),
        (statement(Action="s3:PutObjectAcl"), "can-publish"),
        (statement(Condition={"StringEquals": {"s3:prefix": "x"}}), "unknown-condition"),
        (statement(Condition={"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}), "every-address"),
        (statement(Condition={"DateLessThan": {"aws:CurrentTime": "2020-01-01"}}), "expired"),
        (
            statement(
                Condition={
                    "DateGreaterThan": {"aws:CurrentTime": "2027-01-01"},
                    "DateLessThan": {"aws:CurrentTime": "2026-01-01"},
                }
            ),
            "empty-window",
        ),
    ],
)
def test_each_mistake_is_found_and_can_be_made_good(told: dict[str, Any], code: str) -> None:
    assert code in codes(told)
    sound = [
        statement(Condition=UNTIL),
        statement(
            Action=["s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"],
            Condition=UNTIL,
        ),
        statement(Action="s3:ListBucket", Resource="arn:aws:s3:::a", Condition=UNTIL),
    ]  # fmt: skip
    assert codes(*sound) == set()


def test_the_training_job_example_of_the_tigris_docs() -> None:
    """Its text says time-bound and write-only; the reads never expire, two actions should not be there."""
    bucket = ["arn:aws:s3:::out", "arn:aws:s3:::out/*"]
    read = statement(
        Action=["s3:GetObject", "s3:ListBucket"], Resource=["arn:aws:s3:::data", "arn:aws:s3:::data/*"]
    )
    write = statement(
        Action=["s3:GetObject", "s3:ListBucket", "s3:PutObject", "s3:PutObjectAcl", "s3:AbortMultipartUpload",
                "s3:ListMultipartUploadParts", "s3:CompleteMultipartUpload"],
        Resource=bucket,
        Condition=UNTIL,
    )  # fmt: skip
    assert codes(read, write) == {"condition-missing", "unsupported-action", "can-publish"}


@given(policies)
def test_linting_never_fails(told: dict[str, Any]) -> None:
    assert all(finding.hint for finding in lint(read_stored(json.dumps(told)), now=NOON))
