"""Zooming, panning, smoothing: views are values."""

import pytest

from explorer.tui.charts.view import SMOOTHING, View

WHOLE = (0.0, 100.0)


def test_zoom_keeps_the_crosshair_in_place_and_stays_inside():
    view = View(cursor=80.0)
    near = view.zoomed(WHOLE, 0.5, WHOLE)
    assert near.window == (40.0, 90.0)
    assert near.zoomed(near.window, 4, WHOLE).window is None
    assert near.zoomed(near.window, 4, WHOLE).full
    assert View().zoomed(WHOLE, 0.5, WHOLE, pivot=0.0).window == (0.0, 50.0)


def test_panning_stops_where_the_data_end():
    near = View(window=(40.0, 90.0))
    assert near.panned(near.window, 0.5, WHOLE).window == (50.0, 100.0)
    assert near.panned(near.window, -5, WHOLE).window == (0.0, 50.0)


def test_on_a_logarithmic_axis_zoom_and_pan_go_by_decades():
    view = View(log_x=True)
    near = view.zoomed((1.0, 10_000.0), 0.5, (1.0, 10_000.0))
    assert near.window == pytest.approx((10, 1000))
    assert near.panned(near.window, 0.5, (1.0, 10_000.0)).window == pytest.approx((100, 10_000))


def test_nothing_zooms_in_endlessly():
    view = View(cursor=50.0)
    for _ in range(100):
        view = view.zoomed(view.window or WHOLE, 0.5, WHOLE)
    low, high = view.window
    assert high - low >= 1e-4


def test_smoothing_has_stops_and_ends():
    view = View()
    seen = []
    for _ in range(9):
        view = view.smoothed(1)
        seen.append(view.weight)
    assert seen == [*SMOOTHING[1:], SMOOTHING[-1], SMOOTHING[-1], SMOOTHING[-1]]
    assert View(weight=0.9).smoothed(-1).weight == 0.8
    assert View().smoothed(-1).weight == 0


def test_hidden_and_left_out_curves_are_not_shown_and_reset_keeps_the_filter():
    view = View(log_y=True, selected=3, left_out=frozenset({"b"})).toggled("a")
    assert [view.shows(label) for label in "abc"] == [False, False, True]
    assert view.toggled("a").shows("a")
    assert view.at_first() == View(selected=3, left_out=frozenset({"b"}))
