"""Metrics at the two points of a diff: which are told, how, and what they do not decide."""

from __future__ import annotations

import json
from dataclasses import replace
from math import inf, nan

from explorer.checkpoints import Diff, Point, diff
from tests.checkpoints.shelf import Shelf
from tests.checkpoints.test_diffs import training


def diff_of(a: dict[str, Point], b: dict[str, Point], steps: tuple[int, int] = (100, 200)) -> Diff:
    sides = [
        replace(Shelf(training(step)).side(label), metrics=metrics)
        for label, step, metrics in zip("ab", steps, (a, b), strict=True)
    ]
    return diff(*sides)


def test_values_at_both_steps():
    found = diff_of(
        {"loss": Point(100, 2.3125), "val_loss": Point(50, 2.5), "lr": Point(100, 1e-3)},
        {"loss": Point(200, 1.875), "lr": Point(200, 1e-3), "accuracy": Point(200, 0.5)},
    )
    (section,) = [s for s in found.sections() if s.title == "metrics"]
    assert section.note == "3 values differ, at step 100 and at step 200"
    assert [(r.mark, r.name, r.a, r.b) for r in section.rows] == [
        ("~", "loss", "2.3125", "1.875"),
        ("-", "val_loss", "2.5 (step 50)", ""),
        ("+", "accuracy", "", "0.5"),
    ]
    assert "  metrics: loss 2.3125 → 1.875, val_loss 2.5 → none, accuracy none → 0.5" in found.summary
    document = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert document["metrics"][0] == {
        "metric": "loss", "a": {"step": 100, "value": 2.3125}, "b": {"step": 200, "value": 1.875}
    }  # fmt: skip
    assert [m["metric"] for m in document["metrics"]] == ["loss", "val_loss", "lr", "accuracy"]


def test_numbers_that_are_none_are_told_and_are_equal_to_themselves():
    found = diff_of(
        {"loss": Point(1, nan), "x": Point(1, 1)}, {"loss": Point(1, nan), "x": Point(1, inf)}, (100, 100)
    )
    assert [pair.differs for pair in found.metrics] == [False, True]
    document = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert document["metrics"][0]["a"]["value"] == "NaN"
    assert document["metrics"][1]["b"]["value"] == "Infinity"


def test_logs_alone_make_no_difference():
    found = diff_of({"loss": Point(100, 1)}, {"loss": Point(100, 2)}, (100, 100))
    assert not found.any


def test_hostile_names_arrive_printable():
    (section,) = [
        s for s in diff_of({"\x1b[2J\n": Point(1, 1)}, {}, (1, 1)).sections() if s.title == "metrics"
    ]
    assert section.rows[0].name.isprintable()


def test_what_went_wrong_beside_the_checkpoint_is_a_warning():
    side = replace(Shelf(training()).side("a"), troubles=("its metrics were not read: no",))
    assert diff(side, Shelf(training()).side("b")).warnings == ("a: its metrics were not read: no",)
