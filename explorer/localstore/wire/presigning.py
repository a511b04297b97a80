"""Make a presigned URL."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote, urlsplit

from explorer.localstore.wire.sigv4 import UNSIGNED, signing_key


def presigned_url(
    method: str,
    endpoint: str,
    path: str,
    query: Mapping[str, str],
    *,
    access_key: str,
    secret: str,
    expires_s: int,
    now: datetime,
) -> str:
    """A URL that lets whoever holds it do `method` on `path` (already encoded) for a while."""
    time = now.strftime("%Y%m%dT%H%M%SZ")
    scope = f"{time[:8]}/auto/s3/aws4_request"
    said = {
        **query,
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": f"{access_key}/{scope}",
        "X-Amz-Date": time,
        "X-Amz-Expires": str(expires_s),
        "X-Amz-SignedHeaders": "host",
    }
    text = "&".join(f"{quote(k, safe='-_.~')}={quote(v, safe='-_.~')}" for k, v in sorted(said.items()))
    canonical = "\n".join((method, path, text, f"host:{urlsplit(endpoint).netloc}\n", "host", UNSIGNED))
    to_sign = "\n".join(("AWS4-HMAC-SHA256", time, scope, hashlib.sha256(canonical.encode()).hexdigest()))
    key = signing_key(secret, time[:8], "auto", "s3")
    return f"{endpoint}{path}?{text}&X-Amz-Signature={hmac.digest(key, to_sign.encode(), 'sha256').hex()}"
