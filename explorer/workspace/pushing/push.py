"""`explorer push`: a lineage copied to another store, its snapshots and forks made anew there.

Versions are times of the store that gave them, so they change; the map says which became which. Between two
snapshots every version of every key is written again in the order it was written here, deletions included,
so that the history of a key is the same over there. A fork is made from its parent's mapped snapshot: only
what is its own is sent. Killed at any point, the next push reads the map, looks which of the few versions
that were on their way have arrived, and goes on.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.errors import Conflict, NotFound, SnapshotsOff
from explorer.lineage.address import version_order
from explorer.lineage.values import Bucket, ObjectInfo
from explorer.workspace.pushing.arrivals import Arrivals
from explorer.workspace.pushing.history import History, history_of
from explorer.workspace.pushing.objects import Change
from explorer.workspace.pushing.places import Estimate, Needs
from explorer.workspace.pushing.plan import Place, in_order, places
from explorer.workspace.pushing.record import PushMap, Sent
from explorer.workspace.pushing.report import Pushed, PushProgress, PushReport
from explorer.workspace.pushing.sending import SENDERS, Sender, in_turn
from explorer.workspace.pushing.target import Target
from explorer.workspace.pushing.verifying import Verifier

if TYPE_CHECKING:
    from explorer.storage import Store

_HEAD_TRIES = 3


class Push:
    """One push. After any error a new one on the same map goes on where this one stopped.

    `prefix` stands before every bucket's name over there: names are global on Tigris. `only_snapshots` leaves
    out the versions that no snapshot and no head shows.
    """

    def __init__(
        self,
        source: Store,
        target: Store,
        record: PushMap,
        *,
        prefix: str = "",
        only_snapshots: bool = False,
        on_progress: Callable[[PushProgress], None] = lambda _: None,
    ) -> None:
        self._source = source
        self._target = target
        self._map = record
        self._there = Target(target, record, prefix)
        self._only_snapshots = only_snapshots
        self._on_progress = on_progress
        self._scratch: Path = record.path.with_suffix(".parts")
        self._sender = Sender(target, record, self._there, self._scratch, lambda: self._tell(self._doing))
        self._doing = ""
        self._total = Estimate(record)
        self._snapshots = 0
        self._places: dict[str, tuple[Place, ...]] = {}
        self._keys: dict[str, set[str]] = {}

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
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._scratch.mkdir(mode=0o700)
        pool = ThreadPoolExecutor(SENDERS, thread_name_prefix="push")
        try:
            needs = self._plan(wanted, pool)
            for need in needs:
                todo = self._todo(need.bucket)
                done = self._places[need.bucket.name][: -len(todo)]
                sent = self._map.buckets.get(need.bucket.name)
                self._find_marks(need, sent)
                need.estimate(self._total, done[-1] if done else None, todo, sent)
            self._tell("listed")
            for need in needs:
                self._push(need, self._todo(need.bucket), pool)
            return self._verify(needs, pool)
        finally:
            pool.shutdown(cancel_futures=True)  # after Ctrl-C, too, only what is on its way is finished
            shutil.rmtree(self._scratch, ignore_errors=True)

    def _find_marks(self, needs: Needs, sent: Sent | None) -> None:
        """Which versions an earlier push of states has sent: the estimate wants to know that, too."""
        if needs.history is None or sent is None or not sent.made or sent.begun is not None:
            return
        if None in sent.upto.values():
            needs.history.find_marks(sent, self._there.listing(sent), self._there.has)

    def _plan(self, wanted: Collection[str], pool: Executor) -> list[Needs]:
        """The buckets in order with their places and versions. Places that came up while the versions were
        listed wait for the next push, with everything that is newer than the first of them."""
        listed = self._source.list_lineage()
        buckets = in_order({b.name: b for b in listed}, wanted)
        if self._only_snapshots:
            histories: list[History | None] = [None for _ in buckets]
            now = listed
        else:
            histories = list(pool.map(lambda bucket: history_of(self._source, bucket), buckets))
            now = self._source.list_lineage()
        found = []
        for bucket, history in zip(buckets, histories, strict=True):
            # also where forks begin that are not wanted today: snapshots can only be added in order
            known = places(bucket, listed)
            last = version_order(known[-2].node.version or "") if len(known) > 1 else version_order("")
            later = next((b for b in now if b.name == bucket.name), bucket)
            new = [p for p in places(later, now)[:-1] if version_order(p.node.version or "") > last]
            if history is not None and new:
                history = history.until(new[0].node.version or "")
            self._places[bucket.name] = known
            found.append(Needs(self._source, self._target, self._there, bucket, history))
        return found

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

    def _push(self, needs: Needs, todo: list[Place], pool: Executor) -> None:
        bucket = needs.bucket
        self._tell(f"making {bucket.name}")
        sent = self._there.make(bucket)
        there = self._there.listing(sent)
        unsure: Collection[str] = ()
        if sent.begun is not None:
            begun = next((p for p in todo if (p.node.version or "") == sent.begun), todo[0])
            arrivals = Arrivals(self._target, self._map, self._there, self._sender)
            unsure = arrivals.settle(bucket.name, sent, there, partial(needs.on_their_way, begun, sent))
        self._there.check_untouched(sent, there, unsure)
        if needs.history is not None:
            needs.history.find_marks(sent, there, self._there.has)
        for place in todo:
            if place.node.version is not None:
                self._write(needs, place, sent, there, pool)
                self._there.snapshot(place, sent, there, again=place is todo[0])
                self._snapshots += 1
            else:
                self._push_head(needs, place, sent, there, pool)
        self._there.leave_note(bucket, sent, self._source.info.label)

    def _push_head(
        self, needs: Needs, place: Place, sent: Sent, there: dict[str, ObjectInfo], pool: Executor
    ) -> None:
        """A head may be written to while it is read: then it is listed and read again."""
        for attempt in range(_HEAD_TRIES):
            try:
                self._write(needs, place, sent, there, pool)
            except (Conflict, NotFound):
                if attempt + 1 == _HEAD_TRIES:
                    raise
            else:
                if sent.begun is not None:
                    self._map.note(**{"in": place.node.bucket, "head": True})
                return

    def _write(
        self, needs: Needs, place: Place, sent: Sent, there: dict[str, ObjectInfo], pool: Executor
    ) -> None:
        """Make the head over there what this place is here; `there` is kept up to date."""
        self._tell(f"sending {place}")
        self._send(place, needs.replay(place, sent), sent, there, pool, replays=True)
        self._send(place, needs.difference(place, sent, there), sent, there, pool, replays=False)

    def _send(
        self,
        place: Place,
        changes: list[Change],
        sent: Sent,
        there: dict[str, ObjectInfo],
        pool: Executor,
        *,
        replays: bool,
    ) -> None:
        if not changes:
            return
        bucket, keys = place.node.bucket, list(dict.fromkeys(change.key for change in changes))
        place_line = {"place": place.node.version or "", "keys": keys, "replays": replays}
        self._map.note(**{"in": bucket, **place_line})
        self._keys.setdefault(bucket, set()).update(keys)
        in_turn(pool, changes, lambda change: self._sender.send(bucket, change, sent, there))

    def _verify(self, needs: list[Needs], pool: Executor) -> PushReport:
        self._tell("verifying")
        verifier = Verifier(self._source, self._target, self._map, self._there)
        pairs = [(need.bucket, place) for need in needs for place in self._places[need.bucket.name]]
        verified = sum(pool.map(lambda pair: verifier.check_place(*pair), pairs))
        compared = pool.map(
            lambda need: verifier.check_history(
                need.bucket, need.history, frozenset(self._keys.get(need.bucket.name, ()))
            ),
            needs,
        )
        pushed, labels = [], 0
        for need, (history, number) in zip(needs, compared, strict=True):
            sent = self._map.buckets[need.bucket.name]
            pushed.append(Pushed(need.bucket.name, sent.name, tuple(sent.versions.items()), history))
            labels += number
        self._tell("done")
        counts = self._sender.counts
        return PushReport(
            tuple(pushed),
            self._snapshots,
            counts.objects,
            round(counts.sent_bytes),
            verified,
            counts.copied_bytes,
            labels,
        )

    def _tell(self, doing: str) -> None:
        self._doing = doing
        counts, total = self._sender.counts, self._total
        self._on_progress(
            PushProgress(
                doing,
                round(counts.sent_bytes),
                total.bytes,
                counts.objects,
                total.objects,
                total.replaced_bytes,
            )
        )
