"""A comparison into files: what the formats are, and the writing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from explorer.metrics import Comparison, Row
from explorer.metrics.export import export
from explorer.tui.charts import numbers
from explorer.tui.charts.signs import UNICODE
from explorer.tui.charts.view import View
from explorer.tui.screens.save_as import format_of, put

_EVERY_COLUMN = 400
FORMATS = {
    "csv": "every point as a row, for a spreadsheet",
    "parquet": "every point as a row, for pandas and polars",
    "svg": "the drawing, for a page or a paper",
    "png": "the drawing as a picture",
    "html": "the drawing and the table, as one page",
}


def formats(metrics: int) -> dict[str, str]:
    """Ends of names with what such a file is; of several metrics each gets one."""
    more = f"; {metrics} files, one a metric" if metrics > 1 else ""
    return {name: said + more for name, said in FORMATS.items()}


def proposed(comparison: Comparison) -> Path:
    """A name in the folder that the program was started from."""
    metric = "".join(c if c.isalnum() or c in "-_" else "-" for c in comparison.metric)
    return Path.cwd() / f"compare-{metric}.html"


def write(comparisons: Sequence[Comparison], rows: Sequence[Row], view: View, path: Path) -> tuple[Path, ...]:
    """Write what is shown: hidden curves are left out. Of several metrics each gets a file. Blocks.

    Raises:
        BadInput: a package is missing, or the folder cannot be written to.
    """
    written = []
    for comparison in comparisons:
        kept = replace(comparison, nodes=tuple(c for c in comparison.nodes if view.shows(c.label)))
        target = path if len(comparisons) == 1 else path.with_stem(f"{path.stem}-{proposed(kept).stem[8:]}")
        data = export(
            kept, format_of(path), rows=told(comparison, rows, view), full=view.full, log_y=view.log_y
        )
        put(target, data)
        written.append(target)
    return tuple(written)


def told(comparison: Comparison, rows: Sequence[Row], view: View) -> list[list[str]]:
    """The table as text, its head first, every column that has something in it."""
    kept = [row for row in rows if view.shows(row.label)]
    chosen = numbers.columns((comparison,), kept, _EVERY_COLUMN, UNICODE, here=False)
    cells = [[numbers.cell(column, row, UNICODE, None).strip() for column in chosen] for row in kept]
    return [[column.head for column in chosen], *cells]
