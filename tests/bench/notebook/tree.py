"""What the lineage widget costs in the kernel: `python tests/bench/notebook/tree.py [rows]`."""

from __future__ import annotations

import sys
import time

from immutables import Map

from explorer.lineage.address import Node
from explorer.lineage.rows import Rows
from explorer.lineage.state import State
from explorer.lineage.values import Bucket, Facts, Snapshot, StoreInfo
from explorer.notebook.columns import PackedFacts, pack_links, pack_rows

T0 = 1_751_631_910_000_000_000
PER_BUCKET = 20


def grown(rows: int) -> State:
    """Buckets of twenty snapshots, each forked from the one before it at its tenth."""
    buckets: dict[str, Bucket] = {}
    facts: dict[Node, Facts] = {}
    before: Bucket | None = None
    for number in range(rows // (PER_BUCKET + 1)):
        name, born = f"run-{number:05d}", T0 + number * PER_BUCKET * 10
        snapshots = tuple(
            Snapshot(name, str(born + 1 + i), f"step-{100 * (i + 1)}") for i in range(PER_BUCKET)
        )
        parent = before.snapshots[10].node if before and number % 10 else None
        before = buckets[name] = Bucket(name, born, parent, True, snapshots)
        facts |= {s.node: Facts(step=s.step, size_bytes=8_400_000, objects=4) for s in snapshots}
    return State(StoreInfo("bench", "http://127.0.0.1:1", True), buckets=Map(buckets), facts=Map(facts))


def timed(label: str, call):
    began = time.perf_counter()
    made = call()
    print(f"{label:<28}{1000 * (time.perf_counter() - began):8.1f} ms   {len(made):>10,} bytes or rows")
    return made


def main(rows: int) -> None:
    state = grown(rows)
    laid_out = timed("rows", lambda: Rows(state.buckets))
    timed("pack_rows (tree changes)", lambda: pack_rows(state, laid_out))
    timed("pack_links (tree changes)", lambda: pack_links(laid_out))
    facts = PackedFacts()
    timed("facts (first paint)", lambda: facts.pack(state, laid_out))
    timed("facts (every other paint)", lambda: facts.pack(state, laid_out))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
