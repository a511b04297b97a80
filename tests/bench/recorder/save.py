"""What a save costs beyond the bare uploads of its files: `python -m tests.bench.recorder.save`."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from pathlib import Path

from explorer.localstore import ensure_running, stop
from explorer.recorder import Run
from explorer.storage import open_store

ROUNDS = 12


def main() -> None:
    for size in (100_000, 32 * 2**20):
        with tempfile.TemporaryDirectory() as folder:
            os.environ["EXPLORER_DATA"] = folder
            running = ensure_running(Path(folder))
            store = open_store(running.endpoint, access_key=running.access_key, secret_key=running.secret_key)
            files = {"model.safetensors": os.urandom(size), "config.json": b"{}"}
            bare, saved = [], []
            with Run(bucket="bench", store=store) as run:
                for step in range(ROUNDS):
                    files["model.safetensors"] = os.urandom(16) + files["model.safetensors"][16:]
                    started = time.perf_counter()
                    for name, content in files.items():
                        store.write("bench", f"bare/{step}/{name}", content)
                    bare.append(time.perf_counter() - started)
                    files["model.safetensors"] = os.urandom(16) + files["model.safetensors"][16:]
                    started = time.perf_counter()
                    assert run.save(step, files).restorable
                    saved.append(time.perf_counter() - started)
            stop(Path(folder))
        low, high = statistics.median(bare), statistics.median(saved)
        print(
            f"{size:>9} bytes: uploads {1e3 * low:.0f} ms, save {1e3 * high:.0f} ms, ratio {high / low:.1f}"
        )


if __name__ == "__main__":
    main()
