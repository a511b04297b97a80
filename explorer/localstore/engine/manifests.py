"""The pieces of a body that came in parts, as they were uploaded."""

from __future__ import annotations

from explorer.localstore.engine.ledger import Ledger
from explorer.localstore.engine.records import Entry, Piece


class Manifests:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def count(self, found: Entry) -> int | None:
        """How many parts an object was uploaded in, None if in one request."""
        if found.manifest is None:
            return None
        sql = "SELECT count(*) FROM segment WHERE manifest=?"
        (count,) = self._ledger.read().execute(sql, (found.manifest,)).fetchone()
        return int(count)

    def pieces(self, found: Entry, *, after: int = 0, limit: int = 1000) -> list[Piece]:
        """The parts in order, from behind number `after`; the checksum is empty where none was asked for."""
        sql = "SELECT n, size, checksum FROM segment WHERE manifest=? AND n>? ORDER BY n LIMIT ?"
        rows = self._ledger.read().execute(sql, (found.manifest, after, limit))
        return [Piece(n, size, checksum or "") for n, size, checksum in rows]
