"""Prefetch against curl on the local store: `python tests/bench/prefetch/bench.py [MIB] [ROUNDS]`.

Prints the best of interleaved rounds, as ratios to curl on the same server, disk and minute. Both write files; curl
does not sync and checks nothing, we do both.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from explorer.lineage.address import Node
from explorer.localstore import ensure_running, stop
from explorer.storage import Store, open_store

SMALL = 4 * 2**20
CHILD = """
import sys, threading, time
from pathlib import Path
from explorer.lineage.address import Node
from explorer.prefetch import Cache, Prefetcher
from explorer.storage import open_store
endpoint, access, secret, version, prefix, folder = sys.argv[1:]
store = open_store(endpoint, access_key=access, secret_key=secret)
node = Node("bench", version)
objects = store.list_objects(node, prefix)
cache = Cache.open(Path(folder), 2**40)
t, c = time.perf_counter(), time.process_time()
done = Prefetcher(store, cache).prefetch(node, objects, lambda _: None, threading.Event())
t, c = time.perf_counter() - t, time.process_time() - c
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(t, c, peak, done.done_bytes)
"""


def main() -> None:
    total = int(sys.argv[1] if len(sys.argv) > 1 else 256) * 2**20
    rounds = int(sys.argv[2] if len(sys.argv) > 2 else 3)
    base = Path(tempfile.mkdtemp(prefix="bench-prefetch-"))
    running = ensure_running(base / "data")
    store = open_store(running.endpoint, access_key=running.access_key, secret_key=running.secret_key)
    try:
        version = fill(store, base, total)
        child = [
            sys.executable,
            "-c",
            CHILD,
            running.endpoint,
            running.access_key,
            running.secret_key,
            version,
        ]
        for prefix, what in (("big", f"1 x {total >> 20} MiB"), ("small", f"{total // SMALL} x 4 MiB")):
            curls, ours = [], []
            for _ in range(rounds):
                curls.append(curl(store, Node("bench", version), prefix, base / "curl"))
                shutil.rmtree(base / "cache", ignore_errors=True)
                told = subprocess.run(
                    [*child, prefix, str(base / "cache")], capture_output=True, text=True, check=True
                )
                ours.append([float(word) for word in told.stdout.split()])
                assert int(ours[-1][3]) == total
            t, c = min(o[0] for o in ours), min(o[1] for o in ours)
            print(
                f"{what}: prefetch {t:.2f} s, curl {min(w for w, _ in curls):.2f} s, "
                f"ratio {t / min(w for w, _ in curls):.2f}; CPU s/GiB {c * 2**30 / total:.2f} "
                f"(curl {min(c for _, c in curls) * 2**30 / total:.2f}); RSS {min(o[2] for o in ours) / 1024:.0f} MiB"
            )
    finally:
        store.close()
        stop(base / "data")
        shutil.rmtree(base)


def fill(store: Store, base: Path, total: int) -> str:
    """One big object and as many bytes in small ones; returns the version of a snapshot."""
    store.create_bucket("bench")
    source = base / "source"
    with source.open("wb") as file:
        for _ in range(total // SMALL):
            file.write(os.urandom(SMALL))
    store.upload("bench", "big/model.bin", source)
    for index in range(total // SMALL):
        store.write("bench", f"small/{index:04}.bin", os.urandom(SMALL))
    source.unlink()
    return store.take_snapshot("bench").version


def curl(store: Store, node: Node, prefix: str, folder: Path) -> tuple[float, float]:
    """Wall and CPU seconds of `curl` (one object) or `curl -Z 8` (many), presigned URLs, to files."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    with store._clients.lease() as client:  # the one thing that only boto3 can do: sign a URL
        urls = [
            client.generate_presigned_url("get_object", {"Bucket": node.bucket, "Key": item.key})
            for item in store.list_objects(node, prefix)
        ]
    config = folder / "urls"
    config.write_text("".join(f'url = "{url}"\noutput = "{folder}/{i}"\n' for i, url in enumerate(urls)))
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    parallel = ["-Z", "--parallel-max", "8"] if len(urls) > 1 else []
    subprocess.run(["curl", "-sf", "--no-progress-meter", *parallel, "-K", str(config)], check=True)
    took, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
