from array import array

import pytest

from explorer.lineage.address import Node
from explorer.metrics.comparison import Comparison, NodeCurve, Tail
from explorer.notebook.traces import MOST_POINTS, traces, value_range, window


def curve(name, steps, values, own_at=0, **more):
    x = array("d", map(float, steps))
    fork = x[own_at - 1] if own_at else None
    return NodeCurve(
        Node(name), name, more.pop("overrides", ()), x, array("d", values), x, own_at, fork, fork, **more
    )


BASE = curve("base", (1, 2, 3, 4), (4.0, 3.0, 2.0, 1.0))
FORK = curve("fork", (1, 2, 3), (4.0, 3.0, 9.0), own_at=2, overrides=(("lr", 3e-5),))
OTHER = curve("other", (1, 2, 5), (4.0, 3.0, 8.0), own_at=2)


def keys(*curves):
    return [trace.key for trace in traces(Comparison("loss", "step", curves))]


def test_inherited_history_is_drawn_once_and_at_the_back():
    assert keys(FORK, OTHER) == ["inherited fork", "own fork", "fork fork", "own other", "fork other"]


def test_history_that_the_parent_shows_is_not_drawn_again():
    assert "inherited fork" not in keys(BASE, FORK, OTHER)


def test_a_fork_leaves_its_parent_where_it_was_made():
    (own,) = [t for t in traces(Comparison("loss", "step", (BASE, FORK))) if t.key == "own fork"]
    assert (list(own.x), list(own.y)) == ([2.0, 3.0], [3.0, 9.0])


def test_lost_work_waits_for_a_click():
    lossy = curve("base", (1, 2), (2.0, 1.0), discarded=(Tail(array("d", [2]), array("d", [5])),))
    (lost,) = [t for t in traces(Comparison("loss", "step", (lossy,))) if t.key.startswith("lost")]
    assert lost.look["visible"] == "legendonly"


def test_the_window_starts_a_little_before_the_first_fork():
    low, high = window(Comparison("loss", "step", (BASE, FORK)))
    assert 1.5 < low < 2
    assert 4 < high < 4.1
    assert window(Comparison("loss", "step", (BASE,))) is None


def test_the_y_range_is_that_of_the_window():
    shown = traces(Comparison("loss", "step", (BASE, FORK)))
    bottom, top = value_range(shown, 2, 3)
    assert (round(bottom, 2), round(top, 2)) == (1.58, 9.42)


def test_a_long_curve_keeps_its_peaks_in_two_thousand_points():
    n = 50_000
    values = [1.0] * n
    values[31_234] = 99.0
    values[100] = float("nan")
    (own,) = traces(Comparison("loss", "step", (curve("long", range(n), values),)))
    x, y = own.thinned(float("-inf"), float("inf"))
    assert len(x) <= MOST_POINTS
    assert 99.0 in y
    assert None in y, "a line must still break where the numbers do"
    assert (x[0], x[-1]) == (0, n - 1)


def test_zooming_in_brings_back_what_was_left_out():
    n = 50_000
    (own,) = traces(Comparison("loss", "step", (curve("long", range(n), [float(i % 7) for i in range(n)]),)))
    x, _ = own.thinned(1000, 1500)
    assert x == [float(step) for step in range(999, 1502)]


def test_names_are_no_markup_in_a_plot():
    bad = curve("<b>x</b>%{y}", (1, 2), (1.0, 2.0), own_at=1)
    for trace in traces(Comparison("loss", "step", (bad,))):
        assert "<b>x" not in trace.look["hovertemplate"]


@pytest.mark.parametrize("after_fork", [True, False])
def test_the_figure_lives_on_while_numbers_move(after_fork):
    from explorer.notebook.figure import ComparisonFigure

    drawn = ComparisonFigure(Comparison("loss", "step", (BASE, FORK)))
    drawn.after_fork = after_fork
    widget, lines = drawn.widget, drawn.widget.data
    longer = curve("fork", (1, 2, 3, 4), (4.0, 3.0, 9.0, 7.0), own_at=2)
    drawn.show(Comparison("loss", "step", (BASE, longer)))
    assert drawn.widget is widget
    assert [id(line) for line in widget.data] == [id(line) for line in lines], "lines move, none is made anew"
    assert list(widget.data[-2].y) == [3.0, 9.0, 7.0]
    assert widget.layout.xaxis.autorange is not after_fork


def test_newer_numbers_leave_the_readers_zoom_alone():
    from explorer.notebook.figure import ComparisonFigure

    drawn = ComparisonFigure(Comparison("loss", "step", (BASE, FORK)))
    drawn.widget.update_layout(xaxis={"range": [2.5, 3.0], "autorange": False})
    drawn.show(
        Comparison("loss", "step", (BASE, curve("fork", (1, 2, 3, 9), (4.0, 3.0, 9.0, 7.0), own_at=2)))
    )
    assert drawn.widget.layout.xaxis.range == (2.5, 3.0)


def test_another_metric_is_another_set_of_lines():
    from explorer.notebook.figure import ComparisonFigure

    drawn = ComparisonFigure(Comparison("loss", "step", (BASE, FORK)))
    drawn.show(Comparison("val_loss", "step", (BASE,)))
    assert drawn.widget.layout.yaxis.title.text == "val_loss"
    assert len(drawn.widget.data) == 1
