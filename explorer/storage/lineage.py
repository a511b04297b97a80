"""Snapshots and forks, through tigris-boto3-ext."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from explorer.errors import BadInput, NameTaken, NotAllowed, NotFound, SnapshotsOff, Unreachable, nearest
from explorer.lineage.address import Node, check_bucket_name
from explorer.lineage.values import Bucket, Snapshot
from explorer.storage.buckets import Buckets
from explorer.storage.listing import snapshots_of
from explorer.storage.translate import snapshots_off

_NAME_CHARACTERS = 200


class Lineage(Buckets):
    """The part of `Store` that knows snapshots and forks."""

    def list_snapshots(self, bucket: str) -> tuple[Snapshot, ...]:
        """A bucket's snapshots, oldest first, all pages.

        Raises:
            NotFound: there is no such bucket.
            SnapshotsOff: the endpoint is plain S3.
        """
        names: list[str] = []
        asked: dict[str, Any] = {}
        with self._speaking(Node(bucket)) as client:
            from tigris_boto3_ext import TigrisSnapshot

            with TigrisSnapshot(client, bucket):
                while True:
                    page = client.list_buckets(**asked)
                    entries = page.get("Buckets", ())
                    names += (entry["Name"] for entry in entries)
                    token = page.get("ContinuationToken")
                    # The token is the last version even on the last page: one empty page more is normal.
                    if not entries or not token or token == asked.get("ContinuationToken"):
                        break
                    asked["ContinuationToken"] = token
        found = snapshots_of(bucket, names)
        if found is None:
            self.info = replace(self.info, snapshots=False)
            raise snapshots_off(None, self._clients.endpoint)
        return found

    def list_lineage(self) -> tuple[Bucket, ...]:
        """All buckets with their snapshots: a request a page of buckets, and one a bucket, 16 at a time."""
        buckets = self.list_buckets()
        if not any(bucket.snapshots_on for bucket in buckets):
            return buckets
        complete = self._pool().map(self._with_its_snapshots, buckets)
        return tuple(bucket for bucket in complete if bucket is not None)

    def _with_its_snapshots(self, bucket: Bucket) -> Bucket | None:
        if not bucket.snapshots_on:
            return bucket
        try:
            return replace(bucket, snapshots=self.list_snapshots(bucket.name))
        except NotFound:
            return None  # deleted since the listing
        except NotAllowed:
            return bucket  # listed, but not ours to look into: shown, without snapshots

    def take_snapshot(self, bucket: str, name: str | None = None) -> Snapshot:
        """Freeze a bucket as it is now. After a lost answer there may be two snapshots of one name.

        Raises:
            BadInput: the name cannot travel in a header.
            SnapshotsOff: the bucket, or the endpoint, has none.
        """
        name = check_snapshot_name(name) if name else None
        self._prove_snapshots(bucket)
        with self._speaking(Node(bucket)) as client:
            from tigris_boto3_ext import create_snapshot, get_snapshot_version

            version = get_snapshot_version(create_snapshot(client, bucket, name))
        if not version:
            raise snapshots_off(bucket, self._clients.endpoint)
        return Snapshot(bucket, version, name)

    def delete_snapshot(self, node: Node) -> None:
        """Delete a snapshot for ever; forks made from it live on.

        A server without snapshots takes this very request for the deletion of the bucket. So it must say of
        the bucket that snapshots are on, and list this version, before it is sent.

        Raises:
            NotFound: no such snapshot. BadInput: the node is a head.
            SnapshotsOff: the endpoint has not proved that it speaks snapshots.
        """
        if node.version is None:
            raise BadInput(f"`{node}` is a head, not a snapshot.", hint="write it as `bucket@version`")
        self._prove_snapshots(node.bucket, again=True)
        known = {snapshot.version: snapshot.name for snapshot in self.list_snapshots(node.bucket)}
        if node.version not in known:
            hint = nearest(node.version, known, f"`explorer snapshots list {node.bucket}` lists them")
            raise NotFound(f"`{node.bucket}` has no snapshot `{node.version}`.", hint=hint)
        with self._speaking(Node(node.bucket)) as client:
            from tigris_boto3_ext import delete_snapshot

            delete_snapshot(client, node.bucket, node.version)

    def fork(self, source: Node, name: str) -> Bucket:
        """Make a bucket copy-on-write from a snapshot, or from a head (the store snapshots it first).

        Raises:
            BadInput: the name breaks S3's rules. NameTaken: with a name that is free.
            NotFound: no such source. SnapshotsOff: the source has none.
        """
        check_bucket_name(name)
        self._prove_snapshots(source.bucket)
        started = time.time()
        try:
            with self._speaking(Node(source.bucket, source.version), creates=name) as client:
                from tigris_boto3_ext import create_fork

                create_fork(client, name, source.bucket, source.version)
        except (NameTaken, Unreachable) as error:
            made = self._made_by_lost_answer(error, name, started)
            if made is None or not _is_fork_of(made, source):
                raise
            return made
        made = self.read_bucket(name)
        if not _is_fork_of(made, source):
            raise SnapshotsOff(
                f"The store made `{name}`, but not as a fork of `{source}`.",
                hint=f"delete `{name}`; this store does not speak forks",
                where=self._clients.endpoint,
            )
        return made

    def _prove_snapshots(self, bucket: str, *, again: bool = False) -> None:
        """Only a store that speaks snapshots says so in the HEAD of a bucket: one request, once a bucket.

        A plain S3 server would answer "snapshot" and "fork" by making buckets, and "delete snapshot" by
        deleting one.
        """
        if bucket in self._with_snapshots and not again:
            return
        with self._speaking(Node(bucket)) as client:
            headers = client.head_bucket(Bucket=bucket)["ResponseMetadata"]["HTTPHeaders"]
        told = headers.get("x-tigris-enable-snapshot", "").lower()
        if told != "true":
            plain = told == "" and self._read_page(None, max_buckets=1) is None
            raise snapshots_off(None if plain else bucket, self._clients.endpoint)
        self._with_snapshots.add(bucket)


def check_snapshot_name(name: str) -> str:
    """Return the name as the store will keep it (without blanks around it). Raises BadInput."""
    name = name.strip()
    if not name or not name.isascii() or not name.isprintable() or len(name) > _NAME_CHARACTERS:
        raise BadInput(
            f"{name[:40]!r} cannot be a snapshot's name.",
            hint=f"names travel in a header: 1-{_NAME_CHARACTERS} printable ASCII characters",
        )
    return name


def _is_fork_of(bucket: Bucket, source: Node) -> bool:
    parent = bucket.parent
    return parent is not None and parent.bucket == source.bucket and source.version in (None, parent.version)
