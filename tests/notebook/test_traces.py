import math
from array import array
from dataclasses import replace

import pytest

from explorer.lineage.address import Node
from explorer.metrics.comparison import Tail
from explorer.notebook.look import Look
from explorer.notebook.polyline import Polylines
from explorer.notebook.traces import traces
from tests.notebook.curves import BASE, FORK, OTHER, curve, together


def drawn(*curves, look=None, shown=None):
    """What has points, by its key without the panel."""
    found = traces(
        together(*curves),
        look or Look(),
        frozenset(c.label for c in curves) if shown is None else frozenset(shown),
        Polylines(),
    )
    return {trace.key.partition(" ")[2]: trace for trace in found if len(trace.line)}


def points(trace):
    return list(trace.line.x), list(trace.line.y)


def test_inherited_history_is_drawn_once():
    assert [key for key in drawn(FORK, OTHER) if key.startswith("past")] == ["past fork"]


def test_history_that_the_parent_shows_is_not_drawn_again():
    assert not [key for key in drawn(BASE, FORK, OTHER) if key.startswith("past")]


def test_history_is_drawn_where_the_parent_that_shows_it_is_hidden():
    assert [key for key in drawn(BASE, FORK, shown={"fork"}) if "past" in key] == ["past fork"]


def test_histories_with_the_same_holes_are_the_same():
    nan = float("nan")
    base = curve("base", (1, 2, 3, 4), (4.0, nan, 2.0, 1.0))
    fork = curve("fork", (1, 2, 3, 4), (4.0, nan, 2.0, 5.0), own_at=3)
    assert "past fork" not in drawn(base, fork)


def test_a_fork_leaves_its_parent_where_it_was_made():
    found = drawn(BASE, FORK)
    assert points(found["own fork"]) == ([2.0, 3.0], [3.0, 9.0])
    assert points(found["fork fork"]) == ([2.0], [3.0])


def test_lost_work_is_shown_when_asked_for_and_tails_stay_apart():
    tails = (Tail(array("d", [2, 3]), array("d", [5, 6])), Tail(array("d", [1]), array("d", [7])))
    lossy = curve("base", (1, 2, 3), (3.0, 2.0, 1.0), discarded=tails)
    assert "lost base" not in drawn(lossy)
    x, y = points(drawn(lossy, look=Look(lost=True))["lost base"])
    assert x == [2, 3, 3, 1, 1]
    assert [v for v in y if v == v] == [5, 6, 7]
    assert math.isnan(y[2])


def test_smoothing_keeps_the_raw_values_behind_it():
    smooth = replace(BASE, smoothing=0.5)
    found = drawn(smooth, look=Look(smoothing=0.5))
    assert list(found["raw base"].line.y) == [4.0, 3.0, 2.0, 1.0]
    # s = w s + (1 - w) v, divided by 1 - w^n
    assert list(found["own base"].line.y) == pytest.approx([4.0, 3.333333, 2.571429, 1.733333])
    assert found["raw base"].style["opacity"] < found["own base"].style["opacity"]


def test_a_delta_shows_the_differences_alone():
    fork = replace(FORK, deltas=Tail(array("d", [3]), array("d", [7])))
    found = drawn(BASE, fork, look=Look(delta=True))
    assert points(found["own fork"]) == ([3], [7])
    assert not {"own base", "past fork", "fork fork"} & set(found)


def test_each_checkpoint_is_marked_once_on_the_curve_of_its_bucket():
    shared, own = (2.0, Node("base", "1")), (3.0, Node("fork", "2"))
    base = replace(BASE, checkpoints=(shared, (4.0, Node("base", "3"))))
    fork = replace(FORK, checkpoints=(shared, own))
    found = drawn(base, fork)
    assert found["ticks base"].places == (Node("base", "1"), Node("base", "3"))
    assert found["ticks fork"].places == (Node("fork", "2"),)
    assert points(found["ticks fork"]) == ([3.0], [9.0])
    alone = drawn(base, fork, shown={"fork"})
    assert alone["ticks fork"].places == (Node("base", "1"), Node("fork", "2"))


def test_names_are_no_markup_in_a_plot():
    bad = curve("<b>x</b>%{y}", (1, 2), (1.0, 2.0), own_at=1, overrides=(("<i>", "%{x}"),))
    for trace in drawn(bad).values():
        told = trace.style.get("hovertemplate", "").replace("<b>&lt;", "")
        assert "<b>x" not in told
        assert "<i>" not in told.replace("<br><i>click", "")


def test_curves_of_one_value_have_one_colour_and_are_told_apart_by_dashes():
    found = drawn(BASE, FORK, OTHER, look=Look(colour_by="lr"))
    lines = [found[f"own {name}"].style["line"] for name in ("base", "fork", "other")]
    assert lines[0]["color"] != lines[1]["color"] == lines[2]["color"]
    assert lines[1]["dash"] != lines[2]["dash"]


def test_a_group_is_its_mean_where_all_of_it_has_rows():
    one = curve("one", (1, 2, 3, 4), (1.0, 2.0, 3.0, 4.0), hyperparameters=(("lr", 1),))
    two = curve("two", (2, 4), (4.0, 8.0), hyperparameters=(("lr", 1),))
    three = curve("three", (1, 2), (9.0, 9.0), hyperparameters=(("lr", 2),))
    found = drawn(one, two, three, look=Look(group_by="lr"))
    assert points(found["mean lr 1"]) == ([2.0, 4.0], [3.0, 6.0])
    assert found["mean lr 1"].style["name"] == "lr 1 (n=2)"
    x, y = points(found["band lr 1"])
    assert x == [2.0, 4.0, 4.0, 2.0]
    deviation = 8**0.5  # of 4 and 8, with n - 1
    assert y == pytest.approx([3 + 2**0.5, 6 + deviation, 6 - deviation, 3 - 2**0.5])
    assert points(found["mean lr 2"]) == ([1.0, 2.0], [9.0, 9.0])
    assert "band lr 2" not in found, "one run has no spread"
