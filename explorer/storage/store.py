"""`Store`: buckets, snapshots, forks and objects of one endpoint. The only thing that speaks S3."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from explorer.lineage.values import StoreInfo
from explorer.storage.clients import Clients
from explorer.storage.credentials import Wanted
from explorer.storage.lineage import Lineage
from explorer.storage.objects import Objects
from explorer.storage.versions import Versions


class Store(Lineage, Objects, Versions):
    """One endpoint, spoken to with one set of credentials.

    Every call blocks, may come from any thread, and raises explorer errors only: besides those it names,
    NotAllowed and Unreachable (a refused connection within 3 s, a silent host within 9 s).
    """

    def environment(self) -> Mapping[str, str]:
        """The variables with which a child process reaches this store; secrets too: hand over by file."""
        keys = self._clients.session.get_credentials().get_frozen_credentials()
        told = {
            "AWS_ENDPOINT_URL_S3": self._clients.endpoint,
            "AWS_REGION": self._clients.region,
            "AWS_ACCESS_KEY_ID": keys.access_key,
            "AWS_SECRET_ACCESS_KEY": keys.secret_key,
        }
        return told | ({"AWS_SESSION_TOKEN": keys.token} if keys.token else {})


def open_store(
    endpoint: str,
    *,
    access_key: str | None = None,
    secret_key: str | None = None,
    profile: str | None = None,
    region: str = "auto",
    label: str | None = None,
    is_local: bool = False,
) -> Store:
    """A store that connects at its first call: this asks nothing, reads nothing and imports nothing heavy.

    Credentials: the keys given, else the profile, else boto3's order, else `TIGRIS_STORAGE_*`.
    """
    info = StoreInfo(label or urlsplit(endpoint).netloc or endpoint, endpoint, is_local)
    return Store(Clients(endpoint, Wanted(access_key, secret_key, profile), region), info)
