"""Policies: made, changed, attached to keys."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from explorer.access import Policy, parse_policy, read_stored
from explorer.errors import BadInput
from explorer.localstore.engine.ledger import Ledger, Transaction
from explorer.localstore.iam.keys import no_such_key
from explorer.localstore.refusals import Refusal

# Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html
_NAME = re.compile(r"[\w+=,.@-]{1,128}", re.ASCII)
_ARN = "arn:aws:iam::local:policy/"
_SELECT = """SELECT p.arn, p.name, p.id, p.description, p.document, p.number, p.created_ns, p.changed_ns,
  (SELECT count(*) FROM attachment a WHERE a.policy_arn=p.arn) FROM policy p"""


@dataclass(frozen=True, slots=True)
class StoredPolicy:
    """`document` is the text as it was given; `number` counts its changes from 1."""

    arn: str
    name: str
    id: str
    description: str
    document: str
    number: int
    created_ns: int
    changed_ns: int
    attached: int

    @property
    def version(self) -> str:
        return f"v{self.number}"


class Policies:
    """`changed` is called after every change, so that what was decided with the old ones is forgotten."""

    def __init__(self, ledger: Ledger, changed: Callable[[], None]) -> None:
        self._ledger = ledger
        self._changed = changed

    def create(
        self, name: str, document: str, *, description: str = "", request: str | None = None
    ) -> StoredPolicy:
        """A new policy; the same `request` again answers the same policy.

        Raises:
            Refusal: MalformedPolicyDocument, EntityAlreadyExists, ValidationError.
        """
        if not _NAME.fullmatch(name):
            raise Refusal("ValidationError", "A policy name is 1 to 128 of letters, digits and +=,.@_-")
        _check(document)
        arn = _ARN + name

        def job(tx: Transaction) -> str:
            if request is not None:
                known = tx.execute("SELECT arn FROM policy WHERE request=?", (request,)).fetchone()
                if known is not None:
                    return str(known[0])
            if tx.execute("SELECT 1 FROM policy WHERE arn=?", (arn,)).fetchone():
                raise Refusal("EntityAlreadyExists", f"A policy called {name} already exists.")
            now = tx.tick()
            row = (
                arn,
                name,
                f"ANPA{uuid.uuid4().hex[:17].upper()}",
                description,
                document,
                1,
                now,
                now,
                request,
            )
            tx.execute("INSERT INTO policy VALUES(?,?,?,?,?,?,?,?,?)", row)
            return arn

        return self.get(self._ledger.write(job))

    def update(self, arn: str, document: str, *, description: str | None = None) -> StoredPolicy:
        """Put another document in its place, for all keys that it is attached to."""
        _check(document)

        def job(tx: Transaction) -> None:
            _need(tx, arn)
            tx.execute(
                """UPDATE policy SET document=?, number=number+1, changed_ns=?,
                     description=coalesce(?, description) WHERE arn=?""",
                (document, tx.tick(), description, arn),
            )

        self._write(job)
        return self.get(arn)

    def get(self, arn: str) -> StoredPolicy:
        row = self._ledger.read().execute(f"{_SELECT} WHERE p.arn=?", (arn,)).fetchone()
        if row is None:
            raise no_such_policy(arn)
        return StoredPolicy(*row)

    def page(self, *, after: str = "", limit: int = 1000, attached_only: bool = False) -> list[StoredPolicy]:
        """Policies by ARN, strictly after `after`."""
        only = "AND EXISTS(SELECT 1 FROM attachment a WHERE a.policy_arn=p.arn)" if attached_only else ""
        sql = f"{_SELECT} WHERE p.arn>? {only} ORDER BY p.arn LIMIT ?"
        return [StoredPolicy(*row) for row in self._ledger.read().execute(sql, (after, limit))]

    def delete(self, arn: str, *, force: bool = False) -> None:
        """Raises:
        Refusal: NoSuchEntity; DeleteConflict while it is attached, unless `force` detaches it.
        """

        def job(tx: Transaction) -> None:
            _need(tx, arn)
            if force:
                tx.execute("DELETE FROM attachment WHERE policy_arn=?", (arn,))
            elif tx.execute("SELECT 1 FROM attachment WHERE policy_arn=?", (arn,)).fetchone():
                raise Refusal("DeleteConflict", "Cannot delete a policy attached to entities.")
            tx.execute("DELETE FROM policy WHERE arn=?", (arn,))

        self._write(job)

    def attach(self, arn: str, key_id: str) -> None:
        """Attaching twice is no error."""

        def job(tx: Transaction) -> None:
            _need(tx, arn)
            if tx.execute("SELECT 1 FROM access_key WHERE id=?", (key_id,)).fetchone() is None:
                raise no_such_key(key_id)
            tx.execute("INSERT OR IGNORE INTO attachment VALUES(?,?)", (key_id, arn))

        self._write(job)

    def detach(self, arn: str, key_id: str) -> None:
        """Raises:
        Refusal: NoSuchEntity when it is not attached.
        """

        def job(tx: Transaction) -> None:
            sql = "DELETE FROM attachment WHERE key_id=? AND policy_arn=?"
            if tx.execute(sql, (key_id, arn)).rowcount == 0:
                raise Refusal("NoSuchEntity", f"Policy {arn[:256]} is not attached to {key_id[:128]}.")

        self._write(job)

    def of_key(self, key_id: str, *, after: str = "", limit: int = 1000) -> list[StoredPolicy]:
        """What is attached to a key, by ARN."""
        sql = f"""{_SELECT} JOIN attachment t ON t.policy_arn=p.arn
          WHERE t.key_id=? AND p.arn>? ORDER BY p.arn LIMIT ?"""
        return [StoredPolicy(*row) for row in self._ledger.read().execute(sql, (key_id, after, limit))]

    def keys_of(self, arn: str) -> list[str]:
        """The keys that a policy is attached to."""
        sql = "SELECT key_id FROM attachment WHERE policy_arn=? ORDER BY key_id"
        return [str(row[0]) for row in self._ledger.read().execute(sql, (arn,))]

    def judged(self, key_id: str) -> tuple[Policy, ...]:
        """The policies of a key as the evaluator takes them."""
        return tuple(read_stored(policy.document) for policy in self.of_key(key_id, limit=-1))

    def _write(self, job: Callable[[Transaction], None]) -> None:
        self._ledger.write(job)
        self._changed()


def no_such_policy(arn: str) -> Refusal:
    return Refusal("NoSuchEntity", f"Policy {arn[:256]} does not exist or is not attachable.")


def _need(tx: Transaction, arn: str) -> None:
    if tx.execute("SELECT 1 FROM policy WHERE arn=?", (arn,)).fetchone() is None:
        raise no_such_policy(arn)


def _check(document: str) -> None:
    try:
        parse_policy(document)
    except BadInput as error:
        where = f" at {error.where}" if error.where else ""
        raise Refusal("MalformedPolicyDocument", f"{error.message}{where} Hint: {error.hint}.") from error
