"""What is allowed in a policy but probably not meant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_network

from explorer.access.actions import ON_OBJECTS, SUPPORTED, instead_of, named_by
from explorer.access.conditions import OPERATORS, SOURCE_IP, problem, read_moment
from explorer.access.documents import ARN, Effect, Policy, Statement


@dataclass(frozen=True, slots=True)
class Finding:
    """`code` is stable; `statement` counts from 0, None for the policy as a whole."""

    code: str
    message: str
    hint: str
    statement: int | None = None


def lint(policy: Policy, *, now: datetime | None = None) -> tuple[Finding, ...]:
    """Everything suspicious, in the order of the statements; `now` also finds windows that have closed."""
    found: list[Finding] = []
    for i, statement in enumerate(policy.statements):
        for code, message, hint in _of_statement(statement, now):
            found.append(Finding(code, message, hint, i))
    found += _of_policy(policy)
    return tuple(found)


def _of_statement(statement: Statement, now: datetime | None) -> Iterator[tuple[str, str, str]]:
    yield from _of_actions(statement)
    if statement.effect is Effect.ALLOW:
        yield from _of_reach(statement)
    yield from _of_conditions(statement, now)


def _of_actions(statement: Statement) -> Iterator[tuple[str, str, str]]:
    objects = [r for r in statement.resources if "/" in r.removeprefix(ARN)]
    buckets = [r for r in statement.resources if r.startswith(ARN) and "/" not in r and not r.endswith("*")]
    for action in statement.actions:
        controlled = set(named_by(action))
        if not controlled:
            other = instead_of(action)
            hint = f"`{other}` controls it" if other else "it is in no list of supported actions"
            yield "unsupported-action", f"`{action}` is not a supported action.", hint
        elif statement.not_resources or "*" in statement.resources or "*" in action:
            continue
        elif controlled <= ON_OBJECTS and buckets and not objects:
            hint = f"write `{buckets[0]}/*`"
            yield "object-action-on-bucket", f"`{action}` is about objects, `{buckets[0]}` is a bucket.", hint
        elif not controlled & ON_OBJECTS and objects and len(objects) == len(statement.resources):
            hint = f"write `{objects[0].partition('/')[0]}`"
            yield "bucket-action-on-objects", f"`{action}` is about the bucket, not `{objects[0]}`.", hint


def _of_reach(statement: Statement) -> Iterator[tuple[str, str, str]]:
    everywhere = not statement.not_resources and {"*", f"{ARN}*"} & set(statement.resources)
    if everywhere and set(statement.actions) != {"s3:ListAllMyBuckets"}:
        hint = "name the job's own fork: the bucket is the unit of isolation"
        yield "every-bucket", "It reaches every bucket there is, and those still to come.", hint
    if not statement.not_actions and {"*", "s3:*"} & set(statement.actions):
        hint = "name the actions: reading takes s3:GetObject and s3:ListBucket"
        yield "every-action", "It allows every action, deleting the bucket included.", hint
    if statement.not_actions:
        hint = "list what is allowed with `Action`"
        yield "allow-not-action", "An Allow with `NotAction` allows all that is not named.", hint
    if statement.not_resources:
        hint = "list what is reached with `Resource`"
        yield "allow-not-resource", "An Allow with `NotResource` reaches every bucket not named.", hint
    for action in statement.actions:
        if "*" not in action and {"s3:PutObjectAcl", "s3:PutBucketAcl"} & set(named_by(action)):
            hint = "leave it out: uploads do not need it"
            yield "can-publish", f"`{action}` lets the job make things public.", hint


def _of_conditions(statement: Statement, now: datetime | None) -> Iterator[tuple[str, str, str]]:
    opens, closes = None, None
    for condition in statement.conditions:
        wrong = problem(condition)
        if wrong is not None:
            hint = "operators are " + ", ".join(OPERATORS)
            yield "unknown-condition", f"{wrong[0].upper()}{wrong[1:]}: it fails closed.", hint
            continue
        if OPERATORS[condition.operator] == SOURCE_IP:
            if any(ip_network(v, strict=False).prefixlen == 0 for v in condition.values):
                hint = "name the address the job comes from, that of its NAT included"
                yield "every-address", f"`{condition.operator}` names the whole internet.", hint
            continue
        moments = [moment for value in condition.values if (moment := read_moment(value)) is not None]
        if condition.operator.startswith("DateGreater"):
            opens = min(moments)
        elif condition.operator.startswith("DateLess"):
            closes = max(moments)
    if opens and closes and opens >= closes:
        yield "empty-window", "The window closes before it opens.", "swap the two dates"
    elif now and closes and closes <= now:
        yield "expired", f"It ended at {closes:%Y-%m-%d %H:%M} UTC.", "give it a later DateLessThan"


def _of_policy(policy: Policy) -> Iterator[Finding]:
    allows = [(i, s) for i, s in enumerate(policy.statements) if s.effect is Effect.ALLOW]
    if any(s.conditions for _, s in allows):
        for i, statement in allows:
            if not statement.conditions:
                hint = "conditions bind one statement only: repeat them on every one"
                yield Finding("condition-missing", "This one never expires, others do.", hint, i)
    elif allows:
        hint = "add DateLessThan on aws:CurrentTime to every statement"
        yield Finding("no-conditions", "Nothing in it ever expires.", hint)
    granted = {a for _, s in allows if not s.not_actions for p in s.actions for a in named_by(p)}
    granted = set(SUPPORTED) if any(s.not_actions for _, s in allows) else granted
    if "s3:PutObject" in granted and "s3:AbortMultipartUpload" not in granted:
        hint = "add s3:AbortMultipartUpload next to s3:PutObject"
        yield Finding("no-abort", "A failed upload cannot be aborted, and its parts stay.", hint)
    if "s3:PutObject" in granted and "s3:ListMultipartUploadParts" not in granted:
        hint = "add s3:ListMultipartUploadParts next to s3:PutObject"
        yield Finding("no-list-parts", "An interrupted upload cannot be resumed.", hint)
    if "s3:GetObject" in granted and "s3:ListBucket" not in granted:
        hint = "add s3:ListBucket on the bucket itself"
        yield Finding("no-list", "Without ListBucket a missing key reads as 403, not 404.", hint)
