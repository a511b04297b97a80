"""The little language that chooses rows of a comparison: `val_loss<2.05 lr>1e-4 spiral !nan`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from explorer.errors import BadInput, nearest
from explorer.lineage.values import Scalar, parse_scalar

_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "=": operator.eq,
}
_CLAUSE = re.compile(r"([^<>=!\s]+)\s*(<=|>=|!=|<|>|==?)\s*([^\s<>=!]\S*)")
_HALF = re.compile(r"[<>=]")


@dataclass(frozen=True, slots=True)
class Clause:
    """One comparison of a cell with a value."""

    column: str
    sign: str
    value: Scalar

    def holds(self, cell: Scalar) -> bool:
        """Whether the cell compares so; one without a value, or of another type, only differs."""
        if cell is None or isinstance(cell, str) != isinstance(self.value, str) or self.value is None:
            return (cell is None) == (self.value is None) if self.sign == "=" else self.sign == "!="
        return _OPERATORS[self.sign](cell, self.value)


@dataclass(frozen=True, slots=True)
class Filter:
    """What rows must fulfil: every clause, and every word in the label (`!word`: not in it)."""

    text: str = ""
    clauses: tuple[Clause, ...] = ()
    words: tuple[str, ...] = ()
    trouble: str | None = None
    """What cannot be meant yet, while it is being typed; the rest holds all the same."""

    def __bool__(self) -> bool:
        return bool(self.clauses or self.words)

    def holds(self, label: str, cells: Mapping[str, Scalar]) -> bool:
        return all(self._named(word, label.lower()) for word in self.words) and all(
            clause.holds(cells.get(clause.column)) for clause in self.clauses
        )

    def unknown(self, columns: Collection[str]) -> BadInput | None:
        """The error for the first column that is not one of these; its hint names the nearest."""
        for clause in self.clauses:
            if clause.column not in columns:
                hint = nearest(clause.column, columns, ", ".join(sorted(columns)))
                return BadInput(f"There is no column `{clause.column}`.", hint=hint)
        return None

    @staticmethod
    def _named(word: str, label: str) -> bool:
        return word[1:] not in label if word[0] == "!" and len(word) > 1 else word in label


def parse_filter(text: str) -> Filter:
    """Read a filter as typed. Never raises: what is not complete yet is named in `trouble`."""
    clauses = tuple(
        Clause(name, "=" if sign == "==" else sign, parse_scalar(value))
        for name, sign, value in _CLAUSE.findall(text)
    )
    rest = _CLAUSE.sub(" ", text).split()
    half = next((word for word in rest if _HALF.search(word)), None)
    words = tuple(word.lower() for word in rest if not _HALF.search(word) and word != "!")
    trouble = None if half is None else f"`{half}` lacks a name or a value: write it like lr>1e-4"
    return Filter(text, clauses, words, trouble)
