"""What was written between two places of a bucket: the versions that nothing shows any more included."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from explorer.errors import BadInput, NotAllowed, SnapshotsOff
from explorer.lineage.address import Node, is_version, version_order
from explorer.lineage.values import Bucket, ObjectInfo
from explorer.workspace.pushing.plan import NOT_PUSHED
from explorer.workspace.pushing.record import Sent

if TYPE_CHECKING:
    from explorer.storage import Store
    from explorer.storage.versions import ObjectVersion

Same = Callable[[ObjectInfo | None, ObjectInfo], bool]
"""Whether an object over there holds what one of ours does."""


@dataclass(frozen=True, slots=True)
class History:
    """A bucket's own versions in the order they were written; what a fork has from its parent is no part."""

    versions: tuple[ObjectVersion, ...]

    def remaining(self, sent: Sent | None, until: str | None) -> list[ObjectVersion]:
        """Versions up to a snapshot (None: all) that are not over there yet, in order."""
        start = max(sent.versions, key=version_order, default="") if sent is not None else ""
        upto = sent.upto if sent is not None else {}
        low = self._place_of(start)
        high = len(self.versions) if until is None else self._place_of(until)
        return [
            version
            for version in self.versions[low:high]
            if version_order(version.version) > version_order(upto.get(version.key) or "")
        ]

    def until(self, version: str) -> History:
        """The same, up to a snapshot."""
        return History(self.versions[: self._place_of(version)])

    def _place_of(self, version: str) -> int:
        return bisect_right(self.versions, version_order(version), key=lambda v: version_order(v.version))

    def newest(self) -> dict[str, str]:
        """Key -> its last version."""
        return {version.key: version.version for version in self.versions}

    def by_key(self) -> dict[str, list[ObjectVersion]]:
        """Key -> its versions, oldest first."""
        found: dict[str, list[ObjectVersion]] = {}
        for version in self.versions:
            found.setdefault(version.key, []).append(version)
        return found

    def find_marks(self, sent: Sent, there: Mapping[str, ObjectInfo], same: Same) -> None:
        """Where a key was sent as a snapshot or the head showed it, find out which version that was.

        Written at the same time it was that one; else the first with the same content, so that nothing that
        was only said of it later (tags, metadata) is passed over.
        """
        unknown = {key for key, version in sent.upto.items() if version is None}
        if not unknown:
            return
        candidates: dict[str, list[ObjectVersion]] = {}
        for version in self.remaining(sent, None):
            found = there.get(version.key)
            if version.key not in unknown:
                continue
            if (found is None) if version.item is None else same(found, version.item):
                candidates.setdefault(version.key, []).append(version)
        for key, versions in candidates.items():
            at = sent.at.get(key)
            timely = [v for v in versions if v.item is not None and v.item.modified_ns == at]
            deleted = [v for v in versions if v.item is None]
            sent.upto[key] = (timely or deleted or versions[:1])[-1].version


def read_history(store: Store, bucket: str, parent: Node | None) -> History | None:
    """A bucket's own versions, one request for every 1000; None where the store does not list them.

    Costs some 500 bytes of memory a version. Raises NotFound.
    """
    cut = version_order(parent.version if parent is not None and parent.version else "")
    found = []
    try:
        for version in store.list_versions(bucket):
            if not is_version(version.version):
                return None
            if version_order(version.version) > cut and version.key not in NOT_PUSHED:
                found.append(version)
    except (NotAllowed, BadInput, SnapshotsOff):
        return None
    found.sort(key=lambda v: version_order(v.version))
    return History(tuple(found))


def history_of(store: Store, bucket: Bucket) -> History | None:
    """The history to push of a bucket here; None where it keeps none, or does not tell."""
    return read_history(store, bucket.name, bucket.parent) if bucket.snapshots_on else None
