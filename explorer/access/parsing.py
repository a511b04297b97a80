"""From JSON text to a `Policy`: refused at the place of the mistake, or, once stored, read for the worse."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from explorer.access.actions import instead_of, named_by
from explorer.access.conditions import OPERATORS, problem
from explorer.access.documents import ARN, NOTHING, VERSION, Condition, Effect, Policy, Statement
from explorer.errors import BadInput, nearest

MAX_BYTES = 64 * 1024
"""Ten times AWS's limit for a managed policy: enough for anybody, and it bounds the work of an evaluation."""

_BLOCKS = {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"}


def parse_policy(text: str) -> Policy:
    """Read a document that somebody wants to create.

    Raises:
        BadInput: the document cannot be meant, or says something this store does not judge: an unknown
            operator, key, action or block. `where` is its path, like `Statement[1].Condition.DateLessThan`.
    """
    return _Reader(strict=True).policy(text)


def read_stored(text: str) -> Policy:
    """Read a document that was accepted once; what cannot be judged fails closed, never an error."""
    try:
        return _Reader(strict=False).policy(text)
    except BadInput:
        return NOTHING


class _Reader:
    """`strict` refuses what cannot be judged; otherwise the statement is marked with it."""

    def __init__(self, *, strict: bool) -> None:
        self._strict = strict

    def policy(self, text: str) -> Policy:
        told = _load(text)
        version = told.pop("Version", None)
        if version != VERSION:
            _refuse(f"`Version` is `{version}`.", f'write "Version": "{VERSION}"', "Version")
        name = told.pop("Id", None)
        if name is not None and not isinstance(name, str):
            _refuse("`Id` is not a text.", "write it in quotes or leave it out", "Id")
        statements = told.pop("Statement", None)
        if isinstance(statements, dict):
            statements = [statements]
        if not isinstance(statements, list) or not statements:
            _refuse("There is no statement.", "`Statement` is a list of at least one rule", "Statement")
        if told:
            block = next(iter(told))
            _refuse(f"`{block}` is not part of a policy.", "the blocks are Version, Id and Statement", block)
        return Policy(tuple(self._statement(s, f"Statement[{i}]") for i, s in enumerate(statements)), name)

    def _statement(self, told: Any, where: str) -> Statement:
        if not isinstance(told, dict):
            _refuse("A statement is an object.", 'write {"Effect": …, "Action": …, "Resource": …}', where)
        unknown: list[str] = []
        for block in told.keys() - _BLOCKS:
            hint = (
                "the policy is attached to a key, and that is its principal"
                if "Principal" in block
                else nearest(block, _BLOCKS, "the blocks are " + ", ".join(sorted(_BLOCKS)))
            )
            self._mark(unknown, f"`{block}` is not part of a statement.", hint, f"{where}.{block}")
        if told.get("Effect") not in ("Allow", "Deny"):
            _refuse(f"`Effect` is `{told.get('Effect')}`.", "write Allow or Deny", f"{where}.Effect")
        sid = told.get("Sid")
        if sid is not None and not isinstance(sid, str):
            _refuse("`Sid` is not a text.", "write it in quotes or leave it out", f"{where}.Sid")
        action_block, actions = _either(told, "Action", where)
        resource_block, resources = _either(told, "Resource", where)
        for i, action in enumerate(actions):
            self._check_action(action, unknown, f"{where}.{action_block}[{i}]")
        for i, resource in enumerate(resources):
            self._check_resource(resource, unknown, f"{where}.{resource_block}[{i}]")
        return Statement(
            Effect(told["Effect"]),
            actions,
            resources,
            not_actions=action_block == "NotAction",
            not_resources=resource_block == "NotResource",
            conditions=self._conditions(told.get("Condition", {}), unknown, f"{where}.Condition"),
            sid=sid,
            unknown=tuple(unknown),
        )

    def _check_action(self, action: str, unknown: list[str], where: str) -> None:
        if not named_by(action):
            other = instead_of(action)
            hint = f"`{other}` controls it" if other else "see the list of supported actions"
            # an action that nothing asks for matches nothing: harmless in a stored document
            if self._strict:
                _refuse(f"`{action}` is not a supported action.", hint, where)
        elif "${" in action:
            self._mark(unknown, f"`{action}` holds a variable.", "variables are not supported", where)

    def _check_resource(self, resource: str, unknown: list[str], where: str) -> None:
        if "${" in resource:
            self._mark(unknown, f"`{resource}` holds a variable.", "variables are not supported", where)
        elif self._strict and resource != "*" and (not resource.startswith(ARN) or resource == ARN):
            hint = f"write `{ARN}bucket` for the bucket, `{ARN}bucket/*` for its objects"
            _refuse(f"`{resource}` is not a resource.", hint, where)

    def _conditions(self, told: Any, unknown: list[str], where: str) -> tuple[Condition, ...]:
        if not isinstance(told, dict):
            _refuse("`Condition` is not an object.", 'write {"DateLessThan": {"aws:CurrentTime": …}}', where)
        conditions = []
        for name, block in told.items():
            if not isinstance(block, dict) or not block:
                _refuse(f"`{name}` has no key.", f'write {{"{name}": {{key: value}}}}', f"{where}.{name}")
            for key, values in block.items():
                place = f"{where}.{name}.{key}"
                condition = Condition(name, key, _texts(values, place, numbers=True))
                wrong = problem(condition)
                if wrong is not None:
                    self._mark(unknown, wrong[0].upper() + wrong[1:] + ".", _remedy(name), place)
                conditions.append(condition)
        return tuple(conditions)

    def _mark(self, unknown: list[str], message: str, hint: str, where: str) -> None:
        if self._strict:
            _refuse(message, hint, where)
        unknown.append(f"{where}: {message}")


def _remedy(operator: str) -> str:
    if operator not in OPERATORS:
        return nearest(operator, OPERATORS, "operators are " + ", ".join(OPERATORS))
    sample = "203.0.113.0/24" if operator.endswith("IpAddress") else "2026-01-31T12:00:00Z"
    return f'write {{"{operator}": {{"{OPERATORS[operator]}": "{sample}"}}}}'


def _load(text: str) -> dict[str, Any]:
    if len(text) > MAX_BYTES:
        _refuse("The policy is longer than 64 KiB.", "split it into several policies", None)
    try:
        told = json.loads(text, object_pairs_hook=_no_doubles)
    except json.JSONDecodeError as error:
        _refuse(
            f"The policy is not JSON: {error.msg}.", "check it with a JSON formatter", f"line {error.lineno}"
        )
    except ValueError:
        _refuse("The policy holds a number with too many digits.", "write dates as texts", None)
    except RecursionError:
        _refuse("The policy is nested too deeply.", "a policy has four levels", None)
    if not isinstance(told, dict):
        _refuse("The policy is not an object.", f'write {{"Version": "{VERSION}", "Statement": […]}}', None)
    return told


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # readers differ in which of two equal keys they take: whoever checks must not differ from whoever judges
    told = dict(pairs)
    if len(told) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        _refuse(f"`{twice}` is written twice in one object.", "merge the two", twice)
    return told


def _either(told: dict[str, Any], block: str, where: str) -> tuple[str, tuple[str, ...]]:
    present = [name for name in (block, f"Not{block}") if name in told]
    if len(present) != 1:
        what = "neither" if not present else "both"
        _refuse(f"There is {what} `{block}` and `Not{block}`.", "write exactly one of them", where)
    return present[0], _texts(told[present[0]], f"{where}.{present[0]}")


def _texts(value: Any, where: str, *, numbers: bool = False) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    if not values:
        _refuse("The list is empty.", "write at least one entry", where)
    for i, one in enumerate(values):
        if not (isinstance(one, str) and one) and not (numbers and type(one) is int):
            _refuse(f"`{one}` is not a text.", "write it in quotes", f"{where}[{i}]")
    return tuple(str(one) for one in values)


def _refuse(message: str, hint: str, where: str | None) -> NoReturn:
    # the words are a stranger's and end up on terminals and in XML
    raise BadInput(_plain(message), hint=_plain(hint), where=_plain(where) if where else None)


def _plain(text: str) -> str:
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
