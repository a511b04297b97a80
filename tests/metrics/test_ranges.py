"""The y range that a chart begins with."""

import math

import numpy as np
import pytest

from explorer.metrics.ranges import usual_range
from explorer.metrics.ticks import delta_label

CALM = [np.linspace(3.0, 2.0, 400), np.linspace(3.0, 1.8, 400)]


def test_all_of_calm_curves_is_shown():
    assert usual_range(CALM) == usual_range(CALM[::-1])
    found = usual_range(CALM)
    assert (found.low, found.high, found.beyond) == (1.8, 3.0, ())
    assert found.note(["a", "b"]) == ""


@pytest.mark.parametrize("others", [1, 2, 7])
@pytest.mark.parametrize("wild", [np.geomspace(3.0, 1e6, 400), -np.geomspace(3.0, 1e6, 400)])
def test_a_diverged_run_squashes_nobody_and_is_named(others, wild):
    found = usual_range([*(CALM * 4)[:others], wild])
    assert 1.8 <= found.low <= 2.0
    assert found.high == 3.0
    assert found.beyond == (others,)
    assert found.note([str(i) for i in range(others + 1)]) == f"partly off the scale: {others}"


def test_a_spike_is_cut_and_a_steep_start_is_not():
    spiked = CALM[0].copy()
    spiked[100] = 500.0
    found = usual_range([spiked, CALM[1]])
    assert found.high < 3.1
    assert found.beyond == (0,)
    steep = np.concatenate((np.linspace(6.0, 3.0, 100), CALM[0]))
    assert usual_range([steep]).high == 6.0


def test_values_that_are_no_numbers_do_not_count():
    odd = np.array([math.nan, 2.0, math.inf, 3.0, -math.inf])
    assert (usual_range([odd]).low, usual_range([odd]).high) == (2.0, 3.0)
    assert usual_range([odd[:1], np.empty(0)]) == usual_range([])


def test_no_difference_has_no_sign():
    assert [delta_label(v) for v in (0.0, -0.0, 0.25, -0.25, None)] == ["0", "0", "+0.250", "−0.250", ""]
