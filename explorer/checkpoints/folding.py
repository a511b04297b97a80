"""Rows that say the same of every layer, as one row: `layers.0-31.mlp.weight`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from math import prod

_NUMBER = re.compile(r"(?<![^.\s])\d{1,6}(?![^.])")
"""A whole component of a dotted name."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line: `mark` is `+`, `-`, `~`, `→` or `!`; `a` and `b` are empty where they say nothing."""

    mark: str
    name: str
    a: str = ""
    b: str = ""
    count: int = 1
    """How many differences it stands for."""
    rows: tuple[Row, ...] = field(default=(), repr=False, compare=False)
    """Those rows, where it is more than one."""


def fold(rows: Iterable[Row]) -> tuple[Row, ...]:
    """Rows that differ in numbers only become one, where the numbers make up a full block; order is kept.

    Cost: O(rows).
    """
    groups: dict[tuple[str, str, str, str], list[tuple[Row, tuple[int, ...]]]] = {}
    for row in rows:
        found = [] if "*" in row.name else _NUMBER.findall(row.name)
        numbers = tuple(map(int, found))
        # a renamed tensor has its layer's number on both sides
        old = row.mark == "→" and found and "*" not in row.a and _NUMBER.findall(row.a) == found
        pattern = _NUMBER.sub("*", row.name) if found else row.name
        key = (row.mark, pattern, _NUMBER.sub("*", row.a) if old else row.a, row.b)
        groups.setdefault(key, []).append((row, numbers))
    return tuple(row for key, group in groups.items() for row in _folded(key[1], group))


def _folded(pattern: str, group: Sequence[tuple[Row, tuple[int, ...]]]) -> Iterable[Row]:
    first = group[0][0]
    if len(group) == 1 or not group[0][1]:
        yield from (row for row, _ in group)
        return
    columns = [sorted(set(column)) for column in zip(*(numbers for _, numbers in group), strict=True)]
    if prod(map(len, columns)) == len(group):
        ranges = [_ranges(column) for column in columns]
        old = first.mark == "→" and _NUMBER.findall(first.a) == _NUMBER.findall(first.name)
        a = _filled(_NUMBER.sub("*", first.a), ranges) if old else first.a
        told = tuple(row for row, _ in group)
        yield replace(first, name=_filled(pattern, ranges), a=a, count=len(group), rows=told)
        return
    # not a full block: one row for each value of the first number
    by_first: dict[int, list[tuple[Row, tuple[int, ...]]]] = {}
    for row, numbers in group:
        by_first.setdefault(numbers[0], []).append((row, numbers[1:]))
    for number, inner in by_first.items():
        rest = pattern.replace("*", str(number), 1)
        yield from _folded(rest, inner) if inner[0][1] else (row for row, _ in inner)


def _filled(pattern: str, ranges: Sequence[str]) -> str:
    for text in ranges:
        pattern = pattern.replace("*", text, 1)
    return pattern


def _ranges(numbers: Sequence[int]) -> str:
    """`0-31`, `0-3,8`; long irregular lists end in an ellipsis."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    shown = [str(a) if a == b else f"{a}-{b}" for a, b in spans[:6]]
    return ",".join(shown) + (",…" if len(spans) > 6 else "")
