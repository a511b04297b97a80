"""Spoil valid files at random and read them: crashes, executions and the slowest case, over many cases.

python tests/bench/checkpoints/fuzz.py [CASES] [SEED]
"""

from __future__ import annotations

import random
import resource
import sys
import time

from tests.checkpoints.fuzz_samples import every_sample
from tests.checkpoints.mutations import read_all, watched

FILES_A_CASE = 10


def main(cases: int = 100_000, seed: int = 0) -> int:
    valid = every_sample()
    slowest, events_seen, crashes = (0.0, -1), 0, 0
    began = time.perf_counter()
    for case in range(cases):
        chance = random.Random(seed * 1_000_003 + case)
        chosen = chance.sample(sorted(valid), FILES_A_CASE)
        broken = {
            key: valid[key].spoilt(chance) if chance.random() < 0.6 else valid[key].whole for key in chosen
        }
        start = time.thread_time()
        try:
            with watched() as events:
                read_all(broken)
            if events:
                events_seen += 1
                print(f"case {case}: executed {events[:3]}")
        except Exception as error:
            crashes += 1
            print(f"case {case}: {type(error).__name__}: {error}"[:200])
        slowest = max(slowest, (time.thread_time() - start, case))
        if case and case % 5_000 == 0:
            print(
                f"{case} cases, crashes {crashes}, executions {events_seen}, slowest {slowest[0]:.2f} s",
                flush=True,
            )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{cases} cases in {time.perf_counter() - began:.0f} s, seed {seed}")
    print(f"{len(valid)} kinds of files, {FILES_A_CASE} of them in each case")
    print(
        f"crashes {crashes}, executions {events_seen}, slowest {slowest[0]:.2f} s (case {slowest[1]}), peak {peak} MB"
    )
    return 1 if crashes or events_seen else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
