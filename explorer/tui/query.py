"""The filter's little language, and what a query finds.

`warm` in any column, `~lrw` fuzzy, `!nan` not, `loss<2.05 lr>=1e-4 step=900 size>1G age<2h` compared,
`bucket:x name:y run:failed cache:yes` in one column; all words must hold.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from copy import copy
from dataclasses import dataclass

from explorer.lineage.address import Node
from explorer.lineage.rows import Rows
from explorer.lineage.state import State
from explorer.lineage.values import Scalar, show_overrides
from explorer.tui.readings import effective_overrides, loss_at

_COMPARED = re.compile(r"([A-Za-z_][\w.]*)(<=|>=|<|>|=)(.*)", re.DOTALL)
_TEXTUAL = ("bucket", "name", "run", "cache")
_UNITS = {"k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_SPANS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


@dataclass(frozen=True, slots=True)
class Term:
    """One word of a query. `field` empty means every column."""

    kind: str
    """`has`, `fuzzy`, `in`, or the comparison sign."""
    text: str
    field: str = ""
    number: float | None = None
    inverse: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """A query as typed. `trouble` says what cannot be meant yet; the other words hold all the same."""

    text: str = ""
    terms: tuple[Term, ...] = ()
    trouble: str | None = None

    def __bool__(self) -> bool:
        return bool(self.terms)

    def narrows(self, older: Query) -> bool:
        """Whether everything this finds was found by `older`: then only those need looking at."""
        if not older.terms or len(self.terms) < len(older.terms):
            return False
        last = older.terms[-1]
        same = self.terms[len(older.terms) - 1]
        if self.terms[: len(older.terms) - 1] != older.terms[:-1] or same.inverse or last.inverse:
            return False
        grew = same.kind == last.kind in ("has", "fuzzy") and last.text in same.text
        return same == last or grew


def parse(text: str) -> Query:
    """Read a query; nothing typed is wrong, at worst a word waits to be finished."""
    terms: list[Term] = []
    trouble = None
    for word in text.split():
        inverse = word.startswith("!")
        body = word[1:] if inverse else word
        if not body or body == "~":
            continue
        term = _term(body, inverse)
        if isinstance(term, str):
            trouble = term
        else:
            terms.append(term)
    return Query(text, tuple(terms), trouble)


def _term(body: str, inverse: bool) -> Term | str:
    if body.startswith("~"):
        return Term("fuzzy", body[1:].lower(), inverse=inverse)
    field, colon, wanted = body.partition(":")
    if colon and field.lower() in _TEXTUAL:
        return Term("in", wanted.lower(), field.lower(), inverse=inverse)
    compared = _COMPARED.fullmatch(body)
    if compared is None:
        return Term("has", body.lower(), inverse=inverse)
    field, sign, wanted = compared[1].lower(), compared[2], compared[3]
    number = _number(wanted, _SPANS if field == "age" else _UNITS)
    if number is None and (sign != "=" or field in ("loss", "step", "size", "age")):
        return f"`{field}{sign}` waits for a number" if not wanted else f"`{wanted}` is not a number"
    return Term(sign, wanted.lower(), field, number, inverse)


def _number(text: str, units: dict[str, int]) -> float | None:
    scale = units.get(text[-1:].lower(), 0)
    try:
        return float(text[:-1]) * scale if scale else float(text)
    except ValueError:
        return None


class Finder:
    """Finds rows. Holds one lower-case line a row: building it is O(n), a plain word then one scan of it."""

    def __init__(self, state: State, rows: Rows) -> None:
        self.state = state
        self.rows = rows
        self._changed = {name: effective_overrides(state, name) for name in state.buckets}
        said = {name: show_overrides(changed).lower() for name, changed in self._changed.items()}
        names = {s.node: s.name or "" for b in state.buckets.values() for s in b.snapshots}
        self._lines = [
            f"{node.bucket}@{names.get(node, '')}\0{node.version or ''} {said[node.bucket]}".lower()
            for node in rows
        ]

    def of(self, state: State) -> Finder | None:
        """The same lines for a newer state of the same tree, O(1); None where they would differ."""
        if state.overrides is not self.state.overrides:
            return None
        other = copy(self)
        other.state = state
        return other

    def find(
        self,
        query: Query,
        now_ns: int,
        within: Iterable[int] | None = None,
        given_up: Callable[[], bool] = lambda: False,
    ) -> list[int]:
        """The rows that match, in order; looks at `given_up` now and then, and then returns early."""
        found: Sequence[int] = list(range(len(self.rows)) if within is None else within)
        for term in query.terms:
            holds = self._test(term, now_ns)
            kept: list[int] = []
            for start in range(0, len(found), 4096):
                if given_up():
                    return kept
                kept.extend(row for row in found[start : start + 4096] if holds(row) != term.inverse)
            found = kept
        return list(found)

    def _test(self, term: Term, now_ns: int) -> Callable[[int], bool]:
        lines, node = self._lines, self.rows.node
        if term.kind == "has":
            return lambda row: term.text in lines[row]
        if term.kind == "fuzzy":
            # within the name: digits of a version would match nearly anything
            pattern = re.compile("[^\0]*?".join(map(re.escape, term.text)))
            return lambda row: pattern.search(lines[row]) is not None
        if term.kind == "in":
            return lambda row: term.text in self._column(term.field, row)
        if term.number is None:
            return lambda row: str(self._value(term.field, node(row), now_ns)).lower() == term.text
        sign, wanted = term.kind, term.number
        return lambda row: _compare(self._value(term.field, node(row), now_ns), sign, wanted)

    def _column(self, field: str, row: int) -> str:
        node = self.rows.node(row)
        if field == "bucket":
            return node.bucket
        if field == "name":
            return self._lines[row].partition("@")[2].partition("\0")[0]
        if field == "run":
            runs = self.state.runs_in(node.bucket)
            return runs[0].state if runs else ""
        progress = self.state.prefetched.get(node)
        return "yes" if progress and progress.complete else "part" if progress else "no"

    def _value(self, field: str, node: Node, now_ns: int) -> Scalar:
        match field:
            case "loss":
                return loss_at(self.state, node)
            case "step":
                return self.state.step(node)
            case "size":
                facts = self.state.facts.get(node)
                return facts.size_bytes if facts else None
            case "age":
                return (now_ns - int(node.version)) / 1e9 if node.version else 0.0
        return next((value for name, value in self._changed[node.bucket] if name.lower() == field), None)


def _compare(value: Scalar, sign: str, wanted: float) -> bool:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return False
    match sign:
        case "<":
            return value < wanted
        case "<=":
            return value <= wanted
        case ">":
            return value > wanted
        case ">=":
            return value >= wanted
    return value == wanted
