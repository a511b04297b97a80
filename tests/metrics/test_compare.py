import json
import math

import pytest

from explorer.errors import BadInput
from explorer.lineage.address import Node
from explorer.metrics import Subject, compare
from tests.metrics.lineages import attempt, branch, dense

ROOT = branch("root", attempt(dense(0, 200, value=1.0)))
CHILD = branch("child", attempt(dense(101, 150, value=0.5), bucket="child", restored_step=100.0))


def subject(*lineage, parent=None, overrides=()):
    node = lineage[-1].node
    return Subject(node, node.address, overrides, tuple(lineage), parent)


def test_the_document_is_as_promised():
    child = subject(ROOT, CHILD, parent=(ROOT,), overrides=(("lr", 3e-5),))
    document = json.loads(json.dumps(compare([subject(ROOT), child]).to_json(), allow_nan=False))
    assert document["metric"] == "loss"
    assert document["x"] == "step"
    root, child = document["nodes"]
    assert root["fork_step"] is None
    assert root["inherited_until"] is None
    assert root["delta_to_parent"] is None
    assert child["address"] == "child"
    assert child["overrides"] == {"lr": 3e-5}
    assert child["fork_step"] == 100
    assert child["inherited_until"] == 100
    assert child["points"][100] == [100, 1.1]
    assert child["points"][101] == [101, 0.601]
    assert child["last"] == 0.65
    assert child["delta_to_parent"] == pytest.approx(-0.5)
    assert child["best"] == {"x": 101, "value": 0.601, "inherited": False}
    assert child["non_finite"] == 0
    assert document["warnings"] == []


def test_a_best_that_the_parent_reached_is_not_the_forks_own():
    bad = branch("child", attempt(dense(101, 110, value=9.0), bucket="child", restored_step=100.0))
    (curve,) = compare([subject(ROOT, bad)]).nodes
    assert curve.best.inherited
    assert curve.best.x == 0


def test_nan_breaks_nothing_is_counted_and_never_the_best_or_the_last():
    rows = dense(0, 10) | {5.0: math.nan, 9.0: -math.inf, 10.0: math.nan}
    comparison = compare([subject(branch("root", attempt(rows)))])
    (curve,) = comparison.nodes
    assert curve.non_finite == 3
    assert curve.first_non_finite == 5
    assert curve.best.value == 0
    assert curve.last == 0.008
    assert [5, None] in comparison.to_json()["nodes"][0]["points"]


def test_the_delta_is_taken_on_the_common_domain_only():
    stopped = branch("root", attempt(dense(0, 100)))
    (curve,) = compare([subject(stopped, CHILD, parent=(stopped,))]).nodes
    assert curve.delta_to_parent is None  # the parent has no row behind the fork

    sparse = branch("root", attempt(dense(0, 120, every=10)))
    (curve,) = compare([subject(sparse, CHILD, parent=(sparse,))]).nodes
    assert curve.delta_to_parent == pytest.approx(0.62 - 0.12)  # at 120, the last step of both


def test_a_validation_loss_is_shown_before_a_training_loss_and_a_wrong_name_gets_a_hint():
    both = branch("root", attempt({"loss": dense(0, 9), "val_loss": dense(0, 9), "lr": dense(0, 9)}))
    assert compare([subject(both)]).metric == "val_loss"
    assert compare([subject(both)], "loss").metric == "loss"
    with pytest.raises(BadInput) as caught:
        compare([subject(both)], "val_los")
    assert "val_loss" in caught.value.hint
    with pytest.raises(BadInput) as caught:
        compare([subject(both)], x="tokens")
    assert "step" in caught.value.hint


def test_two_writers_are_two_curves_with_a_warning():
    walls = {s: (v, 1000 + s) for s, v in dense(0, 50).items()}
    other = {s: (v + 1, 1000 + s) for s, (v, _) in walls.items()}
    both = branch("root", attempt(walls, id="a"), attempt(other, id="b"))
    comparison = compare([subject(both)])
    assert [c.label for c in comparison.nodes] == ["root#w1", "root#w2"]
    assert "same time" in comparison.warnings[0]


def test_frames_tell_the_inherited_rows():
    comparison = compare([subject(ROOT), subject(ROOT, CHILD, parent=(ROOT,))])
    frame = comparison.to_frame()
    assert list(frame.columns) == ["node", "step", "x", "value", "inherited"]
    child = frame[frame.node == "child"]
    assert child.inherited.sum() == 101
    assert len(child) == 151
    summary = comparison.summary()
    assert summary.loc["child", "delta_to_parent"] == pytest.approx(-0.5)
    assert list(compare([subject(ROOT)]).to_frame().node.unique()) == ["root"]


def test_common_axes_are_offered_and_measured():
    rows = {
        "loss": {s: (v, 100.0 + s) for s, v in dense(0, 10).items()},
        "tokens": {s: (s * 512, 100.0 + s) for s in range(11)},
    }
    root = branch("root", attempt(rows))
    comparison = compare([subject(root)], x="tokens")
    assert comparison.axes == ("step", "tokens", "time", "active")
    assert list(comparison.nodes[0].x)[:3] == [0, 512, 1024]
    assert compare([subject(root)], x="time").nodes[0].x[0] == 100
    assert list(compare([subject(root)], x="active").nodes[0].x)[-1] == 10


def test_node_is_kept():
    assert compare([subject(ROOT)]).nodes[0].node == Node("root")


def test_a_chosen_baseline_is_what_differences_are_to():
    other = branch("other", attempt(dense(121, 150, value=0.25), bucket="other", restored_step=120.0))
    base = subject(ROOT, other, parent=(ROOT,))
    comparison = compare([subject(ROOT), base, subject(ROOT, CHILD, parent=(ROOT,))], baseline=base)
    root, same, child = comparison.nodes
    assert comparison.baseline == "other"
    assert same.deltas is None
    assert same.delta_to_parent is None
    # the root and the other one are the same up to 120; the child left at 100
    assert root.deltas.x[0] == 121
    assert root.delta_to_parent == pytest.approx(0.75)
    assert child.deltas.x[0] == 101
    assert child.deltas.values[0] == pytest.approx(-0.5)
    assert child.delta_to_parent == pytest.approx(0.25)


def test_smoothed_differences_are_of_smoothed_curves():
    wavy = {s: v + (s % 2) for s, v in dense(0, 200).items()}
    root = branch("root", attempt(wavy))
    fork = branch("fork", attempt({s: v + 1 for s, v in wavy.items() if s > 100}, restored_step=100.0))
    (curve,) = compare([subject(root, fork, parent=(root,))], smoothing=0.5).nodes
    # both carry the same past, and the gap closes in as 1 - 0.5^n
    for n, found in enumerate(curve.deltas.values, 1):
        assert found == pytest.approx(1 - 0.5**n, rel=1e-6)
    assert curve.smoothed[-1] != curve.values[-1]
    assert curve.smoothing == 0.5
    with pytest.raises(BadInput):
        compare([subject(root)], smoothing=1.0)
