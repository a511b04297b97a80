"""The language of the table's filter."""

import pytest

from explorer.errors import BadInput
from explorer.metrics import Row, parse_filter, where

ROWS = (
    Row(0, "spiral-base", {"loss": 2.0, "lr": 1e-3, "state": "done"}),
    Row(1, "spiral-low", {"loss": 2.1, "lr": 1e-4, "state": "running"}),
    Row(2, "other", {"loss": None, "lr": 1e-4, "state": None}),
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", [0, 1, 2]),
        ("loss<2.05", [0]),
        ("loss >= 2.0 lr<=1e-4", [1]),
        ("loss=2", [0]),
        ("loss==2", [0]),
        ("loss!=2", [1, 2]),
        ("loss=none", [2]),
        ("state=running", [1]),
        ("SPIRAL", [0, 1]),
        ("spiral !low", [0]),
        ("lr<nan", []),
    ],
)
def test_rows_that_hold(text, found):
    assert [row.index for row in where(ROWS, text)] == found


def test_a_filter_that_is_being_typed_says_what_it_lacks_and_holds_for_the_rest():
    half = parse_filter("spiral loss<")
    assert "loss<" in half.trouble
    assert [row.index for row in where(ROWS, half)] == [0, 1]
    with pytest.raises(BadInput) as caught:
        where(ROWS, "loss<")
    assert "lr>1e-4" in caught.value.hint
    assert not parse_filter("  ")
    assert parse_filter("!").words == ()


def test_an_unknown_column_is_named_with_the_nearest():
    with pytest.raises(BadInput) as caught:
        where(ROWS, "lost<2")
    assert "loss" in caught.value.hint
