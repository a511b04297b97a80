"""Few points for a screen: nothing that stands out is lost, and shared history is smoothed as if it were one's own."""

import math
from array import array

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.lineage.address import Node
from explorer.metrics import Comparison, NodeCurve, Subject, compare
from explorer.metrics.pixels import Pixels, pick
from explorer.metrics.smooth import smooth, smooth_on
from tests.metrics.lineages import attempt, branch, dense

VALUES = st.floats(-1e9, 1e9) | st.sampled_from([math.nan, math.inf, -math.inf])


def curve(x, y, own_at=0):
    x, y = array("d", x), array("d", y)
    return NodeCurve(Node("n"), "n", (), x, y, x, own_at)


def lines(cuts):
    """A root of 300 rows, and a fork at each cut with other values behind it."""
    rng = np.random.default_rng(1)
    root = branch("root", attempt({float(s): rng.normal() for s in range(300)}))
    subjects = [Subject(root.node, "root", (), (root,))]
    for i, cut in enumerate(cuts):
        rows = {float(s): rng.normal() for s in range(cut + 1, 320)}
        if i % 2:
            rows[float(cut + 1)] = math.nan
        fork = branch(f"f{i}", attempt(rows, bucket=f"f{i}", restored_step=float(cut)))
        subjects.append(Subject(fork.node, f"f{i}", (), (root, fork), (root,)))
    return compare(subjects)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(-1, 299), max_size=5),
    st.sampled_from([0.0, 0.01, 0.6, 0.9, 0.999]),
)
def test_what_forks_share_is_smoothed_as_if_each_were_alone(cuts, weight):
    made = lines(cuts)
    pixels = Pixels(made)
    for i, node in enumerate(made.nodes):
        points = pixels.points(i, -1.0, 400.0, 10_000, weight=weight)
        assert points.x.tolist() == list(node.steps)
        assert points.inherited == node.own_at
        want = smooth(np.array(node.values), weight)
        assert np.allclose(points.y, want, rtol=1e-9, atol=1e-12, equal_nan=True)


@settings(max_examples=60, deadline=None)
@given(st.lists(VALUES, min_size=1, max_size=60), st.integers(0, 60), st.floats(0.001, 0.9999))
def test_an_average_goes_on_from_where_another_got_to(values, cut, weight):
    values, cut = np.array(values), min(cut, len(values))
    first = smooth_on(values, weight)
    rest = smooth_on(values[cut:], weight, first.gathered(cut))
    scale = max((abs(v) for v in values if math.isfinite(v)), default=1.0)
    assert np.allclose(rest.values, first.values[cut:], rtol=1e-7, atol=scale * 1e-9, equal_nan=True)


@settings(max_examples=100, deadline=None)
@given(st.lists(VALUES, min_size=1, max_size=300), st.integers(1, 30), st.booleans(), st.randoms())
def test_every_column_keeps_its_ends_its_extremes_and_its_first_break(values, columns, even, rng):
    n = len(values)
    gaps = [1.0 if even else rng.choice([1.0, 1.0, 50.0]) for _ in range(n)]
    x, y = np.cumsum(gaps), np.array(values)
    kept = pick(x, y, columns)
    assert (np.diff(kept) > 0).all()
    assert {0, n - 1} <= set(kept.tolist())
    assert len(kept) <= max(4 * columns, 5 * (columns + n // max(n // columns, 1) - columns + 2))
    good = np.isfinite(y)
    if good.any():
        assert y[kept][np.isfinite(y[kept])].max() == y[good].max()
        assert y[kept][np.isfinite(y[kept])].min() == y[good].min()
    if not good.all():
        assert not np.isfinite(y[kept]).all()
        assert int(np.argmin(good)) in kept


def test_a_window_has_one_point_more_at_each_end():
    made = Comparison("loss", "step", (curve(range(1000), range(1000), own_at=400),))
    points = Pixels(made).points(0, 500.5, 600.5, 1000)
    assert points.x[0] <= 500
    assert points.x[-1] == 601
    assert set(range(501, 601)) <= set(points.x.tolist())


def test_a_spike_of_one_row_is_seen_among_a_million():
    y = np.ones(1_000_000)
    y[777_777] = 9.0
    made = Comparison("loss", "step", (curve(range(len(y)), y),))
    points = Pixels(made).points(0, 0.0, 1e6, 200)
    assert len(points.x) < 900
    assert points.x[points.y.argmax()] == 777_777


def test_other_axes_are_drawn_where_they_have_a_value():
    rows = {"loss": dense(0, 9), "tokens": {s: s * 10.0 for s in map(float, range(3, 10))}}
    node = branch("n", attempt(rows))
    made = compare([Subject(node.node, "n", (), (node,))], x="tokens")
    points = Pixels(made).points(0, 0.0, 100.0, 50)
    assert points.x.tolist() == [30.0, 40, 50, 60, 70, 80, 90]


def test_rows_are_joined_only_when_asked_for():
    made = lines([100])
    fork = made.nodes[1]
    assert fork.points == 320
    assert "values" not in fork.line._joined
    assert len(fork.values) == len(fork.steps) == len(fork.x) == 320
    assert fork.values is fork.values
    with pytest.raises(AttributeError):
        _ = fork.nothing
