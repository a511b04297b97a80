"""One change's way from one store to another, and several at a time in the order they were made."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from explorer.errors import BadInput, Conflict, NotAllowed, NotFound, SnapshotsOff, StoreTrouble
from explorer.lineage.address import Node
from explorer.lineage.values import ObjectInfo
from explorer.workspace.pushing.objects import PART_BYTES, Change, content_of, is_big, refers, rewrite
from explorer.workspace.pushing.record import PushMap, Sent
from explorer.workspace.pushing.target import Target

if TYPE_CHECKING:
    from explorer.storage import Store
    from explorer.storage.labels import Labels

SENDERS = 4
COPIED_FROM_BYTES = 2**18
"""Smaller objects are sent faster than copied over there."""
COPIED_TO_BYTES = 5 * 2**30
"""No CopyObject takes more (S3 user guide, "Copying objects")."""
_RESERVE_BYTES = 256 * 2**20


def copies(record: PushMap, item: ObjectInfo, *, seen: bool = False) -> bool:
    """Whether the store over there has these bytes from an earlier sending, to copy them itself.

    `seen`: they will be there by then.
    """
    known = not refers(item.key, item.size_bytes) and (seen or record.newest(content_of(item)) is not None)
    return known and COPIED_FROM_BYTES <= item.size_bytes <= COPIED_TO_BYTES


@dataclass(slots=True)
class Counts:
    """What was done so far; bytes are those that travelled."""

    objects: int = 0
    sent_bytes: float = 0.0
    copied_bytes: int = 0
    gone: int = 0
    """Versions that were deleted for good here before they could be read."""


class Sender:
    """Sends changes; each is noted in the map as soon as it is there. Any thread may call `send`."""

    def __init__(
        self, target: Store, record: PushMap, there: Target, scratch: Path, on_count: Callable[[], None]
    ) -> None:
        self.counts = Counts()
        self._target = target
        self._map = record
        self._there = there
        self._scratch = scratch
        self._on_count = on_count
        self._counting = threading.Lock()

    def send(self, bucket: str, change: Change, sent: Sent, there: dict[str, ObjectInfo]) -> None:
        """Make one change over there; `there`, the head as it is known, is kept up to date.

        Raises:
            Conflict: somebody else wrote there, or the object here is another one by now.
        """
        if change.item is None:
            self._delete(sent, change.key, there)
            self.note(bucket, change, None)
            return
        arrived = self._copy(sent, change, change.item) or self._transfer(sent, change, change.item, there)
        if arrived is None:
            with self._counting:
                self.counts.gone += 1
            return
        there[change.key] = arrived
        self.note(bucket, change, arrived)
        self._count(objects=1)

    def note(self, bucket: str, change: Change, arrived: ObjectInfo | None) -> None:
        """Write down that a change is over there."""
        line: dict[str, Any] = {"from": change.version} if change.version is not None else {}
        if change.item is None or arrived is None:
            self._map.note(**{"in": bucket, "deleted": change.key, **line})
        else:
            line |= {"of": content_of(change.item), "etag": arrived.etag, "at": change.item.modified_ns}
            self._map.note(**{"in": bucket, "put": change.key, **line})

    def _delete(self, sent: Sent, key: str, there: dict[str, ObjectInfo]) -> None:
        found = there.get(key)
        try:
            self._target.delete_object(sent.name, key, if_match=found.etag if found is not None else None)
        except (Conflict, NotFound) as changed:
            raise self._there.foreign(sent, [key]) from changed
        there.pop(key, None)

    def _copy(self, sent: Sent, change: Change, item: ObjectInfo) -> ObjectInfo | None:
        """The same bytes, sent before to somewhere over there: the store can copy them itself."""
        if not copies(self._map, item):
            return None
        bucket, key, etag = self._map.newest(content_of(item)) or ("", "", "")
        with suppress(NotFound):
            labels = change.origin.read_labels()
            # it may have gone or changed there, be too big for this store, or not be ours to read
            with suppress(NotFound, Conflict, BadInput, SnapshotsOff, NotAllowed):
                known = ObjectInfo(key, item.size_bytes, etag, 0)
                copied = self._target.copy(Node(bucket), known, sent.name, change.key, labels=labels)
                with self._counting:
                    self.counts.copied_bytes += item.size_bytes
                return copied
        return None

    def _transfer(
        self, sent: Sent, change: Change, item: ObjectInfo, there: dict[str, ObjectInfo]
    ) -> ObjectInfo | None:
        if is_big(item):
            return self._transfer_parts(sent, change, item)
        try:
            data, labels = change.origin.read()
        except NotFound:
            if change.version is None:
                raise
            return None
        if refers(item.key, item.size_bytes):
            data = rewrite(data, self._map.renamed)
        found = there.get(change.key)
        try:
            arrived = self._target.write(
                sent.name,
                change.key,
                data,
                labels=labels,
                if_match=found.etag if found is not None else None,
                if_none_match=found is None,
            )
        except (Conflict, NotFound) as changed:
            raise self._there.foreign(sent, [change.key]) from changed
        self._count(item.size_bytes)
        return arrived

    def _transfer_parts(self, sent: Sent, change: Change, item: ObjectInfo) -> ObjectInfo | None:
        """A big object goes by way of a file, in parts of 16 MiB; half of its way is reading it."""
        if shutil.disk_usage(self._scratch).free < item.size_bytes + _RESERVE_BYTES:
            raise StoreTrouble(
                f"There is no room to copy {item.size_bytes} bytes through this disk.",
                hint="free some space, then push again: it goes on where it stopped",
                where=str(self._scratch),
            )
        with tempfile.NamedTemporaryFile(dir=self._scratch, prefix="object-") as file:
            labels = self._fetch(change, item, file)
            if labels is None:
                return None
            arrived = self._target.upload(sent.name, change.key, Path(file.name), labels=labels)
        self._count(item.size_bytes / 2)
        return arrived

    def _fetch(self, change: Change, item: ObjectInfo, file: IO[bytes]) -> Labels | None:
        try:
            labels = change.origin.read_labels()
            for start in range(0, item.size_bytes, PART_BYTES):
                length = min(PART_BYTES, item.size_bytes - start)
                file.write(change.origin.read_part(start, length))
                self._count(length / 2)
        except NotFound:
            if change.version is None:
                raise
            return None
        file.flush()
        return labels

    def _count(self, sent_bytes: float = 0.0, *, objects: int = 0) -> None:
        with self._counting:
            self.counts.objects += objects
            self.counts.sent_bytes += sent_bytes
        self._on_count()


def in_turn(pool: Executor, changes: Iterable[Change], send: Callable[[Change], None]) -> None:
    """Send in order, four at a time and never two of one key, until all are there or one failed.

    What had begun when one failed comes to its end first.
    """
    under_way: dict[Future[None], str] = {}
    try:
        for change in changes:
            while len(under_way) >= SENDERS or change.key in under_way.values():
                for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                    del under_way[future]
                    future.result()
            under_way[pool.submit(send, change)] = change.key
    finally:
        wait(under_way)
    for future in under_way:
        future.result()
