"""`explorer push`: a lineage copied to another store, its snapshots and forks made anew there.

Versions are times of the store that gave them, so they change; the map says which became which. A fork is
made from its parent's mapped snapshot, so that only what it changed is sent. Killed at any point, the next
push reads the map and goes on: an object is sent again only if it was on its way.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Collection
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.errors import Conflict, NotFound, SnapshotsOff
from explorer.lineage.values import Bucket, ObjectInfo
from explorer.workspace.pushing.objects import content_of, copy_object, is_big, read_whole, refers, rewrite
from explorer.workspace.pushing.plan import Listing, Place, by_key, changed, in_order, places
from explorer.workspace.pushing.record import PushMap, Sent
from explorer.workspace.pushing.target import Target

if TYPE_CHECKING:
    from explorer.storage import Store

_SENDERS = 4
_HEAD_TRIES = 3


@dataclass(frozen=True, slots=True)
class PushProgress:
    """`doing` is for people: `sending base@step-100`. Totals leave out what is there already."""

    doing: str
    done_bytes: int
    total_bytes: int
    done_objects: int
    total_objects: int


@dataclass(frozen=True, slots=True)
class Pushed:
    """A bucket as it is over there: `versions` maps our snapshot versions to theirs."""

    bucket: str
    name: str
    versions: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class PushReport:
    """What a push did; `verified` counts the places that were listed over there and found equal."""

    buckets: tuple[Pushed, ...]
    snapshots: int
    objects: int
    sent_bytes: int
    verified: int


class Push:
    """One push. After any error a new one on the same map goes on where this one stopped.

    `prefix` stands before every bucket's name over there: names are global on Tigris.
    """

    def __init__(
        self,
        source: Store,
        target: Store,
        record: PushMap,
        *,
        prefix: str = "",
        on_progress: Callable[[PushProgress], None] = lambda _: None,
    ) -> None:
        self._source = source
        self._target = target
        self._map = record
        self._there = Target(target, record, prefix)
        self._on_progress = on_progress
        self._scratch: Path = record.path.with_suffix(".parts")
        self._doing = ""
        self._counting = threading.Lock()
        self._done = [0.0, 0.0]
        self._total = [0, 0]
        self._snapshots = 0
        self._places: dict[str, tuple[Place, ...]] = {}

    def run(self, wanted: Collection[str] = ()) -> PushReport:
        """Copy the buckets wanted (all, if none is named) with their ancestors, then verify.

        Raises:
            NotFound: no such bucket here. NameTaken: a name belongs to something else over there.
            SnapshotsOff: the target is plain S3.
            Conflict: somebody else wrote to a pushed bucket over there, or what arrived is not what was sent.
        """
        if not self._target.probe().snapshots:
            raise SnapshotsOff(
                "The store to push to has no snapshots and no forks.",
                hint="push to Tigris (https://t3.storage.dev) or to another local store",
                where=self._target.info.endpoint,
            )
        self._tell("listing")
        listed = self._source.list_lineage()
        buckets = in_order({b.name: b for b in listed}, wanted)
        # also where forks begin that are not wanted today: snapshots can only be added in order
        self._places = {b.name: places(b, listed) for b in buckets}
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._scratch.mkdir(mode=0o700)
        pool = ThreadPoolExecutor(_SENDERS, thread_name_prefix="push")
        try:
            for bucket in buckets:
                self._estimate(bucket, self._todo(bucket))
            for bucket in buckets:
                self._push(bucket, self._todo(bucket), pool)
            self._tell("verifying")
            everything = [(b, place) for b in buckets for place in self._places[b.name]]
            verified = sum(pool.map(lambda pair: self._verify(*pair), everything))
        finally:
            pool.shutdown(cancel_futures=True)  # after Ctrl-C, too, only what is on its way is finished
            shutil.rmtree(self._scratch, ignore_errors=True)
        self._tell("done")
        told = [(b.name, self._map.buckets[b.name]) for b in buckets]
        pushed = tuple(Pushed(name, sent.name, tuple(sent.versions.items())) for name, sent in told)
        return PushReport(pushed, self._snapshots, round(self._done[0]), round(self._done[1]), verified)

    def _todo(self, bucket: Bucket) -> list[Place]:
        """The places that are not over there yet."""
        sent = self._map.buckets.get(bucket.name)
        known = sent.versions if sent is not None else {}
        found = self._places[bucket.name]
        todo = [place for place in found if place.node.version not in known]
        if found[len(found) - len(todo) :] != tuple(todo):
            raise Conflict(
                f"A place of `{bucket.name}` that is not pushed is older than ones that are: {todo[0]}.",
                hint="snapshots can be added in order only; push everything anew with another --prefix",
            )
        return todo

    def _estimate(self, bucket: Bucket, todo: list[Place]) -> None:
        before = self._places[bucket.name][: -len(todo)]
        start = before[-1].node if before else bucket.parent
        listing: Listing = by_key(self._source.list_objects(start)) if start is not None else {}
        for place in todo:
            after = by_key(self._source.list_objects(place.node))
            sends = changed(listing, after)
            self._total[0] += len(sends)
            self._total[1] += sum(item.size_bytes for item in sends)
            listing = after

    def _push(self, bucket: Bucket, todo: list[Place], pool: ThreadPoolExecutor) -> None:
        self._tell(f"making {bucket.name}")
        sent = self._there.make(bucket)
        there = self._there.look(sent)
        for place in todo:
            if place.node.version is not None:
                self._write(place, sent, there, pool)
                self._there.snapshot(place, sent, there, again=place is todo[0])
                self._snapshots += 1
            else:
                self._push_head(place, sent, there, pool)
        self._there.leave_note(bucket, sent, self._source.info.label)

    def _push_head(
        self, place: Place, sent: Sent, there: dict[str, ObjectInfo], pool: ThreadPoolExecutor
    ) -> None:
        """A head may be written to while it is read: then it is listed and read again."""
        for attempt in range(_HEAD_TRIES):
            try:
                self._write(place, sent, there, pool)
            except (Conflict, NotFound):
                if attempt + 1 == _HEAD_TRIES:
                    raise
            else:
                if sent.begun is not None:
                    self._map.note(**{"in": place.node.bucket, "head": True})
                return

    def _write(
        self, place: Place, sent: Sent, there: dict[str, ObjectInfo], pool: ThreadPoolExecutor
    ) -> None:
        """Make the head over there what this place is here; `there` is kept up to date."""
        self._tell(f"sending {place}")
        after = by_key(self._source.list_objects(place.node))
        sends = [item for key, item in after.items() if not self._there.has(there.get(key), item)]
        for key in sent.keys & (after.keys() - {item.key for item in sends}):
            # it arrived just before a kill: say so, or it would pass for somebody else's
            self._note_put(place, after[key], there[key])
        sends.sort(key=lambda item: (item.modified_ns, item.key))
        deletes = [key for key in there if key not in after]
        if not sends and not deletes and sent.begun is None:
            return
        keys = [*(item.key for item in sends), *deletes]
        self._map.note(**{"in": place.node.bucket, "place": place.node.version or "", "keys": keys})
        _wait_all([pool.submit(self._send, place, sent, there, item) for item in sends])
        for key in deletes:
            self._target.delete_object(sent.name, key)
            self._map.note(**{"in": place.node.bucket, "deleted": key})
            del there[key]

    def _send(self, place: Place, sent: Sent, there: dict[str, ObjectInfo], item: ObjectInfo) -> None:
        if refers(item.key, item.size_bytes):
            data = rewrite(read_whole(self._source, place.node, item), self._map.renamed)
            labels = self._source.read_labels(place.node, item)
            arrived = self._target.write(sent.name, item.key, data, labels=labels)
        else:
            # half of a big object's way is reading it
            halves = partial(self._count, share=0.5)
            arrived = copy_object(
                self._source, place.node, item, self._target, sent.name, self._scratch, halves
            )
        self._note_put(place, item, arrived)
        there[item.key] = arrived
        self._count(item.size_bytes, share=0.5 if is_big(item) else 1.0, objects=1)

    def _count(self, size_bytes: int, *, share: float, objects: int = 0) -> None:
        with self._counting:
            self._done[0] += objects
            self._done[1] += size_bytes * share
        self._tell(self._doing)

    def _note_put(self, place: Place, item: ObjectInfo, arrived: ObjectInfo) -> None:
        content = content_of(item)
        self._map.note(**{"in": place.node.bucket, "put": item.key, "of": content, "etag": arrived.etag})

    def _verify(self, bucket: Bucket, place: Place) -> int:
        """List a place over there and compare it with the one here; a head, with what was left there."""
        sent = self._map.buckets[bucket.name]
        if place.node.version is None:
            self._there.check_untouched(sent, self._there.listing(sent))
            return 1
        here = by_key(self._source.list_objects(place.node))
        there = self._there.listing(sent, sent.versions[place.node.version])
        wrong = [key for key, item in here.items() if not self._there.has(there.get(key), item)]
        wrong += [key for key in there if key not in here]
        if wrong:
            raise Conflict(
                f"{len(wrong)} objects of {place} are not over there as they are here, `{wrong[0]}` first.",
                hint="push everything anew with another --prefix",
                where=sent.name,
            )
        return 1

    def _tell(self, doing: str) -> None:
        self._doing = doing
        self._on_progress(
            PushProgress(doing, round(self._done[1]), self._total[1], round(self._done[0]), self._total[0])
        )


def _wait_all(sending: list[Future[None]]) -> None:
    """Until all are there, or one failed and the others that had begun have ended."""
    wait(sending, return_when=FIRST_EXCEPTION)
    for future in sending:
        future.cancel()
    wait([future for future in sending if not future.cancelled()])
    for future in sending:
        if not future.cancelled():
            future.result()
