"""Keys and policies of the local store: who a key is, and what it may do."""

from __future__ import annotations

import hmac
import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from explorer.access import (
    BucketRole,
    Circumstances,
    Decision,
    Grants,
    Operation,
    Role,
    decide_all,
    decide_iam,
    may_see,
)
from explorer.errors import BadInput
from explorer.localstore.engine.ledger import Ledger
from explorer.localstore.iam.keys import AccessKey, Keys
from explorer.localstore.iam.policies import Policies
from explorer.localstore.iam.tables import has_tables, prepare_tables
from explorer.localstore.refusals import Refusal
from explorer.localstore.wire.auth import Principal

T = TypeVar("T")
OWNER_ROLE = BucketRole("*", Role.ADMIN)


class Iam:
    """The owner's key lives in the store's key file, all others in its database.

    Grants are remembered until a key or a policy changes: one process writes the store, and it is this one.
    Where it is not, because the store was opened read-only, nothing is: the writer may take a key away.
    """

    def __init__(
        self, ledger: Ledger, folder: Path, *, owner_id: str, owner_secret: str, owner_since_ns: int = 0
    ) -> None:
        self._is_writer = ledger.refuse_writes_because is None
        if self._is_writer:
            prepare_tables(ledger, folder)
        self._has_keys = has_tables(ledger)
        self.owner = AccessKey(owner_id, "owner", True, "", owner_since_ns, (OWNER_ROLE,))
        self._owner_secret = owner_secret
        self._lock = threading.Lock()
        self._generation = 0
        self._secrets: dict[str, str] = {}
        self._grants: dict[str, Grants] = {}
        self.keys = Keys(ledger, self._forget)
        self.policies = Policies(ledger, self._forget)

    def secret(self, access_key: str) -> str | None:
        """The secret of an active key; None where there is none."""
        if hmac.compare_digest(access_key.encode(), self.owner.id.encode()):
            return self._owner_secret
        with self._lock:
            if access_key in self._secrets:
                return self._secrets[access_key]
            generation = self._generation
        found = self.keys.secret(access_key) if self._has_keys else None
        if found is not None:  # strangers' guesses would fill the memory
            self._remember(self._secrets, access_key, found, generation)
        return found

    def grants(self, access_key: str) -> Grants:
        """What a key may do; nothing where there is no such key."""
        if access_key == self.owner.id:
            return Grants(owner=True)
        with self._lock:
            known = self._grants.get(access_key)
            generation = self._generation
        if known is not None:
            return known
        try:
            roles = self.keys.get(access_key).roles
        except Refusal:
            return Grants()
        except BadInput:  # a role that a newer version wrote
            roles = ()
        grants = Grants(roles=roles, policies=self.policies.judged(access_key))
        self._remember(self._grants, access_key, grants, generation)
        return grants

    def principal(self, access_key: str) -> Principal:
        return Principal(access_key, access_key == self.owner.id)

    def decide(self, principal: Principal, operations: Iterable[Operation], source_ip: str) -> Decision:
        """The evaluator's word about one request, now."""
        grants = self.grants(principal.access_key)
        return decide_all(grants, operations, Circumstances(datetime.now(UTC), source_ip))

    def decide_iam(self, access_key: str, call: str) -> Decision:
        return decide_iam(self.grants(access_key), call)

    def may_see(self, principal: Principal, bucket: str, source_ip: str) -> bool:
        """Whether this key's bucket listing shows this bucket."""
        grants = self.grants(principal.access_key)
        return may_see(grants, bucket, Circumstances(datetime.now(UTC), source_ip))

    def _remember(self, memory: dict[str, T], access_key: str, found: T, generation: int) -> None:
        """Keep what was read, unless it was read before the newest change."""
        with self._lock:
            if self._is_writer and generation == self._generation:
                memory[access_key] = found

    def _forget(self) -> None:
        with self._lock:
            self._generation += 1
            self._secrets.clear()
            self._grants.clear()
