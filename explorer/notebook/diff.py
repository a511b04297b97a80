"""A difference as a notebook shows it: sections that fold, a frame, and the value underneath."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explorer.notebook.page import dim, folded, heading, page, table, warnings

if TYPE_CHECKING:
    import pandas as pd

    from explorer.checkpoints import Diff

_OPEN_ROWS = 30
"""A section longer than this starts folded."""


class DiffView:
    """What changes from one place to another; `diff` is the plain value."""

    def __init__(self, diff: Diff) -> None:
        self.diff = diff

    @property
    def title(self) -> str:
        return f"{self.diff.a.label} → {self.diff.b.label}"

    @property
    def summary(self) -> str:
        """A few lines of text: what differs most, and every warning."""
        return self.diff.summary

    def to_frame(self) -> pd.DataFrame:
        """All differences as rows: section, change, name, a, b."""
        return self.diff.to_frame()

    def to_json(self) -> dict[str, Any]:
        """The document that `explorer diff --json` prints."""
        return self.diff.to_json()

    def __bool__(self) -> bool:
        """True where anything differs."""
        return self.diff.any

    def __repr__(self) -> str:
        return self.summary

    def _repr_html_(self) -> str:
        parts = [heading(self.title), warnings(self.diff.warnings)]
        if not self.diff.any:
            parts.append(dim("Nothing differs."))
        for section in self.diff.sections():
            if section.title == "warnings":
                continue
            rows = [(row.mark, row.name, row.a, row.b) for row in section.rows]
            body = table(("", "name", self.diff.a.label, self.diff.b.label), rows)
            parts.append(folded(section.title, body, section.note, opened=len(rows) <= _OPEN_ROWS))
        cost = self.diff.cost
        parts.append(
            dim(f"{cost.requests} requests, {cost.read_bytes:,} bytes read") if cost.requests else ""
        )
        return page(*parts)
