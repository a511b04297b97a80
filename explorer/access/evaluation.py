"""The decision: explicit deny > allow by policy or role > implicit deny."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum

from explorer.access.actions import matches_action
from explorer.access.conditions import Circumstances, holds
from explorer.access.documents import Effect, Policy, Statement
from explorer.access.operations import Operation
from explorer.access.patterns import covers, matches, touches
from explorer.access.roles import IAM_READING, BucketRole, Role, role_allows


class Verdict(Enum):
    ALLOWED = "allowed"
    DENIED = "explicitly denied"
    NOT_ALLOWED = "not allowed"


@dataclass(frozen=True, slots=True)
class Grants:
    """What a key was given. The owner may do everything; roles and policies add up."""

    owner: bool = False
    roles: tuple[BucketRole, ...] = ()
    policies: tuple[Policy, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """`because` says which rule decided, in words that may be shown to the key's holder."""

    verdict: Verdict
    operation: Operation
    because: str

    @property
    def allowed(self) -> bool:
        return self.verdict is Verdict.ALLOWED


def decide(grants: Grants, operation: Operation, circumstances: Circumstances) -> Decision:
    """Whether a key with these grants may do this, here and now. Cost: linear in its statements."""
    if grants.owner:
        return Decision(Verdict.ALLOWED, operation, "the owner's key")
    statements = [statement for policy in grants.policies for statement in policy.statements]
    for statement in statements:
        if statement.effect is Effect.DENY and _applies(statement, operation, circumstances):
            return Decision(Verdict.DENIED, operation, _name(statement))
    for statement in statements:
        if statement.effect is Effect.ALLOW and _applies(statement, operation, circumstances):
            return Decision(Verdict.ALLOWED, operation, _name(statement))
    for role in grants.roles:
        if role_allows(role, operation):
            return Decision(Verdict.ALLOWED, operation, f"role {role.role.value} on {role.bucket}")
    return Decision(Verdict.NOT_ALLOWED, operation, "no policy and no role allows it")


def decide_all(grants: Grants, operations: Iterable[Operation], circumstances: Circumstances) -> Decision:
    """The first refusal, or the last permission: a request may do all that it needs, or nothing.

    A fork's new bucket is no grant of its own: by role, reading the source is what forking takes.
    """
    decision: Decision | None = None
    wanted = tuple(operations)
    for operation in wanted:
        decision = decide(grants, operation, circumstances)
        if decision.verdict is Verdict.NOT_ALLOWED and operation.name == "ForkBucket":
            sources = [other for other in wanted if other is not operation]
            if sources and all(any(role_allows(r, other) for r in grants.roles) for other in sources):
                decision = Decision(Verdict.ALLOWED, operation, "a role on the source of the fork")
        if not decision.allowed:
            return decision
    if decision is None:
        return Decision(Verdict.NOT_ALLOWED, Operation("Nothing"), "nothing was asked")
    return decision


def decide_iam(grants: Grants, call: str) -> Decision:
    """Whether a key may make this call about keys and policies: by ownership or role alone.

    Policies have no say: `Action: *` would otherwise let a job write itself a better policy.
    """
    operation = Operation(call)
    if grants.owner:
        return Decision(Verdict.ALLOWED, operation, "the owner's key")
    for held in grants.roles:
        if held.role is Role.ADMIN or call in IAM_READING:
            return Decision(Verdict.ALLOWED, operation, f"role {held.role.value} on {held.bucket}")
    return Decision(Verdict.NOT_ALLOWED, operation, "it takes the owner's key or the role NamespaceAdmin")


def may_see(grants: Grants, bucket: str, circumstances: Circumstances) -> bool:
    """Whether a bucket listing shows this bucket: a key with roles on some buckets sees those.

    Whether the key may list at all is `decide` for `ListBuckets`.
    """
    listed = Grants(
        grants.owner, tuple(r for r in grants.roles if r.bucket in ("*", bucket)), grants.policies
    )
    return decide(listed, Operation("ListBuckets"), circumstances).allowed


def _applies(statement: Statement, operation: Operation, circumstances: Circumstances) -> bool:
    if not _names_action(statement, operation) or not _names_resource(statement, operation):
        return False
    closed = statement.effect is Effect.DENY
    if statement.unknown:
        return closed
    results = [holds(condition, circumstances) for condition in statement.conditions]
    return closed if None in results else all(results)


def _names_action(statement: Statement, operation: Operation) -> bool:
    # an operation without an action of its own is asked by its name, which only wildcards reach
    action = operation.action or f"s3:{operation.name}"
    return any(matches_action(p, action) for p in statement.actions) != statement.not_actions


def _names_resource(statement: Statement, operation: Operation) -> bool:
    resource = operation.resource
    test: Callable[[str, str], bool] = matches
    if operation.whole:
        # an Allow must cover every key, a Deny bites when it could hit a single one; a Not turns that around
        test = covers if (statement.effect is Effect.ALLOW) != statement.not_resources else touches
    return any(test(p, resource) for p in statement.resources) != statement.not_resources


def _name(statement: Statement) -> str:
    effect = statement.effect.value.lower()
    return f"the policy's {effect} `{statement.sid}`" if statement.sid else f"a statement that says {effect}"
