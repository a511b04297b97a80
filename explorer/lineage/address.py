"""The one written form of a place: `bucket`, `bucket@version`, `bucket@name`, each with `/key` behind it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from explorer.errors import BadInput

_BUCKET = re.compile(r"[a-z0-9](?:[a-z0-9.-]{1,61})[a-z0-9]")
_VERSION = re.compile(r"[0-9]{15,20}")
_SCHEME = re.compile(r"(?:t3|s3|tigris)://")


@dataclass(frozen=True)
class Node:
    """A place in the lineage: a snapshot of a bucket, or (`version` None) the bucket's head.

    `version` is an opaque, ordered string: decimal UNIX nanoseconds as the store wrote them.
    """

    bucket: str
    version: str | None = None

    @property
    def is_head(self) -> bool:
        return self.version is None

    @cached_property
    def address(self) -> str:
        return self.bucket if self.version is None else f"{self.bucket}@{self.version}"

    def __str__(self) -> str:
        return self.address


@dataclass(frozen=True, slots=True)
class Address:
    """An address as typed: `at` may be a version or a snapshot's name, `key` a key or a prefix."""

    bucket: str
    at: str | None = None
    key: str | None = None

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read an address; `t3://` and `s3://` in front are accepted.

        Raises:
            BadInput: there is no bucket name in it, or the name breaks S3's rules.
        """
        rest = _SCHEME.sub("", text.strip(), count=1)
        place, slash, key = rest.partition("/")
        bucket, at_sign, at = place.partition("@")
        check_bucket_name(bucket, where=text)
        if at_sign and not at:
            raise BadInput(
                f"`{text}` has nothing behind the `@`.",
                hint=f"write `{bucket}` for the head, or `{bucket}@name` for a snapshot",
            )
        return cls(bucket, at or None, key if slash and key else None)

    def __str__(self) -> str:
        at = f"@{self.at}" if self.at else ""
        return f"{self.bucket}{at}" + (f"/{self.key}" if self.key else "")


def is_version(text: str) -> bool:
    """Whether this could be a snapshot version rather than a snapshot's name."""
    return _VERSION.fullmatch(text) is not None


def check_bucket_name(name: str, *, where: str | None = None) -> str:
    """Return `name` when S3 would take it as a bucket name.

    Raises:
        BadInput: with the rule that it breaks. Source: S3 user guide, bucket naming rules.
    """
    hint = "bucket names are 3-63 of a-z, 0-9, `-` and `.`, and start and end with a letter or digit"
    if not _BUCKET.fullmatch(name) or ".." in name:
        shown = name if name else "(empty)"
        raise BadInput(f"`{shown}` is not a bucket name.", hint=hint, where=where)
    if re.fullmatch(r"(\d+\.){3}\d+", name):
        raise BadInput(f"`{name}` looks like an IP address.", hint=hint, where=where)
    return name


def version_order(version: str) -> tuple[int, str]:
    """The key that versions sort by: as numbers, though they are handled as strings."""
    return len(version), version
