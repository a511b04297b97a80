"""Which bucket names and keys S3 allows."""

from __future__ import annotations

import re

from explorer.localstore.refusals import Refusal

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+")
_VERSION = re.compile(r"[0-9]{1,19}")


def check_bucket_name(name: str) -> str:
    """The name, if S3's rules allow it."""
    ok = (
        _NAME.fullmatch(name)
        and ".." not in name
        and not _ADDRESS.fullmatch(name)
        and not name.startswith(("xn--", "sthree-"))
        and not name.endswith(("-s3alias", "--ol-s3"))
    )
    if not ok:
        raise Refusal("InvalidBucketName", "The specified bucket is not valid.", BucketName=name)
    return name


def check_key(key: bytes) -> bytes:
    """The key, if it is UTF-8 of 1 to 1024 bytes. Dots and slashes mean nothing here: keys are not paths."""
    if len(key) > 1024:
        raise Refusal("KeyTooLongError", "Your key is too long", Size=str(len(key)), MaxSizeAllowed="1024")
    try:
        key.decode()
    except UnicodeDecodeError:
        raise Refusal("InvalidURI", "The key is not UTF-8.") from None
    if not key:
        raise Refusal("InvalidRequest", "The key is empty.")
    return key


def parse_version(text: str, what: str = "snapshot version") -> int:
    """A version as a number of nanoseconds."""
    if not _VERSION.fullmatch(text) or int(text) >= 1 << 62:
        raise Refusal("InvalidArgument", f"Invalid {what}", ArgumentName=what, ArgumentValue=text[:64])
    return int(text)
