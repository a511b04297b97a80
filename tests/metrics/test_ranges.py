"""The y range that a chart begins with."""

import math

import numpy as np
import pytest

from explorer.metrics.ranges import from_first_fork, usual_range, whole_range, x_range
from explorer.metrics.ticks import delta_label

CALM = [np.linspace(3.0, 2.0, 400), np.linspace(3.0, 1.8, 400)]


def test_all_of_calm_curves_is_shown():
    assert usual_range(CALM) == usual_range(CALM[::-1])
    found = usual_range(CALM)
    assert (found.low, found.high, found.beyond) == (1.8, 3.0, ())
    assert found.note(["a", "b"]) == ""


@pytest.mark.parametrize("others", [1, 2, 7])
@pytest.mark.parametrize("rises", [False, True])
def test_a_diverged_run_squashes_nobody_and_is_named(others, rises):
    sign = -1.0 if rises else 1.0
    wild = np.concatenate((CALM[0], np.geomspace(3.0, 1e6, 400)))
    found = usual_range([sign * y for y in [*(CALM * 4)[:others], wild]], rises=rises)
    low, high = sorted((sign * found.low, sign * found.high))
    assert 1.8 <= low <= 2.0
    assert 3.0 <= high < 5.0
    assert found.beyond == (others,)
    assert found.note([str(i) for i in range(others + 1)]) == f"partly off the scale: {others}"
    assert max(map(abs, (whole_range([sign * wild]).low, whole_range([sign * wild]).high))) == pytest.approx(
        1e6
    )


def test_a_spike_is_cut_and_a_steep_start_is_not():
    spiked = CALM[0].copy()
    spiked[100] = 500.0
    assert usual_range([spiked, CALM[1]]).high < 3.1
    steep = np.concatenate((np.linspace(6.0, 3.0, 100), CALM[0]))
    assert usual_range([steep]).high > 5.8
    falling = 100 * np.exp(-np.arange(60) / 5)
    assert usual_range([falling]).high == 100.0


@pytest.mark.parametrize("rises", [False, True])
def test_curves_that_only_got_worse_are_shown_as_they_are(rises):
    """A window from the fork on, behind the best value: what is worth seeing lies where the curves went."""
    sign = -1.0 if rises else 1.0
    worse = sign * np.concatenate(([0.561, 0.560], np.linspace(0.562, 0.68, 40)))
    found = usual_range([worse, worse[:30]], rises=rises)
    assert sorted((sign * found.low, sign * found.high)) == [0.560, 0.68]
    assert found.beyond == ()


def test_of_differences_the_one_that_is_far_off_all_others_is_cut():
    near = [np.linspace(0.0, end, 50) for end in (0.1, -0.2, 0.15)]
    found = usual_range([*near, np.linspace(0.0, 80.0, 50)], deltas=True)
    assert (found.low, found.beyond) == (-0.2, (3,))
    assert 0.15 < found.high < 1.0
    assert usual_range([near[0], np.linspace(0.0, 80.0, 50)], deltas=True).high == 80.0


def test_the_window_begins_a_little_before_the_first_fork():
    whole = x_range([np.arange(1.0, 101.0), np.arange(20.0, 201.0)])
    assert whole == (1.0, 200.0)
    assert from_first_fork(whole, 100.0) == pytest.approx((94.0, 200.0))
    assert from_first_fork(whole, None) == from_first_fork(whole, 500.0) == whole
    low, high = from_first_fork(whole, 100.0, log=True)
    assert (math.log(100 / low), high) == (pytest.approx(0.06 * math.log(200 / 100)), 200.0)


def test_a_window_of_one_place_or_none_has_a_width():
    assert x_range([np.array([7.0])]) == (6.5, 7.5)
    assert x_range([np.array([-3.0, 0.0, 8.0])], log=True) == (4.0, 16.0)
    assert x_range([np.empty(0)]) == (0.0, 1.0)
    assert x_range([np.array([-1.0])], log=True) == (0.1, 1.0)


def test_values_that_are_no_numbers_do_not_count():
    odd = np.array([math.nan, 2.0, math.inf, 3.0, -math.inf])
    assert (usual_range([odd]).low, usual_range([odd]).high) == (2.0, 3.0)
    assert usual_range([odd[:1], np.empty(0)]) == usual_range([])


def test_no_difference_has_no_sign():
    assert [delta_label(v) for v in (0.0, -0.0, 0.25, -0.25, None)] == ["0", "0", "+0.250", "−0.250", ""]
