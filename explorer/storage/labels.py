"""What a writer said about an object besides its bytes: content headers and metadata."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_HEADERS = ("CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "ContentType")


@dataclass(frozen=True, slots=True)
class Labels:
    """`headers` by botocore's names; `metadata` without the `x-amz-meta-`."""

    headers: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Labels:
        """The labels in an answer to GET or HEAD."""
        return cls({name: answer[name] for name in _HEADERS if answer.get(name)}, answer.get("Metadata", {}))

    def arguments(self) -> dict[str, Any]:
        """As PutObject and uploads take them. Headers are ASCII: botocore sends nothing else."""
        metadata = {
            name: value for name, value in self.metadata.items() if value.isascii() and name.isascii()
        }
        return {**self.headers, **({"Metadata": metadata} if metadata else {})}
