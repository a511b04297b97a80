"""The table under the chart: which columns fit, what stands in them, how rows are sorted."""

import math
from array import array
from dataclasses import replace

import pytest
from rich.cells import cell_len

from explorer.metrics import Best, Comparison, Parted, Tail
from explorer.tui.charts import numbers
from explorer.tui.charts.lines import Lines
from explorer.tui.charts.numbers import (
    Counter,
    Sorting,
    cell,
    columns,
    first_rows,
    heading,
    in_order,
    smoothed,
)
from explorer.tui.charts.signs import ASCII, UNICODE
from tests.tui.charts.curves import curve


def made(name, last, lr, **told):
    return curve(
        name, [(s, last + 1 - s / 10) for s in range(11)], hyperparameters=(("lr", lr), ("wd", 0.1)), **told
    )


ROOT = made("root", 2.0, 1e-3)
FORK = replace(
    made("fork-with-a-long-name", 1.0, 1e-4, own_at=6, fork=5.0, delta_to_parent=-0.25, state="failed"),
    best=Best(4.0, 1.5, True),
    parted=Parted(5.0, 7.0, 9.0),
    discarded=(Tail(array("d", [6.0]), array("d", [1.0])),),
    non_finite=3,
)
SOME = (Comparison("loss", "step", (ROOT, FORK)),)
ROWS = Counter().rows(SOME)


@pytest.mark.parametrize("width", [30, 60, 73, 100, 140, 300])
@pytest.mark.parametrize("signs", [UNICODE, ASCII], ids=["unicode", "ascii"])
@pytest.mark.parametrize("here", [True, False])
def test_rows_and_heads_are_as_wide_as_each_other_and_fit(width, signs, here):
    chosen = columns(SOME, ROWS, width, signs, here=here)
    total = sum(column.width + 2 for column in chosen) - 2
    assert total <= width
    for row in ROWS:
        assert [cell_len(cell(column, row, signs, 1.5)) for column in chosen] == [c.width for c in chosen]
    assert [cell_len(text) for _, _, text, _ in heading(chosen, Sorting("last", True), signs)] == [
        c.width for c in chosen
    ]


def test_wider_screens_never_show_fewer_columns_and_show_all_in_the_end():
    seen = set()
    for width in range(30, 300):
        keys = {column.key for column in columns(SOME, ROWS, width, UNICODE, here=False)}
        assert seen <= keys, width
        seen = keys
    assert seen >= {
        "label",
        "state",
        "lr",
        "last",
        "best",
        "best_x",
        "delta",
        "fork",
        "same_until",
        "parted",
        "nan",
        "redone",
    }
    assert "wd" not in seen, "all have the same"
    assert "spikes" not in seen, "there are none"


def told(row):
    chosen = columns(SOME, ROWS, 300, UNICODE, here=True)
    return {column.key: cell(column, row, UNICODE, 1.25).strip() for column in chosen}


def test_what_stands_in_a_row():
    fork = told(ROWS[1])
    assert fork["label"] == "fork-with-a-long-name"
    assert (fork["lr"], fork["state"], fork["here"]) == ("0.0001", "failed", "1.2500")
    assert (fork["best"], fork["best_x"]) == ("1.5000", "4*"), "marked: the parent reached it"
    assert (fork["fork"], fork["same_until"], fork["parted"]) == ("5", "7", "9")
    assert (fork["delta"], fork["nan"], fork["redone"]) == ("−0.250", "3", "1")
    assert told(ROWS[0])["delta"] == ""


def test_the_last_value_is_smoothed_and_smoother_where_the_chart_is():
    noisy = (Comparison("loss", "step", (curve("main", [(s, s % 2) for s in range(200)]),)),)
    rows = Counter().rows(noisy)
    assert 0 < rows[0].cells["last"] < 1
    lines = Lines(noisy[0])
    (smooth,) = smoothed(rows, ["loss"], [lambda i: lines.last(i, 0.99)])
    assert abs(smooth.cells["last"] - 0.5) < abs(rows[0].cells["last"] - 0.5)
    assert smooth.cells["loss"] == smooth.cells["last"]


def test_what_needs_no_counting_is_there_at_once_and_stays_the_same():
    for first, counted in zip(first_rows(SOME), ROWS, strict=True):
        assert first.label == counted.label
        assert {k: v for k, v in first.cells.items() if k != "last"}.items() <= counted.cells.items()


def test_a_million_points_are_no_quick_matter():
    counter = Counter()
    long = (Comparison("loss", "step", (curve("main", [(s, 1.0) for s in range(400_000)]),)),)
    assert counter.is_quick(SOME)
    assert not counter.is_quick(long)
    counter.rows(long)
    assert counter.is_quick(long)


def test_only_what_has_grown_is_counted_again(monkeypatch):
    counted = []
    table = numbers.table
    monkeypatch.setattr(numbers, "table", lambda c: counted.append(c.nodes[0].label) or table(c))
    counter = Counter()
    first = counter.rows(SOME)
    grown = curve("root", [(s, 3.0 - s / 10) for s in range(12)], hyperparameters=ROOT.hyperparameters)
    again = counter.rows((Comparison("loss", "step", (FORK, grown)),))
    assert counted == ["root", FORK.label, "root"]
    assert [row.index for row in again] == [0, 1]
    assert again[0].cells == first[1].cells
    assert again[1].cells["last"] != first[0].cells["last"]


def test_a_metric_named_like_a_hyperparameter_has_a_column_of_its_own():
    both = (*SOME, Comparison("lr", "step", (curve("root", [(0, 7.0)]), curve(FORK.label, [(0, 9.0)]))))
    rows = Counter().rows(both)
    chosen = columns(both, rows, 300, UNICODE, here=False)
    written = [cell(column, rows[1], UNICODE, None).strip() for column in chosen if column.head == "lr"]
    assert written == ["0.0001", "9.0000"]


def test_rows_without_a_value_come_last_either_way():
    for descending in (False, True):
        assert [row.label for row in in_order(ROWS, Sorting("delta", descending))] == [FORK.label, "root"]
    assert [row.label for row in in_order(ROWS, Sorting("last"))] == [FORK.label, "root"]
    assert in_order(ROWS, Sorting()) == ROWS
    assert in_order(ROWS, Sorting("gone")) == ROWS, "a column of the metric before"
    assert in_order((), Sorting("last")) == ()


def test_hostile_names_and_values_are_escaped():
    nasty = replace(ROOT, hyperparameters=(("lr\x1b[2J", "\u202eevil"),))
    some = (Comparison("loss", "step", (nasty, FORK)),)
    rows = Counter().rows(some)
    chosen = columns(some, rows, 300, UNICODE, here=False)
    said = "".join(c.head + cell(c, row, UNICODE, None) for row in rows for c in chosen)
    assert said.isprintable()


def test_values_that_are_no_numbers_are_said():
    some = (Comparison("loss", "step", (curve("main", [(0, math.inf), (1, math.nan)]),)),)
    (row,) = Counter().rows(some)
    assert all(cell(c, row, UNICODE, math.nan) for c in columns(some, (row,), 200, UNICODE, here=True))
