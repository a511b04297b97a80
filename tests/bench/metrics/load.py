"""Loading a million scalars, as ratios in one run: `python -m tests.bench.metrics.load [ROWS [FORMAT…]]`.

The best of three of each; yardsticks that are not installed are left out: polars, tbparse.
"""

import io
import json
import random
import struct
import sys
import tempfile
import time
from pathlib import Path

from explorer.metrics.csv_rows import read_csv
from explorer.metrics.parsed import Whole
from explorer.metrics.rows import Rows, read_rows
from explorer.metrics.tfevents import Events, read_events
from explorer.metrics.tfrecord import masked_crc
from explorer.metrics.trainer_state import read_trainer_state


def varint(n):
    out = b""
    while n >= 128:
        out, n = out + bytes([n & 127 | 128]), n >> 7
    return out + bytes([n])


def events(rows):
    """As torch's SummaryWriter writes them, with right checksums."""
    crcs, out = {}, []
    for step, value in enumerate(rows):
        inner = b"\x0a\x04loss\x15" + struct.pack("<f", value)
        summary = b"\x0a" + varint(len(inner)) + inner
        event = b"\x09" + struct.pack("<d", 1.7e9 + step) + b"\x10" + varint(step)
        event += b"\x2a" + varint(len(summary)) + summary
        head = struct.pack("<Q", len(event))
        crcs.setdefault(head, struct.pack("<I", masked_crc(head)))
        out.append(head + crcs[head] + event + struct.pack("<I", masked_crc(event)))
    return b"".join(out)


def timed(call):
    walls, cpus = [], []
    while len(walls) < 3 and sum(walls) < 20:
        start, cpu = time.perf_counter(), time.process_time()
        call()
        walls.append(time.perf_counter() - start)
        cpus.append(time.process_time() - cpu)
    return min(walls), min(cpus)


def report(title, ours, yardsticks):
    import numpy as np  # noqa: F401  their import is not what is measured
    import pandas as pd  # noqa: F401

    if wanted and title not in wanted:
        return
    wall, cpu = timed(ours)
    print(f"{title:<16} ours {wall:6.2f} s ({cpu:.2f} s CPU)", end="")
    for name, call in yardsticks.items():
        try:
            other, other_cpu = timed(call)
        except ImportError:
            continue
        print(
            f"   {name} {other:6.2f} s ({other_cpu:.2f}): x{wall / other:.2f} wall, x{cpu / other_cpu:.2f} CPU",
            end="",
        )
    print(flush=True)


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    wanted = sys.argv[2:]
    rows = [2 + random.Random(0).random() / (i + 1) for i in range(count)]

    lines = "".join(
        json.dumps({"step": i, "time": 1.7e9 + i, "loss": v}) + "\n" for i, v in enumerate(rows)
    ).encode()

    def polars_json():
        import polars

        polars.read_ndjson(io.BytesIO(lines))

    def each_line():
        for line in lines.splitlines():
            json.loads(line)

    report("jsonl", lambda: read_rows(lines, Rows("f")), {"polars": polars_json, "json": each_line})

    # a validation row after every fifty, and rates written with exponents: three shapes
    told = [{"step": i, "time": 1.7e9 + i, "loss": v, "lr": 1e-5 * (1 + i % 7)} for i, v in enumerate(rows)]
    mixed = [*(dict(row, val_loss=row["loss"]) if i % 50 == 0 else row for i, row in enumerate(told))]
    lines = "".join(json.dumps(row) + "\n" for row in mixed).encode()
    del told, mixed
    report("jsonl mixed", lambda: read_rows(lines, Rows("f")), {"polars": polars_json, "json": each_line})
    del lines

    table = ("step,epoch,loss\n" + "".join(f"{i},{i / 1000},{v!r}\n" for i, v in enumerate(rows))).encode()

    def polars_csv():
        import polars

        polars.read_csv(io.BytesIO(table))

    report("csv", lambda: read_csv(table, Whole("f")), {"polars": polars_csv})
    del table

    history = [
        {"epoch": i / 1000, "grad_norm": 1.5, "learning_rate": 1e-4, "loss": v, "step": i}
        for i, v in enumerate(rows)
    ]
    state = json.dumps({"best_metric": None, "log_history": history, "save_steps": 500}, indent=2).encode()
    del history
    report(
        "trainer_state", lambda: read_trainer_state(state, Whole("f")), {"json": lambda: json.loads(state)}
    )
    del state

    data = events(rows)

    def tbparse():
        from tbparse import SummaryReader

        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "events.out.tfevents.1.h").write_bytes(data)
            assert len(SummaryReader(folder).scalars) == count

    report("tfevents", lambda: read_events(data, Events("f")), {"tbparse": tbparse})
