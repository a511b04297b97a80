"""Buckets: listed with their parents, made, deleted, through tigris-boto3-ext."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from explorer.errors import (
    ExplorerError,
    NameTaken,
    NotAllowed,
    NotFound,
    Unreachable,
)
from explorer.lineage.address import Node, check_bucket_name
from explorer.lineage.values import Bucket, StoreInfo
from explorer.storage.listing import bucket_of, date_of, plain_bucket_of
from explorer.storage.translate import snapshots_off
from explorer.storage.wire import Wire, retries_of

_CLOCK_SLACK_S = 5
_WAITS_S = (0.1, 0.4)


class Buckets(Wire):
    """The part of `Store` that knows buckets, forked or not."""

    def probe(self, bucket: str | None = None) -> StoreInfo:
        """Ask the store one cheap thing: is it there, are the credentials good, does it speak snapshots?

        A key that is made for one `bucket` may not list any: then the bucket itself is asked.

        Raises:
            Unreachable, NotAllowed.
        """
        try:
            self._read_page(None, max_buckets=1)
        except NotAllowed:
            if bucket is None:
                raise
            self.info = replace(self.info, snapshots=self._read_head(bucket).snapshots_on)
        return self.info

    def list_buckets(self) -> tuple[Bucket, ...]:
        """All buckets with their parents, in the store's order, without snapshots: one request a page."""
        found: list[Bucket] = []
        token: str | None = None
        while True:
            page = self._read_page(token)
            if page is None:
                found = self._list_plain()
                break
            found += map(bucket_of, page["buckets"])
            if not page["continuation_token"] or page["continuation_token"] == token:
                break
            token = page["continuation_token"]
        self._bucket_names = tuple(bucket.name for bucket in found)
        return tuple(found)

    def _read_page(self, token: str | None, max_buckets: int | None = None) -> dict[str, Any] | None:
        """A page of the JSON listing; None from plain S3, which answers the same request in XML."""

        def ask(client: Any) -> dict[str, Any]:
            from tigris_boto3_ext import list_buckets

            page: dict[str, Any] = list_buckets(
                client,
                include_type=True,
                include_fork_info=True,
                max_buckets=max_buckets,
                continuation_token=token,
            )
            return page

        page = self._ask_tigris(ask)
        self.info = replace(self.info, snapshots=page is not None)
        return page

    def _ask_tigris(
        self, ask: Callable[[Any], dict[str, Any]], node: Node | None = None
    ) -> dict[str, Any] | None:
        """An answer in JSON, None from plain S3. botocore does not send these again, so we do."""
        for wait in (*_WAITS_S, None):
            try:
                with self._speaking(node) as client:
                    try:
                        return ask(client)
                    except json.JSONDecodeError:
                        return None
            except Unreachable:
                if wait is None:
                    raise
                time.sleep(wait)
        return None

    def _list_plain(self) -> list[Bucket]:
        found: list[Bucket] = []
        asked: dict[str, Any] = {}
        with self._speaking() as client:
            while True:
                page = client.list_buckets(**asked)
                found += map(plain_bucket_of, page.get("Buckets", ()))
                if not page.get("ContinuationToken"):
                    return found
                asked["ContinuationToken"] = page["ContinuationToken"]

    def read_bucket(self, name: str) -> Bucket:
        """One bucket with its parent, without its snapshots. Raises NotFound, naming the nearest."""
        if self.info.snapshots:

            def ask(client: Any) -> dict[str, Any]:
                from tigris_boto3_ext import get_bucket_metadata

                told: dict[str, Any] = get_bucket_metadata(client, name)
                return told

            try:
                told = self._ask_tigris(ask, Node(name))
            except NotAllowed as refused:
                # Tigris documents no policy action for the metadata; HEAD's is s3:ListBucket
                try:
                    return self._read_head(name)
                except NotAllowed:
                    raise refused from refused.__cause__  # a HEAD has no body to say why
            if told is not None:  # plain S3 lists the bucket's objects instead
                return bucket_of(told)
        return self._read_plain(name)

    def _read_head(self, name: str) -> Bucket:
        """A bucket as its HEAD describes it: with its parent, without the time it was made."""
        with self._speaking(Node(name)) as client:
            headers = client.head_bucket(Bucket=name)["ResponseMetadata"]["HTTPHeaders"]
        parent, version = (headers.get(f"x-tigris-fork-source-bucket{end}") for end in ("", "-snapshot"))
        source = Node(parent, version) if parent and version else None
        on = headers.get("x-tigris-enable-snapshot", "").lower() == "true"
        return Bucket(name, 0, source, snapshots_on=on)

    def _read_plain(self, name: str) -> Bucket:
        with self._speaking(Node(name)) as client:
            client.head_bucket(Bucket=name)
        listed = {bucket.name: bucket for bucket in self._list_plain()}
        return listed.get(name, Bucket(name, 0, snapshots_on=False))

    def create_bucket(self, name: str, *, snapshots: bool = True) -> Bucket:
        """Make an empty bucket, with snapshots on unless told otherwise.

        Raises:
            BadInput: the name breaks S3's rules.
            NameTaken: with a name that is free.
            SnapshotsOff: the endpoint is plain S3 and snapshots are wanted.
        """
        check_bucket_name(name)
        if snapshots and self.probe() and not self.info.snapshots:
            raise snapshots_off(None, self._clients.endpoint)
        started = time.time()
        try:
            with self._speaking(creates=name) as client:
                from tigris_boto3_ext import create_snapshot_bucket

                if snapshots:
                    create_snapshot_bucket(client, name)
                else:
                    client.create_bucket(Bucket=name)
        except (NameTaken, Unreachable) as error:
            made = self._made_by_lost_answer(error, name, started)
            if made is None or made.parent is not None or made.snapshots_on != snapshots:
                raise
            return made
        return self.read_bucket(name)

    def delete_bucket(self, name: str, *, force: bool = False) -> None:
        """Delete a bucket; `force` also when objects or snapshots are in it.

        Raises:
            Conflict: it is not empty, or others were forked from it (`force` does not help there).
        """
        try:
            with self._speaking(Node(name)) as client:
                from tigris_boto3_ext import force_delete_bucket

                if force:
                    force_delete_bucket(client, name)
                else:
                    client.delete_bucket(Bucket=name)
        except NotFound as gone:
            if retries_of(gone.__cause__) == 0:  # else the first try did it and its answer was lost
                raise
        self._with_snapshots.discard(name)

    def _made_by_lost_answer(self, error: ExplorerError, name: str, started: float) -> Bucket | None:
        """The bucket that our own request made before its answer was lost; None where the error stands.

        botocore sends CreateBucket again after a broken connection, and the second answer says "name taken".
        """
        retries = retries_of(error.__cause__)
        if isinstance(error, NameTaken) and retries == 0:
            return None
        try:
            made = self.read_bucket(name)
        except ExplorerError:
            return None
        response: Any = getattr(error.__cause__, "response", None)
        server_now = date_of(response) if isinstance(response, dict) else None
        ahead = server_now.timestamp() - time.time() if server_now else 0.0
        return made if made.created_ns / 1e9 >= started + ahead - _CLOCK_SLACK_S else None
