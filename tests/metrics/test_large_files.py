"""Large files are read by the thousand rows: whatever is in them, the same must come out as row by row."""

import json
import math

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from explorer.metrics import csv_rows, rows, trainer_state
from explorer.metrics.csv_rows import read_csv
from explorer.metrics.mixed_rows import blocks_of
from explorer.metrics.parsed import Whole
from explorer.metrics.rows import Rows, read_rows
from explorer.metrics.trainer_state import read_trainer_state

NUMBERS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(2**70), 2**70),
    st.sampled_from([0, -0.0, 1e-5, 1e300, 5e-324, 2**53 + 1, 0.1]),
)
ODD = st.sampled_from(
    [
        b"",
        b"   ",
        b"rubbish",
        b'{"step": 1',
        b'{"step": 01, "loss": 2}',
        b'{"step": 1, "loss": 1.}',
        b'{"step": 1, "loss": .5}',
        b'{"step": 1, "loss": +5}',
        b'{"step" 1:, "loss": 2}',
        b'5{"step": 1, "loss": 2}',
        b'{"step": 1, "loss": 2}7',
        b'{"step": 1, "loss": }',
        b'{"step": 1 2, "loss": 3}',
        b'{"step": 1, "loss": NaN}',
        b'{"step": 1, "loss": -Infinity}',
        b'{"step": 1, "loss": 1e999}',
        b'{"step": NaN, "loss": 1}',
        b'{"step": "1", "loss": 2}',
        b'{"step": "x", "_step": 4, "loss": 2}',
        b'{"step": -1, "loss": 2}',
        b'{"step": 1e300, "loss": 2}',
        b'{"step": 1, "step": 2, "loss": 3}',
        b'{"step": 1, "loss": [1, 2]}',
        b'{"step": 1, "loss": {"a": 1}}',
        b'{"step": 1, "loss": 2, "note": "a, b"}',
        b'{"step": 1, "loss": 2, "note": "v1"}',
        b'{"step": 1, "loss": 2, "note": "NaN"}',
        b'{"note": null, "step": 1, "time": "then", "loss": 2}',
        b'{"step": 1, "top-5": 2, "e": 1e5}',
        b'{"step": 1, "loss": 2}\r',
        b"7",
        b"[1, 2]",
    ]
)


def said(reading):
    """All that a reader tells, bit for bit."""
    parts = [
        {name: (s.steps.tobytes(), s.values.tobytes(), s.walls.tobytes()) for name, s in part.series.items()}
        for part in reading.parts()
    ]
    return parts, sorted((t.offset, t.message, t.count) for t in reading.troubles)


@st.composite
def shaped(draw):
    """Rows of a few shapes, as trackers write them, with odd ones among them."""
    keys = [
        ("step", "time", "loss"),
        ("step", "loss", "lr"),
        ("step", "time", "eval/top-5", "e"),
        ("global_step", "loss"),
        ("loss",),
    ]
    chosen = draw(st.lists(st.sampled_from(keys), min_size=1, max_size=3))
    extra = draw(st.sampled_from([{}, {"phase": "train"}, {"ok": True}, {"run": "r-1"}]))
    lines = []
    for i in range(draw(st.integers(1, 40))):
        names = chosen[i % len(chosen)]
        told = {n: i if n.endswith("step") else draw(NUMBERS) for n in names}
        lines.append(json.dumps({**told, **extra}).encode())
    for line in draw(st.lists(ODD, max_size=4)):
        lines.insert(draw(st.integers(0, len(lines))), line)
    return lines


def patched(module, **told):
    patch = pytest.MonkeyPatch()
    for name, value in told.items():
        patch.setattr(module, name, value)
    return patch


@settings(max_examples=60, deadline=None)
@given(shaped(), st.integers(1, 400), st.booleans())
@example([b'{"step": 1, "top-5": 2}', b'{"step": -1, "loss": 2}', b'{"step": 0, "top-5": 1}'], 1, True)
def test_json_lines(lines, piece, rewinds):
    data = b"\n".join(lines) + b"\n"
    slow = read_rows(data, Rows("f", rewinds=rewinds))
    patch = patched(rows, _FAST_FROM=1, _PIECE_BYTES=piece)
    try:
        fast = read_rows(data, Rows("f", rewinds=rewinds))
        before = read_rows(data[: len(data) // 2], Rows("f", rewinds=rewinds))
        grown = read_rows(data[before.resume_at :], before)
    finally:
        patch.undo()
    assert said(fast) == said(slow)
    assert (fast.consumed, fast.last_line, fast.splits) == (slow.consumed, slow.last_line, slow.splits)
    assert said(grown)[0] == said(slow)[0]


@settings(max_examples=60, deadline=None)
@given(shaped(), st.sampled_from([None, 0, 2]), st.integers(0, 3))
def test_trainer_states(lines, indent, broken):
    told = []
    for line in lines:
        try:
            told.append(json.loads(line))
        except ValueError:
            continue
    text = json.dumps({"save_steps": 7, "log_history": told, "best": {"x": [1]}}, indent=indent)
    data = text.encode() if broken else text.encode()[: len(text) // 2]
    slow = read_trainer_state(data, Whole("f"))
    patch = patched(trainer_state, _LARGE_BYTES=0)
    try:
        fast = read_trainer_state(data, Whole("f"))
    finally:
        patch.undo()
    assert said(fast) == said(slow)
    assert [p.carries for p in fast.parts()] == [p.carries for p in slow.parts()]


CELLS = st.one_of(
    NUMBERS.map(repr),
    st.sampled_from(
        ["", " 1.5", "nan", "NaN", "inf", "-Infinity", "x", "1_0", "0x10", "True", "1e400", ".5", "5."]
    ),
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 30).map(str) | CELLS, CELLS, CELLS), max_size=40),
    st.lists(st.sampled_from(["1,2", "1,2,3,4", "", "step,loss,acc", '1,"2",3', "1,2,3\r"]), max_size=3),
    st.integers(1, 200),
    st.booleans(),
)
def test_csv(cells, odd, piece, ended):
    lines = [",".join(row) for row in cells]
    for i, line in enumerate(odd):
        lines.insert(i * 3, line)
    data = "\n".join(["step,loss,acc", *lines]).encode() + (b"\n" if ended else b"")
    slow = read_csv(data, Whole("f"))
    patch = patched(csv_rows, _FAST_FROM_BYTES=0, _PIECE_BYTES=piece)
    try:
        fast = read_csv(data, Whole("f"))
    finally:
        patch.undo()
    assert said(fast) == said(slow)


def test_rows_alike_are_one_block_and_what_is_odd_is_named():
    text = b"".join(b'{"step": %d, "loss": %d.5}\n' % (i, i) for i in range(50))
    found = blocks_of(text)
    assert (len(found.blocks), found.odd) == (1, [])
    assert found.blocks[0].values[7].tolist() == [7, 7.5]
    found = blocks_of(text + b"rubbish\n" + text)
    assert len(found.blocks) == 1
    assert 50 in found.odd
    assert len(found.odd) < 10  # a few beside it are read row by row, too
    assert len(found.blocks[0].rows) == 101 - len(found.odd)


def test_a_resume_in_a_large_file_is_two_processes(monkeypatch):
    data = b"".join(b'{"step": %d, "loss": 1}\n' % s for s in [*range(3000), *range(2500, 5000)])
    first, second = read_rows(data, Rows("f", rewinds=True)).parts()
    assert len(first.series["loss"]) == 3000
    assert second.series["loss"].steps[0] == 2500
    assert not any(math.isnan(v) for v in second.series["loss"].values)


def test_a_step_that_is_a_truth_value_is_no_step(monkeypatch):
    monkeypatch.setattr(csv_rows, "_FAST_FROM_BYTES", 0)
    whole = read_csv(b"step,loss\n0,0.5\nTrue,0.25\n", Whole("f"))
    assert whole.parts()[0].series["loss"].steps.tolist() == [0]
    assert [t.message for t in whole.troubles] == ["a row whose step is no step"]


def test_a_row_with_something_behind_it_is_no_row(monkeypatch):
    monkeypatch.setattr(rows, "_FAST_FROM", 1)
    told = read_rows(b'{"step": 1, "loss": 2}7\n{"step": 2, "loss": 0.5}\n', Rows("f", rewinds=False))
    assert told.parts()[0].series["loss"].steps.tolist() == [2]
    assert [t.offset for t in told.troubles] == [0]
