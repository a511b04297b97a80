"""The store without its wire: one folder, one writer, everything durable before it is acknowledged."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from explorer.localstore.engine.blobs import Blobs, fsync_folder
from explorer.localstore.engine.buckets import Buckets
from explorer.localstore.engine.fsck import Findings, check
from explorer.localstore.engine.ledger import Ledger
from explorer.localstore.engine.listing import Listing
from explorer.localstore.engine.manifests import Manifests
from explorer.localstore.engine.merging import Merging
from explorer.localstore.engine.objects import Objects
from explorer.localstore.engine.stats import Stats
from explorer.localstore.engine.sweep import GRACE_S, TRASH_S, Swept, sweep
from explorer.localstore.engine.uploads import Uploads
from explorer.localstore.engine.versions import Versions


class Engine:
    """All parts work on the same ledger and blobs. Calls block and may come from any thread."""

    def __init__(
        self, folder: Path, *, read_only: bool = False, now_ns: Callable[[], int] = time.time_ns
    ) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder = folder
        self.blobs = Blobs(folder, self._stop_writing)
        if not read_only:
            self.blobs.prepare()
        self.ledger = Ledger(folder / "meta.db", read_only=read_only, now_ns=now_ns)
        if not read_only:
            fsync_folder(folder)
        self.buckets = Buckets(self.ledger)
        self.objects = Objects(self.ledger, self.blobs, on_version_deleted=self._forget_views)
        self.listing = Listing(self.ledger)
        self.versions = Versions(self.ledger)
        self.stats = Stats(self.ledger, self.listing)
        self.manifests = Manifests(self.ledger)
        self.merging = Merging(self.ledger)
        self.uploads = Uploads(self.ledger, self.objects)

    def _forget_views(self) -> None:
        self.listing.ancestors.forget()

    def _stop_writing(self, because: str) -> None:
        self.ledger.refuse_writes_because = because

    def check(self, *, deep: bool = False) -> Findings:
        """Look for damage; `deep` reads every byte."""
        with self.ledger.reading() as connection:
            return check(connection, self.blobs, deep=deep)

    def sweep(
        self,
        *,
        dry_run: bool = False,
        grace_s: float = GRACE_S,
        history_days: float | None = None,
        trash_s: float = TRASH_S,
    ) -> Swept:
        """Remove what nothing can see any more, or say what that would be."""
        swept = sweep(
            self.ledger,
            self.blobs,
            dry_run=dry_run,
            grace_s=grace_s,
            history_days=history_days,
            trash_s=trash_s,
        )
        self._forget_views()
        return swept

    def close(self) -> None:
        self.ledger.close()
