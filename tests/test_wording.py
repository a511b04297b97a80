"""The words for numbers, at the edges where rounding would make them wider or wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.wording import age, count, delta, loss, short_size, size

S = 1_000_000_000


@pytest.mark.parametrize(
    ("count", "long", "short"),
    [
        (0, "0 B", "0B"),
        (999, "999 B", "999B"),
        (1000, "1.0 kB", "1.0K"),
        (9_949, "9.9 kB", "9.9K"),
        (9_950, "10 kB", "10K"),
        (999_499, "999 kB", "999K"),
        (999_500, "1.0 MB", "1.0M"),
        (2_100_000_000, "2.1 GB", "2.1G"),
        (10**18, "1000 PB", "1000P"),
        (None, "", ""),
    ],
)
def test_sizes_are_rounded_into_the_next_unit(count, long, short):
    assert (size(count), short_size(count)) == (long, short)


def test_a_size_that_went_down():
    assert size(-84_000_000) == "-84 MB"


@given(st.integers(0, 10**17))
def test_a_short_size_fits_four_cells(count):
    assert len(short_size(count)) <= 4


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "now"),
        (1, "1s"),
        (59, "59s"),
        (60, "1m"),
        (3599, "59m"),
        (86400, "1d"),
        (13 * 86400, "13d"),
        (14 * 86400, "2w"),
        (2 * 365 * 86400, "2y"),
        (-5, "now"),
    ],
)
def test_ages_are_whole_units_rounded_down(seconds, told):
    assert age(10**18, 10**18 + seconds * S) == told


@given(st.floats(-1e90, 1e90), st.integers(6, 8))
def test_a_loss_is_never_cut_but_rounded(value, width):
    told = loss(value, width)
    assert len(told) <= width or float(told) < 0 or abs(value) < 1e-9 or abs(value) > 1e9
    assert float(told) == pytest.approx(value, rel=0.5, abs=1e-320)


@pytest.mark.parametrize(
    ("value", "told"),
    [(0.0045, "0.0045"), (0.00045, "4.5e-4"), (0.54321, "0.5432"), (-0.54321, "-0.543"), (0.0, "0.000")],
)
def test_a_loss_in_six_cells(value, told):
    assert loss(value, 6) == told


def test_what_is_not_a_number_is_said():
    assert [loss(float("nan")), loss(float("-inf")), loss(None)] == ["nan", "-inf", ""]


def test_changes_and_counts():
    assert [delta(-0.0045), delta(1.234), delta(0.0)] == ["0.0045", "1.234", "0"]
    assert [count(1, "fork"), count(0, "fork"), count(12_400, "entry", "entries")] == [
        "1 fork",
        "0 forks",
        "12,400 entries",
    ]
