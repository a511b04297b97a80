"""What `explorer doctor` looks at. Every look is bounded in time, changes nothing and shows no secret."""

from __future__ import annotations

import contextlib
import fcntl
import os
import platform
import shutil
import sqlite3
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib import error, request
from urllib.parse import urlsplit

from explorer.errors import ExplorerError
from explorer.settings import Settings, config_path
from explorer.wording import size

PACKAGES = (
    "textual", "boto3", "botocore", "tigris-boto3-ext", "obstore", "granian", "blake3", "numpy", "pandas",
    "plotly", "ipywidgets", "anywidget",
)  # fmt: skip
_LITTLE_BYTES = 1 << 30
_SKEW_S = 60.0
_REFUSED_SKEW_S = 900.0
_TIMEOUT_S = 5


@dataclass(slots=True)
class Examination:
    """Facts by section, as the JSON document shows them, and what is wrong with a remedy each."""

    sections: dict[str, dict[str, Any]] = field(default_factory=dict)
    problems: list[dict[str, str]] = field(default_factory=list)

    def wrong(self, what: str, hint: str) -> None:
        self.problems.append({"what": what, "hint": hint})


def examine(settings: Settings) -> Examination:
    """Look at everything. Takes as long as the endpoint does to answer, at most some 20 s."""
    found = Examination()
    _versions(found)
    _settings(found, settings)
    _folder(found, settings)
    _local_store(found, settings.data, used=settings.endpoint is None)
    _store(found, settings)
    return found


def _versions(found: Examination) -> None:
    from explorer import __version__

    told: dict[str, Any] = {
        "explorer": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(terse=True),
        "sqlite": sqlite3.sqlite_version,
    }
    for name in PACKAGES:
        try:
            told[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            told[name] = None
            found.wrong(f"The package {name} is missing.", f"pip install {name}")
    found.sections["versions"] = told


def _settings(found: Examination, settings: Settings) -> None:
    path = config_path(os.environ)
    prefixes = ("AWS_", "TIGRIS_", "EXPLORER_")
    found.sections["settings"] = {
        "file": str(path),
        "file_exists": path.exists(),
        "endpoint_from": settings.endpoint_from,
        "profile": settings.profile,
        "variables": sorted(name for name in os.environ if name.startswith(prefixes)),
    }


def _folder(found: Examination, settings: Settings) -> None:
    data = settings.data
    there = next(p for p in (data, *data.parents) if p.exists())
    free = shutil.disk_usage(there).free
    writable = os.access(there, os.W_OK | os.X_OK) and there.is_dir()
    if not writable:
        found.wrong(f"{there} cannot be written to.", "choose another folder with --data or EXPLORER_DATA")
    if free < _LITTLE_BYTES:
        found.wrong(f"Only {size(free)} are free under {data}.", "`explorer cache clear` frees some")
    found.sections["data"] = {
        "folder": str(data),
        "exists": data.exists(),
        "writable": writable,
        "free_bytes": free,
        "cache_bytes": _cache_bytes(data, settings.cache_max_bytes),
        "cache_max_bytes": settings.cache_max_bytes,
    }


def _cache_bytes(data: Path, most: int) -> int:
    from explorer.prefetch import Cache

    return sum(entry.disk_bytes for entry in Cache.open(data / "cache", most).entries())


def _local_store(found: Examination, data: Path, *, used: bool) -> None:
    from explorer.localstore import status
    from explorer.localstore.places import LOG, store_folder

    folder = store_folder(data)
    try:
        running = status(data)
    except ExplorerError as trouble:
        found.wrong(trouble.message, trouble.hint)
        running = None
    holder = _lock_holder(folder)
    if holder is not None and running is None:
        found.wrong(
            f"The local store is held by {holder}, which does not answer.",
            "stop it with `explorer serve --stop`, or end that process",
        )
    keys = folder / "owner.json"
    if keys.exists() and stat.S_IMODE(keys.stat().st_mode) & 0o077:
        found.wrong("Others can read the owner's key of the local store.", f"chmod 600 {keys}")
    host = urlsplit(running.endpoint).hostname if running is not None else None
    if host is not None and host not in ("127.0.0.1", "::1", "localhost"):
        found.wrong(f"The local store listens on {host}, unencrypted.", "serve it without --host")
    database = folder / "meta.db"
    found.sections["local_store"] = {
        "used": used,
        "folder": str(folder),
        "exists": database.exists(),
        "running": running is not None,
        "endpoint": running.endpoint if running is not None else None,
        "pid": running.pid if running is not None else None,
        "lock_holder": holder,
        "owner_key_present": keys.exists(),
        "log": str(folder / LOG),
    }


def _lock_holder(folder: Path) -> str | None:
    """Who holds the store. Asked only while no other process is starting it: asking takes the lock."""
    with _locked(folder / "START") as nobody_starts_it:
        if nobody_starts_it is False:
            return "a process that is starting it"
        with _locked(folder / "LOCK") as free:
            if free is not False:
                return None
            told = (folder / "LOCK").read_text(errors="replace").strip()
            return told or "another process"


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[bool | None]:
    """Whether we have the lock for as long as we look; None where there is no such file."""
    try:
        file = path.open("rb")
    except OSError:
        yield None
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True


def _store(found: Examination, settings: Settings) -> None:
    from explorer.workspace.seen import store_label

    told: dict[str, Any] = {
        "label": store_label(settings),
        "endpoint": settings.endpoint,
        "local": settings.endpoint is None,
        "chosen_by": settings.endpoint_from or "nothing names an endpoint",
        "reachable": None,
        "snapshots": None,
        "answered_in_ms": None,
        "clock_skew_s": None,
        "credentials": None,
        "access_key": None,
    }
    found.sections["store"] = told
    if settings.endpoint is None:
        told["endpoint"] = found.sections["local_store"]["endpoint"]
        if told["endpoint"] is None:  # it starts when something needs it; a look must not
            return
    told["clock_skew_s"] = skew = _clock_skew_s(told["endpoint"])
    if skew is not None and abs(skew) > _SKEW_S:
        refused = ": its requests are refused" if abs(skew) > _REFUSED_SKEW_S else ""
        found.wrong(f"The clock of this machine is {skew:+.0f} s off{refused}.", "set the clock (NTP)")
    try:
        _ask(told, settings)
    except ExplorerError as trouble:
        told["reachable"] = False
        found.wrong(str(trouble), trouble.hint)
        return
    if not told["snapshots"]:
        found.wrong(
            f"{told['endpoint']} is plain S3: it has no snapshots and no forks.",
            "use Tigris (https://t3.storage.dev), or leave out the endpoint for the local store",
        )


def _ask(told: dict[str, Any], settings: Settings) -> None:
    from explorer.storage.credentials import Wanted, open_session
    from explorer.workspace.opener import connect

    if settings.endpoint is not None:
        session, told["credentials"] = open_session(Wanted(profile=settings.profile), settings.endpoint)
        told["access_key"] = _shown(session.get_credentials().access_key)
    store = connect(settings)
    try:
        if settings.endpoint is None:
            told["credentials"] = "the owner's key"
            told["access_key"] = _shown(store.environment()["AWS_ACCESS_KEY_ID"])
        store.probe()
        started = time.monotonic()  # the first one has made the connection
        told["snapshots"] = store.probe().snapshots
        told["answered_in_ms"] = round((time.monotonic() - started) * 1000, 1)
        told["reachable"] = True
    finally:
        store.close()


def _shown(access_key: str) -> str:
    """Enough of a key's id to know it by."""
    return access_key if len(access_key) <= 8 else f"{access_key[:8]}…"


def _clock_skew_s(endpoint: str) -> float | None:
    """How much our clock is ahead of the store's, to the second; None where it tells no time."""
    before = time.time()
    try:
        with request.urlopen(request.Request(endpoint, method="HEAD"), timeout=_TIMEOUT_S) as answer:  # noqa: S310
            date = answer.headers.get("Date")
    except error.HTTPError as refused:  # unsigned requests are refused, with the time
        date = refused.headers.get("Date")
    except (OSError, ValueError):
        return None
    try:
        theirs = parsedate_to_datetime(date or "").timestamp()
    except ValueError:
        return None
    ours = (before + time.time()) / 2
    # the header has whole seconds: a difference within one is none
    return 0.0 if abs(ours - theirs - 0.5) <= 1.0 else round(ours - theirs - 0.5, 1)
