"""A difference as a notebook shows it: sections that fold, a frame, tensors by value, the value below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from explorer.checkpoints import exportable
from explorer.checkpoints.narrowing import Filter, parse, search
from explorer.checkpoints.outline import TensorRow, kind_of, members, outline, three_way_outline
from explorer.errors import BadInput
from explorer.notebook.page import dim, folded, heading, page, table, warnings
from explorer.wording import count

if TYPE_CHECKING:
    import pandas as pd

    from explorer.checkpoints import Diff, Row, Section
    from explorer.checkpoints.fork_diff import ThreeWay
    from explorer.lineage.address import Node
    from explorer.notebook.explorer import Explorer
    from explorer.notebook.values import Values

_OPEN_ROWS = 20
"""A section longer than this starts folded."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where the two sides can be read again: for comparing values."""

    explorer: Explorer
    a: Node
    b: Node


class DiffView:
    """What changes from one place to another; `diff` is the plain value."""

    def __init__(
        self,
        diff: Diff,
        places: Places | None = None,
        *,
        wanted: Filter = Filter(),  # noqa: B008  a frozen value
        unchanged: bool = False,
    ) -> None:
        self.diff = diff
        self._places = places
        self._wanted = wanted
        self._unchanged = unchanged

    @property
    def title(self) -> str:
        return f"{self.diff.a.label} → {self.diff.b.label}"

    @property
    def summary(self) -> str:
        """A few lines of text: what differs most, and every warning."""
        return self.diff.summary

    @property
    def sections(self) -> tuple[Section, ...]:
        """What is shown: rows that fold layers have them as `rows`."""
        return search(outline(self.diff, unchanged=self._unchanged), self._wanted)

    @property
    def tensors(self) -> frozenset[tuple[str, str]]:
        """(part, name on b's side) of the tensors that are shown and that both sides have."""
        rows = (m for s in self.sections if s.title == "tensors" for row in s.rows for m in members(row))
        return frozenset(row.key for row in rows if isinstance(row, TensorRow) and row.key is not None)

    def filter(
        self,
        text: str = "",
        *,
        kind: str | Sequence[str] = (),
        section: str = "",
        unchanged: bool | None = None,
    ) -> DiffView:
        """The same diff with fewer rows: `diff.filter("layers.*.weight !bias", kind="retyped")`.

        `text` is as typed behind `/` in the terminal. `unchanged=True` has also what does not differ.

        Raises:
            BadInput: no such kind.
        """
        kinds = (kind,) if isinstance(kind, str) else tuple(kind)
        words = [text, *(f"kind:{name}" for name in kinds), f"in:{section}" if section else ""]
        wanted = parse(" ".join(word for word in words if word))
        if wanted.trouble:
            raise BadInput(
                f"There is no such kind: {wanted.trouble}.", hint='`kind="added"`, or several in a list'
            )
        return DiffView(
            self.diff,
            self._places,
            wanted=wanted,
            unchanged=self._unchanged if unchanged is None else unchanged,
        )

    def values(self, glob: str = "*", *, start: bool | None = None) -> Values:
        """Compare tensors by value: `diff.values("layers.*")`, of those that this view shows.

        Reads the bytes of both sides in the background, at once where that is less than 256 MB, else when
        `.start()` is called or its button is pressed; `.cancel()`, `.wait()` and `.to_frame()` as they say.

        Raises:
            BadInput: no tensor on both sides matches, or none of them can be compared.
        """
        from explorer.notebook.values import Values

        if self._places is None:
            raise BadInput("This diff does not know where to read values.", hint="make it with `a.diff(b)`")
        # a filter narrows the tensors; what is identical is no row of a plain view, and costs nothing
        view = self.filter(self._wanted.text, unchanged=True) if self._wanted else None
        values = Values(self._places, self.diff, glob, None if view is None else view.tensors)
        if start if start is not None else values.is_small:
            values.start()
        return values

    def to_frame(self) -> pd.DataFrame:
        """All differences as rows: section, change, name, a, b; of a filtered view the rows that it shows.

        Layers are unfolded, texts are fit for a spreadsheet.
        """
        told = _frame(self.sections)
        return (
            told
            if self._wanted or self._unchanged
            else told[told["change"] != "unread"].reset_index(drop=True)
        )

    def to_json(self) -> dict[str, Any]:
        """The document that `explorer diff --json` prints, whatever the filter."""
        return self.diff.to_json()

    def __bool__(self) -> bool:
        """True where anything differs."""
        return self.diff.any

    def __repr__(self) -> str:
        return self.summary

    def _repr_html_(self) -> str:
        a, b = self.diff.a.label, self.diff.b.label
        cost = self.diff.cost
        parts = [heading(self.title, self._wanted.text), warnings(self.diff.warnings)]
        parts += [_section(section, a, b) for section in self.sections if section.title != "warnings"]
        if self._wanted and len(parts) == 2:
            parts.append(dim("No row matches."))
        parts.append(
            dim(f"{count(cost.requests, 'request')}, {cost.read_bytes:,} bytes read") if cost.requests else ""
        )
        return page(*parts)


class ThreeWayView:
    """A fork and its parent's head, each against the snapshot between them; `told` is the plain value."""

    def __init__(self, told: ThreeWay) -> None:
        self.told = told

    @property
    def summary(self) -> str:
        return self.told.summary

    def to_frame(self) -> pd.DataFrame:
        """All rows of both diffs: section (`fork: config`, …), change, name, a, b."""
        return _frame(three_way_outline(self.told))

    def to_json(self) -> dict[str, Any]:
        """The document that `explorer diff FORK --json` prints."""
        return self.told.to_json()

    def __bool__(self) -> bool:
        return self.told.fork.any or self.told.parent.any

    def __repr__(self) -> str:
        return self.summary

    def _repr_html_(self) -> str:
        fork, parent = self.told.fork, self.told.parent
        sections = three_way_outline(self.told)
        parts = [heading(f"{fork.b.label} and {parent.b.label} since {fork.a.label}")]
        for side, diff in (("fork", fork), ("parent", parent)):
            parts.append(warnings(f"{side}: {text}" for text in diff.warnings))
        for section in sections:
            if section.title == "both":
                told = replace(section, title="changed by both")
                parts.append(_section(told, fork.b.label, parent.b.label))
            elif not section.title.endswith("warnings"):
                end = fork.b.label if section.title.startswith("fork") else parent.b.label
                parts.append(_section(section, fork.a.label, end))
        return page(*parts)


def _section(section: Section, a: str, b: str) -> str:
    rows = [(row.mark, _named(row), row.a, row.b) for row in section.rows]
    is_summary = section.title.endswith("summary")
    body = table(("", "", a, b) if is_summary else ("", "name", a, b), rows)
    unread = bool(rows) and all(kind_of(row) == "unread" for row in section.rows)
    if unread:
        body += dim('.values("layers.*") reads tensors and compares them by value')
    return folded(section.title, body, section.note, opened=len(rows) <= _OPEN_ROWS and not unread)


def _named(row: Row) -> str:
    return f"{row.name}  ({row.count:,})" if row.rows else row.name


def _frame(sections: Sequence[Section]) -> pd.DataFrame:
    import pandas

    rows = [
        (section.title, kind_of(row), exportable(row.name), exportable(row.a), exportable(row.b))
        for section in sections
        if not section.title.endswith("summary")
        for folded_row in section.rows
        for row in members(folded_row)
    ]
    return pandas.DataFrame(rows, columns=["section", "change", "name", "a", "b"])
