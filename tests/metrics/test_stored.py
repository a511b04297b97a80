"""Readings as bytes: they come back as they were, read on from there, and damage is noticed."""

import math
import random

import pytest

from explorer.metrics.parsed import Whole
from explorer.metrics.rows import Rows, read_rows
from explorer.metrics.stored import pack, unpack
from explorer.metrics.tfevents import Events, read_events
from explorer.metrics.trainer_state import read_trainer_state
from tests.metrics.test_tfevents import record, scalar, session

LINES = b"".join(
    b'{"step": %d, "time": %d, "loss": 1.5, "acc": NaN}\n' % (s, s) for s in [*range(50), *range(20, 60)]
)
EVENTS = b"".join(record(scalar(s, 1.0)) for s in range(10)) + record(session(5)) + record(scalar(5, 2.0))
STATE = b'{"save_steps": 20, "log_history": [{"loss": 1, "step": 1}, {"loss": 2, "step": "x"}]}'
READINGS = (
    read_rows(LINES + b"rubbish\n", Rows("f", rewinds=True)),
    read_events(EVENTS, Events("f")),
    read_trainer_state(STATE, Whole("f")),
    read_trainer_state(b"[]", Whole("f")),
)


def said(reading):
    parts = [
        (
            {n: (s.steps.tobytes(), s.values.tobytes(), s.walls.tobytes()) for n, s in part.series.items()},
            part.id,
            part.restored_step,
            part.carries,
            None if math.isnan(part.started_s) else part.started_s,
        )
        for part in reading.parts()
    ]
    return parts, reading.troubles, reading.consumed, reading.resume_at, reading.file


@pytest.mark.parametrize("reading", READINGS)
def test_a_reading_comes_back(reading):
    assert said(unpack(pack(reading))) == said(reading)


def test_a_growing_file_is_read_on_from_a_reading_that_was_kept():
    more = b'{"step": 60, "time": 60, "loss": 2.5}\n'
    kept = unpack(pack(READINGS[0]))
    whole = LINES + b"rubbish\n" + more
    grown = read_rows(whole[kept.resume_at :], kept)
    assert said(grown) == said(read_rows(whole, Rows("f", rewinds=True)))
    assert said(kept) == said(READINGS[0])
    events = unpack(pack(READINGS[1]))
    data = EVENTS + record(scalar(6, 3.0))
    assert said(read_events(data[events.resume_at :], events)) == said(read_events(data, Events("f")))


def test_what_metrics_share_is_kept_once():
    data = b"".join(b'{"step": %d, "time": %d, "a": 1, "b": %d}\n' % (s, s, s) for s in range(1000))
    packed = pack(read_rows(data, Rows("f")))
    # steps, times and b's values are the same numbers
    assert len(packed) < 2 * 8000 + 1000


def test_damage_of_any_kind_is_noticed():
    rng = random.Random(0)
    whole = pack(READINGS[0])
    for _ in range(200):
        at = rng.randrange(len(whole))
        damaged = whole[:at] + bytes([whole[at] ^ (1 << rng.randrange(8))]) + whole[at + 1 :]
        with pytest.raises(ValueError, match="damaged"):
            unpack(damaged)
        with pytest.raises(ValueError, match="damaged"):
            unpack(whole[:at])
