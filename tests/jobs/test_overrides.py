"""Overrides are checked against what a template, or a recorded config, says they can be."""

from __future__ import annotations

from pathlib import Path

import pytest

import explorer.jobs
from explorer.errors import BadInput
from explorer.jobs.overrides import Allowed, check_overrides, schema_from_config
from explorer.jobs.templates import read_template
from explorer.lineage.values import Scalar

SCHEMA = {
    "lr": Allowed("float", min=0),
    "layers": Allowed("int", min=1, max=8),
    "optimizer": Allowed("str", choices=("adamw", "sgd")),
    "amp": Allowed("bool"),
}


def test_values_are_typed_by_the_schema() -> None:
    checked = check_overrides((("lr", 1), ("layers", 2), ("amp", False)), SCHEMA, where="t")
    assert checked == (("lr", 1.0), ("layers", 2), ("amp", False))
    assert isinstance(checked[0][1], float)
    assert check_overrides((("any", "thing"),), None, where="t") == (("any", "thing"),)


@pytest.mark.parametrize(
    ("name", "value", "hinted"),
    [
        ("learning_rate", 1.0, "it takes `lr`"),
        ("layer", 2, "`layers`"),
        ("lr", "high", "a number from 0"),
        ("lr", -1.0, "a number from 0"),
        ("lr", float("nan"), "a number from 0"),
        ("lr", True, "a number"),
        ("layers", 2.5, "a whole number from 1 up to 8"),
        ("layers", 9, "up to 8"),
        ("optimizer", "adam", "one of adamw, sgd"),
        ("amp", 1, "true or false"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_would(name: str, value: Scalar, hinted: str) -> None:
    with pytest.raises(BadInput) as caught:
        check_overrides(((name, value),), SCHEMA, where="t")
    assert hinted in caught.value.hint


def test_a_recorded_config_is_a_schema() -> None:
    schema = schema_from_config({"lr": 0.02, "steps": 500, "name": "a", "amp": True, "hidden": [96, 96]})
    assert check_overrides((("lr", 1), ("steps", 10), ("name", 7)), schema, where="t") == (
        ("lr", 1.0),
        ("steps", 10),
        ("name", "7"),
    )
    with pytest.raises(BadInput):
        check_overrides((("lrr", 1),), schema, where="t")
    with pytest.raises(BadInput):
        check_overrides((("hidden", 1),), schema, where="t")


def test_the_built_in_templates_can_be_read() -> None:
    found = [read_template(path) for path in (Path(explorer.jobs.__path__[0]) / "builtin").glob("*.toml")]
    assert [template.name for template in found] == ["demo"]
