import math
from array import array
from importlib import import_module

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.metrics import sparkline, thin

module = import_module("explorer.metrics.thin")  # the function of that name hides it

FLOATS = st.lists(st.floats(), max_size=60)


def test_a_spike_survives_thinning():
    values = array("d", [0.0] * 5000)
    values[3333] = 9.0
    kept = thin(array("d", range(5000)), values, 200)
    assert 3333 in kept
    assert len(kept) <= 200


@given(FLOATS, st.integers(4, 40))
def test_thinning_keeps_order_ends_and_the_limit(values, most):
    kept = thin(array("d", range(len(values))), array("d", values), most)
    assert kept == sorted(set(kept))
    assert len(kept) <= most
    if values:
        assert kept[0] == 0
        assert kept[-1] == len(values) - 1


@given(FLOATS, st.integers(4, 40))
def test_thinning_a_long_series_says_the_same(values, most):
    steps, values = array("d", range(len(values))), array("d", values)
    with pytest.MonkeyPatch.context() as patch:
        slow = thin(steps, values, most)
        patch.setattr(module, "_FAST_FROM", 0)
        assert thin(steps, values, most) == slow


@given(FLOATS, st.integers(0, 30))
def test_a_sparkline_is_never_wider_than_asked(values, width):
    assert len(sparkline(values, width)) == min(width, len(values))


def test_sparkline_falls_as_the_loss_falls_and_marks_nan():
    assert sparkline([4, 3, 2, 1], 4) == "█▆▃▁"
    assert sparkline([1, math.nan, 3], 3) == "▁×█"
    assert sparkline([2, 2], 2) == "▁▁"
    assert sparkline([], 5) == ""
