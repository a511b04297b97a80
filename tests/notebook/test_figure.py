import math
from array import array
from dataclasses import replace

import numpy as np
import pytest

from explorer.lineage.address import Node
from explorer.notebook.figure import POINTS, ComparisonFigure
from explorer.notebook.look import Look
from explorer.notebook.scale import scale_of, window, y_range
from tests.notebook.curves import BASE, FORK, OTHER, curve, together

ALL = frozenset({"base", "fork", "other", "long"})


def figure(*curves, look=None, chosen=lambda node: None):
    return ComparisonFigure([together(*curves)], look or Look(), ALL, chosen)


def line(drawn, name):
    return next(trace for trace in drawn.widget.data if trace.name == name)


def zoom(drawn, low, high):
    """As the page says it."""
    drawn.widget.plotly_relayout({"xaxis.range[0]": low, "xaxis.range[1]": high})


def test_the_window_starts_a_little_before_the_first_fork():
    low, high = window([together(BASE, FORK)], after_fork=True)
    assert 1.5 < low < 2
    assert 4 < high < 4.1
    low, high = window([together(BASE, FORK)], after_fork=False)
    assert low < 1 < 4 < high


def test_the_y_axis_shows_what_lies_in_the_window():
    drawn = figure(BASE, FORK)
    low, high = drawn.widget.layout.yaxis.range
    assert low < 1.0
    assert high > 9.0
    steep = curve("base", (1, 2, 3, 4), (999.0, 3.0, 2.0, 1.0))
    assert figure(steep, FORK).widget.layout.yaxis.range[1] < 20, "what lies before the window has no say"


def test_a_curve_that_blew_up_does_not_flatten_the_rest_and_is_named():
    steps = tuple(range(1, 61))
    calm = curve("base", steps, tuple(3.0 - s / 100 for s in steps))
    wild = curve("fork", steps, tuple(3.0 - s / 100 if s < 30 else 1e6 for s in steps))
    layout = figure(calm, wild).widget.layout
    assert layout.yaxis.range[1] < 10
    assert [note.text for note in layout.annotations] == ["partly off the scale: fork"]
    every = figure(calm, wild, look=Look(after_fork=False)).widget.layout
    assert every.yaxis.range[1] > 1e6
    assert every.annotations == ()


def test_an_axis_of_nothing_has_no_range():
    nothing = [np.array([math.nan])]
    assert y_range(nothing, together(BASE), Look()) is None
    assert y_range([np.array([-1.0])], together(BASE), Look(log_y=True)) is None


def test_newer_numbers_move_the_lines_that_are_there():
    drawn = figure(BASE, FORK)
    widget, before = drawn.widget, [id(trace) for trace in drawn.widget.data]
    longer = curve("fork", (1, 2, 3, 4), (4.0, 3.0, 9.0, 7.0), own_at=2)
    drawn.show([together(BASE, longer)], Look(), ALL)
    assert drawn.widget is widget
    assert [id(trace) for trace in widget.data] == before, "lines move, none is made anew"
    assert list(line(drawn, "fork").y) == [3.0, 9.0, 7.0]


def test_newer_numbers_send_what_has_changed_alone():
    drawn = figure(BASE, FORK)
    sent = []
    drawn.widget.observe(lambda change: sent.append(change["new"]), "_py2js_update")
    longer = curve("fork", (1, 2, 3, 4), (4.0, 3.0, 9.0, 7.0), own_at=2)
    drawn.show([together(replace(BASE, x=array("d", BASE.x)), longer)], Look(), ALL)
    (message,) = [m for m in sent if m]
    moved = {drawn.widget.data[i].name for i in message["style_traces"]}
    assert "fork" in moved
    assert "base" not in moved


def test_newer_numbers_leave_the_readers_zoom_alone():
    drawn = figure(BASE, FORK)
    zoom(drawn, 2.5, 3.0)
    drawn.show([together(BASE, curve("fork", (1, 2, 3, 9), (4.0, 3.0, 9.0, 7.0), own_at=2))], Look(), ALL)
    assert drawn.widget.layout.xaxis.range == (2.5, 3.0)
    drawn.show([together(BASE, FORK)], Look(smoothing=0.5), ALL)
    assert drawn.widget.layout.xaxis.range == (2.5, 3.0), "and so does smoothing"


def test_a_double_click_looks_at_the_fork_again():
    drawn = figure(BASE, FORK)
    aim = drawn.widget.layout.xaxis.range
    zoom(drawn, 2.5, 3.0)
    drawn.widget.plotly_relayout({"xaxis.autorange": True, "yaxis.autorange": True})
    assert drawn.widget.layout.xaxis.range == aim
    assert drawn.widget.layout.xaxis.autorange is False
    zoom(drawn, 2.5, 3.0)
    drawn.show([together(BASE, FORK)], Look(), ALL)
    assert drawn.widget.layout.xaxis.range == (2.5, 3.0)


def test_another_axis_is_another_window():
    drawn = figure(BASE, FORK)
    zoom(drawn, 2.5, 3.0)
    drawn.show([together(BASE, FORK)], Look(after_fork=False), ALL)
    assert drawn.widget.layout.xaxis.range[0] < 1


def test_a_figure_never_holds_more_than_a_screen_shows():
    n = 60_000
    many = [curve(f"c{i}", range(n), [float(j % 97) for j in range(n)]) for i in range(20)]
    names = frozenset(c.label for c in many)
    drawn = ComparisonFigure([together(*many)], Look(smoothing=0.9, after_fork=False), names)
    held = sum(len(trace.x) for trace in drawn.widget.data)
    assert POINTS / 4 < held <= POINTS
    zoom(drawn, 1000.0, 1100.0)
    inside = [x for x in line(drawn, "c3").x if 1000 <= x <= 1100]
    assert inside == [float(x) for x in range(1000, 1101)], "a zoom shows what was logged there"


def test_several_metrics_are_panels_over_one_axis():
    drawn = figure(BASE, FORK)
    other = together(replace(BASE, values=array("d", [0.1, 0.2, 0.3, 0.4])), FORK, metric="accuracy")
    drawn.show([together(BASE, FORK), other], Look(), ALL)
    layout = drawn.widget.layout
    assert (layout.yaxis.title.text, layout.yaxis2.title.text) == ("loss", "accuracy")
    assert layout.yaxis2.domain[1] < layout.yaxis.domain[0]
    assert {trace.yaxis for trace in drawn.widget.data if len(trace.x)} == {None, "y2"}
    drawn.show([together(BASE, FORK)], Look(), ALL)
    assert layout.yaxis.domain == (0, 1)
    assert layout.yaxis2.visible is False
    assert not any(len(trace.x) for trace in drawn.widget.data if trace.yaxis == "y2")


def test_a_hidden_curve_has_no_points():
    drawn = figure(BASE, FORK)
    drawn.show([together(BASE, FORK)], Look(), frozenset({"fork"}))
    assert not len(line(drawn, "base").x)


def test_a_click_on_a_checkpoint_or_on_a_curve_says_which():
    places = ((2.0, Node("base", "1")), (4.0, Node("base", "2")))
    told = []
    drawn = figure(replace(BASE, checkpoints=places), FORK, OTHER, chosen=told.append)
    marks = next(t for t in drawn.widget.data if t.mode == "markers" and len(t.x) == 2)
    click(drawn, marks, 1)
    click(drawn, line(drawn, "base"), 2)  # at step 3: the newest before it is that of step 2
    assert told == [Node("base", "2"), Node("base", "1")]
    drawn.select(Node("base", "2"))
    assert marks.selectedpoints == (1,)
    drawn.select(None)
    assert not marks.selectedpoints


def click(drawn, trace, at):
    """The message of the page."""
    index = [id(t) for t in drawn.widget.data].index(id(trace))
    points = {
        "trace_indexes": [index], "point_indexes": [at], "xs": [float(trace.x[at])], "ys": [float(trace.y[at])],
    }  # fmt: skip
    drawn.widget._js2py_pointsCallback = {
        "event_type": "plotly_click", "points": points, "device_state": None, "selector": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "span", "log", "unit"),
    [
        ("step", 100, False, ""),
        ("step", 100, True, ""),
        ("active", 7300, False, "h"),
        ("active", 90, False, "s"),
    ],
)
def test_a_window_on_the_page_is_the_same_window_here(name, span, log, unit):
    scale = scale_of(name, span, log)
    assert scale.unit == unit
    assert scale.window(scale.range(5.0, 80.0)) == pytest.approx((5.0, 80.0))


def test_dates_come_back_as_text():
    scale = scale_of("time", 100, False)
    low, high = scale.range(1.7e9, 1.7e9 + 60)
    text = [str(np.datetime64(int(ms), "ms")).replace("T", " ") for ms in (low, high)]
    assert scale.window(text) == pytest.approx((1.7e9, 1.7e9 + 60))
    assert scale.kind == "date"


def test_the_code_of_plotly_travels_once():
    one, other = figure(BASE, FORK).widget, figure(BASE, OTHER).widget
    assert one.library is other.library
    assert len(one.library.source) > 1_000_000
    assert "as default" in one.library.source[-20_000:], "what plotly_figure.js takes from it"
    assert len(one.get_state()["_esm"]) < 10_000


def test_a_page_that_is_loaded_again_shows_how_it_looks_now():
    drawn = figure(BASE, FORK)
    zoom(drawn, 2.5, 3.0)
    drawn.show([together(BASE, FORK)], Look(colour_by="lr"), frozenset({"fork"}))
    state = drawn.widget.get_state()
    told = {trace["name"]: trace for trace in state["_widget_data"] if "name" in trace}
    assert told["base"]["x"]["shape"] == (0,)
    assert told["fork"]["line"]["color"] == line(drawn, "fork").line.color
    assert list(state["_widget_layout"]["xaxis"]["range"]) == [2.5, 3.0]
