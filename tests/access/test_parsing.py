from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.access import Effect, parse_policy, read_stored
from explorer.access.documents import NOTHING
from explorer.errors import BadInput
from tests.access.making import document, policies, statement


def text(*statements: Any) -> str:
    return json.dumps(document(*statements))


def test_a_policy_is_read() -> None:
    policy = parse_policy(
        text(
            statement(Sid="Read", Action=["s3:Get*", "s3:ListBucket"]),
            statement(
                Effect="Deny",
                Action="s3:PutObject",
                Condition={"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "2001:db8::/32"]}},
            ),
        )
    )
    first, second = policy.statements
    assert (first.effect, first.sid, first.actions) == (Effect.ALLOW, "Read", ("s3:Get*", "s3:ListBucket"))
    assert second.conditions[0].values == ("10.0.0.0/8", "2001:db8::/32")


def test_one_statement_need_not_be_a_list() -> None:
    assert len(parse_policy(json.dumps(document() | {"Statement": statement()})).statements) == 1


@pytest.mark.parametrize(
    ("told", "where"),
    [
        ([], None),
        ({"Version": "2008-10-17", "Statement": [statement()]}, "Version"),
        ({"Statement": [statement()]}, "Version"),
        (document(), "Statement"),
        (document(statement()) | {"Rules": []}, "Rules"),
        (document(statement(), "x"), "Statement[1]"),
        (document(statement(Effect="allow")), "Statement[0].Effect"),
        (document(statement(Sid=5)), "Statement[0].Sid"),
        (document(statement(Principal="*")), "Statement[0].Principal"),
        (document(statement(), statement(NotAction="s3:GetObject")), "Statement[1]"),
        (document({"Effect": "Allow", "Action": "s3:GetObject"}), "Statement[0]"),
        (document(statement(Action=[])), "Statement[0].Action"),
        (document(statement(Action=["s3:GetObject", 3])), "Statement[0].Action[1]"),
        (document(statement(Action="s3:CompleteMultipartUpload")), "Statement[0].Action[0]"),
        (document(statement(Action="iam:CreatePolicy")), "Statement[0].Action[0]"),
        (document(statement(Action="s3:Bogus*")), "Statement[0].Action[0]"),
        (document(statement(Resource="my-bucket/*")), "Statement[0].Resource[0]"),
        (document(statement(Resource="arn:aws:s3:::")), "Statement[0].Resource[0]"),
        (document(statement(Resource="arn:aws:s3:::b/${aws:username}/*")), "Statement[0].Resource[0]"),
        (document(statement(Condition=[])), "Statement[0].Condition"),
        (document(statement(Condition={"IpAddress": {}})), "Statement[0].Condition.IpAddress"),
        (
            document(statement(Condition={"StringEquals": {"s3:prefix": "x"}})),
            "Statement[0].Condition.StringEquals.s3:prefix",
        ),
        (
            document(statement(Condition={"DateLessThanIfExists": {"aws:CurrentTime": "2026-01-01"}})),
            "Statement[0].Condition.DateLessThanIfExists.aws:CurrentTime",
        ),
        (
            document(statement(Condition={"IpAddress": {"aws:VpcSourceIp": "10.0.0.1"}})),
            "Statement[0].Condition.IpAddress.aws:VpcSourceIp",
        ),
        (
            document(statement(Condition={"DateLessThan": {"aws:SourceIp": "10.0.0.1"}})),
            "Statement[0].Condition.DateLessThan.aws:SourceIp",
        ),
        (
            document(statement(Condition={"DateLessThan": {"aws:CurrentTime": "tomorrow"}})),
            "Statement[0].Condition.DateLessThan.aws:CurrentTime",
        ),
        (
            document(statement(Condition={"IpAddress": {"aws:SourceIp": "999.1.1.1/33"}})),
            "Statement[0].Condition.IpAddress.aws:SourceIp",
        ),
    ],
)
def test_mistakes_are_refused_where_they_are(told: Any, where: str | None) -> None:
    with pytest.raises(BadInput) as caught:
        parse_policy(json.dumps(told))
    assert caught.value.where == where
    assert caught.value.hint


@pytest.mark.parametrize(
    "hostile",
    [
        "",
        "{",
        "[" * 60_000,
        '{"Version": ' + "9" * 5000 + "}",
        '{"Version":"2012-10-17","Version":"2012-10-17","Statement":[]}',
        " " * 70_000,
    ],
)
def test_hostile_texts_are_refused_in_plain_words(hostile: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_policy(hostile)
    assert f"{caught.value} {caught.value.hint}".isprintable()
    assert read_stored(hostile) == NOTHING


def test_a_refusal_carries_no_control_characters_of_the_stranger() -> None:
    with pytest.raises(BadInput) as caught:
        parse_policy(text(statement(Action="s3:\x1b[2J\u202e", Sid="x")))
    assert f"{caught.value} {caught.value.hint}".isprintable()


def test_the_remedy_names_the_action_that_controls_an_api() -> None:
    with pytest.raises(BadInput) as caught:
        parse_policy(text(statement(Action="s3:CompleteMultipartUpload")))
    assert "s3:PutObject" in caught.value.hint


def test_what_is_stored_is_read_for_the_worse() -> None:
    stored = read_stored(text(statement(Condition={"StringEquals": {"s3:prefix": "x"}}, Principal="*")))
    assert len(stored.statements[0].unknown) == 2


@given(policies)
def test_writing_and_reading_is_the_same_policy(told: dict[str, Any]) -> None:
    policy = parse_policy(json.dumps(told))
    assert parse_policy(json.dumps(policy.to_json())) == policy == read_stored(json.dumps(told))


@given(
    st.recursive(
        st.none() | st.text(max_size=4) | st.integers(),
        lambda c: (
            st.lists(c)
            | st.dictionaries(
                st.sampled_from(
                    ["Version", "Statement", "Effect", "Action", "Resource", "Condition", "DateEquals"]
                ),
                c,
            )
        ),
        max_leaves=12,
    )
)
def test_no_document_breaks_the_reader(told: Any) -> None:
    with contextlib.suppress(BadInput):
        parse_policy(json.dumps(told))
    read_stored(json.dumps(told))
