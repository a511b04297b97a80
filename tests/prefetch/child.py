"""A process that prefetches: `child.py ENDPOINT FOLDER KEY SIZE ETAG`."""

import sys
import threading
from pathlib import Path

from explorer.lineage.address import Node
from explorer.lineage.values import ObjectInfo
from explorer.prefetch import Cache, Prefetcher
from explorer.storage import open_store

endpoint, folder, key, size, etag = sys.argv[1:]
item = ObjectInfo(key, int(size), etag, 1751631910 * 10**9)
store = open_store(endpoint, access_key="a", secret_key="b")
prefetcher = Prefetcher(store, Cache.open(Path(folder), 2**30, part_bytes=64 * 1024))
done = prefetcher.prefetch(Node("bucket", "1751631910140685342"), [item], lambda _: None, threading.Event())
print(done.done_bytes, done.complete)
