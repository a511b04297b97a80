"""Event files made byte by byte: the matrix way says what the plain way says, in parts or at once."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.metrics import tfevents, trainer_state
from explorer.metrics.parsed import Whole
from explorer.metrics.tfevents import Events, read_events
from explorer.metrics.tfrecord import masked_crc
from explorer.metrics.trainer_state import read_trainer_state


def varint(n):
    out = b""
    while n >= 128:
        out, n = out + bytes([n & 127 | 128]), n >> 7
    return out + bytes([n])


def field(number, content):
    return varint(number << 3 | 2) + varint(len(content)) + content


def record(event, *, bend=False):
    head = struct.pack("<Q", len(event))
    crc = masked_crc(event) ^ bend
    return head + struct.pack("<I", masked_crc(head)) + event + struct.pack("<I", crc)


def scalar(step, value, tag="loss", wall=1.7e9, kind="old"):
    if kind == "old":
        told = b"\x15" + struct.pack("<f", value)
    elif kind == "content":
        told = field(8, b"\x08\x01" + field(4, struct.pack("<f", value)))
    else:  # a double, in the packed list
        told = field(8, b"\x08\x02" + field(6, struct.pack("<d", value)))
    value_message = field(1, tag.encode()) + told
    return (
        b"\x09"
        + struct.pack("<d", wall)
        + b"\x10"
        + varint(step & (2**64 - 1))
        + field(5, field(1, value_message))
    )


def session(step):
    return b"\x09" + struct.pack("<d", 1.7e9) + b"\x10" + varint(step) + field(7, b"\x08\x01")


ROW = st.tuples(
    st.integers(-2, 400),
    st.floats(width=32),
    st.sampled_from(["loss", "acc", "val/loss"]),
    st.sampled_from(["old", "content", "double"]),
)
RECORDS = st.lists(
    ROW.map(lambda r: record(scalar(r[0], r[1], r[2], 1.7e9 + r[0], r[3])))
    | ROW.map(lambda r: record(scalar(*r[:2]), bend=True))
    | st.sampled_from([record(session(50)), record(b"\xff\xff"), record(b"\x1a\x0dbrain.Event:2")]),
    max_size=60,
)


def read(data, before=None):
    return read_events(data, before or Events("f"))


def said(reading):
    return [
        (p.id, str(p.started_s), p.restored_step, sorted((n, str(s)) for n, s in p.series.items()))
        for p in reading.parts()
    ]


@settings(max_examples=80, deadline=None)
@given(RECORDS, st.lists(st.integers(0, 4000), max_size=3))
def test_the_matrix_way_and_reading_in_parts_say_what_the_plain_way_says(records, cuts):
    data = b"".join(records)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tfevents, "_FAST_FROM", 10**9)
        plain = read(data)
        part = Events("f")
        for cut in sorted({min(c, len(data)) for c in cuts} | {len(data)}):
            if cut >= part.consumed:
                part = read(data[part.resume_at : cut], part)
        patch.setattr(tfevents, "_FAST_FROM", 0)
        fast = read(data)
    assert said(fast) == said(plain) == said(part)
    assert part.troubles == plain.troubles
    told = lambda r: {(t.message, t.count) for t in r.troubles}  # noqa: E731
    assert told(fast) == told(plain)
    assert fast.consumed == plain.consumed == part.consumed


def test_a_damaged_length_ends_the_reading_with_its_place():
    good = record(scalar(1, 2.0))
    reading = read(good + b"\x01" * 40)
    assert len(reading.parts()[0].series["loss"]) == 1
    (trouble,) = reading.troubles
    assert trouble.offset == len(good)
    assert read(good + good, reading) is reading  # what is behind it is not trusted


def test_a_start_record_begins_another_process_from_its_step_on():
    data = b"".join(record(scalar(s, 1.0)) for s in range(10))
    data += record(session(5)) + b"".join(record(scalar(s, 2.0)) for s in range(5, 8))
    first, second = read(data).parts()
    assert first.restored_step is None
    assert second.restored_step == 4
    assert list(second.series["loss"].values) == [2, 2, 2]


def test_another_file_in_the_same_place_is_noticed():
    first = read(record(scalar(1, 2.0)))
    assert read(record(scalar(1, 3.0)) * 2, first) is None


def test_a_long_history_of_a_trainer_says_the_same_as_its_rows(monkeypatch):
    rows = [f'{{"loss": {i / 7!r}, "step": {i}}}' for i in range(300)]
    rows[50] = '{"eval_loss": NaN, "step": 49}'
    rows[60:62] = ['{"loss": "NaN", "step": 59}', '{"loss": 1e999, "step": -4}', "7"]
    rows[70] = '{"note": true, "loss": 3, "step": 69}'
    for lines in (rows, [row for row in rows if "NaN" not in row and "1e999" not in row]):
        data = ('{"save_steps": 50, "log_history": [' + ",".join(lines) + "]}").encode()
        slow = read_trainer_state(data, Whole("f"))
        monkeypatch.setattr(trainer_state, "_LARGE_BYTES", 1)
        fast = read_trainer_state(data, Whole("f"))
        monkeypatch.undo()
        assert said(fast) == said(slow)
        assert {(t.message, t.count) for t in fast.troubles} == {(t.message, t.count) for t in slow.troubles}
