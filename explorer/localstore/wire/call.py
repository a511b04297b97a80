"""One call in progress: the request, who proved to have sent it, and the engine to do it with."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from explorer.access.operations import Operation, needs
from explorer.localstore.engine.engine import Engine
from explorer.localstore.engine.names import parse_version
from explorer.localstore.engine.records import Bucket
from explorer.localstore.refusals import Refusal
from explorer.localstore.wire.answers import Answer
from explorer.localstore.wire.auth import Authority, Proof, authorise
from explorer.localstore.wire.bodies import receive_document
from explorer.localstore.wire.forms import Form
from explorer.localstore.wire.request import Request

T = TypeVar("T")
SNAPSHOT_VERSION = "x-tigris-snapshot-version"


@dataclass(frozen=True, slots=True)
class Call:
    operation: str
    request: Request
    engine: Engine
    proof: Proof
    authority: Authority
    executor: Executor
    form: Form | None = None
    """Of PostObject, read up to its file."""

    def run(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> Awaitable[T]:
        """Do something that blocks in a thread."""
        return asyncio.get_running_loop().run_in_executor(self.executor, partial(function, *args, **kwargs))

    def authorise(self, *, source: tuple[str, bytes | None] | None = None, key: bytes | None = None) -> None:
        """Refuse unless everything this call needs is granted; `source` is what else it reads."""
        request = self.request
        own_key = request.key if key is None else key
        wanted = needs(
            self.operation,
            request.bucket,
            None if own_key is None else own_key.decode("utf-8", "replace"),
            source=None
            if source is None
            else (source[0], source[1].decode() if source[1] is not None else None),
        )
        authorise(self.authority, self.proof.principal, wanted, request.client)

    def told(self, refusal: Refusal) -> Refusal:
        """S3 tells only those who may list a bucket that a key is missing; others get 403 for any key."""
        if refusal.code not in ("NoSuchKey", "NoSuchVersion"):
            return refusal
        listing = (Operation("ListObjectsV2", self.request.bucket),)
        if self.authority.decide(self.proof.principal, listing, self.request.client).allowed:
            return refusal
        return Refusal("AccessDenied", "Access Denied")

    def sees(self, bucket: str) -> bool:
        """Whether a listing of buckets shows this one to whom asks."""
        return self.authority.may_see(self.proof.principal, bucket, self.request.client)

    def bucket(self) -> Bucket:
        return self.engine.buckets.get(self.request.bucket_name)

    def at(self, bucket: Bucket) -> int | None:
        """The time that the request wants to read at; None is the head."""
        text = self.request.headers.get(SNAPSHOT_VERSION)
        if text is None:
            return None
        at = parse_version(text)
        if not bucket.snapshots_on and not self.engine.buckets.snapshots(bucket, limit=1):
            raise Refusal("InvalidRequest", "Bucket must be of snapshot type", BucketName=bucket.name)
        return at

    def document(self, *, of_object: bool = False) -> Awaitable[bytes]:
        return receive_document(self.request, self.proof, of_object=of_object)


Handler = Callable[[Call], Awaitable[Answer]]
