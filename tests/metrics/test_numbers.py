"""The numbers beside the curves: smoothing, parting, spikes, targets, tables."""

import math
from array import array

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.errors import BadInput
from explorer.metrics import Subject, compare, differing, sort_rows, table, where
from explorer.metrics.parting import parted
from explorer.metrics.smooth import smooth
from explorer.metrics.stats import reached, slope, spikes
from tests.metrics.lineages import attempt, branch, dense, series


def tensorboard_slider(values, weight):
    """As TensorBoard does it (tf_line_chart_data_loader: resmoothDataset), written out."""
    last, count, out = 0.0, 0, []
    for value in values:
        if not math.isfinite(value):
            out.append(value)
            continue
        last = last * weight + (1 - weight) * value
        count += 1
        out.append(last / (1 - weight**count))
    return out


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(-1e3, 1e3) | st.sampled_from([math.nan, math.inf]), max_size=400),
    st.sampled_from([0.0, 0.3, 0.6, 0.9, 0.99, 0.999]),
)
def test_smoothing_is_tensorboards(values, weight):
    want = tensorboard_slider(values, weight) if weight else values
    assert np.allclose(smooth(np.array(values, float), weight), want, rtol=1e-9, atol=1e-9, equal_nan=True)


def noisy(steps, values, seed=0):
    rng = np.random.default_rng(seed)
    return dict(zip(map(float, steps), (v + rng.normal(0, 0.01) for v in values), strict=True))


def test_curves_part_as_declared_bit_for_bit_and_to_the_eye():
    steps = range(300)
    base = noisy(steps, [2 - s / 400 for s in steps])
    parent = series(base)
    fork = {s: v - (0.3 if s >= 180 else 0.0) for s, v in base.items()}  # a replay, equal to 179
    told = parted(series(fork), parent, 100.0)
    assert told.declared == 100
    assert told.identical_until == 179
    assert 180 <= told.visible <= 190

    assert parted(series(base), parent, 100.0).visible is None
    assert parted(series(base), parent, 100.0).identical_until == 299
    assert parted(series({s: base[s] for s in map(float, range(101))}), parent, 100.0).identical_until is None


def test_a_curve_that_goes_nan_has_parted():
    base = noisy(range(200), [1.0] * 200)
    broken = base | {float(s): math.nan for s in range(120, 200)}
    assert parted(series(broken), series(base), 100.0).visible == 120


def test_noise_alone_is_not_parting():
    parent, fork = noisy(range(400), [1.0] * 400, 1), noisy(range(400), [1.0] * 400, 2)
    same = {s: parent[s] if s <= 200 else fork[s] for s in parent}
    told = parted(series(same), series(parent), 200.0)
    assert told.identical_until == 200
    assert told.visible is None


def test_spikes_are_counted_once_and_slow_rises_are_none():
    rng = np.random.default_rng(0)
    y = 1 + rng.normal(0, 0.01, 2000)
    y[500:503] = 5
    y[1500] = 9
    x = np.arange(2000.0)
    assert spikes(x, y) == (500.0, 1500.0)
    assert spikes(x, -y, up=True) == (500.0, 1500.0)
    assert spikes(x, np.linspace(1, 2, 2000)) == ()
    assert spikes(x[:50], y[:50]) == ()


def test_a_target_counts_when_the_curve_stays_there():
    x = np.arange(100.0)
    y = np.where(x < 60, 2.0, 1.0)
    y[20] = 0.0
    assert reached(x, y, 1.01, weight=0.0) == 60
    assert reached(x, -y, -1.01, up=True, weight=0.0) == 60
    assert reached(x, y, 0.5) is None
    assert reached(x[:0], y[:0], 1.0) is None
    assert slope(x, 3 - 0.5 * x) == pytest.approx(-0.5)
    assert slope(x[:2], y[:2]) is None


@pytest.fixture
def comparison():
    root = branch("root", attempt(dense(0, 200, value=1.0)))
    subjects = [Subject(root.node, "root", (), (root,))]
    for i, lr in enumerate((1e-3, 1e-5)):
        own = attempt(dense(101, 200, value=0.5 + i), bucket=f"fork-{i}", restored_step=100.0)
        fork = branch(f"fork-{i}", own)
        overrides = (("lr", lr), ("seed", 7))
        subjects.append(Subject(fork.node, f"fork-{i}", overrides, (root, fork), (root,)))
    return compare(subjects)


def test_rows_are_filtered_by_numbers_names_and_overrides(comparison):
    rows = table(comparison, target=0.8, weight=0.0)
    labels = lambda text: [row.label for row in where(rows, text)]  # noqa: E731
    assert labels("loss<1") == ["fork-0"]
    assert labels("lr>1e-4") == ["fork-0"]
    assert labels("fork lr<=1e-3") == ["fork-0", "fork-1"]
    assert labels("delta>0 fork-1") == ["fork-1"]
    assert labels("lr!=1e-5") == ["root", "fork-0"]
    assert labels("") == ["root", "fork-0", "fork-1"]
    assert rows[1].cells["to_target"] == 101
    with pytest.raises(BadInput) as caught:
        where(rows, "los<2")
    assert "loss" in caught.value.hint


def test_rows_are_sorted_with_those_that_lack_the_value_last(comparison):
    rows = table(comparison)
    assert [r.label for r in sort_rows(rows, "delta")] == ["fork-0", "fork-1", "root"]
    assert [r.label for r in sort_rows(rows, "delta", descending=True)] == ["fork-1", "fork-0", "root"]
    assert sort_rows(rows, "label", descending=True)[0].label == "root"
    assert differing(rows, comparison) == ("lr", "seed")
    assert differing(rows[1:], comparison) == ("lr",)
    with pytest.raises(BadInput):
        sort_rows(rows, "nope")


def test_the_document_says_where_they_parted(comparison):
    told = comparison.to_json()["nodes"][1]["parted"]
    assert told == {"declared": 100, "identical_until": 100, "visible": told["visible"]}
    assert comparison.to_json()["nodes"][0]["parted"] is None


def test_deltas_are_the_slow_way_too(comparison):
    curve = comparison.nodes[1]
    parent = comparison.nodes[0]
    slow = [
        v - parent.values[parent.steps.index(s)]
        for s, v in zip(curve.steps, curve.values, strict=True)
        if s > 100
    ]
    assert curve.deltas.values == array("d", slow)
    assert curve.mean_delta == pytest.approx(-0.5)
