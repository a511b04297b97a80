import json
import math

from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.metrics.parsed import MAX_LINE_BYTES
from explorer.metrics.rows import Rows, read_rows

START = Rows("runs/1/metrics.jsonl")


def read(text):
    return read_rows(text.encode() if isinstance(text, str) else text, START)


def test_non_finite_values_are_read_as_bare_words_and_as_text():
    rows = read('{"step": 1, "loss": NaN}\n{"step": 2, "loss": -Infinity}\n{"step": 3, "loss": "NaN"}\n')
    values = rows.series()["loss"].values
    assert math.isnan(values[0])
    assert values[1] == -math.inf
    assert math.isnan(values[2])
    assert rows.troubles == ()


def test_a_torn_last_line_waits_for_its_rest():
    whole = b'{"step": 1, "loss": 2.0}\n{"step": 2, "loss": 1.5}\n'
    first = read(whole[:40])
    assert len(first.series()["loss"]) == 1
    assert first.troubles == ()
    second = read_rows(whole[first.resume_at :], first)
    assert list(second.series()["loss"].values) == [2.0, 1.5]
    assert len(first.series()["loss"]) == 1  # the earlier reading is a value: it did not change


def test_a_complete_last_row_needs_no_newline():
    first = read('{"step": 1, "loss": 2.0}')
    assert len(first.series()["loss"]) == 1
    second = read_rows(b'{"step": 1, "loss": 2.0}\n{"step": 2, "loss": 1.0}\n', first)
    assert list(second.series()["loss"].steps) == [1, 2]


def test_another_file_in_the_same_place_is_noticed():
    first = read('{"step": 1, "loss": 2.0}\n')
    assert read_rows(b'{"step": 1, "loss": 9.0}\n{"step": 2, "loss": 1.0}\n', first) is None


def test_bad_lines_are_told_with_their_offset_and_good_ones_kept():
    lines = [
        b'{"step": 1, "loss": 1.0}',
        b"not json",
        b'{"step": -5, "loss": 1.0}',
        b'{"loss": 1.0}',
        b'{"step": 1e300, "loss": 1.0}',
        b"[1, 2]",
        b'{"step": "2", "loss": 1e308}',
        b'{"step": null, "loss": 1.0}',
        b"\xff\xfe",
        b'{"step": 3, "loss": 1e999, "note": "warm", "flag": true, "deep": {"a": 1}}',
        b"[" * 100_000,
        b'{"step": 4, "loss": ' + b"9" * 5000 + b"}",
        b'{"step": 5, "loss": 5.0}',
    ]
    rows = read(b"\n".join(lines) + b"\n")
    assert list(rows.series()) == ["loss"]
    assert list(rows.series()["loss"].steps) == [1, 2, 3, 5]
    told = {t.message: t for t in rows.troubles}
    assert told["not JSON"].offset == len(lines[0]) + 1
    assert told["not JSON"].count == 4
    assert "runs/1/metrics.jsonl at byte 25: not JSON (and 3 more)" in map(str, rows.troubles)
    assert {
        "a negative step",
        "a row without a step",
        "a step beyond 2^53",
        "not a JSON object",
    } <= told.keys()
    assert "steps are written as text" in told


def test_names_cannot_reach_the_terminal():
    rows = read(json.dumps({"step": 1, "lo\x1b[31mss\u202e": 1.0, "x" * 5000: 2.0}) + "\n")
    for name in rows.series():
        assert name.isprintable()
        assert len(name) <= 200


def test_a_line_longer_than_a_line_can_be_is_skipped():
    rows = read(b'{"step": 1, "pad": "' + b"x" * MAX_LINE_BYTES + b'"}\n{"step": 2, "loss": 1.0}\n')
    assert list(rows.series()["loss"].steps) == [2]
    assert "longer than" in rows.troubles[0].message


def test_of_one_step_the_last_row_wins_and_rows_are_sorted():
    rows = read('{"step": 5, "loss": 1}\n{"step": 3, "loss": 2}\n{"step": 5, "loss": 3}\n')
    series = rows.series()["loss"]
    assert list(series.steps) == [3, 5]
    assert list(series.values) == [2, 3]


ODD = [
    b'{"step": 7, "loss": NaN, "time": 1.5}',
    b'{"step": 7, "loss": "NaN"}',
    b'{"step": -1, "loss": 1.0, "time": 1.0}',
    b'{"time": 5.0, "loss": 1.0, "step": 9}',
    b'{"loss": 1.0}',
    b"not json",
    b"",
    b'{"step": 11, "loss": Infinity, "note": "warm"}',
    b'{"step": 1e300, "loss": 1.0, "time": 1.0}',
    b'{"step":12,"loss":-1e-7,"time":2}',
    b'{"step": 3, "step": 4, "loss": 1.0}',
    b'{"step": 13, "val_loss": 0.25}',
]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2500), st.sampled_from(ODD)), max_size=30), st.booleans())
def test_reading_by_the_thousand_says_the_same_as_row_by_row(odd, rewinds):
    lines = [b'{"step": %d, "time": %d.25, "loss": %r}' % (i, i, 2 / (i + 1)) for i in range(2500)]
    for at, line in odd:
        lines.insert(at, line)
    data = b"\n".join(lines) + b'\n{"step": 99'
    start = Rows("f", rewinds=rewinds)
    fast = read_rows(data, start)
    slow = start
    for cut in range(60_000, len(data) + 60_000, 60_000):  # fewer than the fast way begins at
        slow = read_rows(data[slow.resume_at : cut], slow)
    assert sorted(map(str, fast.columns.items())) == sorted(map(str, slow.columns.items()))
    assert fast.troubles == slow.troubles or sorted(map(str, fast.troubles)) == sorted(
        map(str, slow.troubles)
    )
    assert (fast.consumed, fast.last_line, fast.splits) == (slow.consumed, slow.last_line, slow.splits)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {"step": st.integers(-1, 50)}, optional={"loss": st.floats(), "time": st.floats(0, 1e9)}
        )
        | st.just("junk"),
        max_size=12,
    ),
    st.lists(st.integers(0, 400), max_size=4),
)
def test_reading_in_parts_says_the_same_as_reading_at_once(rows, cuts):
    data = "".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in rows).encode()
    whole = read(data)
    part = START
    for cut in sorted({min(c, len(data)) for c in cuts} | {len(data)}):
        if cut > part.consumed:
            part = read_rows(data[part.resume_at : cut], part)
    assert str(part.columns) == str(whole.columns)
    assert part.troubles == whole.troubles
