"""The one place where botocore's, Tigris' and obstore's errors become ours, each with its remedy."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from explorer.errors import (
    BadInput,
    Bug,
    Conflict,
    ExplorerError,
    NameTaken,
    NotAllowed,
    NotFound,
    SnapshotsOff,
    StoreTrouble,
    Unreachable,
    nearest,
)
from explorer.lineage.address import Node

_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>([^<]*)</Code>")
_MESSAGE = re.compile(r"<Message>([^<]*)</Message>")
_KEYS_REFUSED = (
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "ExpiredToken",
    "InvalidToken",
    "TokenRefreshRequired",
)

_SILENCE = {
    "EndpointConnectionError": "nothing listens there, or its name is not known",
    "ConnectTimeoutError": "no connection in time",
    "ReadTimeoutError": "it stopped answering",
    "ConnectionClosedError": "it closed the connection without an answer",
    "SSLError": "its certificate is not trusted, or it does not speak TLS",
    "ProxyConnectionError": "the proxy did not connect",
    "ConnectionError": "the connection broke",
    "HTTPClientError": "the connection broke",
    "IncompleteReadError": "its answer was cut off",
    "ResponseStreamingError": "its answer was cut off",
    "BaseError": "the connection broke",  # obstore's, when there was no answer
}
"""By the names of the classes, most telling first: this file must not import the libraries."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was being done when it failed: the words that an error needs."""

    endpoint: str
    credentials: str
    node: Node | None = None
    key: str | None = None
    creates: str | None = None
    """The bucket that the call would have made."""
    known: Callable[[], Iterable[str]] = tuple
    """Names that do exist, for the hint: called only when something is not found or taken."""

    @property
    def where(self) -> str:
        if self.node is None:
            return self.creates or self.endpoint
        return self.node.address if self.key is None else f"{self.node.address}/{self.key}"


@dataclass(frozen=True, slots=True)
class Answer:
    """An error answer of a server, whichever library carried it."""

    status: int
    code: str
    message: str


def translate(error: Exception, asked: Asked) -> ExplorerError:
    """Our error for theirs; anything unforeseen is a Bug with a hint to report it."""
    answer = read_answer(error)
    if answer is not None:
        return _refused(answer, asked)
    names = {kind.__name__ for kind in type(error).__mro__}
    if names & {
        "NoCredentialsError",
        "PartialCredentialsError",
        "CredentialRetrievalError",
        "TokenRetrievalError",
    }:
        return NotAllowed(
            f"The credentials cannot be used: {error}",
            hint=f"{asked.credentials} was tried; log in again or name another with `--profile`",
            where=asked.endpoint,
        )
    if names & {"ParamValidationError", "InvalidPathError"}:
        text = " ".join(str(error).split())
        return BadInput(
            f"The store cannot be asked for this: {text}", hint="check the name", where=asked.where
        )
    for kind, why in _SILENCE.items():
        if kind in names:
            return _unreachable(why, asked)
    if isinstance(error, ValueError) and "endpoint" in str(error).lower():
        return BadInput(
            f"`{asked.endpoint}` is not an endpoint.", hint="write it like https://t3.storage.dev"
        )
    return Bug(
        f"The store answered in a way that is not understood: {type(error).__name__}: {_first_line(error)}",
        hint="please report this, with what you did and which store it was",
        where=asked.where,
    )


def read_answer(error: BaseException) -> Answer | None:
    """The server's answer inside an error of any of the three libraries; None when there was none."""
    response: Any = getattr(error, "response", None)
    if isinstance(response, dict) and "ResponseMetadata" in response:
        told = response.get("Error", {})
        status = int(response["ResponseMetadata"].get("HTTPStatusCode", 0))
        return Answer(status, str(told.get("Code", "")), str(told.get("Message", "")))
    if hasattr(error, "status_code") and hasattr(error, "body"):  # TigrisAPIError
        return Answer(
            int(error.status_code), str(getattr(error, "code", "") or ""), str(getattr(error, "message", ""))
        )
    if type(error).__module__.startswith("obstore") or isinstance(error, FileNotFoundError):
        text = str(error)
        if status_found := _STATUS.search(text):
            code, message = _CODE.search(text), _MESSAGE.search(text)
            return Answer(int(status_found[1]), code[1] if code else "", message[1] if message else "")
    inner = error.__cause__ or error.__context__  # S3UploadFailedError keeps the answer one level down
    return read_answer(inner) if inner is not None and inner is not error else None


def _refused(answer: Answer, asked: Asked) -> ExplorerError:
    status, code, said = answer.status, answer.code, answer.message.rstrip(".")
    where = asked.where
    if code == "RequestTimeTooSkewed":
        return NotAllowed(
            "The clock of this machine is off.",
            hint="set the clock: requests are signed with it",
            where=where,
        )
    if code == "AuthorizationHeaderMalformed":
        return BadInput(
            f"The region is wrong: {said}.", hint="set `region` in the settings file", where=where
        )
    if status in (401, 403):
        return _not_allowed(code, said, asked)
    if status == 507 or code in ("InsufficientStorage", "StorageFull"):
        return StoreTrouble(
            f"The store is full: {said or code}.", hint="free some disk space, then try again", where=where
        )
    if status == 404:
        return _not_found(code, asked)
    if code in ("BucketAlreadyExists", "BucketAlreadyOwnedByYou"):
        name = asked.creates or ""
        hint = f"`{_free(name, _safely(asked.known))}` is free here"
        return NameTaken(f"The name `{name}` is taken.", hint=hint, where=asked.endpoint)
    if code == "BucketNotEmpty" or (status == 409 and "fork" in said.lower()):
        if "fork" in said.lower():
            return Conflict(f"{said}.", hint="delete its forks first", where=where)
        return Conflict(
            "The bucket still holds objects or snapshots.", hint="delete it with `--force`", where=where
        )
    if status in (409, 412):
        return Conflict(
            f"Somebody else changed it first ({code or status}).",
            hint="read it again, then try again",
            where=where,
        )
    if status == 400 and "snapshot" in said.lower() and "version" not in said.lower():
        return snapshots_off(asked.node.bucket if asked.node else None, asked.endpoint, said)
    if status == 501:
        return SnapshotsOff(
            "This store does not know how to do that.",
            hint=f"{said or code}; use Tigris or the local store",
            where=asked.endpoint,
        )
    if status >= 500 or code in ("SlowDown", "RequestTimeout"):
        return _unreachable(f"it answered {status} {code or said}".strip(), asked)
    return BadInput(
        f"The store refused: {said or code or status}.", hint="check the names in the request", where=where
    )


def snapshots_off(bucket: str | None, endpoint: str, said: str = "") -> SnapshotsOff:
    """The error for a bucket with snapshots off, or (None) for an endpoint that has none at all."""
    if bucket is None:
        return SnapshotsOff(
            "This endpoint is plain S3: it has no snapshots and no forks.",
            hint="use Tigris (https://t3.storage.dev) or the local store (leave out `--endpoint`)",
            where=endpoint,
        )
    detail = f" ({said})" if said else ""
    return SnapshotsOff(
        f"Snapshots are off for `{bucket}`{detail}.",
        hint=f"`tigris buckets enable-snapshots {bucket}` turns them on; "
        "`explorer buckets create` makes buckets with snapshots",
        where=bucket,
    )


def _not_allowed(code: str, said: str, asked: Asked) -> NotAllowed:
    used = f"{asked.credentials} was used"
    if code in _KEYS_REFUSED:
        return NotAllowed(f"The store does not accept these keys ({code}).", hint=used, where=asked.endpoint)
    detail = f": {said}" if said and said not in ("Forbidden", "Access Denied", "AccessDenied") else ""
    hint = f"{used}; its key may lack this right, or the bucket belongs to somebody else"
    return NotAllowed(f"The store refused{detail}.", hint=hint, where=asked.where)


def _not_found(code: str, asked: Asked) -> NotFound:
    if asked.key is not None and code != "NoSuchBucket":
        hint = nearest(asked.key, _safely(asked.known), f"`explorer ls {asked.node}` lists what is there")
        return NotFound(f"There is no `{asked.key}` here.", hint=hint, where=str(asked.node))
    if asked.node is not None and asked.node.version is not None and code not in ("NoSuchBucket", "404"):
        hint = f"`explorer snapshots list {asked.node.bucket}` lists them"
        return NotFound(f"There is no snapshot `{asked.node.version}`.", hint=hint, where=asked.node.bucket)
    if asked.node is None and asked.creates is None:
        return NotFound(
            f"{asked.endpoint} answers, but not as an S3 store does.", hint="check the endpoint, and its path"
        )
    name = asked.node.bucket if asked.node else asked.creates or ""
    hint = nearest(name, _safely(asked.known), "`explorer tree` lists the buckets of this store")
    return NotFound(f"There is no bucket `{name}`.", hint=hint, where=asked.endpoint)


def _unreachable(why: str, asked: Asked) -> Unreachable:
    return Unreachable(
        f"{asked.endpoint} did not answer: {why}",
        hint="check the endpoint and the network; without `--endpoint` explorer uses the local store",
    )


def _safely(known: Callable[[], Iterable[str]]) -> Iterable[str]:
    try:
        return tuple(known())
    except ExplorerError:  # a hint is not worth a second error
        return ()


def _free(name: str, taken: Iterable[str]) -> str:
    stem, _, number = name.rpartition("-")
    stem, count = (stem, int(number)) if stem and number.isdigit() else (name, 1)
    used = set(taken)
    while (proposal := f"{stem[:58]}-{count + 1}") in used:
        count += 1
    return proposal


def _first_line(error: Exception) -> str:
    line = str(error).strip().split("\n", 1)[0]
    return line if len(line) <= 200 else line[:197] + "..."
