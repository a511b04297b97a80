"""Forms that browsers upload with: as boto3 signs them, and with any policy."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from explorer.localstore import Running
from tests.localstore.wire import Answer

Parts = list[tuple[str, bytes]]
Put = Callable[..., Answer]


def sign(client: Any, bucket: str, key: str = "k", **fields: str) -> Parts:
    """The fields of a presigned post, each with its condition, in the form's order."""
    conditions: list[Any] = [{name: value} for name, value in fields.items()]
    post = client.generate_presigned_post(bucket, key, Fields=fields, Conditions=conditions)
    return [(name, value.encode()) for name, value in post["fields"].items()]


def encode(parts: Parts, *, filename: str | None = "f.bin", boundary: str = "x-y-z") -> bytes:
    out = b""
    for name, value in parts:
        tail = f'; filename="{filename}"' if name == "file" and filename is not None else ""
        out += f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{tail}\r\n\r\n'.encode()
        out += value + b"\r\n"
    return out + f"--{boundary}--\r\n".encode()


def changed(parts: Parts, name: str, value: bytes) -> Parts:
    return [(each, value if each == name else old) for each, old in parts]


def resign(running: Running, document: object, **more: bytes) -> Parts:
    """A form whose policy is any document, signed as it should be."""
    today = datetime.now(UTC)
    key = b"AWS4" + running.secret_key.encode()
    for word in (f"{today:%Y%m%d}", "auto", "s3", "aws4_request"):
        key = hmac.digest(key, word.encode(), "sha256")
    text = document if isinstance(document, bytes) else json.dumps(document).encode()
    policy = base64.b64encode(text)
    return [
        *((name.replace("_", "-"), value) for name, value in more.items()),
        ("x-amz-algorithm", b"AWS4-HMAC-SHA256"),
        ("x-amz-credential", f"{running.access_key}/{today:%Y%m%d}/auto/s3/aws4_request".encode()),
        ("x-amz-date", f"{today:%Y%m%dT%H%M%SZ}".encode()),
        ("policy", policy),
        ("x-amz-signature", hmac.digest(key, policy, "sha256").hex().encode()),
    ]


LATER = f"{datetime.now(UTC) + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"


def anything_goes(bucket: str, *names: str) -> dict[str, Any]:
    own = ("key", "x-amz-algorithm", "x-amz-credential", "x-amz-date", *names)
    return {
        "expiration": LATER,
        "conditions": [{"bucket": bucket}, *(["starts-with", f"${name}", ""] for name in own)],
    }
