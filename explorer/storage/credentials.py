"""Which keys a store is spoken to with, and where they come from: errors name the place, not the secret."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from explorer.errors import NotAllowed

_TIGRIS = ("TIGRIS_STORAGE_ACCESS_KEY_ID", "TIGRIS_STORAGE_SECRET_ACCESS_KEY")
_PLACES = {
    "env": "`AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`",
    "shared-credentials-file": "the shared credentials file",
    "config-file": "the AWS config file",
    "custom-process": "the `credential_process` of the AWS config file",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the caller said about credentials; nothing said means the usual order."""

    access_key: str | None = None
    secret_key: str | None = None
    profile: str | None = None


def open_session(wanted: Wanted, endpoint: str, environ: Mapping[str, str] | None = None) -> tuple[Any, str]:
    """A boto3 session with credentials, and in words where they come from.

    Order: explicit keys, the profile, boto3's own order, then `TIGRIS_STORAGE_*`. About 150 ms (the imports).

    Raises:
        NotAllowed: no credentials anywhere, half of a pair, or a profile that does not exist.
    """
    from botocore.exceptions import BotoCoreError, ProfileNotFound

    environ = os.environ if environ is None else environ
    try:
        return _open_session(wanted, endpoint, environ)
    except ProfileNotFound as error:
        name = wanted.profile or environ.get("AWS_PROFILE") or environ.get("AWS_DEFAULT_PROFILE")
        raise NotAllowed(
            f"There is no credentials profile `{name}`.",
            hint=f"`aws configure --profile {name}` makes it; `--profile NAME` chooses another",
            where=endpoint,
        ) from error
    except BotoCoreError as error:
        raise NotAllowed(
            f"The credentials cannot be read: {error}",
            hint="correct the AWS config and credentials files, or set `AWS_ACCESS_KEY_ID` and its secret",
            where=endpoint,
        ) from error


def _open_session(wanted: Wanted, endpoint: str, environ: Mapping[str, str]) -> tuple[Any, str]:
    import boto3
    import botocore.session

    if wanted.access_key or wanted.secret_key:
        if not (wanted.access_key and wanted.secret_key):
            raise NotAllowed(
                "Only half of a pair of keys was given.", hint="give both keys or neither", where=endpoint
            )
        # A profile or config file of the user must not bend a store that we were handed keys for: a stale
        # AWS_PROFILE alone makes botocore raise ProfileNotFound even with explicit keys.
        bare = botocore.session.Session(session_vars={"profile": (None, None, None, None)})
        bare.set_config_variable("config_file", os.devnull)
        bare.set_config_variable("credentials_file", os.devnull)
        _quicken(bare)
        bare.set_credentials(wanted.access_key, wanted.secret_key)
        return boto3.session.Session(botocore_session=bare), f"the keys given for {_host(endpoint)}"

    inner = botocore.session.Session(profile=wanted.profile)
    _quicken(inner)
    session = boto3.session.Session(botocore_session=inner)
    if not _is_aws(endpoint):
        # Keys of a cloud machine's own role mean nothing to another provider, and asking for them off
        # that cloud costs seconds of timeout.
        inner.get_component("credential_provider").remove("iam-role")
    found = session.get_credentials()
    if found is not None:
        if wanted.profile:
            return session, f"profile `{wanted.profile}`"
        profile = environ.get("AWS_PROFILE") or environ.get("AWS_DEFAULT_PROFILE")
        place = _PLACES.get(found.method, f"boto3's `{found.method}` provider")
        return session, f"profile `{profile}`" if profile and found.method != "env" else place
    pair = [environ.get(name) for name in _TIGRIS]
    if all(pair) and not wanted.profile:
        inner.set_credentials(*pair)
        return session, f"`{_TIGRIS[0]}` and `{_TIGRIS[1]}`"
    raise NotAllowed(
        f"There are no credentials for {_host(endpoint)}.",
        hint="set `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY` (or `TIGRIS_STORAGE_ACCESS_KEY_ID` and "
        "`TIGRIS_STORAGE_SECRET_ACCESS_KEY`), or name a profile with `--profile`; without an endpoint "
        "explorer uses the local store",
        where=endpoint,
    )


def _quicken(session: Any) -> None:
    """Services are described once a process, and times read by the standard library: same answers, less CPU.

    A page of 1000 objects takes 32 ms instead of 125: botocore asks dateutil for each time.
    """
    session.register_component("data_loader", _models())
    session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=read_time)


def read_time(value: Any) -> datetime:
    """A time of an answer; what is not ISO 8601 with its zone is left to botocore."""
    from botocore.utils import parse_timestamp

    if isinstance(value, str) and value[10:11] == "T":
        with suppress(ValueError):
            moment = datetime.fromisoformat(value)
            if moment.tzinfo is not None:
                return moment
    told: datetime = parse_timestamp(value)
    return told


@cache
def _models() -> Any:
    """botocore's descriptions of services, parsed once a process: 90 % of what a first client takes."""
    from botocore.loaders import create_loader

    return create_loader(os.environ.get("AWS_DATA_PATH"))


def _host(endpoint: str) -> str:
    return urlsplit(endpoint).netloc or endpoint


def _is_aws(endpoint: str) -> bool:
    return (urlsplit(endpoint).hostname or "").endswith((".amazonaws.com", ".amazonaws.com.cn"))
