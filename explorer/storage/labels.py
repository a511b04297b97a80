"""What a writer said about an object besides its bytes: content headers, metadata and tags."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

_HEADERS = ("CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "ContentType")


@dataclass(frozen=True, slots=True)
class Labels:
    """`headers` by botocore's names; `metadata` without the `x-amz-meta-`."""

    headers: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, answer: Mapping[str, Any], tags: Mapping[str, str] | None = None) -> Labels:
        """The labels in an answer to GET or HEAD, and the tags, which no such answer holds."""
        headers = {name: answer[name] for name in _HEADERS if answer.get(name)}
        return cls(headers, answer.get("Metadata", {}), tags or {})

    def arguments(self) -> dict[str, Any]:
        """As PutObject and uploads take them."""
        said: dict[str, Any] = {name: _text(value) for name, value in self.headers.items()}
        if self.metadata:
            said["Metadata"] = {name: _in_ascii(value) for name, value in self.metadata.items()}
        if self.tags:
            said["Tagging"] = urlencode(self.tags)
        return said


def _text(header: str) -> str:
    """Header bytes arrive read as Latin-1, whatever they are; most are UTF-8, as botocore sends them."""
    try:
        return header.encode("latin-1").decode()
    except UnicodeError:
        return header


def _in_ascii(value: str) -> str:
    """A metadata value as botocore takes it: what is not ASCII as one word of RFC 2047, as S3 tells it."""
    if value.isascii():
        return value
    return f"=?UTF-8?B?{base64.b64encode(_text(value).encode()).decode()}?="
