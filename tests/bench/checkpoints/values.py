"""Values compared against nothing but reading them: `python -m tests.bench.checkpoints.values [MB]`.

Two checkpoints of so many MB each on a local store of its own. The peer, in the same run, reads the same bytes
in the same ranges and throws them away; the rest is arithmetic. Memory is what the process grew by.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from explorer.checkpoints.value_plan import matching, plan
from explorer.lineage.state import State
from explorer.lineage.values import Range
from explorer.localstore import ensure_running, stop
from explorer.settings import Settings
from explorer.storage import open_store
from explorer.workspace.core import Core
from explorer.workspace.manifests import Fetch, Manifests
from explorer.workspace.value_statistics import ValueStatistics

LAYERS = 40


def main() -> None:
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    with tempfile.TemporaryDirectory() as folder:
        running = ensure_running(Path(folder))
        store = open_store(
            running.endpoint, access_key=running.access_key, secret_key=running.secret_key, is_local=True
        )
        try:
            store.create_bucket("values")
            chance = np.random.default_rng(0)
            rows = megabytes * 10**6 // LAYERS // 4 // 1024
            nodes = []
            for scale in (1.0, 1.001):
                layers = {
                    f"layers.{at}.w": chance.standard_normal((rows, 1024), "f4") * np.float32(scale)
                    for at in range(LAYERS)
                }
                store.write("values", "step-1/model.safetensors", save(layers))
                del layers
                nodes.append(store.take_snapshot("values", f"s{scale}").node)
            core = Core(store, Settings(data=Path(folder)), State(store.info))
            manifests = Manifests(core)
            left, right = (manifests.manifest(node) for node in nodes)
            todo = plan(left, right, matching("*"))
            peer = min(_read(core, nodes, todo) for _ in range(2))
            before, held = _resident_mb(), [0.0]
            values = ValueStatistics(core)
            best, latency = float("inf"), 0.0
            for _ in range(2):
                outcome = values.read(*nodes, todo, on_progress=lambda *_: held.append(_resident_mb()))
                best = min(best, outcome.seconds)
            cancel, stopped = threading.Event(), []
            timer = threading.Timer(best / 3, lambda: (stopped.append(time.monotonic()), cancel.set()))
            timer.start()
            values.read(*nodes, todo, cancel=cancel)
            latency = time.monotonic() - stopped[0]
            mb = todo.read_bytes / 1e6
            print(f"{mb:.0f} MB of {LAYERS} tensors on both sides")
            print(f"  read and thrown away {peer:.2f} s, {mb / peer:.0f} MB/s")
            print(
                f"  compared             {best:.2f} s, {mb / best:.0f} MB/s: {best / peer:.2f} times as long"
            )
            print(f"  memory {max(held) - before:+.0f} MB; a cancel was heard after {1000 * latency:.0f} ms")
            core.pool.shutdown()
        finally:
            store.close()
            stop(Path(folder))


def _resident_mb() -> float:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def _read(core, nodes, todo) -> float:
    """Both sides in pieces of 4 MB, four at a time."""
    began = time.monotonic()
    for node, checkpoint, side in zip(nodes, (todo.a, todo.b), (0, 1), strict=True):
        fetch = Fetch(core, node, checkpoint.objects)
        (info,) = (o for o in checkpoint.objects if o.key.endswith(".safetensors"))
        wants = [
            Range(info.key, pair[side].start + at, min(4 * 2**20, pair[side].size_bytes - at))
            for pair in todo.pairs
            for at in range(0, pair[side].size_bytes, 4 * 2**20)
        ]
        for first in range(0, len(wants), 4):
            fetch(tuple(wants[first : first + 4]))
    return time.monotonic() - began


if __name__ == "__main__":
    main()
