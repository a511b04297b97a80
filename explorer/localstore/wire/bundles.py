"""`POST /bucket?bundle`: many objects in one tar."""

from __future__ import annotations

import json
import tarfile

from explorer.localstore.engine.records import Bucket, Entry, Segment
from explorer.localstore.refusals import Refusal, no_such_key
from explorer.localstore.wire.answers import Answer
from explorer.localstore.wire.call import Call

MAX_KEYS = 5000
ERRORS_NAME = "__bundle_errors.json"


async def bundle_objects(call: Call) -> Answer:
    """In the order asked for; a key that cannot be had ends it, or is told of in a last file, as asked."""
    bucket = call.bucket()
    keys = _read_keys(await call.document())
    headers = call.request.headers
    compression = headers.get("x-tigris-bundle-compression", "none")
    if headers.get("x-tigris-bundle-format", "tar") != "tar" or compression not in ("none", "gzip"):
        raise Refusal(
            "NotImplemented", f"BundleObjects with {compression[:32]} compression is not implemented."
        )
    skips = headers.get("x-tigris-bundle-on-error", "skip") == "skip"
    # Thousands of look-ups: in a thread, so that other requests do not wait for them.
    pieces, counts = await call.run(_collect, call, bucket, keys, skips)
    length = sum(len(piece) if isinstance(piece, bytes) else piece.size for piece in pieces)
    gzipped = compression == "gzip"
    answer_headers = [("content-type", "application/gzip" if gzipped else "application/x-tar"), *counts]
    return Answer(200, answer_headers, segments=pieces, length=length, gzipped=gzipped)


def _collect(
    call: Call, bucket: Bucket, keys: list[str], skips: bool
) -> tuple[list[Segment | bytes], list[tuple[str, str]]]:
    """The tar in pieces, and the headers that count what is in it."""
    pieces: list[Segment | bytes] = []
    errors: list[dict[str, str]] = []
    total = count = 0
    for text in keys:
        try:
            found = _find(call, bucket, text.encode())
        except Refusal as refusal:
            if not skips:
                raise
            errors.append({"key": text, "code": refusal.code, "message": refusal.message})
            continue
        count += 1
        total += found.size
        pieces += [_head(text, found.size, found.ts), *call.engine.objects.segments(found, 0, found.size)]
        pieces.append(bytes(-found.size % tarfile.BLOCKSIZE))
    if errors:
        document = json.dumps(errors).encode()
        pieces += [_head(ERRORS_NAME, len(document), 0), document, bytes(-len(document) % tarfile.BLOCKSIZE)]
    pieces.append(bytes(2 * tarfile.BLOCKSIZE))
    return pieces, [
        ("x-tigris-bundle-count", str(count)),
        ("x-tigris-bundle-bytes", str(total)),
        ("x-tigris-bundle-skipped", str(len(errors))),
    ]


def _read_keys(body: bytes) -> list[str]:
    try:
        keys = json.loads(body)["keys"]
        fine = isinstance(keys, list) and all(isinstance(key, str) and key for key in keys)
    except (ValueError, KeyError, TypeError):
        fine = False
    if not fine or not 1 <= len(keys) <= MAX_KEYS:
        raise Refusal("InvalidArgument", f"A bundle needs a list of 1 to {MAX_KEYS} keys.")
    found: list[str] = keys
    return found


def _find(call: Call, bucket: Bucket, key: bytes) -> Entry:
    call.authorise(key=key)
    found = call.engine.objects.find(bucket, key, at=call.at(bucket))
    if found is None or found.deleted:
        raise no_such_key(key)
    return found


def _head(name: str, size: int, ts: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = size, ts // 10**9, 0o644
    return info.tobuf(tarfile.PAX_FORMAT)
