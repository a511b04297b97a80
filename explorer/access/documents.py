"""Policy documents as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

VERSION = "2012-10-17"
ARN = "arn:aws:s3:::"


class Effect(Enum):
    ALLOW = "Allow"
    DENY = "Deny"


@dataclass(frozen=True, slots=True)
class Condition:
    """One operator on one key: its values are alternatives."""

    operator: str
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """One rule: `actions` are exceptions when `not_actions`, likewise `resources`; conditions all hold."""

    effect: Effect
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    not_actions: bool = False
    not_resources: bool = False
    conditions: tuple[Condition, ...] = ()
    sid: str | None = None
    unknown: tuple[str, ...] = ()
    """What a stored document said that we cannot judge: the statement then fails closed."""

    def to_json(self) -> dict[str, Any]:
        blocks: dict[str, dict[str, list[str]]] = {}
        for condition in self.conditions:
            blocks.setdefault(condition.operator, {})[condition.key] = list(condition.values)
        return {
            **({"Sid": self.sid} if self.sid is not None else {}),
            "Effect": self.effect.value,
            "NotAction" if self.not_actions else "Action": list(self.actions),
            "NotResource" if self.not_resources else "Resource": list(self.resources),
            **({"Condition": blocks} if blocks else {}),
        }


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy document: the order of its statements has no meaning."""

    statements: tuple[Statement, ...]
    id: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The document that says this, every list written as a list."""
        head: dict[str, Any] = {"Version": VERSION} | ({"Id": self.id} if self.id is not None else {})
        return head | {"Statement": [statement.to_json() for statement in self.statements]}


NOTHING = Policy((Statement(Effect.DENY, ("*",), ("*",), sid="Unreadable"),))
"""What a stored document that cannot be read counts as: it may have held a Deny."""


def bucket_arn(bucket: str) -> str:
    return ARN + bucket


def objects_arn(bucket: str) -> str:
    return f"{ARN}{bucket}/*"
