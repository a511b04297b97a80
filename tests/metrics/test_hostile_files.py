"""Hostile metric files of every format: the message names file and place, the good rows are kept."""

import json
import math
import struct
import zlib

import pytest

from explorer.metrics.sources import KINDS
from tests.metrics.test_tfevents import record, scalar

HUGE = 3 << 20


def piece(content):
    return struct.pack("<IHB", zlib.crc32(content, zlib.crc32(b"\x01")), len(content), 1) + content


def field(number, content):
    size, out = len(content), b""
    while size >= 128:
        size, out = size >> 7, out + bytes([size & 127 | 128])
    return bytes([number << 3 | 2]) + out + bytes([size]) + content


def wandb_row(**told):
    items = b"".join(
        field(
            1, field(1, key.encode()) + b"\x82\x01" + bytes([len(text := json.dumps(value))]) + text.encode()
        )
        for key, value in told.items()
    )
    return piece(field(2, items))


def jsonl(*lines):
    good = [json.dumps({"step": s, "loss": 1.0}) for s in range(3)]
    return "\n".join([*good[:2], *lines, good[2], ""]).encode()


def csv(*lines, header="step,loss"):
    return "\n".join([header, "0,1.0", "1,1.0", *lines, "2,1.0", ""]).encode()


def state(*rows):
    good = [json.dumps({"step": s, "loss": 1.0}) for s in range(3)]
    return ('{"log_history": [' + ", ".join([*good[:2], *rows, good[2]]) + "]}").encode()


def events(*records):
    return b"".join([record(scalar(0, 1.0)), record(scalar(1, 1.0)), *records, record(scalar(2, 1.0))])


def wandb(*pieces):
    good = [wandb_row(_step=s, loss=1.0) for s in range(3)]
    return b"".join([b":W&B\xe1\xbe\x00", *good[:2], *pieces, good[2]])


def mlflow(*lines):
    return "\n".join(["1 1.0 0", "2 1.0 1", *lines, "3 1.0 2", ""]).encode()


def bent(data):
    return data[:-6] + bytes([data[-6] ^ 1]) + data[-5:]


CASES = [
    ("jsonl", jsonl("x" * HUGE), "longer than 1 MiB"),
    ("jsonl", jsonl("{'step': 1}"), "not JSON"),
    ("jsonl", jsonl('["step", 1]'), "not a JSON object"),
    ("jsonl", jsonl('{"step": "two", "loss": 1}'), "written as text"),
    ("jsonl", jsonl('{"step": -1, "loss": 1}'), "negative step"),
    ("jsonl", jsonl('{"step": 1e308, "loss": 1}'), "beyond 2^53"),
    ("jsonl", jsonl("{" * 100_000), "not JSON"),
    ("csv", csv("x" * HUGE), "longer than 1 MiB"),
    ("csv", csv("1,2,3,4"), "a row of 4 cells"),
    ("csv", csv("two,1.0"), "step is no step"),
    ("csv", csv("-1,1.0"), "step is no step"),
    ("csv", csv("1e308,1.0"), "step is no step"),
    ("csv", csv(header="step,loss,loss").replace(b"1.0\n", b"1.0,7\n"), "two columns named loss"),
    ("trainer_state", state('{"step": -1, "loss": 1}'), "step is no step"),
    ("trainer_state", state('{"step": 1e308, "loss": 1}'), "step is no step"),
    ("trainer_state", state('{"step": "two", "loss": 1}'), "step is no step"),
    ("trainer_state", state("[]"), "not an object"),
    ("tfevents", events(bent(record(scalar(1, 5.0)))), "wrong checksum"),
    ("tfevents", events(record(b"\xff" * 40)), "not an event"),
    ("tfevents", events(record(scalar(2**62, 1.0))), "step is no step"),
    ("tfevents", events(record(b"\xff" * 100_000)), "not an event"),
    ("wandb", wandb(wandb_row(_step=-1, loss=1.0)), "step is no step"),
    ("wandb", wandb(wandb_row(_step=1e300, loss=1.0)), "step is no step"),
    ("mlflow", mlflow("4 oops 1"), "not a line of a metric"),
    ("mlflow", mlflow("4 1.0 -1"), "step is no step"),
    ("mlflow", mlflow("4 1.0 1e308"), "step is no step"),
]


@pytest.mark.parametrize(("name", "data", "message"), CASES, ids=lambda v: v if isinstance(v, str) else "")
def test_good_rows_are_kept_and_the_message_names_file_and_place(name, data, message):
    (kind,) = (k for k in KINDS if k.name == name)
    reading = kind.read(data, kind.start("runs/a"))
    (part,) = reading.parts()
    (series,) = part.series.values()
    assert list(series.steps) == [0, 1, 2]
    assert set(series.values) == {1.0}
    (trouble, *_) = reading.troubles
    assert message in str(trouble)
    assert str(trouble).startswith(f"runs/a at byte {trouble.offset}: ")
    if name in ("jsonl", "tfevents", "wandb"):
        assert 0 < trouble.offset < len(data)


def test_values_of_any_size_are_kept_and_compared_without_a_warning(recwarn):
    from explorer.metrics import compare, table
    from explorer.metrics.export import export
    from explorer.metrics.pixels import Pixels
    from tests.metrics.lineages import attempt, branch
    from tests.metrics.test_compare import subject

    rows = {float(s): v for s, v in enumerate([1e308, -1e308, 5e-324, math.nan, math.inf, 1.0] * 30)}
    root = branch("root", attempt(rows))
    fork = branch(
        "fork", attempt({s: -v for s, v in rows.items() if s > 50}, bucket="fork", restored_step=50.0)
    )
    made = compare([subject(root), subject(root, fork, parent=(root,))], smoothing=0.9)
    assert made.nodes[0].best.value == -1e308
    assert len(table(made, target=0.0)) == 2
    assert len(Pixels(made).points(1, 0.0, 200.0, 10).x) > 10
    assert b"nan" not in export(made, "svg")
