"""AWS Signature Version 4, verified: in the Authorization header and in presigned URLs.

The rules: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html. S3's
specials: the path is encoded once, the payload hash may be a word instead of a hash.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote_from_bytes, unquote_to_bytes

from explorer.localstore.refusals import Refusal
from explorer.localstore.wire.request import Request

MAX_SKEW_S = 15 * 60
MAX_EXPIRES_S = 7 * 24 * 3600
UNSIGNED = "UNSIGNED-PAYLOAD"
SERVICES = ("s3", "iam", "sts")
SCOPE = re.compile(r"(?P<key>[^/]+)/(?P<date>\d{8})/(?P<region>[^/]*)/(?P<service>[a-z0-9-]+)/aws4_request")
_PLAIN = re.compile(r"(?:[A-Za-z0-9/._~-]|%[0-9A-F]{2})*")
_PLAIN_VALUE = re.compile(r"(?:[A-Za-z0-9._~-]|%[0-9A-F]{2})*")
_LOWER_HEX = re.compile(r"%(?:[a-f][0-9A-Fa-f]|[0-9A-F][a-f])")
TIME = re.compile(r"\d{8}T\d{6}Z")


@dataclass(frozen=True, slots=True)
class Claim:
    """Who a request says it is from, and the signature that should prove it."""

    access_key: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str
    time: str
    payload_hash: str
    expires_s: int | None = None

    @property
    def scope(self) -> str:
        return f"{self.date}/{self.region}/{self.service}/aws4_request"


@functools.lru_cache(256)
def signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    key = b"AWS4" + secret.encode()
    for word in (date, region, service, "aws4_request"):
        key = hmac.digest(key, word.encode(), "sha256")
    return key


def read_claim(request: Request) -> Claim:
    """The claim in the header or in the query.

    Raises:
        Refusal: there is none (AccessDenied), or it is malformed.
    """
    header = request.headers.get("authorization")
    if header is not None:
        return _header_claim(request, header)
    if "X-Amz-Signature" in request.query or "X-Amz-Credential" in request.query:
        return _query_claim(request)
    if "AWSAccessKeyId" in request.query:
        raise _not_version_4()
    raise Refusal("AccessDenied", "The request is not signed.")


def _header_claim(request: Request, header: str) -> Claim:
    algorithm, _, rest = header.partition(" ")
    if algorithm != "AWS4-HMAC-SHA256":
        raise _not_version_4()
    fields: dict[str, str] = {}
    for field in rest.split(","):
        name, _, value = field.strip().partition("=")
        fields[name] = value
    scope = SCOPE.fullmatch(fields.get("Credential", ""))
    if scope is None or not fields.get("SignedHeaders") or not fields.get("Signature"):
        raise Refusal("AuthorizationHeaderMalformed", "The authorization header is malformed.")
    time = request.headers.get("x-amz-date", "")
    if not TIME.fullmatch(time):
        raise Refusal("AccessDenied", "AWS authentication requires a valid Date or x-amz-date header")
    payload_hash = request.headers.get("x-amz-content-sha256")
    if payload_hash is None:
        if scope["service"] == "s3":
            raise Refusal("InvalidRequest", "Missing required header for this request: x-amz-content-sha256")
        payload_hash = ""
    return Claim(
        scope["key"],
        scope["date"],
        scope["region"],
        scope["service"],
        tuple(fields["SignedHeaders"].split(";")),
        fields["Signature"],
        time,
        payload_hash,
    )


def _not_version_4() -> Refusal:
    return Refusal(
        "InvalidRequest",
        "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
    )


def _query_claim(request: Request) -> Claim:
    query = request.query
    scope = SCOPE.fullmatch(query.get("X-Amz-Credential", ""))
    expires = query.get("X-Amz-Expires", "")
    time = query.get("X-Amz-Date", "")
    ok = (
        query.get("X-Amz-Algorithm") == "AWS4-HMAC-SHA256"
        and scope is not None
        and expires.isascii()
        and expires.isdigit()
        and int(expires[:9]) <= MAX_EXPIRES_S
        and len(expires) < 10
        and TIME.fullmatch(time)
        and query.get("X-Amz-SignedHeaders")
    )
    if not ok or scope is None:
        raise Refusal(
            "AuthorizationQueryParametersError", "The query parameters of the signature are malformed."
        )
    return Claim(
        scope["key"],
        scope["date"],
        scope["region"],
        scope["service"],
        tuple(query["X-Amz-SignedHeaders"].split(";")),
        query.get("X-Amz-Signature", ""),
        time,
        query.get("X-Amz-Content-Sha256") or request.headers.get("x-amz-content-sha256") or UNSIGNED,
        int(expires),
    )


def verify(request: Request, claim: Claim, secret: str, now: datetime) -> bytes:
    """Check the signature, what it must cover, and its age; returns the signing key, for signed chunks.

    Raises:
        Refusal: SignatureDoesNotMatch, RequestTimeTooSkewed, AccessDenied (expired, or a header unsigned).
    """
    if claim.service not in SERVICES or not claim.time.startswith(claim.date):
        raise Refusal("AuthorizationHeaderMalformed", "The credential scope does not fit the request.")
    key = signing_key(secret, claim.date, claim.region, claim.service)
    given = claim.signature.encode("utf-8", "replace")
    for path in _canonical_paths(request.raw_path):
        canonical = canonical_request(request, claim, path)
        # headers were read as Latin-1: these are the bytes that came, in UTF-8 from most clients
        digest = hashlib.sha256(canonical.encode("latin-1", "replace")).hexdigest()
        to_sign = "\n".join(("AWS4-HMAC-SHA256", claim.time, claim.scope, digest))
        if hmac.compare_digest(hmac.digest(key, to_sign.encode(), "sha256").hex().encode(), given):
            break
    else:
        raise Refusal(
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. Check your key "
            "and signing method.",
            StringToSign=to_sign,
            CanonicalRequest=canonical,
        )
    _check_coverage(request, claim)
    _check_age(claim, now)
    return key


def _check_coverage(request: Request, claim: Claim) -> None:
    """As S3 does: `host` and every x-amz-* header must be signed; x-tigris-* may come unsigned."""
    if "host" not in claim.signed_headers:
        raise Refusal("AccessDenied", "The host header must be signed.")
    for name in request.headers:
        unsigned = name.startswith("x-amz-") and name not in claim.signed_headers
        if unsigned and name not in ("x-amz-content-sha256", "x-amz-user-agent"):
            raise Refusal(
                "AccessDenied",
                "There were headers present in the request which were not signed",
                HeadersNotSigned=name,
            )


def _check_age(claim: Claim, now: datetime) -> None:
    try:
        signed = datetime.fromisoformat(claim.time)
    except ValueError:
        raise Refusal("AccessDenied", "The date of the signature is not a date.") from None
    age_s = (now - signed).total_seconds()
    if claim.expires_s is not None:
        if age_s > claim.expires_s:
            raise Refusal("AccessDenied", "Request has expired", Expires=str(claim.expires_s))
        age_s = min(age_s, 0.0)
    if abs(age_s) > MAX_SKEW_S:
        raise Refusal(
            "RequestTimeTooSkewed",
            "The difference between the request time and the current time is too large.",
            RequestTime=claim.time,
            ServerTime=now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            MaxAllowedSkewMilliseconds=str(MAX_SKEW_S * 1000),
        )


def canonical_request(request: Request, claim: Claim, path: str) -> str:
    headers = "".join(f"{name}:{_trimmed(request.headers.get(name, ''))}\n" for name in claim.signed_headers)
    signed_headers = ";".join(claim.signed_headers)
    query = _canonical_query(request.raw_query, is_presigned=claim.expires_s is not None)
    return "\n".join((request.method, path, query, headers, signed_headers, claim.payload_hash))


def _canonical_paths(raw: str) -> tuple[str, ...]:
    """The path as it came, which is what S3 clients sign, and as S3 encodes it, if it was written plainer.

    `%2f` for `%2F` is not taken for the same: that would be a change unseen.
    """
    if _PLAIN.fullmatch(raw) or _LOWER_HEX.search(raw):
        return (raw,)
    return raw, quote_from_bytes(unquote_to_bytes(raw), safe="/-_.~")


def _canonical_query(raw: str, *, is_presigned: bool) -> str:
    pairs = []
    for piece in filter(None, raw.split("&")):
        name, _, value = piece.partition("=")
        if is_presigned and name == "X-Amz-Signature":
            continue
        pairs.append((_encoded(name), _encoded(value)))
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def _trimmed(value: str) -> str:
    """With single blanks. A str would also be split at what is half of a character in UTF-8, as in `à`."""
    return b" ".join(value.encode("latin-1").split()).decode("latin-1")


def _encoded(text: str) -> str:
    if _PLAIN_VALUE.fullmatch(text) or _LOWER_HEX.search(text):
        return text
    return quote_from_bytes(unquote_to_bytes(text.replace("+", " ")), safe="-_.~")
