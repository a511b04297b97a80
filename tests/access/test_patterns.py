from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.access.patterns import covers, matches, touches

ALPHABET = st.text(alphabet="ab/*?.\n", max_size=9)


def as_expression(pattern: str) -> re.Pattern[str]:
    """The textbook translation: fine as an oracle, exponential on hostile patterns."""
    return re.compile("".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in pattern), re.DOTALL)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("*", "", True),
        ("", "", True),
        ("a", "ab", False),
        ("a*", "a", True),
        ("a?", "a", False),
        ("a?c", "a\nc", True),
        ("*/x", "a/b/x", True),
        ("ab*ba", "aba", False),
        ("a*b?d*", "axxbcd", True),
        ("a.c", "abc", False),
        ("[ab]", "a", False),
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b", False),
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b/", True),
    ],
)
def test_table(pattern: str, text: str, expected: bool) -> None:
    assert matches(pattern, text) is expected


@given(ALPHABET, ALPHABET)
def test_it_is_the_textbook_meaning(pattern: str, text: str) -> None:
    assert matches(pattern, text) == bool(as_expression(pattern).fullmatch(text))


def test_a_hostile_pattern_ends() -> None:
    assert not matches("a*" * 500 + "b", "a" * 1024)
    assert not matches("*a?" * 200 + "b", "a" * 1024)


@given(ALPHABET, ALPHABET, ALPHABET)
def test_covers_and_touches_err_on_the_safe_side(pattern: str, prefix: str, rest: str) -> None:
    if covers(pattern, prefix):
        assert matches(pattern, prefix + rest)
    if matches(pattern, prefix + rest):
        assert touches(pattern, prefix)
