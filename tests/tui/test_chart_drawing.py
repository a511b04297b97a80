"""The drawing of charts without a screen: raster, ticks, windows, frames."""

import math
from array import array

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.lineage.address import Node
from explorer.metrics import Comparison, NodeCurve, Tail
from explorer.metrics.ticks import (
    clock_ticks,
    delta_label,
    duration_label,
    labels,
    log_ticks,
    ticks,
    value_label,
)
from explorer.tui.charts.frame import frame
from explorer.tui.charts.lines import Lines, thinned
from explorer.tui.charts.raster import Raster
from explorer.tui.charts.view import View


def curve(name, rows, *, own_at=0, fork=None, **told):
    x = array("d", [float(s) for s, _ in rows])
    y = array("d", [float(v) for _, v in rows])
    return NodeCurve(Node(name), name, (), x, y, x, own_at, fork, fork, last=y[-1] if y else None, **told)


def text(shown):
    return ["".join(part for part, _ in line) for line in shown.lines]


PARENT = curve("main", [(s, 10 - s / 20) for s in range(101)])
CHILD = curve("fork", [(s, 10 - s / 10) for s in range(101)], own_at=51, fork=50.0, delta_to_parent=-5.0)
BOTH = Comparison("loss", "step", (PARENT, CHILD))


def test_a_line_sets_every_dot_on_its_way():
    raster = Raster(4, 1)
    raster.trace(np.array([0.0, 7.0]), np.array([0.0, 0.0]), 5)
    (cells,) = raster.cells()
    assert cells == (["⣀"] * 4, [5] * 4)


def test_nan_lifts_the_pen_and_single_points_are_still_drawn():
    raster = Raster(4, 1)
    raster.trace(np.array([0.0, 3.0, 7.0]), np.array([0.0, np.nan, 0.0]), 1)
    assert raster.cells()[0][0] == ["⡀", " ", " ", "⢀"]


def test_a_higher_layer_stands_clear_of_the_lower_one():
    raster = Raster(1, 1)
    raster.trace(np.array([0.0]), np.array([3.0]), 1)
    raster.trace(np.array([1.0]), np.array([0.0]), 2, layer=1)
    assert raster.cells()[0] == (["⢀"], [2])


def test_far_off_values_cost_no_endless_line():
    raster = Raster(10, 10)
    raster.trace(np.array([0.0, 5.0, 9.0]), np.array([0.0, 1e300, np.inf]), 1)
    assert raster.cells()[9][0][0] != " "


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.floats(-50, 50), st.floats()), max_size=20))
def test_no_line_leaves_the_raster(points):
    raster = Raster(5, 3)
    x, y = (np.array([p[k] for p in points], float) for k in (0, 1))
    raster.trace(x, y, 1)
    assert [len(chars) for chars, _ in raster.cells()] == [5, 5, 5]


def test_thinning_to_pixels_keeps_the_extremes():
    x = np.arange(10_000.0)
    y = np.sin(x / 500)
    y[1234], y[7777] = 9.0, np.nan
    _, thin = thinned(x, y, 100)
    assert len(thin) <= 400
    assert np.nanmax(thin) == 9.0


@given(st.floats(-1e9, 1e9), st.floats(1e-6, 1e9), st.integers(1, 12))
def test_ticks_are_round_inside_and_few(low, width, most):
    found = ticks(low, low + width, most)
    assert len(found) <= most + 1
    assert found == sorted(found)
    assert all(low - width * 1e-6 <= t <= low + width * (1 + 1e-6) for t in found)


def test_numbers_are_written_with_the_digits_that_tell_them_apart():
    assert labels([0.0, 0.5, 1.0]) == ["0.0", "0.5", "1.0"]
    assert labels([0.0, 250.0]) == ["0", "250"]
    assert labels([0.0, 25000.0, 50000.0]) == ["0", "25k", "50k"]
    assert labels([1.5e6, 2e6]) == ["1.5M", "2.0M"]
    assert labels([]) == []
    assert log_ticks(0.9, 1100, 5) == [1, 10, 100, 1000]
    assert clock_ticks(0, 100, 4) == [0, 30, 60, 90]
    assert [duration_label(s) for s in (5, 65, 3600, 90000)] == ["5s", "1m5s", "1h", "1d1h"]
    assert value_label(math.nan) == "nan"
    assert value_label(0.0) == "0.0000"
    assert value_label(2.03171) == "2.0317"
    assert delta_label(-0.0371) == "−0.037"
    assert len(delta_label(-1.5e24)) <= 8


@settings(max_examples=60, deadline=None)
@given(
    st.integers(20, 150),
    st.integers(4, 45),
    st.builds(
        View,
        full=st.booleans(),
        log_y=st.booleans(),
        weight=st.sampled_from([0.0, 0.9]),
        delta=st.booleans(),
        tails=st.booleans(),
        cursor=st.none() | st.floats(-10, 120),
        selected=st.integers(0, 1),
        hidden=st.sampled_from([frozenset(), frozenset({"main"}), frozenset({"main", "fork"})]),
    ),
)
def test_every_line_of_every_frame_is_as_wide_as_the_frame(width, height, view):
    shown = text(frame(Lines(BOTH), view, width, height))
    assert len(shown) <= height
    assert {len(line) for line in shown} == {width}


def test_the_window_starts_a_little_before_the_first_fork():
    lines = Lines(BOTH)
    low, high = lines.window(View())
    assert 45 < low < 50
    assert high == 100
    assert lines.window(View(full=True)) == (0, 100)
    assert lines.window(View(window=(1.0, 2.0))) == (1, 2)


def test_a_frame_tells_metric_forks_names_and_values():
    shown = text(frame(Lines(BOTH), View(), 100, 20))
    assert shown[0].startswith(" loss by step")
    assert "◆" in shown[-2]
    assert any("fork" in line and "0.0000" in line and "−5.000" in line for line in shown)
    at = text(frame(Lines(BOTH), View(cursor=80.0), 100, 20))
    assert "at step 80" in at[0]
    assert any("main" in line and "6.0000" in line for line in at)


def test_without_colour_letters_stand_on_the_lines():
    plain = text(frame(Lines(BOTH), View(), 60, 20, letters=True))
    plot = [line[8:] for line in plain[1:15]]
    assert sum(line.count("b") for line in plot) >= 3


def test_nan_is_marked_and_a_curve_that_blows_up_does_not_flatten_the_others():
    rows = [(s, 1.0 + s / 100) for s in range(60)]
    wild = [(s, 1.0 if s < 30 else 1e9) for s in range(60)] + [(60, math.nan)]
    comparison = Comparison("loss", "step", (*(curve(f"c{i}", rows) for i in range(3)), curve("wild", wild)))
    shown = frame(Lines(comparison), View(), 90, 20)
    assert "×" in text(shown)[1]
    assert shown.plot.scale.y1 < 10


def test_rows_without_a_place_on_the_axis_are_left_out_and_lines_never_run_backwards():
    odd = curve("odd", [(math.nan, 1), (10, 2), (30, 3), (20, 4), (40, 5)], own_at=2, fork=10.0)
    lines = Lines(Comparison("loss", "tokens", (odd,)))
    x, y, own_at = lines.points(0, View())
    assert x.tolist() == [10, 30, 30, 40]
    assert y.tolist() == [2, 3, 4, 5]
    assert own_at == 1
    assert {len(line) for line in text(frame(lines, View(), 80, 12))} == {80}


def test_the_default_chart_of_nothing_is_a_chart():
    empty = Comparison("loss", "step", (curve("main", []),))
    assert len(text(frame(Lines(empty), View(), 80, 12))) > 5


def test_lost_work_and_deltas_are_drawn_on_demand():
    lost = curve(
        "main",
        [(s, 1.0) for s in range(50)],
        discarded=(Tail(array("d", [20.0, 30.0]), array("d", [5.0, 5.0])),),
        deltas=Tail(array("d", [10.0, 40.0]), array("d", [-1.0, 1.0])),
    )
    lines = Lines(Comparison("loss", "step", (lost,)))
    assert "lost work shown" in text(frame(lines, View(tails=True), 80, 12))[0]
    assert text(frame(lines, View(delta=True), 80, 12))[0].startswith(" Δ loss to the parent")


def test_zoom_keeps_the_crosshair_in_place_and_stays_inside():
    view = View(cursor=80.0)
    near = view.zoomed((0.0, 100.0), 0.5, (0.0, 100.0))
    assert near.window == (40.0, 90.0)
    assert near.zoomed(near.window, 4, (0.0, 100.0)).window is None
    assert near.panned(near.window, 0.5, (0.0, 100.0)).window == (50.0, 100.0)
    assert View().smoother().smoother().weight == 0.9


def test_selected_curves_are_told_apart_beyond_eight():
    curves = tuple(curve(f"c{i}", [(0, i), (1, i + 1)]) for i in range(12))
    from explorer.tui.charts.plot import BOLD, GREY, inks

    got = inks(Lines(Comparison("loss", "step", curves)), View(selected=11))
    assert got[11] >= BOLD
    assert got.count(GREY) == 4
    assert len(set(got) - {GREY}) == 8


@pytest.mark.parametrize("axis", ["step", "tokens", "time", "active", "since_fork", "epoch"])
def test_every_axis_has_ticks_and_words(axis):
    rows = [(1_700_000_000 + s * 60, 1.0) for s in range(100)]
    shown = text(
        frame(Lines(Comparison("loss", axis, (curve("main", rows),))), View(cursor=rows[50][0]), 90, 15)
    )
    assert "┬" in shown[11] or "┬" in shown[12] or any("┬" in line for line in shown)
    assert "at " in shown[0]
