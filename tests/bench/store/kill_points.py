"""Kill a writer five hundred times and hold the store to everything it acknowledged.

    python -m tests.bench.store.kill_points [--points 500]

The writer puts, completes multipart uploads, forks, takes snapshots, deletes and sweeps. The sample of this
that runs with the tests is tests/localstore/test_killing.py.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from pathlib import Path

from tests.localstore.killing import kill_once


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--points", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    pick = random.Random(args.seed)
    began, acknowledged = time.monotonic(), 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "store"
        for point in range(1, args.points + 1):
            acknowledged += kill_once(folder, point, pick.uniform(0.0, 0.4))
            if point % 50 == 0:
                took = time.monotonic() - began
                print(
                    f"{point} kills, {acknowledged} acknowledged, none lost, clean ({took:.0f} s)", flush=True
                )


if __name__ == "__main__":
    main()
