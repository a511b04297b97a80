"""A request as the rest of the wire sees it: parsed once, nothing trusted yet."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes

from explorer.localstore.engine.names import check_key
from explorer.localstore.refusals import Refusal

Receive = Callable[[], Awaitable[Mapping[str, Any]]]


@dataclass(slots=True)
class Request:
    method: str
    raw_path: str
    """As it came over the wire, still percent-encoded: signatures are over this."""
    raw_query: str
    headers: dict[str, str]
    """Lower-case names; a header that came twice is joined by a comma."""
    receive: Receive
    client: str
    bucket: str | None
    key: bytes | None
    query: dict[str, str]
    body_ended: bool = False
    """Whether the body has been received to its end, or never will be."""
    id: str = field(default_factory=lambda: str(time.time_ns()))

    @classmethod
    def from_scope(cls, scope: Mapping[str, Any], receive: Receive) -> Request:
        """Read the ASGI scope.

        Raises:
            Refusal: the path or a header cannot be meant.
        """
        headers: dict[str, str] = {}
        for raw_name, raw_value in scope["headers"]:
            name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
            headers[name] = f"{headers[name]},{value}" if name in headers else value
        raw_path = (scope.get("raw_path") or scope["path"].encode()).split(b"?", 1)[0].decode("latin-1")
        query = scope["query_string"].decode("latin-1")
        try:
            pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=1000, errors="strict")
        except ValueError:
            raise Refusal("InvalidURI", "The query cannot be read.") from None
        name, _, key = raw_path.removeprefix("/").partition("/")
        if key and not name:
            raise Refusal("InvalidURI", "The path names a key without a bucket.")
        client = scope.get("client") or ("", 0)
        return cls(
            method=scope["method"],
            raw_path=raw_path,
            raw_query=query,
            headers=headers,
            receive=receive,
            client=client[0],
            bucket=unquote_to_bytes(name).decode("utf-8", "replace") or None,
            key=unquote_to_bytes(key) or None,
            query=dict(pairs),
        )

    @property
    def wants_json(self) -> bool:
        return "application/json" in self.headers.get("accept", "")

    @property
    def bucket_name(self) -> str:
        if not self.bucket:
            raise Refusal("InvalidBucketName", "The request names no bucket.")
        return self.bucket

    @property
    def object_key(self) -> bytes:
        return check_key(self.key or b"")

    def flag(self, name: str) -> bool:
        """A header that says true."""
        return self.headers.get(name, "").strip().lower() == "true"

    def number(self, name: str, default: int, *, low: int = 0, high: int = 1000) -> int:
        """A number from the query, cut down to `high`."""
        text = self.query.get(name)
        if text is None or text == "":
            return default
        if not (text.isascii() and text.isdigit() and len(text) < 12 and int(text) >= low):
            raise Refusal(
                "InvalidArgument",
                f"Argument {name} must be an integer from {low} to 2147483647",
                ArgumentName=name,
                ArgumentValue=text[:64],
            )
        return min(int(text), high)

    def content_length(self) -> int | None:
        text = self.headers.get("content-length")
        if text is None:
            return None
        if not (text.isascii() and text.isdigit() and len(text) < 19):
            raise Refusal("InvalidArgument", "The Content-Length is not a number.")
        return int(text)
