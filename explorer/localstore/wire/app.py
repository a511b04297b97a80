"""The ASGI application: parse, authenticate, authorise, do, answer."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from explorer.localstore.engine.engine import Engine
from explorer.localstore.refusals import Refusal, not_implemented
from explorer.localstore.wire import (
    account,
    acl,
    buckets,
    bundles,
    care,
    copies,
    listings,
    merges,
    multipart,
    object_attributes,
    objects,
    posting,
    tagging,
    upload_listings,
)
from explorer.localstore.wire.answers import Answer, refused
from explorer.localstore.wire.attributes import ENCRYPTION
from explorer.localstore.wire.auth import Authority, authenticate
from explorer.localstore.wire.bodies import drain, read_ahead
from explorer.localstore.wire.call import Call, Handler
from explorer.localstore.wire.configurations import CONFIGURATIONS
from explorer.localstore.wire.request import Receive, Request
from explorer.localstore.wire.routes import operation
from explorer.localstore.wire.sending import Send, send_answer
from explorer.localstore.wire.unoffered import refuse_unoffered

log = logging.getLogger("explorer.localstore")
SLOW_MS = 1000.0
"""A request that takes longer is worth a line in the log; so are refused keys and failures."""
THREADS = 32
"""Writers wait in a thread for their commit; this many are committed together at most."""

READ_AS_JSON = frozenset({"MergeFork", "RebaseFork"})
"""Their one client, @tigrisdata/storage, asks for no form and reads errors as JSON."""

HANDLERS: dict[str, Handler] = {
    **CONFIGURATIONS,
    "AbortMultipartUpload": multipart.abort_multipart_upload,
    "BundleObjects": bundles.bundle_objects,
    "CheckStore": care.check_store,
    "CompleteMultipartUpload": multipart.complete_multipart_upload,
    "CopyObject": copies.copy_object,
    "CreateBucket": buckets.create_bucket,
    "CreateMultipartUpload": multipart.create_multipart_upload,
    "DeleteBucket": buckets.delete_bucket,
    "DeleteObject": objects.delete_object,
    "DeleteObjectTagging": tagging.delete_tags,
    "DeleteObjects": objects.delete_objects,
    "DeleteSnapshot": buckets.delete_snapshot,
    "ForkBucket": buckets.fork_bucket,
    "GetBucketAcl": acl.get_acl,
    "GetBucketLocation": buckets.get_bucket_location,
    "GetBucketMetadata": buckets.get_bucket_metadata,
    "GetBucketVersioning": buckets.get_bucket_versioning,
    "GetObject": objects.get_object,
    "GetObjectAcl": acl.get_acl,
    "GetObjectAttributes": object_attributes.get_object_attributes,
    "GetObjectTagging": tagging.get_tags,
    "HeadBucket": buckets.head_bucket,
    "HeadObject": objects.get_object,
    "ListBuckets": account.list_buckets,
    "ListForks": account.list_forks,
    "ListMultipartUploads": upload_listings.list_multipart_uploads,
    "ListObjectVersions": listings.list_object_versions,
    "ListObjects": listings.list_objects,
    "ListObjectsV2": listings.list_objects_v2,
    "ListParts": upload_listings.list_parts,
    "ListSnapshots": account.list_snapshots,
    "MergeFork": merges.merge_fork,
    "PostObject": posting.post_object,
    "Presign": account.presign,
    "PutBucketAcl": acl.put_acl,
    "PutObject": objects.put_object,
    "PutObjectAcl": acl.put_acl,
    "PutObjectTagging": tagging.put_tags,
    "RebaseFork": merges.rebase_fork,
    "RenameObject": copies.copy_object,
    "SweepStore": care.sweep_store,
    "TakeSnapshot": buckets.take_snapshot,
    "UpdateBucket": buckets.update_bucket,
    "UploadPart": multipart.upload_part,
    "UploadPartCopy": multipart.upload_part_copy,
}


class App:
    """One store on the wire."""

    def __init__(self, engine: Engine, authority: Authority) -> None:
        self.engine = engine
        self.authority = authority
        self.handlers = dict(HANDLERS)
        self._executor = ThreadPoolExecutor(THREADS, thread_name_prefix="store")

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        started = time.perf_counter()
        name, as_json, answer = "?", False, Answer()
        request: Request | None = None
        try:
            request = Request.from_scope(scope, receive)
            name = operation(request)
            as_json = request.wants_json or name in READ_AS_JSON
            if name == "Iam":
                await read_ahead(request)
            handler = self.handlers.get(name)
            form = await posting.open_form(request) if name == "PostObject" else None
            if form is None:
                proof = authenticate(request, self.authority)
            else:
                proof = posting.authenticate_form(form, self.authority)
            if handler is None:
                raise not_implemented(name)
            call = Call(name, request, self.engine, proof, self.authority, self._executor, form)
            try:
                refuse_unoffered(name, request)
                answer = await handler(call)
                if ENCRYPTION in request.headers and request.method in ("PUT", "POST"):
                    answer.headers.append((ENCRYPTION, "AES256"))
            except Refusal as refusal:
                raise call.told(refusal) from refusal
        except Refusal as refusal:
            answer = self._refuse(scope, request, refusal, as_json=as_json)
        except (asyncio.CancelledError, ConnectionError):
            raise
        except Exception:
            log.exception("%s failed", name)
            failed = Refusal("InternalError", "We encountered an internal error. Please try again.")
            answer = self._refuse(scope, request, failed, as_json=as_json)
        if answer.status >= 400 and request is not None:
            await drain(request)
        await self._send(scope, request, answer, send, receive)
        took_ms = (time.perf_counter() - started) * 1000
        if answer.status >= 500 or answer.status == 403 or took_ms > SLOW_MS:
            log.info("%s %s %d %.1fms", name, scope["path"], answer.status, took_ms)

    def _refuse(
        self, scope: Mapping[str, Any], request: Request | None, refusal: Refusal, *, as_json: bool
    ) -> Answer:
        request_id = request.id if request is not None else "0"
        head = scope["method"] == "HEAD"
        return refused(
            refusal,
            request_id=request_id,
            resource=scope["path"],
            as_json=as_json,
            head=head,
            query_protocol=request is not None and operation(request) == "Iam",
        )

    async def _send(
        self, scope: Mapping[str, Any], request: Request | None, answer: Answer, send: Send, receive: Receive
    ) -> None:
        request_id = request.id if request is not None else "0"
        path_send = "http.response.pathsend" in (scope.get("extensions") or {})
        head, blobs = scope["method"] == "HEAD", self.engine.blobs
        try:
            await send_answer(answer, send, receive, blobs, request_id, head=head, path_send=path_send)
        except Refusal as refusal:
            # A header that cannot be sent, bytes that cannot be read: found before anything was sent.
            answer = self._refuse(scope, request, refusal, as_json=False)
            await send_answer(answer, send, receive, blobs, request_id, head=head, path_send=False)

    def close(self) -> None:
        with contextlib.suppress(RuntimeError):
            self._executor.shutdown(wait=True, cancel_futures=True)
