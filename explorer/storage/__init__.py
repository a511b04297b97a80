"""The store: the only room that speaks S3."""

from explorer.storage.keys import KeyInfo, Keys, MintedKey
from explorer.storage.store import Store, open_store

__all__ = ["KeyInfo", "Keys", "MintedKey", "Store", "open_store"]
