"""A diff into a file or onto the clipboard: JSON, CSV, a cell for a notebook, a command for a shell."""

from __future__ import annotations

import csv
import io
import json
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.checkpoints.narrowing import Filter, result_of
from explorer.checkpoints.outline import kind_of, members
from explorer.checkpoints.printable import exportable
from explorer.lineage.address import Node
from explorer.lineage.values import StoreInfo
from explorer.tui.typed import cell, command

if TYPE_CHECKING:
    from explorer.checkpoints import Diff, Section
    from explorer.checkpoints.fork_diff import ThreeWay
    from explorer.checkpoints.narrowing import Results

FORMATS = {
    "csv": "the rows on the screen, unfolded, for a spreadsheet",
    "json": "the whole diff, for programs",
}
_NUMBERS = (
    "relative", "cosine", "max_delta", "equal_share", "norm_a", "norm_b", "delta_norm", "non_finite_a",
    "non_finite_b",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shown:
    """What stands on the screen: the diff, and the rows that the filter leaves of it."""

    told: Diff | ThreeWay
    sections: Sequence[Section]
    results: Results


def to_csv(shown: Shown) -> str:
    """A row for every row on the screen, folded ones unfolded; no cell is taken for a formula."""
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(("section", "change", "name", "a", "b", *(_NUMBERS if shown.results else ())))
    writer.writerows(_rows(shown))
    return sink.getvalue()


def _rows(shown: Shown) -> Iterable[list[Any]]:
    for section in shown.sections:
        if section.title == "summary":
            continue
        for row in (member for folded in section.rows for member in members(folded)):
            texts = (section.title, kind_of(row), row.name, row.a, row.b)
            told = result_of(row, shown.results)
            numbers = told.to_json() if told is not None else {}
            yield [*map(exportable, texts), *(numbers.get(n) for n in _NUMBERS if shown.results)]


def to_json(shown: Shown) -> str:
    """The document of `explorer diff --json`, whatever the filter, with the values that were compared."""
    document = shown.told.to_json()
    if shown.results:
        document["values"] = [told.to_json() for told in shown.results.values()]
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def to_bytes(shown: Shown, path: Path) -> bytes:
    """A file in the format of its name."""
    return (to_csv(shown) if path.suffix.lower() == ".csv" else to_json(shown)).encode()


@dataclass(frozen=True, slots=True)
class Asked:
    """What was compared, as what to type for it elsewhere."""

    store: StoreInfo
    a: Node
    b: Node
    wanted: Filter
    fork: Node | None = None
    """Where three places are shown, the fork among them."""
    values: bool = False

    @property
    def python(self) -> str:
        """A cell that shows the same."""
        if self.fork is not None:
            return cell(self.store, f"ex[{self.fork.address!r}].three_way()")
        text = self.wanted.text if self.wanted else ""
        shown = f"diff.filter({text!r})" if text else "diff"
        asked = f"diff = ex[{self.a.address!r}].diff(ex[{self.b.address!r}])"
        return cell(self.store, asked, f"{shown}.values()" if self.values else shown)

    @property
    def command(self) -> str:
        """`explorer diff A B`."""
        places = [self.a.address, self.b.address] if self.fork is None else [self.fork.address]
        return shlex.join(
            [*command(self.store, "diff"), *places, *(["--values", "*"] if self.values else [])]
        )
