"""The drawing of charts without a screen: raster, ticks, windows, frames."""

import math
from array import array
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.metrics import Comparison, Tail
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
from explorer.tui.charts.inks import BOLD, GREY, HUE, RAMP, inks
from explorer.tui.charts.lines import Lines
from explorer.tui.charts.raster import Raster
from explorer.tui.charts.view import View
from tests.tui.charts.curves import BOTH, curve, text


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
    shown = text(frame((Lines(BOTH),), view, width, height))
    assert len(shown) <= height
    assert {len(line) for line in shown} == {width}


def test_the_window_starts_a_little_before_the_first_fork():
    lines = Lines(BOTH)
    low, high = lines.window(View())
    assert 45 < low < 50
    assert high == 100
    assert lines.window(View(full=True)) == (0, 100)
    assert lines.window(View(window=(1.0, 2.0))) == (1, 2)


def test_a_frame_tells_metric_axis_forks_and_the_crosshair():
    shown = text(frame((Lines(BOTH),), View(), 100, 20))
    assert shown[0].startswith(" loss by step")
    assert "◆" in shown[-2]
    at = text(frame((Lines(BOTH),), View(cursor=80.0, selected=1), 100, 20))
    assert at[0].rstrip().endswith("2.0000  at step 80")


def test_without_colour_letters_stand_on_the_lines():
    plain = text(frame((Lines(BOTH),), View(), 60, 20, letters=True))
    plot = [line[8:] for line in plain[1:15]]
    assert sum(line.count("b") for line in plot) >= 3


@pytest.mark.parametrize("calm", [0, 1, 2, 5])
def test_a_curve_that_blows_up_does_not_flatten_the_others_and_is_named(calm):
    rows = [(s, 3.0 - s / 100) for s in range(60)]
    wild = [(s, 3.0 - s / 100 if s < 30 else 1e9) for s in range(60)] + [(60, math.nan)]
    comparison = Comparison(
        "loss", "step", (*(curve(f"c{i}", rows) for i in range(calm)), curve("wild", wild))
    )
    shown = frame((Lines(comparison),), View(), 100, 20)
    assert "wild goes far beyond" in text(shown)[0]
    assert "×" in text(shown)[1]
    assert "▲" in text(shown)[1]
    assert shown.plots[0].scale.y1 < 10
    every = frame((Lines(comparison),), View(extremes=True), 100, 20)
    assert every.plots[0].scale.y1 > 1e9
    assert "far beyond" not in text(every)[0]


def test_a_reward_that_collapses_is_cut_below():
    fine = [(s, 1 + s / 60) for s in range(60)]
    worse = [(s, 1 + s / 60 if s < 30 else -1e6) for s in range(60)]
    comparison = Comparison("reward", "step", (curve("fine", fine), curve("worse", worse)), rises=True)
    shown = frame((Lines(comparison),), View(), 100, 20)
    assert "worse goes far beyond" in text(shown)[0]
    assert "▼" in text(shown)[-3]
    assert shown.plots[0].scale.y0 > -10


@pytest.mark.parametrize("metric", ["lr", "loss"])
def test_what_only_falls_or_only_rises_is_shown_whole(metric):
    falling = [(s, 100 * math.exp(-s / 5)) for s in range(60)]
    rising = [(s, 1e-6 * 1.3**s) for s in range(60)] if metric == "lr" else falling
    comparison = Comparison(metric, "step", (curve("a", falling), curve("b", rising)))
    shown = frame((Lines(comparison),), View(), 100, 20)
    assert shown.plots[0].scale.y1 > 100 * math.exp(-1 / 5)
    assert "beyond" not in text(shown)[0]


def test_rows_without_a_place_on_the_axis_are_left_out_and_lines_never_run_backwards():
    odd = curve("odd", [(math.nan, 1), (10, 2), (30, 3), (20, 4), (40, 5)], own_at=2, fork=10.0)
    lines = Lines(Comparison("loss", "tokens", (odd,)))
    x, y, own_at = lines.points(0, View())
    assert x.tolist() == [10, 30, 30, 40]
    assert y.tolist() == [2, 3, 4, 5]
    assert own_at == 1
    assert {len(line) for line in text(frame((lines,), View(), 80, 12))} == {80}


def test_the_default_chart_of_nothing_is_a_chart():
    empty = Comparison("loss", "step", (curve("main", []),))
    assert len(text(frame((Lines(empty),), View(), 80, 12))) > 5


def test_lost_work_and_deltas_are_drawn_on_demand():
    lost = curve(
        "main",
        [(s, 1.0) for s in range(50)],
        discarded=(Tail(array("d", [20.0, 30.0]), array("d", [5.0, 5.0])),),
        deltas=Tail(array("d", [10.0, 40.0]), array("d", [-1.0, 1.0])),
    )
    lines = Lines(Comparison("loss", "step", (lost,)))
    assert "lost work shown" in text(frame((lines,), View(tails=True), 80, 12))[0]
    assert text(frame((lines,), View(delta=True), 80, 12))[0].startswith(" Δ loss to the parent")


def test_selected_curves_are_told_apart_beyond_eight():
    curves = tuple(curve(f"c{i}", [(0, i), (1, i + 1)]) for i in range(12))
    got = inks(Lines(Comparison("loss", "step", curves)), View(selected=11))
    assert got[11] >= BOLD
    assert got.count(GREY) == 4
    assert len(set(got) - {GREY}) == 8


@pytest.mark.parametrize("axis", ["step", "tokens", "time", "active", "since_fork", "epoch"])
def test_every_axis_has_ticks_and_words(axis):
    rows = [(1_700_000_000 + s * 60, 1.0) for s in range(100)]
    shown = text(
        frame((Lines(Comparison("loss", axis, (curve("main", rows),))),), View(cursor=rows[50][0]), 90, 15)
    )
    assert "┬" in shown[11] or "┬" in shown[12] or any("┬" in line for line in shown)
    assert "at " in shown[0]


def test_metrics_stand_one_below_the_other_over_one_axis():
    other = Comparison(
        "lr", "step", tuple(curve(c.label, [(s, s * 1e-5) for s in range(101)]) for c in BOTH.nodes)
    )
    lines = (Lines(BOTH), Lines(other))
    shown = frame(lines, View(full=True), 100, 24)
    assert [line.split()[0] for line in text(shown) if not line.startswith("  ") and line[1].isalpha()] == [
        "loss",
        "lr",
    ]
    assert len({(area.left, area.columns) for area in shown.areas}) == 1
    assert sum("└" in line for line in text(shown)) == 1
    at = text(frame(lines, View(full=True, cursor=50.0), 100, 24))
    assert "7.5000" in at[0]
    assert any("5.00e-4" in line and line.startswith(" lr") for line in at)
    overlaid = frame(lines, View(full=True, overlaid=True), 100, 24)
    assert len(overlaid.plots) == 1
    assert text(overlaid)[0].startswith(" loss, lr (dashed) by step")


@pytest.mark.parametrize("height", [4, 6, 9, 13])
def test_metrics_that_would_get_no_rows_are_left_out(height):
    shown = frame((Lines(BOTH),) * 5, View(), 60, height)
    assert len(text(shown)) <= height
    assert all(area.rows >= 1 for area in shown.areas)


def test_a_logarithmic_x_axis_gives_each_decade_the_same_width():
    long = curve("main", [(10**k, 1.0 + k) for k in range(5)])
    shown = frame((Lines(Comparison("loss", "step", (long,))),), View(log_x=True), 90, 14)
    columns = [shown.plots[0].scale.column(10.0**k) for k in range(5)]
    gaps = [b - a for a, b in pairwise(columns)]
    assert max(gaps) - min(gaps) <= 1
    assert {label for _, label in shown.plots[0].x_ticks} >= {"1", "100", "10k"}


def test_a_step_of_zero_has_no_place_on_a_logarithmic_axis():
    lines = Lines(BOTH)
    assert lines.bounds(View(log_x=True)) == (1, 100)
    assert len(text(frame((lines,), View(log_x=True, full=True, cursor=0.0), 80, 12))) == 12


def tuned(name, lr, height):
    return curve(name, [(s, height) for s in range(50)], hyperparameters=(("lr", lr),))


def test_curves_that_share_a_value_share_a_colour_along_a_scale():
    several = (tuned("a", 1e-4, 1), tuned("b", 1e-3, 2), tuned("c", 1e-4, 3), tuned("d", 1e-2, 4))
    got = inks(Lines(Comparison("loss", "step", several)), View(colour_by="lr", selected=9))
    assert got[0] == got[2] == RAMP
    assert RAMP < got[1] < got[3] == RAMP + 7
    named = tuple(curve(n, [(0, 1)], hyperparameters=(("opt", n),)) for n in ("adam", "sgd"))
    got = inks(Lines(Comparison("loss", "step", named)), View(colour_by="opt", selected=9))
    assert got == [HUE, HUE + 1]


def test_a_group_is_drawn_as_the_mean_of_its_curves():
    several = (tuned("a", 1e-4, 1.0), tuned("b", 1e-4, 3.0), tuned("c", 1e-3, 7.0))
    lines = Lines(Comparison("loss", "step", several))
    view = View(colour_by="lr", means=True)
    x, y = lines.mean((0, 1), view)
    assert x.tolist() == list(range(50))
    assert set(y.tolist()) == {2.0}
    shown = text(frame((lines,), view, 100, 20))
    assert any("lr 0.0001 (2)" in line for line in shown)
    assert any("lr 0.001 (1)" in line for line in shown)


def test_a_mean_is_taken_where_all_have_values():
    lines = Lines(Comparison("loss", "step", (curve("a", [(0, 1), (10, 1)]), curve("b", [(5, 3), (20, 3)]))))
    x, y = lines.mean((0, 1), View())
    assert x.tolist() == [5, 10]
    assert y.tolist() == [2, 2]
    apart = Lines(Comparison("loss", "step", (curve("a", [(0, 1)]), curve("b", [(5, 3)]), curve("c", []))))
    assert not len(apart.mean((0, 1), View())[0])
    assert not len(apart.mean((0, 2), View())[0])


def test_a_thinned_line_has_no_gaps_that_the_data_have_not():
    rows = [(s, math.sin(s / 700)) for s in range(20_000)]
    holes = [row for row in rows if not 8000 < row[0] < 12_000]
    for points, dashed in ((rows, False), (holes, True)):
        lines = Lines(Comparison("lr", "step", (curve("main", points),)))
        (plot,) = frame((lines,), View(), 110, 20).plots
        drawn = {at for chars, _ in plot.cells for at, char in enumerate(chars) if char not in " ┈"}
        empty = set(range(plot.columns - 2)) - drawn
        assert bool(empty) == dashed
