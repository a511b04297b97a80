"""Which hyperparameters nodes have, which differ, and which curves share a value of one."""

import pytest

from explorer.errors import BadInput
from explorer.metrics import Subject, colour_by, compare, differing, group_by, table
from explorer.metrics.hyperparameters import differing_names, effective, flattened
from tests.metrics.lineages import attempt, branch, dense


def comparison(*several):
    subjects = []
    for i, told in enumerate(several):
        node = branch(f"n{i}", attempt(dense(0, 9), bucket=f"n{i}"))
        subjects.append(Subject(node.node, f"n{i}", (), (node,), hyperparameters=tuple(told.items())))
    return compare(subjects)


def test_nested_configurations_become_dotted_names():
    told = {"optimizer": {"lr": 1e-3, "betas": [0.9, 0.99]}, "steps": 10, "name": None}
    assert dict(flattened(told, {"optimizer": {"lr": 1.0}}, None, "no mapping")) == {
        "optimizer.lr": 1.0,
        "steps": 10,
        "name": None,
    }
    deep = {}
    for _ in range(100_000):
        deep = {"d": deep}
    assert flattened(deep) == ()


def test_a_fork_has_its_parents_configuration_under_its_own_and_what_it_changed_over_both():
    root = branch("root", attempt(dense(0, 9), config=(("lr", 1.0), ("seed", 1), ("width", 8))))
    fork = branch("fork", attempt(dense(5, 9), bucket="fork", config=(("seed", 2),)))
    assert dict(effective((root, fork), {"fork": (("lr", 3.0),)})) == {"lr": 3.0, "seed": 2, "width": 8}


def test_only_what_differs_is_told_and_no_folders_or_hosts():
    a = (("lr", 1), ("seed", 1), ("args.output_dir", "a"), ("host", "x"))
    b = (("lr", 1.0), ("seed", 2), ("args.output_dir", "b"), ("host", "y"), ("warmup", 0))
    assert differing_names([a, b]) == ("seed", "warmup")
    assert differing_names([a]) == ()
    made = comparison({"lr": 1e-3, "seed": 1}, {"lr": 1e-4, "seed": 1})
    rows = table(made)
    assert differing(rows, made) == ("lr",)
    assert [row.cells["lr"] for row in rows] == [1e-3, 1e-4]


def test_curves_are_grouped_by_value_numbers_first():
    made = comparison({"lr": 1e-2}, {"lr": "auto"}, {"lr": 1e-4}, {}, {"lr": 0.01}, {"lr": 1e-3})
    groups = group_by(made, "lr")
    assert [(g.label, g.curves) for g in groups] == [
        ("lr 0.0001", (2,)),
        ("lr 0.001", (5,)),
        ("lr 0.01", (0, 4)),
        ("lr auto", (1,)),
        ("no lr", (3,)),
    ]
    assert colour_by(made, "lr") == (2, 3, 0, 4, 2, 1)


def test_a_wide_range_is_placed_by_its_logarithm_a_narrow_one_by_itself():
    wide = group_by(comparison({"lr": 1e-4}, {"lr": 1e-3}, {"lr": 1e-2}), "lr")
    assert [g.place for g in wide] == pytest.approx([0, 0.5, 1])
    narrow = group_by(comparison({"seed": 1}, {"seed": 2}, {"seed": 5}), "seed")
    assert [g.place for g in narrow] == pytest.approx([0, 0.25, 1])
    assert [g.place for g in group_by(comparison({"seed": 1}, {"seed": 1}), "seed")] == [0]


def test_a_wrong_name_gets_a_hint():
    with pytest.raises(BadInput) as caught:
        group_by(comparison({"lr": 1}), "lt")
    assert "lr" in caught.value.hint
