"""Access keys: made, listed, given roles, switched off, rotated, deleted."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from explorer.access import BucketRole, parse_role
from explorer.localstore.engine.ledger import Ledger, Transaction
from explorer.localstore.refusals import Refusal

_LETTERS = string.ascii_letters + string.digits
_COLUMNS = "SELECT id, name, active, creator, created_ns FROM access_key"


@dataclass(frozen=True, slots=True)
class AccessKey:
    """A key without its secret, which leaves the store once: in the answer that made it."""

    id: str
    name: str
    active: bool
    creator: str
    created_ns: int
    roles: tuple[BucketRole, ...] = ()


class Keys:
    """`changed` is called after every change, so that what was decided with the old grants is forgotten."""

    def __init__(self, ledger: Ledger, changed: Callable[[], None]) -> None:
        self._ledger = ledger
        self._changed = changed

    def create(
        self, name: str, roles: Sequence[BucketRole], *, creator: str, request: str | None = None
    ) -> tuple[AccessKey, str]:
        """A new key and its secret; the same `request` again answers the same key."""
        id_, secret = f"tid_{_random(40)}", f"tsec_{_random(60)}"

        def job(tx: Transaction) -> tuple[str, str]:
            if request is not None:
                known = tx.execute("SELECT id, secret FROM access_key WHERE request=?", (request,)).fetchone()
                if known is not None:
                    return str(known[0]), str(known[1])
            tx.execute(
                "INSERT INTO access_key VALUES(?,?,?,1,?,?,?)",
                (id_, secret, name, creator, tx.tick(), request),
            )
            _set_roles(tx, id_, roles)
            return id_, secret

        made = self._ledger.write(job)
        self._changed()
        return self.get(made[0]), made[1]

    def get(self, id_: str) -> AccessKey:
        """Raises:
        Refusal: NoSuchEntity.
        """
        found = self._read("WHERE id=?", (id_,))
        if not found:
            raise no_such_key(id_)
        return found[0]

    def page(self, *, after: str = "", limit: int = 1000, named: str | None = None) -> list[AccessKey]:
        """Keys by id, strictly after `after`; `named` picks by name or id."""
        if named is not None:
            return self._read(
                "WHERE id>? AND (id=? OR name=?) ORDER BY id LIMIT ?", (after, named, named, limit)
            )
        return self._read("WHERE id>? ORDER BY id LIMIT ?", (after, limit))

    def secret(self, id_: str) -> str | None:
        """The secret of an active key."""
        row = self._ledger.read().execute("SELECT secret FROM access_key WHERE id=? AND active=1", (id_,))
        found = row.fetchone()
        return None if found is None else str(found[0])

    def set_active(self, id_: str, active: bool) -> None:
        def job(tx: Transaction) -> None:
            _need(tx, id_)
            tx.execute("UPDATE access_key SET active=? WHERE id=?", (active, id_))

        self._write(job)

    def set_roles(self, id_: str, roles: Sequence[BucketRole]) -> None:
        """Replace all roles of the key."""

        def job(tx: Transaction) -> None:
            _need(tx, id_)
            _set_roles(tx, id_, roles)

        self._write(job)

    def rotate(self, id_: str) -> str:
        """Give the key a new secret; the old one is worthless from then on."""
        secret = f"tsec_{_random(60)}"

        def job(tx: Transaction) -> None:
            _need(tx, id_)
            tx.execute("UPDATE access_key SET secret=? WHERE id=?", (secret, id_))

        self._write(job)
        return secret

    def delete(self, id_: str) -> None:
        def job(tx: Transaction) -> None:
            _need(tx, id_)
            tx.execute("DELETE FROM access_key WHERE id=?", (id_,))
            tx.execute("DELETE FROM access_role WHERE key_id=?", (id_,))
            tx.execute("DELETE FROM attachment WHERE key_id=?", (id_,))

        self._write(job)

    def _write(self, job: Callable[[Transaction], None]) -> None:
        self._ledger.write(job)
        self._changed()

    def _read(self, where: str, arguments: tuple[object, ...]) -> list[AccessKey]:
        with self._ledger.reading() as connection:
            rows = connection.execute(f"{_COLUMNS} {where}", arguments).fetchall()
            return [
                AccessKey(
                    id_,
                    name,
                    bool(active),
                    creator,
                    created_ns,
                    tuple(
                        parse_role(bucket, role)
                        for bucket, role in connection.execute(
                            "SELECT bucket, role FROM access_role WHERE key_id=?", (id_,)
                        )
                    ),
                )
                for id_, name, active, creator, created_ns in rows
            ]


def no_such_key(id_: str) -> Refusal:
    return Refusal("NoSuchEntity", f"The access key {id_[:128]} cannot be found.")


def _need(tx: Transaction, id_: str) -> None:
    if tx.execute("SELECT 1 FROM access_key WHERE id=?", (id_,)).fetchone() is None:
        raise no_such_key(id_)


def _set_roles(tx: Transaction, id_: str, roles: Sequence[BucketRole]) -> None:
    tx.execute("DELETE FROM access_role WHERE key_id=?", (id_,))
    rows = {(id_, held.bucket, held.role.value) for held in roles}
    tx.executemany("INSERT INTO access_role VALUES(?,?,?)", sorted(rows))


def _random(length: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(length))
