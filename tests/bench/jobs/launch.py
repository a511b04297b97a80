"""Call to first byte of log, against a bare subprocess: `python -m tests.bench.jobs.launch`."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from explorer.jobs.local import LocalBackend
from tests.jobs.launches import ended, spec

SAY = (sys.executable, "-I", "-S", "-c", "print(1, flush=True)")
ROUNDS = 15


def bare() -> float:
    started = time.perf_counter()
    with subprocess.Popen(SAY, stdout=subprocess.PIPE) as job:
        assert job.stdout is not None
        job.stdout.read(1)
        return time.perf_counter() - started


def launched(data: Path) -> float:
    backend = LocalBackend(data)
    rendered = backend.render(spec(SAY, data))
    started = time.perf_counter()
    handle = backend.submit(rendered, {}, {})
    while not backend.logs(handle, 0)[0]:
        time.sleep(0.001)
    took = time.perf_counter() - started
    ended(data, handle)
    return took


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        pairs = [(bare(), launched(data)) for _ in range(ROUNDS)]
    low, high = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"first byte: bare {1e3 * low:.0f} ms, launched {1e3 * high:.0f} ms, ratio {high / low:.1f}")


if __name__ == "__main__":
    main()
