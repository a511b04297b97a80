"""S3 clients, lent to one caller at a time: no two threads and no two snapshot versions ever share one.

tigris-boto3-ext puts the snapshot header on every request of a client while its context is open. Measured
with a shared client: 60 of 180 concurrent reads went out with another reader's version, without an error. A
lease is one client for one (thread, version) for the length of one call; afterwards it is used again, with
its connections warm, so there are as many clients as calls at one time and not one for every snapshot on
screen.
"""

from __future__ import annotations

import ipaddress
import threading
from collections import OrderedDict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from explorer.lineage.address import Node
from explorer.storage.credentials import Wanted, open_session

CONNECT_TIMEOUT_S = 2
"""Long enough for one lost SYN at any distance, short enough that a dead endpoint is told within seconds."""
READ_TIMEOUT_S = 30
_ATTEMPTS = 3
_BULK_STORES = 64
_BY_HOST = (".storage.dev", ".tigris.dev", ".storageapi.dev", ".amazonaws.com", ".amazonaws.com.cn")


class Clients:
    """The clients of one endpoint and one set of credentials; made at first use (the imports cost 150 ms)."""

    def __init__(self, endpoint: str, wanted: Wanted, region: str) -> None:
        self.endpoint = endpoint
        self.region = region
        self._wanted = wanted
        self._addressing = addressing_of(endpoint)
        self._lock = threading.Lock()
        self._session: Any = None
        self._source = "no credentials"
        self._idle: deque[Any] = deque()
        self._bulk: OrderedDict[Node, Any] = OrderedDict()

    @property
    def source(self) -> str:
        """Where the credentials came from, in words."""
        return self._source

    @property
    def session(self) -> Any:
        with self._lock:
            return self._open()

    def _open(self) -> Any:
        if self._session is None:
            self._session, self._source = open_session(self._wanted, self.endpoint)
        return self._session

    @contextmanager
    def lease(self, node: Node | None = None) -> Iterator[Any]:
        """A boto3 client for the calling thread alone; reads see `node`'s snapshot version if it has one."""
        try:
            client = self._idle.pop()  # the one used last: its connection is the warmest
        except IndexError:
            client = self._make()
        try:
            if node is None or node.version is None:
                yield client
            else:
                from tigris_boto3_ext import TigrisSnapshot

                with TigrisSnapshot(client, node.bucket, node.version):
                    yield client
        finally:
            self._idle.append(client)

    def _make(self) -> Any:
        from botocore.config import Config

        config = Config(
            s3={"addressing_style": self._addressing} if self._addressing else None,
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
            connect_timeout=CONNECT_TIMEOUT_S,
            read_timeout=READ_TIMEOUT_S,
            # Whole-object checksums on a 206 make botocore fail (rclone serves them so); ETag and size are
            # checked.
            response_checksum_validation="when_required",
            **({"proxies": {}} if is_loopback(self.endpoint) else {}),
        )
        with self._lock:  # a botocore session is not thread-safe; with its loader warm this takes 5 ms
            return self._open().client(
                "s3", endpoint_url=self.endpoint, region_name=self.region, config=config
            )

    def bulk(self, node: Node) -> Any | None:
        """An obstore store that reads `node`; None where only boto3 can be trusted to get there.

        A 4 KiB ranged read costs 0.16 ms of CPU through it, 1.5 ms through boto3. Its header belongs to the
        store object, so there is one of these for every snapshot in use.
        """
        if is_loopback(self.endpoint) and _proxied(self.endpoint):
            return None  # it follows http_proxy even to this machine
        with self._lock:
            secure = self.endpoint.startswith("https:")
            if secure and self._open()._session.get_config_variable("ca_bundle"):
                return None  # it knows the system's certificates only
            store = self._bulk.get(node)
            if store is None:
                store = self._bulk[node] = self._make_bulk(node)
                if len(self._bulk) > _BULK_STORES:
                    self._bulk.popitem(last=False)
            self._bulk.move_to_end(node)
            return store

    def _make_bulk(self, node: Node) -> Any:
        from obstore.store import S3Store

        credentials = self._open().get_credentials()

        def provide() -> Any:
            now = credentials.get_frozen_credentials()
            soon = datetime.now(UTC) + timedelta(minutes=5)
            expires = soon if now.token else None
            return {
                "access_key_id": now.access_key,
                "secret_access_key": now.secret_key,
                "token": now.token,
                "expires_at": expires,
            }

        headers = {"X-Tigris-Snapshot-Version": node.version} if node.version else {}
        # A wildcard certificate covers one label: buckets with dots go by path, as in botocore.
        by_path = self._style() != "virtual" or "." in node.bucket
        endpoint = self.endpoint if by_path else _virtual_host(self.endpoint, node.bucket)
        return S3Store(
            node.bucket,
            endpoint=endpoint,
            # Without it AWS_ENDPOINT_URL_S3 of the environment wins over `endpoint`, and reads go elsewhere.
            aws_endpoint_url_s3=endpoint,
            region=self.region,
            virtual_hosted_style_request=not by_path,
            # obstore takes what is not said here from AWS_* variables.
            skip_signature=False,
            unsigned_payload=False,
            s3_express=False,
            request_payer=False,
            credential_provider=provide,
            client_options={
                "allow_http": True,
                "connect_timeout": timedelta(seconds=CONNECT_TIMEOUT_S),
                "read_timeout": timedelta(seconds=READ_TIMEOUT_S),
                "timeout": timedelta(minutes=10),  # of a whole part: the default of 30 s fails slow links
                "default_headers": headers,
            },
            retry_config={"max_retries": _ATTEMPTS - 1, "retry_timeout": timedelta(seconds=20)},
        )

    def _style(self) -> str:
        """`path` or `virtual`, as boto3 does it: by path where the user's config does not say otherwise."""
        told = self._open()._session.get_scoped_config().get("s3")
        chosen = told.get("addressing_style") if isinstance(told, dict) else None
        return self._addressing or ("virtual" if chosen == "virtual" else "path")

    def close(self) -> None:
        """Close every idle client; a lease still out is closed by the garbage collector."""
        with self._lock:
            self._bulk.clear()
            while self._idle:
                self._idle.pop().close()


def addressing_of(endpoint: str) -> str | None:
    """How buckets are named to this endpoint: `path`, `virtual` (in the host), None for what boto3 is told.

    Tigris serves buckets made after 2025-02-19 by host only (tigrisdata.com/blog/virtual-hosted-urls),
    while boto3 goes by path to any endpoint it is given.
    """
    host = (urlsplit(endpoint).hostname or "").rstrip(".")
    if is_loopback(endpoint) or "." not in host or _is_ip(host):
        return "path"
    return "virtual" if host.endswith(_BY_HOST) else None


def is_loopback(endpoint: str) -> bool:
    host = urlsplit(endpoint).hostname or ""
    return host == "localhost" or (_is_ip(host) and ipaddress.ip_address(host).is_loopback)


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _proxied(endpoint: str) -> bool:
    parts = urlsplit(endpoint)
    return parts.scheme in getproxies() and not proxy_bypass(parts.hostname or "")


def _virtual_host(endpoint: str, bucket: str) -> str:
    parts = urlsplit(endpoint)
    return f"{parts.scheme}://{bucket}.{parts.netloc}"
