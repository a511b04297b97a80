from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlsplit

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.localstore.refusals import Refusal
from explorer.localstore.wire.auth import Principal, authenticate
from explorer.localstore.wire.request import Request

KEY, SECRET = "tid_key", "tsec_secret"


class OwnerOnly:
    """What `authenticate` asks of an authority: one key, the owner's."""

    def __init__(self, access_key: str, secret_key: str) -> None:
        self._access_key, self._secret_key = access_key, secret_key

    def secret(self, access_key: str) -> str | None:
        return self._secret_key if access_key == self._access_key else None

    def principal(self, access_key: str) -> Principal:
        return Principal(access_key, access_key == self._access_key)


OWNER = OwnerOnly(KEY, SECRET)
HOST = "http://127.0.0.1:9000"


async def nothing():
    return {"type": "http.request", "body": b"", "more_body": False}


def received(method: str, url: str, headers: dict[str, str]) -> Request:
    parts = urlsplit(url)
    fields = {"host": parts.netloc, **{name.lower(): value for name, value in headers.items()}}
    scope = {
        "method": method,
        "headers": [(name.encode(), value.encode()) for name, value in fields.items()],
        "raw_path": parts.path.encode(),
        "path": parts.path,
        "query_string": parts.query.encode(),
        "client": ("127.0.0.1", 1),
    }
    return Request.from_scope(scope, nothing)


def signed(method: str, url: str, headers: dict[str, str] | None = None, data: bytes = b"") -> Request:
    request = AWSRequest(method, url, headers=headers or {}, data=data)
    request.context["payload_signing_enabled"] = True
    S3SigV4Auth(Credentials(KEY, SECRET), "s3", "auto").add_auth(request)
    return received(method, url, dict(request.headers.items()))


def presigned(url: str, expires_s: int = 60, method: str = "GET") -> Request:
    request = AWSRequest(method, url)
    S3SigV4QueryAuth(Credentials(KEY, SECRET), "s3", "auto", expires=expires_s).add_auth(request)
    return received(method, request.url, {})


def test_the_owner_is_known() -> None:
    assert authenticate(signed("GET", f"{HOST}/b/k"), OWNER).principal.is_owner


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12))
def test_botocore_and_we_agree_on_any_key_and_value(text: str) -> None:
    path = quote(text, safe="/~")
    value = quote(text, safe="-_.~")
    assert authenticate(signed("PUT", f"{HOST}/b/{path}?x={value}&a=&b"), OWNER)
    assert authenticate(presigned(f"{HOST}/b/{path}"), OWNER)


@pytest.mark.parametrize("value", ["attachment; filename=ü", "à  la", "日本", "a \t b"])
def test_headers_in_utf_8_as_botocore_sends_them(value: str) -> None:
    assert authenticate(signed("PUT", f"{HOST}/b/k", {"content-disposition": value}), OWNER)


@pytest.mark.parametrize(
    "path", ["a%20b", "a%2Fb", "a//b", "a+b", "%C3%BC", "..", "a/./b", "%25", "~x", "a=b&c"]
)
def test_odd_paths(path: str) -> None:
    assert authenticate(signed("GET", f"{HOST}/b/{path}"), OWNER)


def test_every_single_bit_counts() -> None:
    """Method, path, query, every signed header and the signature itself."""
    headers = {"x-amz-meta-a": "value", "content-type": "text/plain", "x-tigris-snapshot-version": "123"}
    good = signed("PUT", f"{HOST}/bucket/key/abc?versionId=12345", headers, b"data")
    authenticate(good, OWNER)

    def fresh() -> Request:
        """Signed once: a second later another time would be right."""
        return replace(good, headers=dict(good.headers))

    refused = 0
    for name, value in good.headers.items():
        for position in range(len(value)):
            for bit in range(7):
                request = fresh()
                changed = value[:position] + chr(ord(value[position]) ^ 1 << bit) + value[position + 1 :]
                if changed.split() == value.split() or name == "content-length":
                    continue
                request.headers[name] = changed
                refused += is_refused(request)
    for field in ("method", "raw_path"):
        value = getattr(good, field)
        for position in range(len(value)):
            for bit in range(7):
                request = fresh()
                changed = value[:position] + chr(ord(value[position]) ^ 1 << bit) + value[position + 1 :]
                setattr(request, field, changed)
                refused += is_refused(request)
    for position in range(5):
        for bit in range(7):
            request = fresh()
            text = "12345"
            text = text[:position] + chr(ord(text[position]) ^ 1 << bit) + text[position + 1 :]
            request.raw_query = f"versionId={text}"
            refused += is_refused(request)
    assert refused > 1000


def test_every_single_bit_of_a_presigned_url_counts() -> None:
    url = presigned(f"{HOST}/bucket/%C3%BC/key?versionId=12345&prefix=a%2Fb")
    full = f"{url.raw_path}?{url.raw_query}"
    authenticate(received("GET", HOST + full, {}), OWNER)
    for position in range(1, len(full)):
        for bit in range(7):
            changed = full[:position] + chr(ord(full[position]) ^ 1 << bit) + full[position + 1 :]
            try:
                request = received("GET", HOST + changed, {})
            except (Refusal, ValueError):
                continue
            assert is_refused(request), changed


def is_refused(request: Request) -> bool:
    with pytest.raises(Refusal) as refusal:
        authenticate(request, OWNER)
    assert refusal.value.status in (400, 403), request
    return True


def test_an_unknown_key_a_wrong_secret_and_no_signature() -> None:
    for owner, code in (
        (OwnerOnly("other", SECRET), "InvalidAccessKeyId"),
        (OwnerOnly(KEY, "x"), "SignatureDoesNotMatch"),
    ):
        with pytest.raises(Refusal, match=code):
            authenticate(signed("GET", f"{HOST}/b"), owner)
    with pytest.raises(Refusal, match="AccessDenied"):
        authenticate(received("GET", f"{HOST}/b", {}), OWNER)


def test_signatures_of_version_2_are_refused_by_name() -> None:
    """s3cmd's signurl makes one unless told otherwise: it is signed, only not as we can read it."""
    old = f"{HOST}/b/k?AWSAccessKeyId={KEY}&Expires=1800000000&Signature=x%3D"
    for request in (
        received("GET", old, {}),
        received("GET", f"{HOST}/b/k", {"authorization": f"AWS {KEY}:x="}),
    ):
        with pytest.raises(Refusal, match="use AWS4-HMAC-SHA256") as refused:
            authenticate(request, OWNER)
        assert refused.value.code == "InvalidRequest"


@pytest.mark.parametrize(("minutes", "ok"), [(-16, False), (-14, True), (14, True), (16, False)])
def test_clock_skew(minutes: int, ok: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = datetime.now(UTC) + timedelta(minutes=minutes)
    monkeypatch.setattr(
        "botocore.auth.get_current_datetime", lambda: moment.replace(tzinfo=None), raising=True
    )
    request = signed("GET", f"{HOST}/b")
    if ok:
        authenticate(request, OWNER)
    else:
        with pytest.raises(Refusal, match="RequestTimeTooSkewed"):
            authenticate(request, OWNER)


def test_a_presigned_url_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = datetime.now(UTC) - timedelta(seconds=61)
    monkeypatch.setattr(
        "botocore.auth.get_current_datetime", lambda: moment.replace(tzinfo=None), raising=True
    )
    with pytest.raises(Refusal, match="expired"):
        authenticate(presigned(f"{HOST}/b/k", expires_s=60), OWNER)
    assert authenticate(presigned(f"{HOST}/b/k", expires_s=600), OWNER)


def test_an_amz_header_that_is_not_signed_is_refused_and_a_tigris_one_is_not() -> None:
    request = signed("GET", f"{HOST}/b/k")
    request.headers["x-tigris-snapshot-version"] = "1"
    authenticate(request, OWNER)
    request.headers["x-amz-copy-source"] = "b/other"
    with pytest.raises(Refusal, match="not signed"):
        authenticate(request, OWNER)


def test_the_payload_hash_is_part_of_it() -> None:
    request = signed("PUT", f"{HOST}/b/k", data=b"data")
    assert request.headers["x-amz-content-sha256"] == hashlib.sha256(b"data").hexdigest()
    request.headers["x-amz-content-sha256"] = "UNSIGNED-PAYLOAD"
    with pytest.raises(Refusal, match="SignatureDoesNotMatch"):
        authenticate(request, OWNER)
