"""PostObject: a file that a browser sends with a form, for which somebody with a key signed a policy.

The form's fields stand for the headers that a PUT would have, and from there on it is one.
https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html
"""

from __future__ import annotations

import hmac
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import quote, urlencode, urlsplit

from explorer.localstore.refusals import Refusal, not_implemented
from explorer.localstore.wire import conditions, xml
from explorer.localstore.wire.answers import Answer
from explorer.localstore.wire.attributes import encryption_headers, read_attributes
from explorer.localstore.wire.auth import Authority, Proof, secret_of
from explorer.localstore.wire.bodies import MAX_OBJECT_BYTES, take_in
from explorer.localstore.wire.call import Call
from explorer.localstore.wire.claims import Claims
from explorer.localstore.wire.configurations import read_tags
from explorer.localstore.wire.forms import Form
from explorer.localstore.wire.objects import keep_object
from explorer.localstore.wire.post_policy import PostPolicy, read_post_policy
from explorer.localstore.wire.request import Request
from explorer.localstore.wire.sigv4 import SCOPE, TIME, UNSIGNED, Claim, signing_key
from explorer.localstore.wire.unoffered import refuse_unoffered

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_AS_HEADERS = (
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-md5",
    "content-type",
    "expires",
)
_OF_THE_SIGNATURE = ("x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature")
_FILENAME = "${filename}"


async def open_form(request: Request) -> Form:
    """The form up to its file: who signed it, and for what, is all in there."""
    if request.key is not None:
        raise Refusal("MethodNotAllowed", "The specified method is not allowed against this resource.")
    form = Form(request)
    await form.read_fields()
    return form


def authenticate_form(form: Form, authority: Authority) -> Proof:
    """Prove who signed the form's policy.

    Raises:
        Refusal: InvalidAccessKeyId, SignatureDoesNotMatch and their kin.
    """
    fields = {name: form.fields.get(name, b"").decode("utf-8", "replace") for name in _OF_THE_SIGNATURE}
    policy = form.fields.get("policy")
    if policy is None:
        if "signature" in form.fields or fields["x-amz-signature"]:
            raise Refusal("InvalidArgument", "A signed form needs a policy.", ArgumentName="policy")
        raise Refusal("AccessDenied", "The form is not signed.")
    scope, time = SCOPE.fullmatch(fields["x-amz-credential"]), fields["x-amz-date"]
    if fields["x-amz-algorithm"] != "AWS4-HMAC-SHA256" or scope is None or not TIME.fullmatch(time):
        raise Refusal("InvalidRequest", "Only forms signed with AWS4-HMAC-SHA256 are taken.")
    if scope["service"] != "s3" or not time.startswith(scope["date"]):
        raise Refusal("InvalidRequest", "The credential scope does not fit the form.")
    claim = Claim(
        scope["key"],
        scope["date"],
        scope["region"],
        scope["service"],
        (),
        fields["x-amz-signature"],
        time,
        UNSIGNED,
    )
    key = signing_key(secret_of(claim, authority), claim.date, claim.region, claim.service)
    expected = hmac.digest(key, policy, "sha256").hex()
    if not hmac.compare_digest(expected.encode(), claim.signature.encode("utf-8", "replace")):
        raise Refusal(
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. Check your key "
            "and signing method.",
        )
    return Proof(authority.principal(claim.access_key), claim, key)


async def post_object(call: Call) -> Answer:
    form = call.form
    assert form is not None
    policy = read_post_policy(form.fields["policy"])
    fields = _texts(form)
    policy.check(fields | {"bucket": call.request.bucket_name}, datetime.now(UTC))
    put = replace(call, operation="PutObject", request=_as_put(call.request, fields))
    refuse_unoffered("PutObject", put.request)
    put.authorise()
    bucket, key, engine = put.bucket(), put.request.object_key, call.engine
    engine.ledger.check_writable()
    attributes = read_attributes(put.request, bucket)
    condition = conditions.for_write(put.request.headers, key)
    claims = Claims(put.request, call.proof)
    engine.blobs.check_space(claims.length)
    # How long the file is, only its end tells: the room for it cannot be reserved.
    sink = engine.blobs.create(claims.algorithms)
    try:
        await take_in(_within(form.file(), policy), sink, call.executor)
        claims.length = sink.digests.size
        if claims.length < policy.least_bytes:
            raise Refusal(
                "EntityTooSmall",
                "Your proposed upload is smaller than the minimum allowed size",
                ProposedSize=str(claims.length),
                MinSizeAllowed=str(policy.least_bytes),
            )
        claims.check(sink.digests, {})
    except BaseException:
        sink.close()
        raise
    made, headers = await keep_object(put, bucket, key, sink, claims, attributes, condition)
    return _answer(put.request, fields, made.etag, [*headers, *encryption_headers(attributes)])


def _texts(form: Form) -> dict[str, str]:
    """The fields as text, with the file's name put in: conditions are about what comes of that."""
    try:
        # Some browsers tell the whole path.
        filename = re.split(r"[/\\]", form.filename.decode())[-1]
        fields = {name: value.decode() for name, value in form.fields.items()}
    except UnicodeDecodeError:
        raise Refusal("InvalidArgument", "The fields of the form are not UTF-8.") from None
    return {
        name: value if name in ("policy", *_OF_THE_SIGNATURE) else value.replace(_FILENAME, filename)
        for name, value in fields.items()
    }


def _as_put(request: Request, fields: dict[str, str]) -> Request:
    """The PUT that would do the same. Of the form's own HTTP headers, which nobody signed, none counts."""
    if not fields.get("key"):
        raise Refusal(
            "UserKeyMustBeSpecified",
            "The bucket POST must contain the specified field name. If it is specified, please check the "
            "order of the fields.",
            ArgumentName="key",
        )
    headers: dict[str, str] = {}
    for name, value in fields.items():
        if name.startswith("x-amz-copy-source") or name == "x-tigris-rename":
            raise not_implemented(f"PostObject with the field {name[:64]}")
        if name in _AS_HEADERS or name.startswith(("x-amz-", "x-tigris-")):
            if name not in _OF_THE_SIGNATURE:
                headers[name] = _header(name, value)
        elif name == "acl":
            headers["x-amz-acl"] = value
        elif name == "tagging":
            tags = read_tags(xml.parse(value.encode(), "Tagging").get("TagSet"))
            headers["x-amz-tagging"] = urlencode(tags)
        elif name in ("success_action_redirect", "redirect"):
            _header(name, value)
    headers["content-length"] = request.headers["content-length"]
    headers["host"] = request.headers.get("host", "")
    return replace(request, method="PUT", key=fields["key"].encode(), headers=headers)


def _header(name: str, value: str) -> str:
    """A field as the header that says the same, read as headers are."""
    value = value.strip()
    if _CONTROL.search(value):
        raise Refusal("InvalidArgument", "A field would hold control characters.", ArgumentName=name)
    return value.encode().decode("latin-1")


async def _within(file: AsyncIterator[memoryview], policy: PostPolicy) -> AsyncIterator[memoryview]:
    most = MAX_OBJECT_BYTES if policy.most_bytes is None else min(policy.most_bytes, MAX_OBJECT_BYTES)
    size = 0
    async for piece in file:
        size += len(piece)
        if size > most:
            raise Refusal(
                "EntityTooLarge",
                "Your proposed upload exceeds the maximum allowed size",
                MaxSizeAllowed=str(most),
            )
        yield piece


def _answer(request: Request, fields: dict[str, str], etag: str, headers: list[tuple[str, str]]) -> Answer:
    """What the form asked for: a page to go on to, or a status; 204 where it asked for none."""
    bucket, key = request.bucket_name, request.object_key
    place = f"http://{request.headers['host']}/{bucket}/{quote(key, safe='/-_.~')}"
    wanted = fields.get("success_action_redirect") or fields.get("redirect") or ""
    if (target := _redirect(wanted, bucket, key, etag)) is not None:
        return Answer(303, [("location", target), *headers])
    headers = [("location", place), *headers]
    match fields.get("success_action_status"):
        case "200":
            return Answer(200, headers)
        case "201":
            told = [("Location", place), ("Bucket", bucket), ("Key", key.decode()), ("ETag", f'"{etag}"')]
            body = xml.document("PostResponse", told, namespace="")
            return Answer(201, [("content-type", "application/xml"), *headers], body)
        case _:
            return Answer(204, headers)


def _redirect(wanted: str, bucket: str, key: bytes, etag: str) -> str | None:
    """The page to go on to, told what was stored; an address that is none is as good as not given."""
    try:
        parts = urlsplit(wanted.strip())
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return None
    told = urlencode({"bucket": bucket, "key": key, "etag": f'"{etag}"'})
    query = f"{parts.query}&{told}" if parts.query else told
    return quote(parts._replace(query=query).geturl(), safe="!#$%&'()*+,/:;=?@[]~")
