"""The store: the only room that speaks S3."""

from explorer.storage.store import Store, open_store

__all__ = ["Store", "open_store"]
