from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.access import (
    BucketRole,
    Circumstances,
    Grants,
    Operation,
    Role,
    Verdict,
    decide,
    decide_all,
    decide_iam,
    may_see,
    needs,
    parse_policy,
    read_stored,
)
from tests.access.making import document, policies, statement, statements

NOON = datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC)
HERE = Circumstances(NOON, "203.0.113.42")
GET = Operation("GetObject", "a", "x")
PUT = Operation("PutObject", "a", "x")


def granted(*told: dict[str, Any], roles: tuple[BucketRole, ...] = ()) -> Grants:
    return Grants(policies=(parse_policy(json.dumps(document(*told))),), roles=roles)


def verdict(*told: dict[str, Any], operation: Operation = GET, at: Circumstances = HERE) -> Verdict:
    return decide(granted(*told), operation, at).verdict


PAST = {"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}
ELSEWHERE = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}


class TestWhatMotoGetsWrong:
    """Four verdicts of moto 5.2 that would be holes, or false refusals, in a real store."""

    def test_an_allow_with_an_unmet_condition_is_neutral(self) -> None:
        assert verdict(statement(Condition=ELSEWHERE), statement()) is Verdict.ALLOWED

    def test_a_deny_with_an_unmet_condition_is_neutral(self) -> None:
        assert verdict(statement(Effect="Deny", Condition=ELSEWHERE), statement()) is Verdict.ALLOWED

    def test_an_expired_allow_allows_nothing(self) -> None:
        assert verdict(statement(Condition=PAST)) is Verdict.NOT_ALLOWED

    def test_an_allow_for_elsewhere_allows_nothing_here(self) -> None:
        assert verdict(statement(Condition=ELSEWHERE)) is Verdict.NOT_ALLOWED


@pytest.mark.parametrize(
    ("told", "operation", "expected"),
    [
        ([], GET, Verdict.NOT_ALLOWED),
        ([statement()], GET, Verdict.ALLOWED),
        ([statement()], PUT, Verdict.NOT_ALLOWED),
        ([statement()], Operation("HeadObject", "a", "x"), Verdict.ALLOWED),
        ([statement()], Operation("GetObject", "b", "x"), Verdict.NOT_ALLOWED),
        ([statement(Action="S3:getobject")], GET, Verdict.ALLOWED),
        ([statement(Resource="arn:aws:s3:::A/*")], GET, Verdict.NOT_ALLOWED),
        ([statement(Resource="arn:aws:s3:::a")], GET, Verdict.NOT_ALLOWED),
        ([statement(Action="s3:ListBucket")], Operation("ListObjectsV2", "a"), Verdict.NOT_ALLOWED),
        ([statement(Action="s3:*"), statement(Effect="Deny")], GET, Verdict.DENIED),
        ([statement(Effect="Deny"), statement(Action="s3:*")], GET, Verdict.DENIED),
        ([statement(Action="s3:*"), statement(Effect="Deny")], PUT, Verdict.ALLOWED),
        ([{"Effect": "Allow", "NotAction": "s3:PutObject", "Resource": "*"}], GET, Verdict.ALLOWED),
        ([{"Effect": "Allow", "NotAction": "s3:Get*", "Resource": "*"}], GET, Verdict.NOT_ALLOWED),
        ([{"Effect": "Deny", "NotAction": "s3:Get*", "Resource": "*"}, statement()], GET, Verdict.ALLOWED),
        ([statement(NotResource="arn:aws:s3:::b/*")], GET, Verdict.ALLOWED),
        ([statement(NotResource="arn:aws:s3:::a/*")], GET, Verdict.NOT_ALLOWED),
        ([statement(Action="s3:PutObject")], Operation("CompleteMultipartUpload", "a", "x"), Verdict.ALLOWED),
        (
            [statement(Action="s3:PutObject")],
            Operation("AbortMultipartUpload", "a", "x"),
            Verdict.NOT_ALLOWED,
        ),
        ([statement(Action="s3:PutObject")], Operation("ListParts", "a", "x"), Verdict.NOT_ALLOWED),
        ([statement(Resource="arn:aws:s3:::a/?")], Operation("GetObject", "a", "*"), Verdict.ALLOWED),
        ([statement(Resource="arn:aws:s3:::a/x")], Operation("GetObject", "a", "*"), Verdict.NOT_ALLOWED),
        ([statement(Action="s3:ListAllMyBuckets", Resource="*")], Operation("ListBuckets"), Verdict.ALLOWED),
        (
            [statement(Action="s3:*", Resource="arn:aws:s3:::a/*")],
            Operation("UpdateBucket", "a"),
            Verdict.NOT_ALLOWED,
        ),
        (
            [statement(Action="s3:*", Resource="arn:aws:s3:::a")],
            Operation("UpdateBucket", "a"),
            Verdict.ALLOWED,
        ),
    ],
)
def test_table(told: list[dict[str, Any]], operation: Operation, expected: Verdict) -> None:
    grants = granted(*told) if told else Grants()
    assert decide(grants, operation, HERE).verdict is expected


def test_an_unknown_condition_fails_closed() -> None:
    strange = {"StringEquals": {"s3:prefix": "x"}}
    allow = read_stored(json.dumps(document(statement(Condition=strange))))
    deny = read_stored(json.dumps(document(statement(), statement(Effect="Deny", Condition=strange | PAST))))
    assert decide(Grants(policies=(allow,)), GET, HERE).verdict is Verdict.NOT_ALLOWED
    assert decide(Grants(policies=(deny,)), GET, HERE).verdict is Verdict.DENIED


def test_an_unknown_address_fails_closed() -> None:
    nowhere = Circumstances(NOON, None)
    everywhere = {"IpAddress": {"aws:SourceIp": ["0.0.0.0/0", "::/0"]}}
    assert verdict(statement(Condition=everywhere), at=nowhere) is Verdict.NOT_ALLOWED
    assert verdict(statement(), statement(Effect="Deny", Condition=ELSEWHERE), at=nowhere) is Verdict.DENIED


def test_an_unreadable_policy_denies_everything_even_beside_a_role() -> None:
    grants = Grants(roles=(BucketRole("*", Role.ADMIN),), policies=(read_stored("not json"),))
    assert decide(grants, GET, HERE).verdict is Verdict.DENIED


class TestRoles:
    EDITOR = Grants(roles=(BucketRole("a", Role.EDITOR),))
    READER = Grants(roles=(BucketRole("a", Role.READ_ONLY),))
    ADMIN = Grants(roles=(BucketRole("*", Role.ADMIN),))

    @pytest.mark.parametrize(
        ("name", "editor", "reader"),
        [
            ("GetObject", True, True),
            ("ListObjectsV2", True, True),
            ("PutObject", True, False),
            ("DeleteObject", True, False),
            ("CompleteMultipartUpload", True, False),
            ("ListParts", True, False),
            ("TakeSnapshot", True, True),
            ("ListSnapshots", True, True),
            ("DeleteSnapshot", True, False),
            ("DeleteBucket", True, False),
            ("UpdateBucket", True, False),
            ("PutBucketAcl", False, False),
        ],
    )
    def test_table(self, name: str, editor: bool, reader: bool) -> None:
        operation = Operation(name, "a", "x" if "Object" in name else None)
        assert decide(self.EDITOR, operation, HERE).allowed is editor
        assert decide(self.READER, operation, HERE).allowed is reader
        assert decide(self.ADMIN, operation, HERE).allowed
        assert decide(Grants(owner=True), operation, HERE).allowed

    def test_a_role_ends_at_its_bucket(self) -> None:
        assert not decide(self.EDITOR, Operation("GetObject", "b", "x"), HERE).allowed
        assert may_see(self.READER, "a", HERE)
        assert not may_see(self.READER, "b", HERE)

    def test_a_deny_wins_over_a_role(self) -> None:
        grants = granted(statement(Effect="Deny"), roles=self.ADMIN.roles)
        assert decide(grants, GET, HERE).verdict is Verdict.DENIED

    def test_forking_takes_reading_all_of_the_source(self) -> None:
        fork = needs("ForkBucket", "new", source=("a", None))
        assert decide_all(self.READER, fork, HERE).allowed
        assert not decide_all(self.READER, needs("ForkBucket", "new", source=("b", None)), HERE).allowed
        create = statement(Action="s3:CreateBucket", Resource="arn:aws:s3:::new")
        read = statement(
            Action=["s3:GetObject", "s3:ListBucket"], Resource=["arn:aws:s3:::a", "arn:aws:s3:::a/*"]
        )
        some = statement(
            Action=["s3:GetObject", "s3:ListBucket"], Resource=["arn:aws:s3:::a", "arn:aws:s3:::a/?"]
        )
        secret = statement(Effect="Deny", Resource="arn:aws:s3:::a/secret/*")
        assert decide_all(granted(create, read), fork, HERE).allowed
        assert not decide_all(granted(read), fork, HERE).allowed
        assert not decide_all(granted(create), fork, HERE).allowed
        assert not decide_all(granted(create, some), fork, HERE).allowed
        assert not decide_all(granted(create, read, secret), fork, HERE).allowed
        assert not decide_all(granted(secret, roles=self.READER.roles), fork, HERE).allowed

    def test_copying_takes_reading_the_source(self) -> None:
        copy = needs("CopyObject", "a", "y", source=("b", "x"))
        assert not decide_all(self.EDITOR, copy, HERE).allowed
        both = Grants(roles=(*self.EDITOR.roles, BucketRole("b", Role.READ_ONLY)))
        assert decide_all(both, copy, HERE).allowed
        assert not decide_all(both, needs("RenameObject", "a", "y", source=("b", "x")), HERE).allowed

    def test_asking_for_nothing_is_refused(self) -> None:
        assert not decide_all(Grants(), (), HERE).allowed


class TestIam:
    @pytest.mark.parametrize(
        "call", ["CreateAccessKey", "CreatePolicy", "AttachUserPolicy", "DeleteAccessKey"]
    )
    def test_no_policy_gives_it(self, call: str) -> None:
        everything = granted(statement(Action="*", Resource="*"), roles=(BucketRole("*", Role.EDITOR),))
        assert not decide_iam(everything, call).allowed
        assert decide_iam(TestRoles.ADMIN, call).allowed
        assert decide_iam(Grants(owner=True), call).allowed

    def test_every_role_may_list_keys(self) -> None:
        assert decide_iam(TestRoles.READER, "ListAccessKeys").allowed
        assert not decide_iam(granted(statement(Action="*", Resource="*")), "ListAccessKeys").allowed


OPERATIONS = st.builds(
    Operation,
    st.sampled_from(["GetObject", "PutObject", "DeleteObject"]),
    st.sampled_from("ab"),
    st.sampled_from("xy"),
) | st.builds(
    Operation, st.sampled_from(["ListObjectsV2", "TakeSnapshot", "UpdateBucket"]), st.sampled_from("ab")
)
WHEN = st.builds(
    Circumstances,
    st.integers(0, 3000).map(lambda days: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=days)),
    st.sampled_from(["10.1.1.1", "::1", "2001:db8::1", "8.8.8.8", None]),
)


@given(policies, statements, OPERATIONS, WHEN)
def test_a_deny_never_opens_and_an_allow_never_closes(
    told: dict[str, Any], more: dict[str, Any], operation: Operation, when: Circumstances
) -> None:
    before = decide(granted(*told["Statement"]), operation, when).allowed
    after = decide(granted(*told["Statement"], more), operation, when).allowed
    assert after <= before if more["Effect"] == "Deny" else before <= after


@given(policies, OPERATIONS, WHEN, st.randoms())
def test_neither_order_nor_attachment_matters(
    told: dict[str, Any], operation: Operation, when: Circumstances, random: Any
) -> None:
    shuffled = list(told["Statement"])
    random.shuffle(shuffled)
    whole = decide(granted(*told["Statement"]), operation, when).verdict
    apart = Grants(policies=tuple(parse_policy(json.dumps(document(s))) for s in shuffled))
    assert (
        whole is decide(granted(*shuffled), operation, when).verdict is decide(apart, operation, when).verdict
    )


@given(policies, st.sampled_from("ab"), st.sampled_from(["x", "y", "a/b", "*"]), WHEN)
def test_a_permission_for_the_whole_bucket_is_one_for_every_key(
    told: dict[str, Any], bucket: str, key: str, when: Circumstances
) -> None:
    grants = granted(*told["Statement"])
    if decide(grants, Operation("GetObject", bucket, whole=True), when).allowed:
        assert decide(grants, Operation("GetObject", bucket, key), when).allowed


@given(statements, OPERATIONS, WHEN)
def test_not_action_is_the_complement_of_action(
    told: dict[str, Any], operation: Operation, when: Circumstances
) -> None:
    shared = {k: v for k, v in told.items() if not k.endswith("Action")} | {"Effect": "Allow"}
    actions = told.get("Action", told.get("NotAction"))
    both = granted(shared | {"Action": actions}, shared | {"NotAction": actions})
    plain = granted(shared | {"Action": "*"})
    assert decide(both, operation, when).allowed is decide(plain, operation, when).allowed
