"""Whatever a file calls itself, no control character leaves this room."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.checkpoints import exportable, printable


@given(st.text(st.characters(), max_size=60), st.integers(5, 80))
def test_always_printable_and_bounded(text: str, width: int):
    assert printable(text).isprintable()
    assert printable(text, width).isprintable()
    assert len(printable("x" * 200 + text, width)) <= width * 10


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("layers.0.weight", "layers.0.weight"),
        ("größe λ 層", "größe λ 層"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\u202eb", "a\\u202eb"),
        ("two\nlines\r\t", "two\\nlines\\r\\t"),
        ("\U000e0001", "\\U000e0001"),
        ("\ud800", "\\ud800"),
        ("a\u2028b", "a\\u2028b"),
        (12, "12"),
    ],
)
def test_escapes_are_visible(text: object, shown: str):
    assert printable(text) == shown


def test_a_long_name_keeps_both_ends():
    shown = printable("layers." + "x" * 1000 + ".weight", 30)
    assert len(shown) == 30
    assert shown.startswith("layers.")
    assert shown.endswith(".weight")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "=cmd|' /C calc'!A0"])
def test_no_formula_leaves_in_an_export(text: str):
    assert exportable(text) == "'" + text
