"""If-Match and its kin (RFC 9110 section 13), for reads, for writes and for the source of a copy."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from explorer.localstore.engine.objects import Condition
from explorer.localstore.engine.records import Entry
from explorer.localstore.refusals import Refusal, no_such_key


def _failed(condition: str) -> Refusal:
    return Refusal(
        "PreconditionFailed",
        "At least one of the pre-conditions you specified did not hold",
        Condition=condition,
    )


def _names(value: str, etag: str) -> bool:
    """Whether a list of ETags names this one; `*` names all."""
    return any(each.strip().removeprefix("W/").strip('"') in ("*", etag) for each in value.split(","))


def _date(text: str | None) -> datetime | None:
    """A date that cannot be read is no condition, says the RFC."""
    try:
        found = parsedate_to_datetime(text) if text else None
    except ValueError:
        return None
    return found if found is None or found.tzinfo else found.replace(tzinfo=UTC)


def check_read(headers: Mapping[str, str], found: Entry) -> None:
    """Raises PreconditionFailed or NotModified if the object is not what the reader wants."""
    modified = datetime.fromtimestamp(found.ts // 10**9, UTC)
    match, none_match = headers.get("if-match"), headers.get("if-none-match")
    since, unless_since = _date(headers.get("if-modified-since")), _date(headers.get("if-unmodified-since"))
    if match is not None:
        if not _names(match, found.etag):
            raise _failed("If-Match")
    elif unless_since is not None and modified > unless_since:
        raise _failed("If-Unmodified-Since")
    if none_match is not None:
        if _names(none_match, found.etag):
            raise Refusal("NotModified", "Not Modified", headers=(("etag", f'"{found.etag}"'),))
    elif since is not None and modified <= since:
        raise Refusal("NotModified", "Not Modified", headers=(("etag", f'"{found.etag}"'),))


def check_copy_source(headers: Mapping[str, str], found: Entry) -> None:
    """The same for x-amz-copy-source-if-…, where a 304 makes no sense: always 412."""
    prefix = "x-amz-copy-source-"
    own = {
        name.removeprefix(prefix): value for name, value in headers.items() if name.startswith(prefix + "if-")
    }
    try:
        check_read(own, found)
    except Refusal as refusal:
        raise _failed("x-amz-copy-source-if") from refusal


def for_write(headers: Mapping[str, str], key: bytes, *, deleting: bool = False) -> Condition | None:
    """A check to run inside the writing transaction, so that of two writers with one condition one loses."""
    match, none_match = headers.get("if-match"), headers.get("if-none-match")
    unless_since = _date(headers.get("if-unmodified-since"))
    if match is None and none_match is None and unless_since is None:
        return None

    def check(current: Entry | None) -> None:
        if none_match is not None and current is not None and _names(none_match, current.etag):
            raise _failed("If-None-Match")
        if match is not None:
            if current is None:
                if deleting and match.strip() != "*":
                    return
                raise _failed("If-Match") if deleting else no_such_key(key)
            if not _names(match, current.etag):
                raise _failed("If-Match")
        if unless_since is None or current is None:
            return
        if datetime.fromtimestamp(current.ts // 10**9, UTC) > unless_since:
            raise _failed("If-Unmodified-Since")

    return check
