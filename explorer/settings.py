"""What the user set, read once at the door: one frozen value from a TOML file and the environment."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import platformdirs

from explorer.errors import BadInput

APP = "checkpoint-explorer"
ENDPOINT_VARIABLES = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "TIGRIS_STORAGE_ENDPOINT")
_PLAIN = ("region", "refresh_s", "cache_max_bytes", "templates")


@dataclass(frozen=True, slots=True)
class Settings:
    """Where things are and how often we look. `endpoint` None means the local store."""

    data: Path
    """Everything we keep on disk: the local store, the cache, the journal, job folders."""
    endpoint: str | None = None
    endpoint_from: str | None = None
    """Which option, file or variable named the endpoint: for errors and `explorer doctor`."""
    profile: str | None = None
    """Credentials profile; None means the usual order of boto3, then `TIGRIS_STORAGE_*`."""
    region: str = "auto"
    refresh_s: float = 5.0
    """How often other people's changes are looked for while a screen is open."""
    cache_max_bytes: int = 200 * 10**9
    """Prefetched checkpoints are evicted, least recently used first, beyond this."""
    templates: Path | None = None
    """A folder of job templates, searched before the built-in ones."""


def config_path(environ: Mapping[str, str]) -> Path:
    """The settings file: `$EXPLORER_CONFIG`, else the user's configuration folder."""
    named = environ.get("EXPLORER_CONFIG")
    return Path(named) if named else platformdirs.user_config_path(APP) / "config.toml"


def read_settings(
    *,
    data: str | Path | None = None,
    endpoint: str | None = None,
    profile: str | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Options win over the settings file, the file over the environment, then the local store.

    Credentials alone never name a store: an `AWS_PROFILE` moves nobody off the local one.

    Raises:
        BadInput: the settings file is not TOML, or says something that is not a setting.
    """
    environ = os.environ if environ is None else environ
    path = config_path(environ)
    told = _read_file(path)
    folder = data or environ.get("EXPLORER_DATA") or told.get("data") or platformdirs.user_data_path(APP)
    sources = [("--endpoint", endpoint), (str(path), told.get("endpoint"))]
    sources += [(name, environ.get(name)) for name in ENDPOINT_VARIABLES]
    source, url = next(((source, url) for source, url in sources if url), (None, None))
    settings = Settings(
        data=Path(folder).expanduser().absolute(),
        endpoint=check_endpoint(url, source) if url and source else None,
        endpoint_from=source,
        profile=profile or told.get("profile") or environ.get("AWS_PROFILE") or None,
    )
    if "templates" in told:
        told["templates"] = Path(told["templates"]).expanduser()
    return replace(settings, **{name: told[name] for name in _PLAIN if name in told})


def _read_file(path: Path) -> dict[str, Any]:
    try:
        told = tomllib.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise BadInput(
            f"The settings file cannot be read: {error}", hint="correct it or move it away", where=str(path)
        ) from error
    known = {f.name for f in fields(Settings)} - {"endpoint_from"}
    kinds: dict[str, type | tuple[type, ...]] = {"refresh_s": (int, float), "cache_max_bytes": int}
    for name, value in told.items():
        if name not in known:
            hint = "settings are " + ", ".join(sorted(known))
            raise BadInput(f"`{name}` is not a setting.", hint=hint, where=str(path))
        if not isinstance(value, kinds.get(name, str)) or isinstance(value, bool):
            raise BadInput(
                f"`{name} = {value!r}` has the wrong type.", hint="see the README", where=str(path)
            )
    return told


def check_endpoint(url: str, source: str) -> str:
    if not url.startswith(("http://", "https://")) or len(url.split("://", 1)[1]) == 0:
        raise BadInput(
            f"`{url}` is not an endpoint.",
            hint="write it with its scheme, like https://t3.storage.dev",
            where=source,
        )
    return url.rstrip("/")
