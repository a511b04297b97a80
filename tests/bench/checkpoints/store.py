"""A cold and a warm diff of two 30-shard checkpoints in the local store, behind a connection with latency.

    python tests/bench/checkpoints/store.py [LATENCY_MS]

723 tensors of a 70B llama by name, of a few bytes each: requests and round trips are those of the real thing.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
from safetensors.numpy import save

from explorer.lineage.address import Node
from explorer.lineage.state import State
from explorer.localstore import ensure_running, stop
from explorer.settings import Settings
from explorer.storage import Store, open_store
from explorer.workspace.core import Core
from explorer.workspace.manifests import Manifests
from tests.bench.checkpoints.large import shards


class Latency:
    """A TCP proxy that hands on each stretch of bytes towards the client only after a while."""

    def __init__(self, port: int, delay_s: float) -> None:
        self._port, self._delay_s = port, delay_s
        self.port = 0
        ready = threading.Event()
        threading.Thread(target=lambda: asyncio.run(self._run(ready)), daemon=True).start()
        ready.wait()

    async def _run(self, ready: threading.Event) -> None:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await server.serve_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        other_reader, other_writer = await asyncio.open_connection("127.0.0.1", self._port)
        await asyncio.gather(
            self._pump(reader, other_writer, 0), self._pump(other_reader, writer, self._delay_s)
        )

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, delay_s: float) -> None:
        try:
            while data := await source.read(65536):
                await asyncio.sleep(delay_s)
                sink.write(data)
                await sink.drain()
        except ConnectionError:
            pass
        finally:
            sink.close()


def fill(store: Store, bucket: str, dtype: str) -> Node:
    """The names and shards of `large.shards`, each tensor two elements long."""
    from explorer.checkpoints import assemble, drive, find_checkpoints, read_parts

    shelf = shards(dtype=dtype)
    (checkpoint,) = find_checkpoints(shelf.listing("x"))
    manifest = assemble(checkpoint, drive(read_parts(checkpoint), shelf.fetch))
    kind = np.float16 if dtype == "BF16" else np.float32
    store.create_bucket(bucket)
    for key in sorted({tensor.file for tensor in manifest.tensors}):
        names = [tensor.name for tensor in manifest.tensors if tensor.file == key]
        store.write(bucket, key, save({name: np.zeros(2, kind) for name in names}))
    store.write(bucket, "model.safetensors.index.json", shelf.heads["model.safetensors.index.json"])
    return store.take_snapshot(bucket, "step-1").node


def main(latency_ms: float = 20.0) -> None:
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        running = ensure_running(data)
        keys = {"access_key": running.access_key, "secret_key": running.secret_key, "is_local": True}
        near = open_store(running.endpoint, **keys)
        a, b = fill(near, "pair-a", "BF16"), fill(near, "pair-b", "F8_E4M3")
        proxy = Latency(urlsplit(running.endpoint).port or 80, latency_ms / 1000)
        far = open_store(f"http://127.0.0.1:{proxy.port}", **keys)
        far.probe()
        for run in ("cold", "cold again, connections open", "warm"):
            if run != "warm":
                for path in (data / "manifests").glob("*/*"):
                    path.unlink()
                core = Core(far, Settings(data=data), State(far.info))
                manifests = Manifests(core)
            start, cpu = time.perf_counter(), time.process_time()
            found = manifests.diff(a, b)
            took, used = time.perf_counter() - start, time.process_time() - cpu
            print(
                f"{run}: {took * 1000:.0f} ms ({used * 1000:.0f} ms CPU), {found.cost.requests} GETs, "
                f"{found.cost.read_bytes / 1e6:.2f} MB, {len(found.tensors.retyped)} retyped"
            )
        near.close()
        stop(data)


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
