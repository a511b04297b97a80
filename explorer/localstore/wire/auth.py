"""Who asks, and whether they may: the seam behind which keys and policies live."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from explorer.access.evaluation import Decision
from explorer.access.operations import Operation
from explorer.localstore.refusals import Refusal
from explorer.localstore.wire.request import Request
from explorer.localstore.wire.sigv4 import Claim, read_claim, verify


@dataclass(frozen=True, slots=True)
class Principal:
    """A key that has proven itself."""

    access_key: str
    is_owner: bool


@dataclass(frozen=True, slots=True)
class Proof:
    """A verified signature; `key` signs the chunks of a streaming body."""

    principal: Principal
    claim: Claim
    key: bytes


class Authority(Protocol):
    """What the wire needs to know of keys and policies."""

    def secret(self, access_key: str) -> str | None:
        """The secret of an active key, None if there is no such key or it is off."""
        ...

    def principal(self, access_key: str) -> Principal: ...

    def decide(self, principal: Principal, operations: Iterable[Operation], source_ip: str) -> Decision:
        """Whether roles and policies allow all of these together, now."""
        ...

    def may_see(self, principal: Principal, bucket: str, source_ip: str) -> bool:
        """Whether this key's listing of buckets shows this one."""
        ...


def authenticate(request: Request, authority: Authority) -> Proof:
    """Prove who sent the request.

    Raises:
        Refusal: InvalidAccessKeyId, SignatureDoesNotMatch and their kin.
    """
    claim = read_claim(request)
    key = verify(request, claim, secret_of(claim, authority), datetime.now(UTC))
    return Proof(authority.principal(claim.access_key), claim, key)


def secret_of(claim: Claim, authority: Authority) -> str:
    """The secret that the claim must have been signed with.

    Raises:
        Refusal: InvalidAccessKeyId.
    """
    secret = authority.secret(claim.access_key)
    if secret is None:
        raise Refusal(
            "InvalidAccessKeyId",
            "The AWS access key ID you provided does not exist in our records.",
            AWSAccessKeyId=claim.access_key[:128],
        )
    return secret


def authorise(
    authority: Authority, principal: Principal, operations: Iterable[Operation], source_ip: str
) -> None:
    """Let the request pass if all of `operations` may be done, or refuse.

    Raises:
        Refusal: AccessDenied.
    """
    decision = authority.decide(principal, operations, source_ip)
    if not decision.allowed:
        asked = decision.operation
        raise Refusal("AccessDenied", f"Access Denied: {asked.name} on {asked.resource}: {decision.because}.")
