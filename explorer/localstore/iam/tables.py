"""Where keys and policies live: tables of their own in the store's database, readable by its owner only."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from explorer.localstore.engine.ledger import Ledger, Transaction

# A secret has to be at hand in clear to verify a signature with it: the file's mode is what protects it.
_TABLES = (
    """CREATE TABLE IF NOT EXISTS access_key(
      id TEXT PRIMARY KEY, secret TEXT NOT NULL, name TEXT NOT NULL, active INTEGER NOT NULL,
      creator TEXT NOT NULL, created_ns INTEGER NOT NULL, request TEXT UNIQUE) WITHOUT ROWID, STRICT""",
    """CREATE TABLE IF NOT EXISTS access_role(
      key_id TEXT NOT NULL, bucket TEXT NOT NULL, role TEXT NOT NULL,
      PRIMARY KEY(key_id, bucket, role)) WITHOUT ROWID, STRICT""",
    """CREATE TABLE IF NOT EXISTS policy(
      arn TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, id TEXT NOT NULL, description TEXT NOT NULL,
      document TEXT NOT NULL, number INTEGER NOT NULL, created_ns INTEGER NOT NULL,
      changed_ns INTEGER NOT NULL, request TEXT UNIQUE) WITHOUT ROWID, STRICT""",
    """CREATE TABLE IF NOT EXISTS attachment(
      key_id TEXT NOT NULL, policy_arn TEXT NOT NULL,
      PRIMARY KEY(key_id, policy_arn)) WITHOUT ROWID, STRICT""",
    "CREATE INDEX IF NOT EXISTS attachment_by_policy ON attachment(policy_arn, key_id)",
)


def prepare_tables(ledger: Ledger, folder: Path) -> None:
    """Make the tables where they are missing, and let nobody but the owner read the database."""

    def job(tx: Transaction) -> None:
        for statement in _TABLES:
            tx.execute(statement)

    ledger.write(job)
    for path in _database_files(folder):
        path.chmod(0o600)


def has_tables(ledger: Ledger) -> bool:
    """Whether the tables are there: not in an old store that is opened read-only."""
    found = ledger.read().execute("SELECT count(*) FROM sqlite_master WHERE name='access_key'").fetchone()
    return bool(found[0])


def _database_files(folder: Path) -> Iterator[Path]:
    for name in ("meta.db", "meta.db-wal", "meta.db-shm"):
        with contextlib.suppress(OSError):
            path = folder / name
            path.stat()
            yield path
