"""The tables of the store, and how a connection to them is opened."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from explorer.errors import StoreTrouble

VERSION = 1
FOREVER = (1 << 62) - 1
"""A time later than every version: reading at it reads the head."""

TABLES = """
CREATE TABLE store(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID, STRICT;
INSERT INTO store VALUES('last_ns', 0);

CREATE TABLE bucket(
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, created_ns INTEGER NOT NULL,
  changed_ns INTEGER NOT NULL, deleted_ns INTEGER, parent_id INTEGER REFERENCES bucket(id),
  parent_cut_ns INTEGER, snapshots_on INTEGER NOT NULL, settings TEXT NOT NULL DEFAULT '{}') STRICT;
CREATE UNIQUE INDEX bucket_by_name ON bucket(name) WHERE deleted_ns IS NULL;
CREATE INDEX bucket_by_parent ON bucket(parent_id, name) WHERE deleted_ns IS NULL AND parent_id IS NOT NULL;

-- The chain of a bucket, nearest first, each ancestor with the time at which it is seen: min(cut) down the
-- chain. Written once at the fork, never changed, so that a read needs no recursion.
CREATE TABLE lineage(
  bucket_id INTEGER NOT NULL, depth INTEGER NOT NULL, ancestor_id INTEGER NOT NULL, cut_ns INTEGER NOT NULL,
  PRIMARY KEY(bucket_id, depth)) WITHOUT ROWID, STRICT;

CREATE TABLE snapshot(
  bucket_id INTEGER NOT NULL, ts INTEGER NOT NULL, name TEXT,
  PRIMARY KEY(bucket_id, ts)) WITHOUT ROWID, STRICT;

-- key is UTF-8 bytes: memcmp order is S3's order. nts = -ts: newest first. Exactly one of blob and manifest
-- says where the bytes are, unless `deleted`.
CREATE TABLE version(
  bucket_id INTEGER NOT NULL, key BLOB NOT NULL, nts INTEGER NOT NULL, deleted INTEGER NOT NULL,
  size INTEGER NOT NULL, etag TEXT NOT NULL, blob TEXT, manifest INTEGER, attributes TEXT,
  PRIMARY KEY(bucket_id, key, nts)) WITHOUT ROWID, STRICT;
CREATE INDEX version_by_blob ON version(blob) WHERE blob IS NOT NULL;
CREATE INDEX version_by_manifest ON version(manifest) WHERE manifest IS NOT NULL;

-- A body in several pieces, as a multipart upload leaves it. Immutable, shared by copies.
CREATE TABLE segment(
  manifest INTEGER NOT NULL, n INTEGER NOT NULL, start INTEGER NOT NULL, size INTEGER NOT NULL,
  blob TEXT NOT NULL, checksum TEXT, PRIMARY KEY(manifest, n)) WITHOUT ROWID, STRICT;
CREATE INDEX segment_by_blob ON segment(blob);

CREATE TABLE upload(
  id TEXT PRIMARY KEY, bucket_id INTEGER NOT NULL, key BLOB NOT NULL, started_ns INTEGER NOT NULL,
  attributes TEXT NOT NULL, algorithm TEXT, checksum_type TEXT NOT NULL,
  done_ns INTEGER -- the version it became: completing again answers the same
  ) WITHOUT ROWID, STRICT;
CREATE INDEX upload_by_bucket ON upload(bucket_id, key, id);
CREATE TABLE part(
  upload_id TEXT NOT NULL, n INTEGER NOT NULL, blob TEXT NOT NULL, size INTEGER NOT NULL, etag TEXT NOT NULL,
  checksum TEXT NOT NULL, written_ns INTEGER NOT NULL, PRIMARY KEY(upload_id, n)) WITHOUT ROWID, STRICT;
CREATE INDEX part_by_blob ON part(blob);

CREATE TABLE blob(
  hash TEXT PRIMARY KEY, size INTEGER NOT NULL, created_ns INTEGER NOT NULL) WITHOUT ROWID, STRICT;
"""

# Where a fork that was merged or rebased last met its parent: what they had in common is `base_id` at `ts`.
# Made where it is missing: stores of format 1 began without it.
MERGE_BASE = """CREATE TABLE IF NOT EXISTS merge_base(
  bucket_id INTEGER PRIMARY KEY, base_id INTEGER NOT NULL, ts INTEGER NOT NULL) STRICT"""


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection in autocommit, WAL and full synchronous mode; the caller begins transactions by hand."""
    mode = "ro" if read_only else "rwc"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
        timeout=30,
    )
    # Every thread that reads has a connection: they share the mapped file instead of each keeping a cache.
    connection.execute(f"PRAGMA cache_size={-2048 if read_only else -32768}")
    connection.execute("PRAGMA mmap_size=268435456")
    if not read_only:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA wal_autocheckpoint=4000")
    return connection


def prepare(connection: sqlite3.Connection, where: Path) -> None:
    """Create the tables, or check that they are ours.

    Raises:
        StoreTrouble: the database was written by a newer version of this program.
    """
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    if found > VERSION:
        raise StoreTrouble(
            f"The local store is of format {found}; this program knows format {VERSION}.",
            hint="upgrade checkpoint-explorer, or point --data at another folder",
            where=str(where),
        )
    if found == 0:
        connection.executescript(f"BEGIN IMMEDIATE; {TABLES} PRAGMA user_version={VERSION}; COMMIT;")
    connection.execute(MERGE_BASE)
