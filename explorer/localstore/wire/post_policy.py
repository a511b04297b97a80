"""The policy of a form: what its signer lets others upload, and until when.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from explorer.localstore.refusals import Refusal

_NEED_NO_CONDITION = ("policy", "x-amz-signature", "file")
_IGNORED = "x-ignore-"


@dataclass(frozen=True, slots=True)
class FieldCondition:
    """What one field must be, or begin with."""

    is_prefix: bool
    name: str
    value: str

    def holds(self, given: str) -> bool:
        if not self.is_prefix:
            return given == self.value
        # S3 takes this one field for a list.
        parts = given.split(",") if self.name == "content-type" else [given]
        return all(part.strip().startswith(self.value) for part in parts)

    def __str__(self) -> str:
        return json.dumps(["starts-with" if self.is_prefix else "eq", f"${self.name}", self.value])


@dataclass(frozen=True, slots=True)
class PostPolicy:
    expires: datetime
    conditions: tuple[FieldCondition, ...]
    least_bytes: int
    most_bytes: int | None

    def check(self, fields: Mapping[str, str], now: datetime) -> None:
        """`fields` are the form's, by lower-case name, and the bucket; every one needs a condition.

        Raises:
            Refusal: AccessDenied.
        """
        if now >= self.expires:
            raise _denied("Policy expired.")
        for condition in self.conditions:
            if not condition.holds(fields.get(condition.name, "")):
                raise _denied(f"Policy Condition failed: {condition}")
        covered = {condition.name for condition in self.conditions}
        for name in fields:
            if name not in covered and name not in _NEED_NO_CONDITION and not name.startswith(_IGNORED):
                raise _denied(f"Extra input fields: {name[:64]}")


def read_post_policy(text: bytes) -> PostPolicy:
    """A policy document from its base64.

    Raises:
        Refusal: InvalidPolicyDocument. A condition of an unknown kind is no condition to leave out.
    """
    try:
        document = json.loads(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError, RecursionError):
        raise _invalid("it is not JSON in base64") from None
    if not isinstance(document, dict):
        raise _invalid("it is not an object")
    if unknown := [name for name in document if name not in ("expiration", "conditions")]:
        raise _invalid(f"unexpected: {unknown[0][:64]}")
    listed = document.get("conditions")
    if not isinstance(listed, list):
        raise _invalid("conditions must be a list")
    conditions: list[FieldCondition] = []
    least, most = 0, None
    for each in listed:
        match each:
            case dict() if each:
                conditions += [_condition("eq", f"${name}", value) for name, value in each.items()]
            case [str() as kind, low, high] if kind.lower() == "content-length-range":
                low, high = _size(low), _size(high)
                least, most = max(least, low), high if most is None else min(most, high)
            case [str() as kind, name, value]:
                conditions.append(_condition(kind.lower(), name, value))
            case _:
                raise _invalid("a condition is neither an object nor a list of three")
    return PostPolicy(_expiration(document.get("expiration")), tuple(conditions), least, most)


def _condition(kind: str, name: Any, value: Any) -> FieldCondition:
    if kind not in ("eq", "starts-with"):
        raise _invalid(f"unknown condition: {kind[:64]}")
    if not (isinstance(name, str) and name.startswith("$") and isinstance(value, str)):
        raise _invalid("a condition names a field, with a $ before it, and a text")
    return FieldCondition(kind == "starts-with", name[1:].lower(), value)


def _size(value: Any) -> int:
    text = str(value)
    if isinstance(value, bool) or not (text.isascii() and text.isdigit() and len(text) < 19):
        raise _invalid("content-length-range needs two sizes")
    return int(text)


def _expiration(value: Any) -> datetime:
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise _invalid("the expiration is not a time") from None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _invalid(why: str) -> Refusal:
    return Refusal("InvalidPolicyDocument", f"Invalid Policy: {why}.")


def _denied(why: str) -> Refusal:
    return Refusal("AccessDenied", f"Invalid according to Policy: {why}")
