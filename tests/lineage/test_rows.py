from hypothesis import given
from hypothesis import strategies as st
from immutables import Map

from explorer.lineage.address import Node
from explorer.lineage.rows import ASCII, Rows
from tests.lineage.forest import T0, bucket, forests, lineage


def drawn(buckets):
    rows = Rows(buckets)
    return [f"{rows.graph(i)} {rows.node(i).bucket}" for i in range(len(rows))]


def test_a_fork_joins_the_snapshot_it_came_from():
    assert drawn(lineage(bucket("main", 1, 2, 3), bucket("fork", 5, parent=("main", 2), born=4))) == [
        "  ○ fork",
        "  ● fork",
        "○ │ main",
        "● │ main",
        "●─┘ main",
        "● main",
    ]


def test_two_forks_of_one_snapshot_and_a_lane_between():
    tree = lineage(
        bucket("main", 1, 2, 9),
        bucket("a", parent=("main", 1), born=3),
        bucket("b", parent=("main", 2), born=4),
        bucket("c", parent=("main", 2), born=5),
    )
    assert drawn(tree) == [
        "○ main",
        "● main",
        "│     ○ c",
        "│   ○ │ b",
        "│ ○ │ │ a",
        "●─┼─┴─┘ main",
        "●─┘ main",
    ]


def test_a_lane_that_ended_is_used_again():
    tree = lineage(
        bucket("main", 1, 5, 9),
        bucket("old", parent=("main", 1), born=2),
        bucket("new", parent=("main", 5), born=7),
    )
    assert Rows(tree).columns == 2


def test_a_fork_of_a_version_without_a_name_joins_the_snapshot_before_it():
    rows = Rows(lineage(bucket("main", 10, 30), bucket("fork", parent=("main", 20), born=40)))
    assert rows.origin(rows.index(Node("fork"))) == rows.index(Node("main", str(T0 + 10)))


def test_a_fork_dated_before_its_parents_snapshot_by_a_coarse_clock_still_stands_above_it():
    rows = Rows(lineage(bucket("main", 10), bucket("fork", parent=("main", 10), born=-1_000_000_000)))
    assert rows.index(Node("fork")) < rows.index(Node("main", str(T0 + 10)))


def test_a_fork_whose_parent_is_not_listed_stands_alone():
    rows = Rows(lineage(bucket("fork", 5, parent=("elsewhere", 1), born=2)))
    assert [rows.graph(i) for i in range(len(rows))] == ["○", "●"]
    assert rows.origin(0) is None


def test_ascii_draws_the_same_lanes():
    rows = Rows(lineage(bucket("main", 1), bucket("fork", parent=("main", 1), born=2)))
    assert all(rows.graph(i).translate(ASCII).isascii() for i in range(len(rows)))


@given(forests())
def test_every_place_is_one_row_and_grew_from_a_row_below(tree):
    rows = Rows(tree)
    places = {b.head for b in tree.values()} | {s.node for b in tree.values() for s in b.snapshots}
    assert set(rows) == places
    assert len(rows) == len(places)
    for row in range(len(rows)):
        assert rows.index(rows.node(row)) == row
        parent = rows.parent(row)
        assert parent is None or parent > row
        if parent is None:
            assert tree[rows.node(row).bucket].parent is None
    for row in range(len(rows)):
        for fork in rows.forks(row):
            assert rows.origin(fork) == row


@given(forests())
def test_lanes_never_cross_each_other(tree):
    """Read back from the drawing alone: a bucket's rows are joined by an unbroken line in its column."""
    rows = Rows(tree)
    picture = [rows.graph(i).ljust(2 * rows.columns) for i in range(len(rows))]
    for name in tree:
        own = [i for i in range(len(rows)) if rows.node(i).bucket == name]
        column = 2 * rows.column(own[0])
        end = rows.origin(own[0])
        for row in range(own[0], own[-1] + 1 if end is None else end):
            assert picture[row][column] in ("○●" if row in own else "│┼"), (picture, name)
        if end is not None:
            assert picture[end][column] in "┘┴"
    assert all(sum(cell in "○●" for cell in line) == 1 for line in picture)


@given(forests(), forests(), st.data())
def test_rows_laid_out_from_older_ones_are_the_same(before, other, data):
    names = sorted({*before, *other})
    now = Map({n: data.draw(st.sampled_from([t for t in (before, other) if n in t]))[n] for n in names})
    fresh, kept = Rows(now), Rows(now, Rows(before))
    assert list(kept) == list(fresh)
    assert [kept.graph(row) for row in range(len(kept))] == [fresh.graph(row) for row in range(len(fresh))]
    assert [kept.parent(row) for row in range(len(kept))] == [fresh.parent(row) for row in range(len(fresh))]


def test_what_is_not_in_the_tree_has_no_row():
    rows = Rows(lineage(bucket("main", 10, 30)))
    away = (
        ("main", str(T0 + 20)),
        ("main", str(T0 + 40)),
        ("main", "1"),
        ("other", None),
        ("other", str(T0 + 10)),
    )
    assert [rows.index(Node(*place)) for place in away] == [None] * 5
