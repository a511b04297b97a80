import math
from array import array

import numpy as np
import pytest

from explorer.notebook.polyline import Polyline, Polylines, packed, rising
from tests.notebook.curves import curve


def line(x, y):
    return Polyline(np.array(x, dtype=float), np.array(y, dtype=float))


def test_a_long_line_keeps_its_peaks():
    n = 50_000
    y = np.ones(n)
    y[31_234] = 99.0
    x, found = line(range(n), y).within(-math.inf, math.inf, 1000)
    assert len(x) <= 1000
    assert 99.0 in found
    assert (x[0], x[-1]) == (0, n - 1)


def test_a_long_line_still_breaks_where_its_numbers_do():
    n = 50_000
    y = np.arange(n, dtype=float)
    y[20_000:20_005] = math.nan
    x, found = line(range(n), y).within(-math.inf, math.inf, 1000)
    assert len(x) <= 1000
    broken = x[np.isnan(found)]
    assert len(broken)
    assert set(broken) <= set(range(20_000, 20_005))


def test_zooming_in_brings_back_what_was_left_out():
    n = 50_000
    x, _ = line(range(n), [i % 7 for i in range(n)]).within(1000, 1500, 2000)
    assert list(x) == list(range(999, 1502)), "and one on each side, so that the line reaches the edge"


def test_where_nothing_was_logged_there_is_no_line():
    x = [*range(10), *range(100, 110)]
    found_x, found_y = line(x, [1.0] * 20).within(-math.inf, math.inf, 1000)
    (at,) = np.flatnonzero(np.isnan(found_y))
    assert (found_x[at - 1], found_x[at + 1]) == (9, 100)


def test_a_rarer_cadence_is_no_gap():
    x = [*range(50), *range(50, 250, 20)]
    _, y = line(x, [1.0] * len(x)).within(-math.inf, math.inf, 1000)
    assert not np.isnan(y).any()


def test_rows_without_a_place_are_left_out_and_clocks_never_run_backwards():
    found = rising(array("d", [1, math.nan, 5, 3, 6]), array("d", [1, 2, 3, 4, 5]))
    assert list(found.x) == [1, 5, 5, 6]
    assert list(found.y) == [1, 3, 4, 5]


@pytest.mark.parametrize(
    ("x", "y", "kinds"),
    [
        ([1.0, 2.0], [1.0, 2.0], ("int32", "float32")),
        ([1.5, 2.0], [1.0, 2.0], ("float64", "float32")),
        ([1.0, 2.0**40], [1.0, 1e308], ("float64", "float64")),
        ([], [], ("float64", "float32")),
        ([1.0], [math.inf], ("int32", "float32")),
    ],
)
def test_columns_travel_small_and_lose_nothing_that_is_seen(x, y, kinds):
    small_x, small_y = packed(np.array(x), np.array(y))
    if x:
        assert (str(small_x.dtype), str(small_y.dtype)) == kinds
    assert list(small_x) == x
    assert [v for v in small_y.tolist() if v == v] == [v for v in y if math.isfinite(v)]


def test_what_has_not_changed_is_the_same_line():
    lines = Polylines()
    x, y = array("d", [1, 2]), array("d", [3, 4])
    first = lines.of("a", x, y)
    assert lines.of("a", array("d", x), array("d", y)) is first, "equal rows in another array"
    assert lines.of("a", x, array("d", [3, 5])) is not first
    one = curve("one", (1, 2), (3.0, 4.0))
    smooth = lines.smoothed("a", one, 0.5)
    assert lines.smoothed("a", curve("one", (1, 2), (3.0, 4.0)), 0.5) is smooth
    assert lines.smoothed("a", one, 0.6) is not smooth
    assert lines.of("a", x, array("d", [3, 5])) is lines.of("a", x, array("d", [3, 5]))
